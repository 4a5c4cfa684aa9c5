import type { UdpError } from './errors.ts'
import { requireInteger } from './options.ts'
import type { Datagram, UdpReceiveOptions } from './types.ts'

interface Waiter {
  readonly resolve: (datagram: Datagram) => void
  readonly reject: (reason: unknown) => void
}

/** Datagrams that wait for receivers, or receivers that wait for datagrams: for implementations of `UdpSocket`. */
export class ReceiveQueue {
  readonly #mostDatagrams: number
  readonly #mostBytes: number
  #datagrams: Datagram[] = []
  /** Those before it have been taken. */
  #head = 0
  #bytes = 0
  #waiters: Waiter[] = []
  #error: UdpError | undefined
  #closed: UdpError | undefined

  constructor(mostDatagrams: number, mostBytes: number) {
    this.#mostDatagrams = mostDatagrams
    this.#mostBytes = mostBytes
  }

  /** Whether `put` may be called with as many bytes. */
  hasRoom(bytes: number): boolean {
    const count = this.#datagrams.length - this.#head
    return count === 0 || (count < this.#mostDatagrams && this.#bytes + bytes <= this.#mostBytes)
  }

  /** To whoever waits first, else into the queue. */
  put(datagram: Datagram): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) {
      waiter.resolve(datagram)
      return
    }
    this.#datagrams.push(datagram)
    this.#bytes += datagram.data.length
  }

  /** Rejects whoever waits first, else the next who comes and finds no datagram. False where it takes the place of an error that nobody has heard. */
  fail(error: UdpError): boolean {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) {
      waiter.reject(error)
      return true
    }
    const alone = this.#error === undefined
    this.#error = error
    return alone
  }

  /** The next datagram. Rejects as `UdpSocket.receive`. */
  /** As `UdpSocket.receive`. */
  take({ signal, maxBytes }: UdpReceiveOptions): Promise<Datagram> {
    if (maxBytes === undefined) return this.#take(signal)
    requireInteger('maxBytes', maxBytes, 0, Number.MAX_SAFE_INTEGER)
    return this.#take(signal).then((datagram) =>
      datagram.size <= maxBytes ? datagram : { ...datagram, data: datagram.data.slice(0, maxBytes) },
    )
  }

  #take(signal: AbortSignal | undefined): Promise<Datagram> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const datagram = this.#shift()
    if (datagram !== undefined) return Promise.resolve(datagram)
    const error = this.#closed ?? this.#error
    this.#error = undefined
    if (error !== undefined) return Promise.reject(error)
    return signal === undefined ? this.#wait() : this.#waitUnless(signal)
  }

  /** Empties the queue; everybody who waits or comes later hears `error`. */
  close(error: UdpError): void {
    this.#closed = error
    this.#datagrams = []
    this.#head = 0
    const waiters = this.#waiters
    this.#waiters = []
    for (const waiter of waiters) waiter.reject(error)
  }

  #shift(): Datagram | undefined {
    const datagram = this.#datagrams[this.#head]
    if (datagram === undefined) return undefined
    this.#bytes -= datagram.data.length
    this.#head++
    if (this.#head * 2 > this.#datagrams.length) {
      this.#datagrams = this.#datagrams.slice(this.#head)
      this.#head = 0
    }
    return datagram
  }

  #wait(): Promise<Datagram> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
    })
  }

  #waitUnless(signal: AbortSignal): Promise<Datagram> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(signal.reason)
      }
      const settled = <T>(settle: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          signal.removeEventListener('abort', onAbort)
          settle(value)
        }
      }
      const waiter: Waiter = { resolve: settled(resolve), reject: settled(reject) }
      this.#waiters.push(waiter)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }
}
