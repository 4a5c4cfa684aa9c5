import { errorCode } from './codes.ts'
import { createGate } from './gate.ts'
import { type Key, type KeyLike, KvError, toKey } from './key.ts'
import { compareSegments } from './segment.ts'
import type { KvCapabilities, KvKind, KvListOptions, KvOptions, KvRo } from './store.ts'

/**
 * The stores one over the other, the first on top, as one store to read: a value hides what the stores below have at and
 * below its key, a dictionary hides a value and shows its children together with those of the dictionaries below.
 * Disconnecting the view leaves the stores open. Throws TypeError without a store, or when their digests differ.
 */
export function layered(...stores: readonly [KvRo, ...KvRo[]]): KvRo {
  const gate = createGate()
  const value = <T>(
    key: KeyLike,
    o: KvOptions | undefined,
    absent: () => T,
    read: (kv: KvRo, key: Key) => Promise<T>,
  ) =>
    gate.run(async () => {
      const parsed = toKey(key)
      const kv = await top(stores, parsed, o)
      return kv ? read(kv, parsed) : absent()
    })
  const missing = (key: KeyLike) => (): never => {
    throw new KvError('KV_NOT_FOUND', { key: toKey(key) })
  }
  return {
    capabilities: merged(stores),
    exists: (key, o) =>
      value<KvKind | undefined>(
        key,
        o,
        () => undefined,
        (kv, parsed) => kv.exists(parsed, o),
      ),
    get: (key, o) =>
      value<Uint8Array | undefined>(
        key,
        o,
        () => undefined,
        (kv, parsed) => kv.get(parsed, o),
      ),
    getPartial: (key, offset, length, o) =>
      value<Uint8Array | undefined>(
        key,
        o,
        () => undefined,
        (kv, parsed) => kv.getPartial(parsed, offset, length, o),
      ),
    list: (key, o) => gate.run(() => list(stores, toKey(key), o)),
    size: (key, o) => value(key, o, missing(key), (kv, parsed) => kv.size(parsed, o)),
    lastModified: (key, o) => value(key, o, missing(key), (kv, parsed) => kv.lastModified(parsed, o)),
    digest: (key, o) => value(key, o, missing(key), (kv, parsed) => kv.digest(parsed, o)),
    disconnect: () => gate.close(),
    [Symbol.asyncDispose]: () => gate.close(),
  }
}

/** The topmost store in which something is bound to the key and that no store above hides. */
async function top(stores: readonly KvRo[], key: Key, o: KvOptions | undefined): Promise<KvRo | undefined> {
  for (const kv of stores) {
    if ((await kv.exists(key, o)) !== undefined) return kv
    if (await hides(kv, key, o)) return undefined
  }
  return undefined
}

/** Whether the store has a value above the key, where it has nothing. */
async function hides(kv: KvRo, key: Key, o: KvOptions | undefined): Promise<boolean> {
  for (let above = key.parent; above.segments.length > 0; above = above.parent) {
    const kind = await kv.exists(above, o)
    if (kind) return kind === 'value'
  }
  return false
}

async function list(stores: readonly KvRo[], key: Key, o: KvListOptions | undefined): Promise<Array<[Key, KvKind]>> {
  const found = new Map<string, [Key, KvKind]>()
  let isDictionary = false
  for (const kv of stores) {
    const children = await kv.list(key, o).catch(absentOrValue)
    if (children === 'KV_DICTIONARY_EXPECTED') {
      if (isDictionary) break
      throw new KvError('KV_DICTIONARY_EXPECTED', { key })
    }
    if (children === 'KV_NOT_FOUND') {
      if (await hides(kv, key, o)) break
      continue
    }
    isDictionary = true
    for (const child of children) if (!found.has(child[0].basename)) found.set(child[0].basename, child)
  }
  if (!isDictionary) throw new KvError('KV_NOT_FOUND', { key })
  const sorted = [...found.values()].sort(([a], [b]) => compareSegments(a.basename, b.basename))
  return sorted.slice(0, o?.limit)
}

function absentOrValue(error: unknown): 'KV_NOT_FOUND' | 'KV_DICTIONARY_EXPECTED' {
  const code = errorCode(error)
  if (code === 'KV_NOT_FOUND' || code === 'KV_DICTIONARY_EXPECTED') return code
  throw error
}

function merged(stores: readonly KvRo[]): KvCapabilities {
  const all = stores.map((kv) => kv.capabilities)
  const first = all[0]
  if (!first) throw new TypeError('layered needs a store')
  if (all.some((one) => one.digest !== first.digest)) throw new TypeError('the stores must have one digest algorithm')
  const levels = ['none', 'process-crash', 'power-loss', 'replicated'] as const
  return {
    ...first,
    durability: levels[Math.min(...all.map((one) => levels.indexOf(one.durability)))] ?? 'none',
    lastModifiedResolutionMs: Math.max(...all.map((one) => one.lastModifiedResolutionMs)),
    keyNames: all.some((one) => one.keyNames === 'folding') ? 'folding' : 'exact',
  }
}
