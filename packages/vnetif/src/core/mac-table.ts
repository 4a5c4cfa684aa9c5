import type { Mac } from '@fata/addr'

interface Entry<Port> {
  port: Port
  seenAt: number
}

/** Which port an address was last seen at (IEEE 802.1D §7.9). Bounded: the address that has been silent longest makes room. */
export class MacTable<Port> {
  readonly #capacity: number
  readonly #ageMs: number
  // In order of `seenAt`.
  readonly #entries = new Map<Mac, Entry<Port>>()
  /** Changes whenever what `lookup` says of some address may have changed other than by age. */
  generation = 0
  learned = 0
  moved = 0
  evicted = 0

  constructor(capacity: number, ageMs: number) {
    this.#capacity = capacity
    this.#ageMs = ageMs
  }

  get size(): number {
    return this.#entries.size
  }

  /** Notes that a frame from `mac` came in at `port`. */
  learn(mac: Mac, port: Port, now: number): void {
    const entry = this.#entries.get(mac)
    if (entry === undefined) {
      if (this.#entries.size >= this.#capacity) this.#evict(now)
      this.#entries.set(mac, { port, seenAt: now })
      this.learned++
      this.generation++
      return
    }
    if (entry.port !== port) {
      entry.port = port
      this.moved++
      this.generation++
    }
    if (entry.seenAt === now) return
    entry.seenAt = now
    this.#entries.delete(mac)
    this.#entries.set(mac, entry)
  }

  /** The port of `mac`; undefined where it is unknown or has not been seen for too long. */
  lookup(mac: Mac, now: number): Port | undefined {
    const entry = this.#entries.get(mac)
    if (entry === undefined) return undefined
    if (now - entry.seenAt < this.#ageMs) return entry.port
    this.#entries.delete(mac)
    return undefined
  }

  /** Forgets every address of a port. */
  forget(port: Port): void {
    for (const [mac, entry] of this.#entries) if (entry.port === port) this.#entries.delete(mac)
    this.generation++
  }

  #evict(now: number): void {
    for (const [mac, { seenAt }] of this.#entries) {
      this.#entries.delete(mac)
      if (now - seenAt < this.#ageMs) this.evicted++
      break
    }
    this.generation++
  }
}
