import type { Ipv4 } from '@fata/addr'

/** An echo request under way. */
export interface Ping<T> {
  readonly id: number
  readonly sequence: number
  readonly dst: Ipv4
  readonly sentAt: number
  readonly expiresAt: number
  /** The sender's own. */
  readonly ticket: T
}

function keyOf(id: number, sequence: number): number {
  return id * 65536 + sequence
}

/** Echo requests that wait for an answer. */
export class Pings<T> {
  readonly #pings = new Map<number, Ping<T>>()
  readonly #timedOut: Ping<T>[] = []
  #deadline = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#pings.size
  }

  has(id: number, sequence: number): boolean {
    return this.#pings.has(keyOf(id, sequence))
  }

  start(ping: Ping<T>): void {
    this.#pings.set(keyOf(ping.id, ping.sequence), ping)
    this.#deadline = Math.min(this.#deadline, ping.expiresAt)
  }

  find(id: number, sequence: number): Ping<T> | undefined {
    return this.#pings.get(keyOf(id, sequence))
  }

  /** The ping is over. */
  remove(ping: Ping<T>): void {
    if (this.find(ping.id, ping.sequence) === ping) this.#pings.delete(keyOf(ping.id, ping.sequence))
    if (this.#pings.size === 0) this.#deadline = Number.POSITIVE_INFINITY
  }

  /** Removes and returns all. */
  clear(): Ping<T>[] {
    const all = [...this.#pings.values()]
    this.#pings.clear()
    this.#deadline = Number.POSITIVE_INFINITY
    return all
  }

  timeout(now: number): void {
    if (now < this.#deadline) return
    this.#deadline = Number.POSITIVE_INFINITY
    for (const [key, ping] of this.#pings) {
      if (ping.expiresAt > now) {
        this.#deadline = Math.min(this.#deadline, ping.expiresAt)
        continue
      }
      this.#pings.delete(key)
      this.#timedOut.push(ping)
    }
  }

  /** A ping that timed out. */
  poll(): Ping<T> | undefined {
    return this.#timedOut.shift()
  }

  /** No later than the first timeout. */
  deadline(): number {
    return this.#deadline
  }
}
