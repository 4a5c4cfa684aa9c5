import {
  checkRange,
  digestOf,
  type Key,
  type KeyLike,
  type KvCapabilities,
  KvError,
  type KvKind,
  type KvListOptions,
  type KvOptions,
  type KvRo,
  readPart,
  toKey,
} from '@fata/kv'
import type { AbstractSnapshot } from 'abstract-level'
import type { Engine } from './engine.ts'
import { childPrefix, childRange, decodeChild, dictionaryKey, type ValueRecord, valueKey } from './wire.ts'

/** Reads the engine, as it is or as it was at a snapshot. */
export class Reader implements KvRo {
  readonly capabilities: KvCapabilities
  protected readonly engine: Engine
  protected closed = false
  readonly #snapshot: AbstractSnapshot | undefined

  constructor(capabilities: KvCapabilities, engine: Engine, snapshot?: AbstractSnapshot) {
    this.capabilities = capabilities
    this.engine = engine
    this.#snapshot = snapshot
  }

  async exists(key: KeyLike, options?: KvOptions): Promise<KvKind | undefined> {
    this.refuse(options)
    const parsed = toKey(key)
    return this.#steady(() => this.#kind(parsed))
  }

  async get(key: KeyLike, options?: KvOptions): Promise<Uint8Array | undefined> {
    const found = await this.#valueOrNothing(key, options)
    return found && new Uint8Array(found.value)
  }

  async getPartial(key: KeyLike, offset: number, length: number, options?: KvOptions): Promise<Uint8Array | undefined> {
    const parsed = toKey(key)
    checkRange('offset', offset, parsed)
    checkRange('length', length, parsed)
    const found = await this.#valueOrNothing(parsed, options)
    return found && readPart(found.value, offset, length)
  }

  async list(key: KeyLike, options?: KvListOptions): Promise<Array<[Key, KvKind]>> {
    this.refuse(options)
    const parsed = toKey(key)
    if (options?.limit !== undefined) checkRange('limit', options.limit, parsed)
    return this.#steady(() => this.#list(parsed, options))
  }

  async size(key: KeyLike, options?: KvOptions): Promise<number> {
    return (await this.#value(key, options)).value.length
  }

  async lastModified(key: KeyLike, options?: KvOptions): Promise<number> {
    return (await this.#value(key, options)).lastModified
  }

  async digest(key: KeyLike, options?: KvOptions): Promise<Uint8Array> {
    return digestOf('sha256', (await this.#value(key, options)).value)
  }

  async disconnect(): Promise<void> {
    this.closed = true
    await this.#snapshot?.close().catch(() => undefined)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect()
  }

  protected refuse(options: KvOptions | undefined): void {
    if (this.closed) throw new KvError('KV_CLOSED')
    options?.signal?.throwIfAborted()
  }

  /** Reads when no write is under way. */
  protected inTurn<T>(read: () => Promise<T>): Promise<T> {
    return read()
  }

  /** A read of several steps, repeated in turn with the writes when a write has come in between. */
  async #steady<T>(read: () => Promise<T>): Promise<T> {
    const before = this.engine.epoch
    const outcome = await read().then(
      (value) => () => value,
      (error: unknown) => () => {
        throw error
      },
    )
    const isSteady = this.#snapshot || (before !== undefined && this.engine.epoch === before)
    return isSteady ? outcome() : this.inTurn(read)
  }

  async #kind(key: Key): Promise<KvKind | undefined> {
    if (key.segments.length === 0) return 'dictionary'
    const [value, dictionary] = await this.engine.hasMany([valueKey(key), dictionaryKey(key)], this.#at)
    if (value) return 'value'
    return dictionary ? 'dictionary' : undefined
  }

  async #list(key: Key, { after, limit }: KvListOptions = {}): Promise<Array<[Key, KvKind]>> {
    const prefix = childPrefix(key)
    // What follows a name, be it that of a value or of a dictionary; no name begins with NUL.
    const bound = after && !after.startsWith('\0') ? { gt: `${prefix}${after}\0` } : {}
    const engineKeys =
      limit === 0
        ? []
        : await this.engine.keys({ ...childRange(key), ...bound }, limit ?? Number.POSITIVE_INFINITY, this.#at)
    if (engineKeys.length === 0) {
      const kind = await this.#kind(key)
      if (kind !== 'dictionary') {
        throw new KvError(kind === 'value' ? 'KV_DICTIONARY_EXPECTED' : 'KV_NOT_FOUND', { key })
      }
    }
    return engineKeys.map((engineKey) => {
      const { name, kind } = decodeChild(prefix, engineKey)
      return [key.child(name), kind]
    })
  }

  get #at(): { snapshot?: AbstractSnapshot } {
    return this.#snapshot ? { snapshot: this.#snapshot } : {}
  }

  async #value(key: KeyLike, options: KvOptions | undefined): Promise<ValueRecord> {
    const found = await this.#valueOrNothing(key, options)
    if (!found) throw new KvError('KV_NOT_FOUND', { key: toKey(key) })
    return found
  }

  async #valueOrNothing(key: KeyLike, options: KvOptions | undefined): Promise<ValueRecord | undefined> {
    this.refuse(options)
    const parsed = toKey(key)
    if (parsed.segments.length === 0) throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
    const engineKey = valueKey(parsed)
    const found = await this.engine.get(engineKey, parsed, this.#at)
    if (found) return found
    return this.#steady(async () => {
      if ((await this.#kind(parsed)) === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
      return this.engine.get(engineKey, parsed, this.#at)
    })
  }
}
