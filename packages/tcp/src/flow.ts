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
import { type CheckedFlowOptions, checkFlowOptions, checkRange, type TcpFlowOptions } from './flow-options.ts'
import { infoOf } from './info.ts'
import type { TcpFlow, TcpInfo, TcpReadOptions, TcpReport, TcpWriteOptions } from './interface.ts'
import type { Host, Owner, Parking } from './owner.ts'
import { WaitList } from './wait-list.ts'

const DONE = Promise.resolve()
const READINESS = EVENT_READABLE | EVENT_WRITABLE | EVENT_CLOSED

/** What a flow has been told or asked for; bits of `#is`. */
const SHUT = 1
const CLOSED = 2
/** The peer's end was known and not read when the flow was aborted. */
const END_LOST = 4

/** What a flow has only while somebody waits, listens or has borrowed, or when it has failed. */
class Extra {
  onReport: ((report: TcpReport) => void) | undefined = undefined
  onReady: (() => void) | undefined = undefined
  readers: WaitList<Uint8Array | null> | undefined = undefined
  writers: WaitList<void> | undefined = undefined
  /** Who waits for the FIN to leave; for everything to have arrived. */
  shutters: WaitList<void> | undefined = undefined
  closers: WaitList<void> | undefined = undefined
  streams: WebStreams | undefined = undefined
  /** What the last `read` lent. */
  borrowed: Piece | undefined = undefined
  failure: { readonly error: unknown } | undefined = undefined
}

/** The promises of a connection, which it can outlast in packed form: see `Packer`. */
export class ConnectionFlow implements TcpFlow, Owner, Parking {
  #c: Connection | string
  readonly #host: Host
  /** The options of a packed connection. */
  #chosen: CheckedFlowOptions | undefined
  #extra: Extra | undefined
  #is = 0

  constructor(c: Connection, host: Host) {
    this.#c = c
    this.#host = host
  }

  get onReport(): ((report: TcpReport) => void) | undefined {
    return this.#extra?.onReport
  }

  set onReport(listener: ((report: TcpReport) => void) | undefined) {
    this.#extras().onReport = listener
  }

  get onReady(): (() => void) | undefined {
    return this.#extra?.onReady
  }

  set onReady(listener: (() => void) | undefined) {
    this.#extras().onReady = listener
  }

  get parking(): Parking {
    return this
  }

  get packed(): string | undefined {
    return typeof this.#c === 'string' ? this.#c : undefined
  }

  get chosen(): CheckedFlowOptions {
    return this.#chosen ?? this.#connection.chosen
  }

  park(packed: string, chosen: CheckedFlowOptions): void {
    this.#c = packed
    this.#chosen = chosen
  }

  unpark(c: Connection): void {
    this.#c = c
    this.#chosen = undefined
  }

  get local(): Endpoint {
    return { address: this.#connection.local, port: this.#connection.localPort }
  }

  get remote(): Endpoint {
    return { address: this.#connection.remote, port: this.#connection.remotePort }
  }

  get streams(): WebStreams {
    const extra = this.#extras()
    extra.streams ??= toWebStreams(this)
    return extra.streams
  }

  read(options?: TcpReadOptions): Promise<Uint8Array | null> {
    const signal = options?.signal
    const borrow = options?.borrow === true
    const most = options?.most ?? Number.POSITIVE_INFINITY
    checkRange('most', most, 1, Number.POSITIVE_INFINITY)
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    this.#giveBack()
    if ((this.#extra?.readers?.size ?? 0) === 0) {
      const chunk = this.#take(borrow, most)
      if (chunk !== undefined) return Promise.resolve(chunk)
    }
    if (this.#isEnded()) return Promise.resolve(null)
    if (this.#extra?.failure !== undefined) return Promise.reject(this.#extra.failure.error)
    const readers = (this.#extras().readers ??= new WaitList())
    return readers.wait(signal, borrow, most)
  }

  peek(most: number): Uint8Array {
    return (this.#is & CLOSED) !== 0 ? new Uint8Array(0) : (this.#connection.received?.peek(most) ?? new Uint8Array(0))
  }

  write(chunk: Uint8Array, options?: TcpWriteOptions): Promise<void> {
    if (Object.prototype.toString.call(chunk) !== '[object Uint8Array]')
      throw new TypeError('a flow carries Uint8Arrays')
    const signal = options?.signal
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    this.#noteFailure()
    if (this.#extra?.failure !== undefined) return Promise.reject(this.#extra.failure.error)
    if ((this.#is & SHUT) !== 0) return Promise.reject(new FlowError('ERR_FLOW_CLOSED', 'the flow was shut down'))
    const c = this.#connection
    if (!send(c, chunk, options?.urgent === true))
      return Promise.reject(new TcpError('ERR_TCP_LIMIT', 'no memory is left for data that is written'))
    this.#host.touch(c)
    if (hasSendRoom(c)) return DONE
    const writers = (this.#extras().writers ??= new WaitList())
    return writers.wait(signal)
  }

  shutdown(): Promise<void> {
    this.#noteFailure()
    if (this.#extra?.failure !== undefined) return Promise.reject(this.#extra.failure.error)
    this.#endSending()
    if (finSent(this.#connection) || this.#connection.state === 'CLOSED') return DONE
    const shutters = (this.#extras().shutters ??= new WaitList())
    return shutters.wait(undefined)
  }

  close(): Promise<void> {
    const { lingerMs } = this.#connection.chosen
    if ((this.#is & CLOSED) === 0) {
      if (lingerMs === 0) this.abort()
      this.#is |= CLOSED
      this.#giveBack()
      this.#extra?.readers?.resolveAll(null)
      if (this.#connection.state === 'CLOSED') dropReceived(this.#connection)
      closeBoth(this.#connection, this.#host.now())
      if (lingerMs !== undefined) linger(this.#connection, this.#host.now() + lingerMs)
      this.#is |= SHUT
      this.#host.touch(this.#connection)
    }
    if (this.#connection.state === 'CLOSED' || finAcked(this.#connection)) return DONE
    const closers = (this.#extras().closers ??= new WaitList())
    return closers.wait(undefined)
  }

  abort(reason?: unknown): void {
    const c = this.#connection
    this.#noteFailure()
    if (this.#extra?.failure !== undefined) return
    if ((this.#is & CLOSED) !== 0 && (c.state === 'CLOSED' || finAcked(c))) return
    if ((c.received?.length ?? 0) > 0) this.#is |= END_LOST
    this.#giveBack()
    dropReceived(c)
    abort(c, 'ERR_TCP_ABORTED')
    this.#fail(reason === undefined ? failureOf(c, 'ERR_TCP_ABORTED') : reason)
    this.#host.touch(c)
  }

  info(): TcpInfo {
    return infoOf(this.#connection, this.#host.now())
  }

  configure(options: TcpFlowOptions): void {
    const c = this.#connection
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
    if ((events & EVENT_WRITABLE) !== 0 && this.#extra?.writers !== undefined && hasSendRoom(c))
      this.#extra?.writers.resolveAll()
    if ((events & EVENT_FIN_SENT) !== 0) this.#extra?.shutters?.resolveAll()
    if ((events & EVENT_FIN_ACKED) !== 0) this.#extra?.closers?.resolveAll()
    if ((events & EVENT_CLOSED) !== 0) this.#onClosed()
    if ((events & READINESS) !== 0) this.onReady?.()
    if (this.onReport === undefined) return
    if ((events & EVENT_URGENT) !== 0) this.onReport('urgent')
    if ((events & EVENT_SOFT_ERROR) !== 0) this.onReport('soft-error')
    if ((events & EVENT_STALLED) !== 0) this.onReport('stalled')
  }

  /** The connection, unpacked. */
  get #connection(): Connection {
    return typeof this.#c === 'string' ? this.#host.wake(this) : this.#c
  }

  #extras(): Extra {
    this.#extra ??= new Extra()
    return this.#extra
  }

  #serveReaders(): void {
    const readers = this.#extra?.readers
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
    if ((this.#is & CLOSED) !== 0) return undefined
    const c = this.#connection
    const piece = receive(c, most)
    if (piece === undefined) return undefined
    if (borrow) {
      // Two reads at once: who was served first has not looked at his chunk yet.
      const extra = this.#extras()
      if (extra.borrowed !== undefined) c.tcp.receiveMemory.release(extra.borrowed.slab, true)
      extra.borrowed = piece
    } else {
      c.tcp.receiveMemory.release(piece.slab, true)
    }
    if (c.needs !== 0) this.#host.touch(c)
    return piece.slab.bytes.subarray(piece.start, piece.end)
  }

  #giveBack(): void {
    const extra = this.#extra
    if (extra?.borrowed === undefined) return
    this.#connection.tcp.receiveMemory.release(extra.borrowed.slab, false)
    extra.borrowed = undefined
  }

  /** Reading has come to its end. */
  #isEnded(): boolean {
    const c = this.#connection
    return (
      (this.#is & CLOSED) !== 0 || (c.finReceived && (this.#is & END_LOST) === 0 && (c.received?.length ?? 0) === 0)
    )
  }

  #endSending(): void {
    if ((this.#is & SHUT) !== 0) return
    this.#is |= SHUT
    closeSending(this.#connection)
    this.#host.touch(this.#connection)
  }

  #onClosed(): void {
    this.#noteFailure()
    this.#extra?.readers?.resolveAll(null)
    this.#extra?.writers?.resolveAll()
    this.#extra?.shutters?.resolveAll()
    this.#extra?.closers?.resolveAll()
  }

  /** Takes over why the connection is gone, if it is and nothing was said before. */
  #noteFailure(): void {
    if (this.#extra?.failure === undefined && this.#connection.failure !== undefined)
      this.#fail(failureOf(this.#connection, this.#connection.failure))
  }

  #fail(error: unknown): void {
    const extra = this.#extras()
    extra.failure = { error }
    extra.readers?.rejectAll(error)
    extra.writers?.rejectAll(error)
    extra.shutters?.rejectAll(error)
    extra.closers?.resolveAll()
  }
}
