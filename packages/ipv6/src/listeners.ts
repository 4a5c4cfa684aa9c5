import type { IpListener, IpPacket, IpReport } from '@fata/ip'

/** What became of a segment: `'refused'` where nobody took it, `'no-listener'` where nobody speaks its protocol. */
export type Delivery = 'taken' | 'refused' | 'no-listener'

interface Entry {
  readonly listener: IpListener
  /** It has not been removed, as it may be while a list is walked. */
  listening: boolean
}

const NONE: readonly Entry[] = []

/** Who receives which protocol. Lists are replaced, never changed, since listeners come and go while one is walked. */
export class Listeners {
  readonly #byProtocol: (readonly Entry[])[] = new Array(256).fill(NONE)
  /** Everybody once, for the ends of batches. */
  #all: readonly IpListener[] = []

  add(protocol: number, listener: IpListener): () => void {
    if (!(Number.isInteger(protocol) && protocol >= 0 && protocol <= 255)) {
      throw new RangeError(`protocol must be in 0..255, got ${protocol}`)
    }
    const entry: Entry = { listener, listening: true }
    this.#set(protocol, [...this.#byProtocol[protocol]!, entry])
    return () => {
      entry.listening = false
      this.#set(
        protocol,
        this.#byProtocol[protocol]!.filter((other) => other !== entry),
      )
    }
  }

  #set(protocol: number, list: readonly Entry[]): void {
    this.#byProtocol[protocol] = list
    this.#all = [...new Set(this.#byProtocol.flat().map((entry) => entry.listener))]
  }

  deliver(buf: Uint8Array, off: number, end: number, packet: IpPacket): Delivery {
    const list = this.#byProtocol[packet.protocol]!
    for (let i = 0; i < list.length; i++) {
      const { listener, listening } = list[i]!
      if (listening && listener.packet(buf, off, end, packet)) return 'taken'
    }
    return list.length === 0 ? 'no-listener' : 'refused'
  }

  report(protocol: number, report: IpReport): void {
    for (const { listener, listening } of this.#byProtocol[protocol]!) if (listening) listener.error?.(report)
  }

  batchEnd(): void {
    const all = this.#all
    for (let i = 0; i < all.length; i++) all[i]!.batchEnd?.()
  }

  clear(): void {
    for (const list of this.#byProtocol) for (const entry of list) entry.listening = false
    this.#byProtocol.fill(NONE)
    this.#all = []
  }
}
