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
import { children, type DictionaryNode, find, type TreeNode, type ValueNode } from './tree.ts'

/** Reads a tree. A snapshot is a reader of a tree that nobody changes any more. */
export class Reader implements KvRo {
  readonly capabilities: KvCapabilities
  protected root: DictionaryNode
  protected closed = false

  constructor(capabilities: KvCapabilities, root: DictionaryNode) {
    this.capabilities = capabilities
    this.root = root
  }

  async exists(key: KeyLike, options?: KvOptions): Promise<KvKind | undefined> {
    return this.#find(toKey(key), options)?.kind
  }

  async get(key: KeyLike, options?: KvOptions): Promise<Uint8Array | undefined> {
    const value = this.#valueOrNothing(toKey(key), options)
    return value && new Uint8Array(value.bytes)
  }

  async getPartial(key: KeyLike, offset: number, length: number, options?: KvOptions): Promise<Uint8Array | undefined> {
    const parsed = toKey(key)
    checkRange('offset', offset, parsed)
    checkRange('length', length, parsed)
    const value = this.#valueOrNothing(parsed, options)
    return value && readPart(value.bytes, offset, length)
  }

  async list(key: KeyLike, options?: KvListOptions): Promise<Array<[Key, KvKind]>> {
    const parsed = toKey(key)
    if (options?.limit !== undefined) checkRange('limit', options.limit, parsed)
    const node = this.#find(parsed, options)
    if (!node) throw new KvError('KV_NOT_FOUND', { key: parsed })
    if (node.kind === 'value') throw new KvError('KV_DICTIONARY_EXPECTED', { key: parsed })
    return children(node, parsed, options?.after, options?.limit)
  }

  async size(key: KeyLike, options?: KvOptions): Promise<number> {
    return this.#value(toKey(key), options).bytes.length
  }

  async lastModified(key: KeyLike, options?: KvOptions): Promise<number> {
    return this.#value(toKey(key), options).lastModified
  }

  async digest(key: KeyLike, options?: KvOptions): Promise<Uint8Array> {
    return new Uint8Array(nodeDigest(this.#value(toKey(key), options)))
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

  #find(key: Key, options: KvOptions | undefined): TreeNode | undefined {
    this.refuse(options)
    return find(this.root, key.segments)
  }

  #valueOrNothing(key: Key, options: KvOptions | undefined): ValueNode | undefined {
    const node = this.#find(key, options)
    if (node?.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    return node
  }

  #value(key: Key, options: KvOptions | undefined): ValueNode {
    const node = this.#valueOrNothing(key, options)
    if (!node) throw new KvError('KV_NOT_FOUND', { key })
    return node
  }
}

/** Not a copy. */
export function nodeDigest(node: ValueNode): Uint8Array {
  node.digest ??= digestOf('sha256', node.bytes)
  return node.digest
}
