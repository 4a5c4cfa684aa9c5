import { digestOf } from './digest.ts'
import { createGate, type Gate } from './gate.ts'
import { type Key, type KeyLike, KvError, toKey } from './key.ts'
import type { KeyTree } from './key-tree.ts'
import { checkRange } from './partial.ts'
import type { KvCapabilities, KvOptions, KvRo } from './store.ts'

/** What an index knows of a value. */
export interface KvIndexed {
  readonly size: number
  readonly lastModified: number
  /** Computed when first asked for. */
  digest: Uint8Array | undefined
}

/** Where the bytes of indexed values come from. */
export interface KvIndexedSource<V extends KvIndexed> {
  readonly capabilities: KvCapabilities
  /** The bytes `[offset, offset + length)`, all of which the value has; they become the caller's. */
  read(value: V, offset: number, length: number, key: Key, signal: AbortSignal | undefined): Promise<Uint8Array>
  /** Of a store that shares its life with others; default one of its own. */
  readonly gate?: Gate
}

/** A store to read, of which everything but the bytes of the values is in memory. */
export function indexed<V extends KvIndexed>(tree: KeyTree<V>, source: KvIndexedSource<V>): KvRo {
  const { capabilities, gate = createGate() } = source
  const at = <T>(key: KeyLike, options: KvOptions | undefined, look: (key: Key) => T | Promise<T>): Promise<T> =>
    gate.run(async () => {
      options?.signal?.throwIfAborted()
      return look(toKey(key))
    })
  const find = (key: Key): V | undefined => {
    const value = tree.value(key)
    if (!value && tree.kind(key)) throw new KvError('KV_VALUE_EXPECTED', { key })
    return value
  }
  const present = (key: Key): V => {
    const value = find(key)
    if (!value) throw new KvError('KV_NOT_FOUND', { key })
    return value
  }
  const read = async (key: Key, value: V, offset: number, length: number, options: KvOptions | undefined) => {
    const { maxValueBytes } = capabilities
    if (length > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
    return source.read(value, offset, length, key, options?.signal)
  }
  return {
    capabilities,
    exists: (key, options) => at(key, options, (parsed) => tree.kind(parsed)),
    get: (key, options) =>
      at(key, options, async (parsed) => {
        const value = find(parsed)
        return value && read(parsed, value, 0, value.size, options)
      }),
    getPartial: (key, offset, length, options) =>
      at(key, options, async (parsed) => {
        checkRange('offset', offset, parsed)
        checkRange('length', length, parsed)
        const value = find(parsed)
        const there = value && Math.max(0, Math.min(length, value.size - offset))
        return value && (there ? read(parsed, value, offset, there, options) : new Uint8Array(0))
      }),
    list: (key, options) =>
      at(key, options, (parsed) => {
        if (options?.limit !== undefined) checkRange('limit', options.limit, parsed)
        return tree.list(parsed, options)
      }),
    size: (key, options) => at(key, options, (parsed) => present(parsed).size),
    lastModified: (key, options) => at(key, options, (parsed) => present(parsed).lastModified),
    digest: (key, options) =>
      at(key, options, async (parsed) => {
        const value = present(parsed)
        value.digest ??= digestOf(capabilities.digest, await read(parsed, value, 0, value.size, options))
        return new Uint8Array(value.digest)
      }),
    disconnect: () => gate.close(),
    [Symbol.asyncDispose]: () => gate.close(),
  }
}
