import { errorCode } from './codes.ts'
import { digestOf } from './digest.ts'
import { Key, type KeyLike, KvError, toKey } from './key.ts'
import { Overlay } from './overlay.ts'
import { equalBytes } from './partial.ts'
import { answerAsync, copyValue, type KvAsyncView } from './plan.ts'
import type { KvBatch, KvCheck, KvKind, KvOp, KvOptions } from './store.ts'
import { walk } from './walk.ts'

const RETRIES = 13

/**
 * Reads see the transaction's own writes. What `get` and `exists` found is checked at the commit, but for the answer
 * `dictionary`, which no check can express; there is no `list` for the same reason. Ends when the function returns.
 */
export interface KvTransaction {
  exists(key: KeyLike): Promise<KvKind | undefined>
  get(key: KeyLike): Promise<Uint8Array | undefined>
  /** Collected; the rules of the store apply at the next read, or at the commit. */
  set(key: KeyLike, value: Uint8Array): void
  remove(key: KeyLike): void
  rename(source: KeyLike, dest: KeyLike): void
}

export interface KvTransactOptions extends KvOptions {
  /** How often to run again after a conflict; default 13. */
  readonly retries?: number | undefined
  readonly message?: string | undefined
}

/**
 * Runs `fn` and commits what it wrote as one batch, provided that what it read still holds; otherwise runs it again on the
 * newer state. So `fn` may run several times, and in a run that will not commit it may have seen values of different instants.
 * Rejects with what `fn` threw, with the batch's error, or with KV_CHECK_FAILED after the last retry.
 */
export async function transact<T>(
  kv: KvBatch,
  fn: (tx: KvTransaction) => T | Promise<T>,
  options: KvTransactOptions = {},
): Promise<T> {
  const { retries = RETRIES, signal, message } = options
  for (let left = retries; ; left--) {
    signal?.throwIfAborted()
    const attempt = new Attempt(kv, signal)
    try {
      const result = await fn(attempt)
      const { ops, checks } = attempt.finish()
      if (ops.length + checks.length > 0) await kv.batch(ops, { checks, signal, message })
      return result
    } catch (error) {
      const conflict = attempt.conflicted || (attempt.finished && errorCode(error) === 'KV_CHECK_FAILED')
      if (!conflict || left <= 0) throw error
    }
  }
}

class Attempt implements KvTransaction {
  readonly #kv: KvBatch
  readonly #options: KvOptions
  readonly #ops: KvOp[] = []
  readonly #checks = new Map<string, KvCheck>()
  readonly #overlay = new Overlay(Key.root)
  #applied = 0
  #applying: Promise<void> = Promise.resolve()
  conflicted = false
  finished = false

  constructor(kv: KvBatch, signal: AbortSignal | undefined) {
    this.#kv = kv
    this.#options = { signal }
  }

  async get(key: KeyLike): Promise<Uint8Array | undefined> {
    const parsed = toKey(key)
    if (this.#ops.length === 0) return this.#read(parsed)
    await this.#catchUp()
    const kind = await answerAsync(this.#overlay.kind(parsed), this.#view)
    if (kind === undefined) return undefined
    if (kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
    const source = this.#overlay.source(parsed)
    return 'value' in source ? copyValue(source.value) : this.#read(source.from)
  }

  async exists(key: KeyLike): Promise<KvKind | undefined> {
    const parsed = toKey(key)
    await this.#catchUp()
    return answerAsync(this.#overlay.kind(parsed), this.#view)
  }

  set(key: KeyLike, value: Uint8Array): void {
    this.#push({ op: 'set', key: toKey(key), value: copyValue(value) })
  }

  remove(key: KeyLike): void {
    this.#push({ op: 'remove', key: toKey(key) })
  }

  rename(source: KeyLike, dest: KeyLike): void {
    this.#push({ op: 'rename', source: toKey(source), dest: toKey(dest) })
  }

  finish(): { ops: readonly KvOp[]; checks: readonly KvCheck[] } {
    if (this.conflicted) throw new KvError('KV_CHECK_FAILED')
    this.finished = true
    return { ops: this.#ops, checks: [...this.#checks.values()] }
  }

  #push(op: KvOp): void {
    if (this.finished) throw new TypeError('the transaction has ended')
    this.#ops.push(op)
  }

  /** Applies the writes that no read has waited for yet; one read after the other, since the overlay is shared. */
  #catchUp(): Promise<void> {
    const apply = async (): Promise<void> => {
      while (this.#applied < this.#ops.length) {
        const op = this.#ops[this.#applied++] as Parameters<Overlay['apply']>[0]
        await answerAsync(this.#overlay.apply(op), this.#view)
      }
    }
    this.#applying = this.#applying.then(apply)
    return this.#applying
  }

  async #read(key: Key): Promise<Uint8Array | undefined> {
    const value = await this.#kv.get(key, this.#options)
    this.#record(key, value ? digestOf(this.#kv.capabilities.digest, value) : null)
    return value
  }

  readonly #view: KvAsyncView = {
    kind: async (key) => {
      const kind = await this.#kv.exists(key, this.#options)
      if (kind === undefined) this.#record(key, null)
      if (kind === 'value') this.#record(key, await this.#digest(key))
      return kind
    },
    values: async (key) => {
      const keys: Key[] = []
      for await (const value of walk(this.#kv, key, this.#options)) keys.push(value)
      return keys
    },
  }

  async #digest(key: Key): Promise<Uint8Array> {
    try {
      return await this.#kv.digest(key, this.#options)
    } catch (error) {
      const code = errorCode(error)
      if (code === 'KV_NOT_FOUND' || code === 'KV_VALUE_EXPECTED') this.#conflict(key)
      throw error
    }
  }

  #record(key: Key, digest: Uint8Array | null): void {
    const path = key.toString()
    const before = this.#checks.get(path)
    if (!before) this.#checks.set(path, { key, digest })
    else if (digest && before.digest ? !equalBytes(digest, before.digest) : digest !== before.digest)
      this.#conflict(key)
  }

  #conflict(key: Key): never {
    this.conflicted = true
    throw new KvError('KV_CHECK_FAILED', { key })
  }
}
