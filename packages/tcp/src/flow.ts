import type { Endpoint } from '@fata/addr'
import { FlowError, iterateFlow, toWebStreams, type WebStreams } from '@fata/flow'
import type { Piece } from './core/byte-queue.ts'
import { configure, receive, send, setKeepalive } from './core/calls.ts'
import { abort, closeBoth, closeSending, dropReceived, linger } from './core/close.ts'
import { type Connection, finAcked, finSent } from './core/connection.ts'
import { hasSendRoom } from './core/send-room.ts'
import {
  EVENT_CLOSED,
  EVENT_FIN_ACKED,
  EVENT_FIN_SENT,
  EVENT_READABLE,
  EVENT_SOFT_ERROR,
  EVENT_STALLED,
  EVENT_URGENT,
  EVENT_WRITABLE,
} from './core/signals.ts'
import { TcpError } from './errors.ts'
import { failureOf } from './failures.ts'
import { checkFlowOptions, checkRange, type TcpFlowOptions } from './flow-options.ts'
import { infoOf } from './info.ts'
import type { TcpFlow, TcpInfo, TcpReadOptions, TcpReport, TcpWriteOptions } from './interface.ts'
import type { Host, Owner } from './owner.ts'
import { WaitList } from './wait-list.ts'

const DONE = Promise.resolve()
const READINESS = EVENT_READABLE | EVENT_WRITABLE | EVENT_CLOSED

/** The promises of a connection. What only waits need is made when somebody waits. */
export class ConnectionFlow implements TcpFlow, Owner {
  onReport: ((report: TcpReport) => void) | undefined = undefined
  onReady: (() => void) | undefined = undefined
  readonly #c: Connection
  readonly #host: Host
  #readers: WaitList<Uint8Array | null> | undefined
  #writers: WaitList<void> | undefined
  /** Who waits for the FIN to leave; for everything to have arrived. */
  #shutters: WaitList<void> | undefined
  #closers: WaitList<void> | undefined
  #streams: WebStreams | undefined
  /** What the last `read` lent. */
  #borrowed: Piece | undefined
  #failure: { readonly error: unknown } | undefined
  #shut = false
  #closed = false
  /** The peer's end was known and not read when the flow was aborted. */
  #endLost = false

  constructor(c: Connection, host: Host) {
    this.#c = c
    this.#host = host
  }

  get local(): Endpoint {
    return { address: this.#c.local, port: this.#c.localPort }
  }

  get remote(): Endpoint {
    return { address: this.#c.remote, port: this.#c.remotePort }
  }

  get streams(): WebStreams {
    this.#streams ??= toWebStreams(this)
    return this.#streams
  }

  read(options?: TcpReadOptions): Promise<Uint8Array | null> {
    const signal = options?.signal
    const borrow = options?.borrow === true
    const most = options?.most ?? Number.POSITIVE_INFINITY
    checkRange('most', most, 1, Number.POSITIVE_INFINITY)
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    this.#giveBack()
    if (this.#readers === undefined || this.#readers.size === 0) {
      const chunk = this.#take(borrow, most)
      if (chunk !== undefined) return Promise.resolve(chunk)
    }
    if (this.#isEnded()) return Promise.resolve(null)
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    this.#readers ??= new WaitList()
    return this.#readers.wait(signal, borrow, most)
  }

  peek(most: number): Uint8Array {
    return this.#closed ? new Uint8Array(0) : (this.#c.received?.peek(most) ?? new Uint8Array(0))
  }

  write(chunk: Uint8Array, options?: TcpWriteOptions): Promise<void> {
    if (Object.prototype.toString.call(chunk) !== '[object Uint8Array]')
      throw new TypeError('a flow carries Uint8Arrays')
    const signal = options?.signal
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    this.#noteFailure()
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    if (this.#shut) return Promise.reject(new FlowError('ERR_FLOW_CLOSED', 'the flow was shut down'))
    const c = this.#c
    if (!send(c, chunk, options?.urgent === true))
      return Promise.reject(new TcpError('ERR_TCP_LIMIT', 'no memory is left for data that is written'))
    this.#host.touch(c)
    if (hasSendRoom(c)) return DONE
    this.#writers ??= new WaitList()
    return this.#writers.wait(signal)
  }

  shutdown(): Promise<void> {
    this.#noteFailure()
    if (this.#failure !== undefined) return Promise.reject(this.#failure.error)
    this.#endSending()
    if (finSent(this.#c) || this.#c.state === 'CLOSED') return DONE
    this.#shutters ??= new WaitList()
    return this.#shutters.wait(undefined)
  }

  close(): Promise<void> {
    const { lingerMs } = this.#c.chosen
    if (!this.#closed) {
      if (lingerMs === 0) this.abort()
      this.#closed = true
      this.#giveBack()
      this.#readers?.resolveAll(null)
      if (this.#c.state === 'CLOSED') dropReceived(this.#c)
      closeBoth(this.#c, this.#host.now())
      if (lingerMs !== undefined) linger(this.#c, this.#host.now() + lingerMs)
      this.#shut = true
      this.#host.touch(this.#c)
    }
    if (this.#c.state === 'CLOSED' || finAcked(this.#c)) return DONE
    this.#closers ??= new WaitList()
    return this.#closers.wait(undefined)
  }

  abort(reason?: unknown): void {
    const c = this.#c
    this.#noteFailure()
    if (this.#failure !== undefined) return
    if (this.#closed && (c.state === 'CLOSED' || finAcked(c))) return
    this.#endLost = (c.received?.length ?? 0) > 0
    this.#giveBack()
    dropReceived(c)
    abort(c, 'ERR_TCP_ABORTED')
    this.#fail(reason === undefined ? failureOf(c, 'ERR_TCP_ABORTED') : reason)
    this.#host.touch(c)
  }

  info(): TcpInfo {
    return infoOf(this.#c, this.#host.now())
  }

  configure(options: TcpFlowOptions): void {
    const c = this.#c
    const chosen = checkFlowOptions(options)
    configure(c, chosen)
    if (options.keepalive !== undefined) setKeepalive(c, chosen.keepalive, this.#host.now())
    this.#host.touch(c)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    return iterateFlow(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  onEvents(c: Connection, events: number): void {
    if ((events & EVENT_READABLE) !== 0) this.#serveReaders()
    if ((events & EVENT_WRITABLE) !== 0 && this.#writers !== undefined && hasSendRoom(c)) this.#writers.resolveAll()
    if ((events & EVENT_FIN_SENT) !== 0) this.#shutters?.resolveAll()
    if ((events & EVENT_FIN_ACKED) !== 0) this.#closers?.resolveAll()
    if ((events & EVENT_CLOSED) !== 0) this.#onClosed()
    if ((events & READINESS) !== 0) this.onReady?.()
    if (this.onReport === undefined) return
    if ((events & EVENT_URGENT) !== 0) this.onReport('urgent')
    if ((events & EVENT_SOFT_ERROR) !== 0) this.onReport('soft-error')
    if ((events & EVENT_STALLED) !== 0) this.onReport('stalled')
  }

  #serveReaders(): void {
    const readers = this.#readers
    if (readers === undefined) return
    while (readers.size > 0) {
      const chunk = this.#take(readers.firstBorrows, readers.firstMost)
      if (chunk === undefined) break
      readers.resolveFirst(chunk)
    }
    if (this.#isEnded()) readers.resolveAll(null)
  }

  /** The next chunk that has arrived. */
  #take(borrow: boolean, most: number): Uint8Array | undefined {
    if (this.#closed) return undefined
    const c = this.#c
    const piece = receive(c, most)
    if (piece === undefined) return undefined
    if (borrow) {
      // Two reads at once: who was served first has not looked at his chunk yet.
      if (this.#borrowed !== undefined) c.tcp.receiveMemory.release(this.#borrowed.slab, true)
      this.#borrowed = piece
    } else {
      c.tcp.receiveMemory.release(piece.slab, true)
    }
    if (c.needs !== 0) this.#host.touch(c)
    return piece.slab.bytes.subarray(piece.start, piece.end)
  }

  #giveBack(): void {
    if (this.#borrowed === undefined) return
    this.#c.tcp.receiveMemory.release(this.#borrowed.slab, false)
    this.#borrowed = undefined
  }

  /** Reading has come to its end. */
  #isEnded(): boolean {
    const c = this.#c
    return this.#closed || (c.finReceived && !this.#endLost && (c.received?.length ?? 0) === 0)
  }

  #endSending(): void {
    if (this.#shut) return
    this.#shut = true
    closeSending(this.#c)
    this.#host.touch(this.#c)
  }

  #onClosed(): void {
    this.#noteFailure()
    this.#readers?.resolveAll(null)
    this.#writers?.resolveAll()
    this.#shutters?.resolveAll()
    this.#closers?.resolveAll()
  }

  /** Takes over why the connection is gone, if it is and nothing was said before. */
  #noteFailure(): void {
    if (this.#failure === undefined && this.#c.failure !== undefined) this.#fail(failureOf(this.#c, this.#c.failure))
  }

  #fail(error: unknown): void {
    this.#failure = { error }
    this.#readers?.rejectAll(error)
    this.#writers?.rejectAll(error)
    this.#shutters?.rejectAll(error)
    this.#closers?.resolveAll()
  }
}
