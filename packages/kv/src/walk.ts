import { errorCode } from './codes.ts'
import { Key, type KeyLike, toKey } from './key.ts'
import type { KvKind, KvOptions, KvRo } from './store.ts'

const PAGE = 1000

/**
 * The keys of all values at and below `key`, in Key order, one page of one dictionary in memory per level. What is added
 * or removed meanwhile may or may not appear; nothing bound to `key` is an empty walk.
 */
export async function* walk(kv: KvRo, key: KeyLike = Key.root, options: KvOptions = {}): AsyncGenerator<Key, void> {
  const start = toKey(key)
  const kind = await kv.exists(start, options)
  if (kind === 'value') yield start
  if (kind === 'dictionary') yield* below(kv, start, options)
}

async function* below(kv: KvRo, key: Key, options: KvOptions): AsyncGenerator<Key, void> {
  let after: string | undefined
  while (true) {
    const page = await kv.list(key, { ...options, limit: PAGE, after }).catch(gone)
    for (const [child, kind] of page) {
      if (kind === 'value') yield child
      else yield* below(kv, child, options)
    }
    if (page.length < PAGE) return
    after = page.at(-1)?.[0].basename
  }
}

/** A dictionary that was removed, or became a value, between its listing and its turn. */
function gone(error: unknown): Array<[Key, KvKind]> {
  const code = errorCode(error)
  if (code === 'KV_NOT_FOUND' || code === 'KV_DICTIONARY_EXPECTED') return []
  throw error
}
