import { FlowError } from './errors.ts'
import type { Flow, FlowOptions } from './flow.ts'
import { iterateFlow } from './read.ts'
import { Waiters } from './waiters.ts'

/** Both directions alike. */
export interface FlowPairOptions {
  /** Bytes that may wait to be read before writes wait, at least 1. Default 65536. */
  readonly bufferBytes?: number | undefined
  /** Largest chunk that `read` gives, at least 1; small ones find code that takes chunks for messages. Default: `bufferBytes`. */
  readonly chunkBytes?: number | undefined
}

/** Two ends of one stream. */
export interface FlowPair {
  readonly a: Flow
  readonly b: Flow
}

/**
 * Two flows joined in memory: what one writes the other reads. Bounded, with back-pressure, without timers. A write to an end that was
 * closed or aborted rejects with `ERR_FLOW_RESET`. Throws a RangeError on sizes below 1.
 */
export function createFlowPair(options: FlowPairOptions = {}): FlowPair {
  const { bufferBytes = 65536, chunkBytes = bufferBytes } = options
  for (const [name, value] of Object.entries({ bufferBytes, chunkBytes }))
    if (!(value >= 1)) throw new RangeError(`${name} must be at least 1, got ${value}`)
  const a = new End(bufferBytes, chunkBytes)
  const b = new End(bufferBytes, chunkBytes)
  a.join(b)
  b.join(a)
  return { a, b }
}

/** One end: holds what has arrived for it, and those of its writers who wait until the other end has room. */
class End implements Flow {
  readonly #bufferBytes: number
  readonly #chunkBytes: number
  #peer!: End

  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  /** Nothing follows what is in the inbox: the peer has ended its direction, or this end is closed. */
  #ended = false
  readonly #readers = new Waiters<Uint8Array | null>()

  /** The peer has been told the end. */
  #shut = false
  #closed = false
  readonly #writers = new Waiters<void>()
  #failure: { readonly error: unknown } | undefined

  constructor(bufferBytes: number, chunkBytes: number) {
    this.#bufferBytes = bufferBytes
    this.#chunkBytes = chunkBytes
  }

  join(peer: End): void {
    this.#peer = peer
  }

  async read({ signal }: FlowOptions = {}): Promise<Uint8Array | null> {
    signal?.throwIfAborted()
    if (this.#inboxBytes > 0) return this.#take()
    if (this.#ended) return null
    if (this.#failure !== undefined) throw this.#failure.error
    return this.#readers.wait(signal)
  }

  write(chunk: Uint8Array, { signal }: FlowOptions = {}): Promise<void> {
    if (Object.prototype.toString.call(chunk) !== '[object Uint8Array]')
      throw new TypeError('a flow carries Uint8Arrays')
    return this.#write(chunk, signal)
  }

  async #write(chunk: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#shut) throw new FlowError('ERR_FLOW_CLOSED', 'the flow was shut down')
    if (this.#peer.#closed) this.#fail(closedByPeer())
    else this.#peer.#arrive(chunk)
    return this.#roomAtPeer(signal)
  }

  async shutdown(): Promise<void> {
    this.#end()
    return this.#roomAtPeer(undefined)
  }

  async close(): Promise<void> {
    if (!this.#closed && this.#failure === undefined) {
      this.#closed = true
      this.#discard()
      this.#ended = true
      this.#readers.resolveAll(null)
      this.#end()
      if (this.#peer.#writers.size > 0) this.#peer.#fail(closedByPeer())
    }
    await this.#roomAtPeer(undefined).catch(() => {})
  }

  abort(reason: unknown = new FlowError('ERR_FLOW_ABORTED', 'the flow was aborted')): void {
    if (this.#failure !== undefined) return
    // An end behind bytes that are thrown away is not reached.
    if (this.#discard() > 0) this.#ended = false
    this.#fail(reason)
    this.#peer.#forgetUnsent()
    this.#peer.#fail(new FlowError('ERR_FLOW_RESET', 'the other end has aborted the flow'))
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    return iterateFlow(this)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #arrive(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.#inbox.push(chunk)
    this.#inboxBytes += chunk.length
    while (this.#readers.size > 0 && this.#inboxBytes > 0) this.#readers.resolveFirst(this.#take())
  }

  #take(): Uint8Array {
    const chunk = this.#inbox[0]!
    const taken = chunk.length <= this.#chunkBytes ? chunk : chunk.subarray(0, this.#chunkBytes)
    if (taken === chunk) this.#inbox.shift()
    else this.#inbox[0] = chunk.subarray(taken.length)
    this.#inboxBytes -= taken.length
    if (this.#inboxBytes <= this.#bufferBytes) this.#peer.#writers.resolveAll()
    return taken
  }

  #end(): void {
    if (this.#shut || this.#failure !== undefined) return
    this.#shut = true
    this.#peer.#ended = true
    this.#peer.#readers.resolveAll(null)
  }

  async #roomAtPeer(signal: AbortSignal | undefined): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#peer.#inboxBytes > this.#bufferBytes) await this.#writers.wait(signal)
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return
    this.#failure = { error }
    this.#readers.rejectAll(error)
    this.#writers.rejectAll(error)
  }

  /** Returns how many bytes nobody will read. */
  #discard(): number {
    const bytes = this.#inboxBytes
    this.#inbox = []
    this.#inboxBytes = 0
    return bytes
  }

  /** What exceeds the buffer has been written and is not here yet. */
  #forgetUnsent(): void {
    while (this.#inboxBytes > this.#bufferBytes) {
      this.#inboxBytes -= this.#inbox.pop()!.length
      this.#ended = this.#closed
    }
  }
}

function closedByPeer(): FlowError {
  return new FlowError('ERR_FLOW_RESET', 'the other end has closed the flow')
}
