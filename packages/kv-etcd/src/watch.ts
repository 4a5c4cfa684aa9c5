import { createFeed, type Feed, Key, type KvChange } from '@fata/kv'
import type { WatchResponse } from './api.ts'
import type { Client } from './client.ts'
import type { Endpoints } from './endpoints.ts'
import { lines } from './lines.ts'
import type { ResolvedOptions } from './options.ts'
import type { KeySpace } from './wire.ts'

export interface WatcherDeps {
  readonly client: Client
  readonly endpoints: Endpoints
  readonly space: KeySpace
}

type Change = Extract<KvChange, { type: 'batch' }>['changes'][number]

/** The watches of one store, each a stream of its own that is resumed by revision. */
export class Watcher {
  readonly #deps: WatcherDeps
  readonly #options: ResolvedOptions
  readonly #feeds = new Set<Feed>()
  readonly #closing = new AbortController()

  constructor(deps: WatcherDeps, options: ResolvedOptions) {
    this.#deps = deps
    this.#options = options
  }

  /** From the newest revision on that this store has heard of. */
  watch(prefix: Key, signal: AbortSignal): AsyncIterable<KvChange> {
    const feed = createFeed({ maxQueuedChanges: this.#options.maxQueuedChanges })
    if (this.#closing.signal.aborted) feed.close()
    const left = new AbortController()
    const events = feed.watch(prefix, { signal: AbortSignal.any([signal, left.signal]) })
    if (signal.aborted || this.#closing.signal.aborted) return events
    this.#feeds.add(feed)
    const end = AbortSignal.any([signal, this.#closing.signal, left.signal])
    const from = this.#deps.client.revision + 1n
    this.#follow(feed, prefix, from, end).catch(() => this.#feeds.delete(feed))
    return leaving(events, left)
  }

  close(): void {
    this.#closing.abort()
    for (const feed of this.#feeds) feed.close()
    this.#feeds.clear()
  }

  /** Streams one after the other. Ends by rejecting when the signal aborts. */
  async #follow(feed: Feed, prefix: Key, from: bigint, signal: AbortSignal): Promise<never> {
    let position = { next: from, failures: 0 }
    for (;;) {
      const stream = new Stream(this.#deps.space, feed, position.next)
      try {
        await this.#read(stream, prefix, signal)
        position = { next: stream.next, failures: 0 }
      } catch {
        signal.throwIfAborted()
        position = { next: stream.next, failures: stream.alive ? 0 : position.failures + 1 }
        this.#deps.endpoints.rotate()
        await this.#deps.endpoints.pause(position.failures, signal)
      }
    }
  }

  /** Resolves when etcd has cancelled the stream, rejects when it broke or was silent for too long. */
  async #read(stream: Stream, prefix: Key, signal: AbortSignal): Promise<void> {
    const { clock, watchIdleMs } = this.#options
    const silence = new AbortController()
    const tooLong = () => silence.abort(new Error(`no word for ${watchIdleMs} ms`))
    let timer = clock.schedule(clock.now() + watchIdleMs, tooLong)
    const end = AbortSignal.any([signal, silence.signal])
    const request = {
      ...this.#deps.space.tree(prefix),
      start_revision: stream.next.toString(),
      progress_notify: true,
      fragment: true,
    }
    try {
      const body = await this.#deps.endpoints.stream('/v3/watch', { create_request: request }, end)
      for await (const line of lines(body, end)) {
        timer.cancel()
        timer = clock.schedule(clock.now() + watchIdleMs, tooLong)
        if (stream.receive(JSON.parse(line) as { result?: WatchResponse })) return
      }
      throw new Error('the stream ended')
    } finally {
      timer.cancel()
    }
  }
}

/** What one stream brings, revision by revision. */
class Stream {
  readonly #space: KeySpace
  readonly #feed: Feed
  /** The first revision of which nothing has been published. */
  next: bigint
  /** Whether anything has come. */
  alive = false
  #pending: Change[] = []
  #revision = 0n

  constructor(space: KeySpace, feed: Feed, next: bigint) {
    this.#space = space
    this.#feed = feed
    this.next = next
  }

  /** True when that was the last. Throws on what is no answer to a watch. */
  receive({ result }: { result?: WatchResponse }): boolean {
    if (!result) throw new Error('the watch failed')
    this.alive = true
    if (result.compact_revision !== undefined) {
      this.#feed.lag()
      this.next = BigInt(result.compact_revision)
      return true
    }
    if (result.canceled) throw new Error(result.cancel_reason ?? 'the watch was cancelled')
    for (const { type, kv } of result.events ?? []) {
      const revision = BigInt(kv.mod_revision)
      if (revision !== this.#revision) this.#flush()
      this.#revision = revision
      const key = this.#space.decode(kv.key)
      if (key) this.#pending.push({ op: type === 'DELETE' ? 'remove' : 'set', key })
    }
    if (!result.fragment) this.#flush()
    // A progress report: everything up to its revision has been sent.
    if (!result.created && !result.events && result.header?.revision) this.next = BigInt(result.header.revision) + 1n
    return false
  }

  #flush(): void {
    if (this.#revision >= this.next) {
      if (this.#pending.length > 0) this.#feed.publish(this.#pending.sort((a, b) => Key.compare(a.key, b.key)))
      this.next = this.#revision + 1n
    }
    this.#pending = []
  }
}

/** The same events; `left` aborts when their reader leaves the loop. */
function leaving(events: AsyncIterable<KvChange>, left: AbortController): AsyncIterableIterator<KvChange> {
  const inner = events[Symbol.asyncIterator]()
  return {
    next: () => inner.next(),
    async return() {
      left.abort()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
