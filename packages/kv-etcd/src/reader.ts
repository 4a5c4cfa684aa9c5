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
import type { KeyValue } from './api.ts'
import type { Client } from './client.ts'
import { Compacted } from './failure.ts'
import { list } from './list.ts'
import { decodeRecord, isRoot, type KeySpace, type ValueRecord } from './wire.ts'

type Found = { readonly kind: 'value'; readonly kv: KeyValue } | { readonly kind: 'dictionary' }

/** Reads the cluster as it is, or as it was at a revision. Every read of one key is one request. */
export class Reader implements KvRo {
  readonly capabilities: KvCapabilities
  protected readonly client: Client
  protected readonly space: KeySpace
  protected closed = false
  readonly #at: { revision?: string }

  constructor(capabilities: KvCapabilities, client: Client, space: KeySpace, revision?: string) {
    this.capabilities = capabilities
    this.client = client
    this.space = space
    this.#at = revision === undefined ? {} : { revision }
  }

  async exists(key: KeyLike, options?: KvOptions): Promise<KvKind | undefined> {
    return (await this.#find(this.#admit(key, options), options, { keys_only: true }))?.kind
  }

  async get(key: KeyLike, options?: KvOptions): Promise<Uint8Array | undefined> {
    return (await this.#record(this.#admit(key, options), options))?.value
  }

  async getPartial(key: KeyLike, offset: number, length: number, options?: KvOptions): Promise<Uint8Array | undefined> {
    const parsed = this.#admit(key, options)
    checkRange('offset', offset, parsed)
    checkRange('length', length, parsed)
    const record = await this.#record(parsed, options)
    return record && readPart(record.value, offset, length, parsed)
  }

  async list(key: KeyLike, options?: KvListOptions): Promise<Array<[Key, KvKind]>> {
    const parsed = this.#admit(key, options)
    if (options?.limit !== undefined) checkRange('limit', options.limit, parsed)
    const children = await this.#history(parsed, () =>
      list(this.client, this.space, parsed, { ...options, ...this.#at }),
    )
    if (children.length > 0) return children
    const found = await this.#find(parsed, options, { keys_only: true })
    if (!found) throw new KvError('KV_NOT_FOUND', { key: parsed })
    if (found.kind === 'value') throw new KvError('KV_DICTIONARY_EXPECTED', { key: parsed })
    return []
  }

  async size(key: KeyLike, options?: KvOptions): Promise<number> {
    return (await this.#existing(key, options)).value.length
  }

  async lastModified(key: KeyLike, options?: KvOptions): Promise<number> {
    return (await this.#existing(key, options)).lastModified
  }

  async digest(key: KeyLike, options?: KvOptions): Promise<Uint8Array> {
    return digestOf('sha256', (await this.#existing(key, options)).value)
  }

  async disconnect(): Promise<void> {
    this.closed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect()
  }

  protected refuse(options: KvOptions | undefined): void {
    if (this.closed) throw new KvError('KV_CLOSED')
    options?.signal?.throwIfAborted()
  }

  #admit(key: KeyLike, options: KvOptions | undefined): Key {
    this.refuse(options)
    return toKey(key)
  }

  /** The key's own entry is the first of its tree; where it is missing, anything else makes the key a dictionary. */
  async #find(key: Key, options: KvOptions | undefined, what?: { keys_only: true }): Promise<Found | undefined> {
    if (isRoot(key)) return { kind: 'dictionary' }
    const range = this.space.tree(key)
    const request = { ...range, ...this.#at, ...what, limit: 1 }
    const { kvs = [] } = await this.#history(key, () => this.client.range(request, { signal: options?.signal, key }))
    const [kv] = kvs
    if (!kv) return undefined
    return kv.key === range.key ? { kind: 'value', kv } : { kind: 'dictionary' }
  }

  async #record(key: Key, options: KvOptions | undefined): Promise<ValueRecord | undefined> {
    const found = await this.#find(key, options)
    if (found?.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    return found && decodeRecord(found.kv.value, key)
  }

  async #existing(key: KeyLike, options: KvOptions | undefined): Promise<ValueRecord> {
    const parsed = this.#admit(key, options)
    const record = await this.#record(parsed, options)
    if (!record) throw new KvError('KV_NOT_FOUND', { key: parsed })
    return record
  }

  /** A snapshot may outlive its revision; what is read as it is has one always, though a long list may lose it. */
  async #history<T>(key: Key, read: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await read()
      } catch (error) {
        if (!(error instanceof Compacted)) throw error
        if (this.#at.revision === undefined) continue
        throw new KvError('KV_IO', { key, message: "etcd has compacted the snapshot's revision away", cause: error })
      }
    }
  }
}
