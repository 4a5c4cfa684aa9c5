import type { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import type { Endpoint } from '@fata/addr'
import { FlowError, iterateFlow, toWebStreams, type WebStreams } from '@fata/flow'
import {
  TcpError,
  type TcpFlow,
  type TcpFlowOptions,
  type TcpInfo,
  type TcpReadOptions,
  type TcpReport,
  type TcpWriteOptions,
} from '@fata/tcp'
import { tcpError } from './errors.ts'
import { describeSocket } from './info.ts'
import { Line } from './line.ts'

/** Unread bytes at which the socket is told to stop. */
const INBOX_BYTES = 256 * 1024
/** Written bytes after which others have a turn: while the kernel takes everything at once, Node would go on with nothing else. */
const BURST_BYTES = 1024 * 1024

/** A connection of the host as a flow. */
export class SocketFlow implements TcpFlow {
  readonly local: Endpoint
  readonly remote: Endpoint
  onReport: ((report: TcpReport) => void) | undefined
  onReady: (() => void) | undefined
  readonly #socket: Socket
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  /** The peer's end is behind what is in the inbox, or this end is closed. */
  #ended = false
  #burstBytes = 0
  #shut = false
  #closed = false
  #failure: { readonly error: unknown } | undefined
  readonly #readers = new Line<Uint8Array | null>()
  readonly #writers = new Line<void>()
  #streams: WebStreams | undefined

  /** Of a connected socket that lets itself be half-open; `ended` is called once, when it is gone. */
  constructor(socket: Socket, local: Endpoint, remote: Endpoint, ended: () => void) {
    this.#socket = socket
    this.local = local
    this.remote = remote
    socket.on('data', (chunk: Buffer) => this.#arrive(chunk))
    socket.on('drain', () => this.#writable())
    socket.on('end', () => {
      this.#ended = true
      this.#serve()
    })
    socket.on('error', (error) => this.#fail(tcpError(error)))
    socket.on('close', () => {
      if (!this.#ended || !socket.writableFinished) this.#fail(new TcpError('ERR_TCP_RESET', 'the connection is gone'))
      ended()
    })
  }

  get streams(): WebStreams {
    this.#streams ??= toWebStreams(this)
    return this.#streams
  }

  async read({ signal, most = Number.POSITIVE_INFINITY }: TcpReadOptions = {}): Promise<Uint8Array | null> {
    if (!(most >= 1)) throw new RangeError(`most must be at least 1, got ${most}`)
    signal?.throwIfAborted()
    if (this.#inbox.length > 0) return this.#take(most)
    if (this.#ended) return null
    if (this.#failure !== undefined) throw this.#failure.error
    return this.#readers.wait(signal, most)
  }

  write(chunk: Uint8Array, { signal }: TcpWriteOptions = {}): Promise<void> {
    if (Object.prototype.toString.call(chunk) !== '[object Uint8Array]')
      throw new TypeError('a flow carries Uint8Arrays')
    return this.#write(chunk, signal)
  }

  async #write(chunk: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#shut) throw new FlowError('ERR_FLOW_CLOSED', 'the flow was shut down')
    if (chunk.length > 0 && !this.#socket.write(chunk)) await this.#writers.wait(signal)
    this.#burstBytes += chunk.length
    if (this.#burstBytes >= BURST_BYTES) await this.#giveWay()
  }

  async shutdown(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    this.#shut = true
    if (!this.#socket.writableEnded) this.#socket.end()
    await this.#finished()
  }

  async close(): Promise<void> {
    if (!this.#closed && this.#failure === undefined) {
      this.#closed = true
      this.#ended = true
      this.#inbox = []
      this.#inboxBytes = 0
      this.#serve()
      this.#socket.resume()
    }
    await this.shutdown().catch(() => {})
    // What is written is the host's to deliver; what still comes is answered with a reset.
    this.#socket.destroy()
  }

  abort(reason: unknown = new TcpError('ERR_TCP_ABORTED', 'the connection was aborted')): void {
    if (this.#failure !== undefined || this.#socket.destroyed) return
    if (this.#inbox.length > 0) this.#ended = false
    this.#inbox = []
    this.#inboxBytes = 0
    this.#fail(reason)
    // While the end is being told, Node refuses to reset and would leave the socket open.
    if (this.#socket.writableEnded && !this.#socket.writableFinished) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  peek(most: number): Uint8Array {
    const out = new Uint8Array(Math.min(most, this.#inboxBytes))
    let at = 0
    for (const chunk of this.#inbox) {
      const part = chunk.subarray(0, out.length - at)
      out.set(part, at)
      at += part.length
    }
    return out
  }

  info(): TcpInfo {
    return describeSocket(this.#socket, this, {
      unreadBytes: this.#inboxBytes,
      endReceived: this.#ended,
      shut: this.#shut,
    })
  }

  configure(options: TcpFlowOptions): void {
    applyOptions(this.#socket, options)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    return iterateFlow(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #arrive(chunk: Buffer): void {
    if (this.#closed || this.#failure !== undefined) return
    this.#inbox.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
    this.#inboxBytes += chunk.length
    if (this.#inboxBytes >= INBOX_BYTES) this.#socket.pause()
    this.#serve()
  }

  #serve(): void {
    while (this.#readers.length > 0 && this.#inbox.length > 0) this.#readers.serve(this.#take(this.#readers.wanted))
    if (this.#ended) this.#readers.serveAll(null)
    this.onReady?.()
  }

  #take(most: number): Uint8Array {
    const first = this.#inbox[0]!
    const taken = first.length <= most ? first : first.subarray(0, most)
    if (taken === first) this.#inbox.shift()
    else this.#inbox[0] = first.subarray(taken.length)
    this.#inboxBytes -= taken.length
    if (this.#inboxBytes < INBOX_BYTES && this.#socket.isPaused()) this.#socket.resume()
    return taken
  }

  #writable(): void {
    this.#writers.serveAll()
    this.onReady?.()
  }

  /** Everything written is the host's. */
  async #finished(): Promise<void> {
    while (!this.#socket.writableFinished) {
      if (this.#failure !== undefined) throw this.#failure.error
      this.#socket.once('finish', this.#wake)
      await this.#writers.wait(undefined)
    }
  }

  async #giveWay(): Promise<void> {
    this.#burstBytes = 0
    await setImmediate()
    if (this.#failure !== undefined) throw this.#failure.error
  }

  readonly #wake = (): void => this.#writable()

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    if (this.#ended) this.#readers.serveAll(null)
    else this.#readers.disappoint(error)
    this.#writers.disappoint(error)
    this.onReady?.()
  }
}

/** Sets what Node can set; the rest the host decides by itself. */
export function applyOptions(socket: Socket, { noDelay, keepalive }: TcpFlowOptions): void {
  if (noDelay !== undefined) socket.setNoDelay(noDelay)
  if (keepalive === undefined) return
  const { idleMs = 0 } = typeof keepalive === 'boolean' ? {} : keepalive
  socket.setKeepAlive(keepalive !== false, idleMs)
}
