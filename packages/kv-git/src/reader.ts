import {
  checkRange,
  compareSegments,
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
import { fromHex } from './bytes.ts'
import type { History } from './history.ts'
import type { Objects } from './objects.ts'
import { EMPTY_TREE_ID, isTree } from './tree.ts'
import { childOf, children, type Found, find } from './tree-walk.ts'

/** Reads the tree of one commit. */
export class Reader implements KvRo {
  readonly capabilities: KvCapabilities
  protected readonly objects: Objects
  protected readonly history: History
  protected closed = false
  readonly #commit: string | undefined

  /** `commit`: undefined for an empty store. */
  constructor(capabilities: KvCapabilities, objects: Objects, history: History, commit?: string) {
    this.capabilities = capabilities
    this.objects = objects
    this.history = history
    this.#commit = commit
  }

  async exists(key: KeyLike, options?: KvOptions): Promise<KvKind | undefined> {
    return (await this.#find(this.#admit(key, options), options))?.kind
  }

  async get(key: KeyLike, options?: KvOptions): Promise<Uint8Array | undefined> {
    return this.#value(this.#admit(key, options), options)
  }

  async getPartial(key: KeyLike, offset: number, length: number, options?: KvOptions): Promise<Uint8Array | undefined> {
    const parsed = this.#admit(key, options)
    checkRange('offset', offset, parsed)
    checkRange('length', length, parsed)
    const value = await this.#value(parsed, options)
    return value && readPart(value, offset, length, parsed)
  }

  async list(key: KeyLike, options?: KvListOptions): Promise<Array<[Key, KvKind]>> {
    const parsed = this.#admit(key, options)
    const { after, limit = Number.POSITIVE_INFINITY } = options ?? {}
    if (options?.limit !== undefined) checkRange('limit', limit, parsed)
    const found = await this.#find(parsed, options)
    if (!found) throw new KvError('KV_NOT_FOUND', { key: parsed })
    if (found.kind === 'value') throw new KvError('KV_DICTIONARY_EXPECTED', { key: parsed })
    return (await children(this.objects, found.id, options))
      .filter(({ name }) => after === undefined || compareSegments(name, after) > 0)
      .sort((a, b) => compareSegments(a.name, b.name))
      .slice(0, limit)
      .flatMap(({ name, entry }): Array<[Key, KvKind]> => {
        const child = childOf(parsed, name)
        return child ? [[child, isTree(entry) ? 'dictionary' : 'value']] : []
      })
  }

  async size(key: KeyLike, options?: KvOptions): Promise<number> {
    const { id } = await this.#existing(this.#admit(key, options), options)
    return (await this.objects.blob(id, options)).length
  }

  /** The time of the last commit that changed the value: that of its author. */
  async lastModified(key: KeyLike, options?: KvOptions): Promise<number> {
    const parsed = this.#admit(key, options)
    const commit = await this.head(options)
    await this.#existing(parsed, options, commit)
    return this.history.changedAt(commit!, parsed, options)
  }

  /** The id of the blob, or of the tree of a dictionary. */
  async digest(key: KeyLike, options?: KvOptions): Promise<Uint8Array> {
    const parsed = this.#admit(key, options)
    const found = await this.#find(parsed, options)
    if (!found) throw new KvError('KV_NOT_FOUND', { key: parsed })
    return fromHex(found.id ?? EMPTY_TREE_ID)
  }

  async disconnect(): Promise<void> {
    this.closed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect()
  }

  /** The commit that is read. */
  protected async head(_options?: KvOptions): Promise<string | undefined> {
    return this.#commit
  }

  protected refuse(options: KvOptions | undefined): void {
    if (this.closed) throw new KvError('KV_CLOSED')
    options?.signal?.throwIfAborted()
  }

  #admit(key: KeyLike, options: KvOptions | undefined): Key {
    this.refuse(options)
    return toKey(key)
  }

  async #find(key: Key, options: KvOptions | undefined, commit?: string): Promise<Found | undefined> {
    const at = commit ?? (await this.head(options))
    const root = at === undefined ? undefined : (await this.objects.commit(at, options)).tree
    return find(this.objects, root, key, options)
  }

  async #value(key: Key, options: KvOptions | undefined): Promise<Uint8Array | undefined> {
    const found = await this.#find(key, options)
    if (found?.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    return found && this.objects.blob(found.id!, options)
  }

  async #existing(key: Key, options: KvOptions | undefined, commit?: string): Promise<{ id: string }> {
    const found = await this.#find(key, options, commit)
    if (!found) throw new KvError('KV_NOT_FOUND', { key })
    if (found.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    return { id: found.id! }
  }
}
