import { type Key, type KeyLike, KvError, toKey } from './key.ts'
import type { KvChange, KvWatch } from './store.ts'

type Change = Extract<KvChange, { type: 'batch' }>['changes'][number]

/** The watchers of one store: what it publishes reaches every watcher, or the news that it was too slow. */
export interface Feed extends KvWatch {
  publish(changes: readonly Change[]): void
  /** Tells every watcher that changes were lost; what it has not read yet is dropped. */
  lag(): void
  /** Ends every watcher's loop, after what it has not read yet. */
  close(): void
}

/** `maxQueuedChanges`: how many unread changes a watcher may have before they are dropped in favour of one `lagged`. */
export function createFeed(options: { readonly maxQueuedChanges: number }): Feed {
  const watchers = new Set<Watcher>()
  let closed = false
  return {
    publish(changes) {
      for (const watcher of watchers) watcher.push(changes, options.maxQueuedChanges)
    },
    lag() {
      for (const watcher of watchers) watcher.lag()
    },
    watch(prefix: KeyLike, { signal }) {
      const watcher = new Watcher(toKey(prefix), closed, () => {
        watchers.delete(watcher)
        signal.removeEventListener('abort', watcher.abort)
      })
      if (closed) return watcher
      if (signal.aborted) watcher.abort()
      else {
        watchers.add(watcher)
        signal.addEventListener('abort', watcher.abort)
      }
      return watcher
    },
    close() {
      closed = true
      for (const watcher of [...watchers]) watcher.end()
    },
  }
}

class Watcher implements AsyncIterableIterator<KvChange> {
  readonly #prefix: Key
  readonly #refused: boolean
  readonly #leave: () => void
  #queue: KvChange[] = []
  #queued = 0
  #ended = false
  #waiting: Array<(result: IteratorResult<KvChange>) => void> = []

  /** `refused`: the store was closed before. `leave`: unsubscribes. */
  constructor(prefix: Key, refused: boolean, leave: () => void) {
    this.#prefix = prefix
    this.#refused = refused
    this.#leave = leave
  }

  push(all: readonly Change[], maxQueued: number): void {
    const changes = all.filter((change) => change.key.startsWith(this.#prefix))
    if (changes.length === 0) return
    this.#queued += changes.length
    if (this.#queued > maxQueued) {
      this.lag()
      return
    }
    this.#queue.push({ type: 'batch', changes })
    this.#drain()
  }

  lag(): void {
    this.#queue = [{ type: 'lagged' }]
    this.#queued = 0
    this.#drain()
  }

  readonly abort = (): void => {
    this.#queue = []
    this.end()
  }

  end(): void {
    this.#ended = true
    this.#leave()
    this.#drain()
  }

  #drain(): void {
    while (this.#waiting.length > 0) {
      const result = this.#take()
      if (!result) return
      this.#waiting.shift()!(result)
    }
  }

  #take(): IteratorResult<KvChange> | undefined {
    const value = this.#queue.shift()
    if (value?.type === 'batch') this.#queued -= value.changes.length
    if (value) return { done: false, value }
    return this.#ended ? { done: true, value: undefined } : undefined
  }

  async next(): Promise<IteratorResult<KvChange>> {
    if (this.#refused) throw new KvError('KV_CLOSED')
    return this.#take() ?? new Promise((resolve) => this.#waiting.push(resolve))
  }

  async return(): Promise<IteratorResult<KvChange>> {
    this.abort()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
