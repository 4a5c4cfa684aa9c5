import type { Duplex } from 'node:stream'
import { type Endpoint, parseIp } from '@fata/addr'
import { type Flow, FlowError, type FlowOptions, iterateFlow } from '@fata/flow'
import { waitFor } from './wait.ts'

/** A flow made of a stream. */
export interface DuplexFlow extends Flow {
  /** Of a socket that knows its addresses. */
  readonly local: Endpoint | undefined
  readonly remote: Endpoint | undefined
}

/**
 * A flow made of a Node stream, such as a `TLSSocket` over a flow, or a socket of the host. The flow owns the stream from then on, and
 * lets it be half-open. Errors are the stream's; bytes that the stream holds when it fails are lost where it loses them.
 */
export function fromDuplex(duplex: Duplex): DuplexFlow {
  return new StreamFlow(duplex)
}

class StreamFlow implements DuplexFlow {
  readonly local: Endpoint | undefined
  readonly remote: Endpoint | undefined
  readonly #duplex: Duplex
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  /** Reads in line, each with its turn: a read may take what is there when it is the first. */
  readonly #line: object[] = []
  #ended = false
  #shut = false
  #closed = false
  #failure: { readonly error: unknown } | undefined
  /** Called when anything has changed. */
  readonly #watchers = new Set<() => void>()

  constructor(duplex: Duplex) {
    this.#duplex = duplex
    duplex.allowHalfOpen = true
    const socket = duplex as Duplex & Record<string, unknown>
    this.local = endpointOf(socket['localAddress'], socket['localPort'])
    this.remote = endpointOf(socket['remoteAddress'], socket['remotePort'])
    duplex.on('readable', this.#fill)
    duplex.on('end', () => {
      this.#ended = true
      this.#changed()
    })
    duplex.on('error', (error) => this.#fail(error))
    duplex.on('close', () => {
      if (!this.#ended || !duplex.writableFinished)
        this.#fail(new FlowError('ERR_FLOW_RESET', 'the stream was destroyed'))
      this.#changed()
    })
    for (const event of ['drain', 'finish']) duplex.on(event, () => this.#changed())
    this.#fill()
  }

  async read({ signal }: FlowOptions = {}): Promise<Uint8Array | null> {
    signal?.throwIfAborted()
    const turn = {}
    this.#line.push(turn)
    try {
      const ready = (): boolean => this.#line[0] === turn && (this.#inbox.length > 0 || this.#ended || this.#failed())
      if (!ready()) await this.#until(ready, signal)
      return this.#take()
    } finally {
      this.#line.splice(this.#line.indexOf(turn), 1)
      this.#changed()
    }
  }

  async write(chunk: Uint8Array, { signal }: FlowOptions = {}): Promise<void> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#shut) throw new FlowError('ERR_FLOW_CLOSED', 'the flow was shut down')
    if (chunk.length === 0 || this.#duplex.write(chunk)) return
    await this.#until(() => !this.#duplex.writableNeedDrain || this.#failed(), signal)
    this.#throwFailure()
  }

  async shutdown(): Promise<void> {
    this.#throwFailure()
    this.#shut = true
    this.#duplex.end()
    await this.#until(() => this.#duplex.writableFinished || this.#failed(), undefined)
    this.#throwFailure()
  }

  async close(): Promise<void> {
    if (!this.#closed && this.#failure === undefined) {
      this.#closed = true
      this.#ended = true
      this.#inbox = []
      this.#duplex.removeListener('readable', this.#fill).resume()
      this.#changed()
    }
    await this.shutdown().catch(() => {})
    this.#duplex.destroy()
  }

  abort(reason: unknown = new FlowError('ERR_FLOW_ABORTED', 'the flow was aborted')): void {
    if (this.#failure !== undefined || this.#duplex.destroyed) return
    if (this.#inbox.length > 0) this.#ended = false
    this.#inbox = []
    this.#fail(reason)
    reset(this.#duplex)
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    return iterateFlow(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Takes bytes out of the stream, which would lose them when it is destroyed, up to what it would hold itself. */
  readonly #fill = (): void => {
    while (!this.#closed && this.#inboxBytes < this.#duplex.readableHighWaterMark) {
      const chunk: Uint8Array | null = this.#duplex.read()
      if (chunk === null) break
      this.#inbox.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
      this.#inboxBytes += chunk.length
    }
    this.#changed()
  }

  #take(): Uint8Array | null {
    const chunk = this.#inbox.shift()
    if (chunk !== undefined) {
      this.#inboxBytes -= chunk.length
      this.#fill()
      return chunk
    }
    if (!this.#ended) this.#throwFailure()
    return null
  }

  #failed(): boolean {
    return this.#failure !== undefined
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#changed()
  }

  #until(ready: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    return ready() ? Promise.resolve() : waitFor(this.#watchers, ready, signal)
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }
}

/** Destroys a stream, where possible so that the peer sees an error. */
function reset(duplex: Duplex & { resetAndDestroy?: () => void }): void {
  try {
    duplex.resetAndDestroy?.()
  } catch {
    // A TLSSocket has the method and throws: it can reset no connection that is not the operating system's.
  }
  duplex.destroy(new FlowError('ERR_FLOW_ABORTED', 'the flow was aborted'))
}

function endpointOf(address: unknown, port: unknown): Endpoint | undefined {
  const ip = typeof address === 'string' ? parseIp(address) : undefined
  return ip === undefined || typeof port !== 'number' ? undefined : { address: ip, port }
}
