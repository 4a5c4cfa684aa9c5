import type { IpListener, IpPacket } from './ip.ts'
import type { IpReport } from './report.ts'

/** What became of a received packet: `'refused'` where nobody took it, `'no-listener'` where nobody speaks its protocol. */
export type IpDelivery = 'taken' | 'refused' | 'no-listener'

interface Entry {
  readonly listener: IpListener
  listening: boolean
}

const NONE: readonly Entry[] = []

/**
 * The table behind `Ip.listen`: who receives which protocol. Lists are replaced, never changed, since listeners come and go while one
 * is walked.
 */
export class IpListeners {
  readonly #byProtocol: (readonly Entry[])[] = new Array(256).fill(NONE)
  /** Everybody once, for the ends of batches. */
  #all: readonly IpListener[] = []

  /** As `Ip.listen`. Throws a RangeError on what is no protocol number. */
  add(protocol: number, listener: IpListener): () => void {
    if (!(Number.isInteger(protocol) && protocol >= 0 && protocol <= 255))
      throw new RangeError(`protocol must be in 0..255, got ${protocol}`)
    const entry: Entry = { listener, listening: true }
    this.#set(protocol, [...this.#byProtocol[protocol]!, entry])
    return () => {
      if (!entry.listening) return
      entry.listening = false
      this.#set(
        protocol,
        this.#byProtocol[protocol]!.filter((e) => e !== entry),
      )
    }
  }

  #set(protocol: number, list: readonly Entry[]): void {
    this.#byProtocol[protocol] = list
    this.#all = [...new Set(this.#byProtocol.flat().map((e) => e.listener))]
  }

  /** Somebody speaks the protocol. */
  has(protocol: number): boolean {
    return this.#byProtocol[protocol]!.length > 0
  }

  /** Asks the listeners of `packet.protocol` in turn until one takes the segment at `buf[off..end)`. */
  deliver(buf: Uint8Array, off: number, end: number, packet: IpPacket): IpDelivery {
    const list = this.#byProtocol[packet.protocol]!
    for (let i = 0; i < list.length; i++) {
      const { listener, listening } = list[i]!
      if (listening && listener.packet(buf, off, end, packet)) return 'taken'
    }
    return list.length === 0 ? 'no-listener' : 'refused'
  }

  /** Tells every listener of the protocol. */
  report(protocol: number, report: IpReport): void {
    for (const { listener, listening } of this.#byProtocol[protocol]!) if (listening) listener.error?.(report)
  }

  /** Tells each listener once. */
  batchEnd(): void {
    const all = this.#all
    for (let i = 0; i < all.length; i++) all[i]!.batchEnd?.()
  }

  /** Removes everybody. */
  clear(): void {
    for (const list of this.#byProtocol) for (const entry of list) entry.listening = false
    this.#byProtocol.fill(NONE)
    this.#all = []
  }
}
