import { type Key, KvError, type KvKind, type KvOptions } from '@fata/kv'
import { fromEntryName, toEntryName } from './names.ts'
import type { ObjectSource } from './objects.ts'
import { type Entry, isBlob, isTree } from './tree.ts'

/** What a key is bound to; `id` of the blob or tree. The empty root has no tree. */
export interface Found {
  readonly kind: KvKind
  readonly id: string | undefined
}

/** Undefined for nothing, also below a value. Rejects with KvError KV_IO for a link or another repository. */
export async function find(
  objects: ObjectSource,
  root: string | undefined,
  key: Key,
  options?: KvOptions,
): Promise<Found | undefined> {
  const entry = await entryAt(objects, root, key.segments, options)
  if (!entry) return key.segments.length === 0 ? { kind: 'dictionary', id: undefined } : undefined
  if (isTree(entry)) return { kind: 'dictionary', id: entry.id }
  if (isBlob(entry)) return { kind: 'value', id: entry.id }
  throw new KvError('KV_IO', { key, message: 'a link or a submodule, not a value' })
}

/** Of any mode. */
export async function entryAt(
  objects: ObjectSource,
  root: string | undefined,
  segments: readonly string[],
  options?: KvOptions,
): Promise<Entry | undefined> {
  let at: Entry | undefined = root === undefined ? undefined : { mode: '40000', id: root }
  for (const segment of segments) {
    if (!at || !isTree(at)) return undefined
    at = (await objects.tree(at.id, options)).get(toEntryName(segment))
  }
  return at
}

/** The children that a key can name, in no order; links and submodules are left out. */
export async function children(
  objects: ObjectSource,
  id: string | undefined,
  options?: KvOptions,
): Promise<Array<{ name: string; entry: Entry }>> {
  const found: Array<{ name: string; entry: Entry }> = []
  for (const [encoded, entry] of await objects.tree(id, options)) {
    const name = isTree(entry) || isBlob(entry) ? fromEntryName(encoded) : undefined
    if (name !== undefined) found.push({ name, entry })
  }
  return found
}

/** The keys of all values at and below the key. */
export async function valuesBelow(
  objects: ObjectSource,
  root: string | undefined,
  key: Key,
  options?: KvOptions,
): Promise<Key[]> {
  const found = await find(objects, root, key, options)
  if (found?.kind === 'value') return [key]
  const keys: Key[] = []
  if (found) for await (const [value] of blobsBelow(objects, found.id, key, options)) keys.push(value)
  return keys
}

/** What is too deep or too long for a key is left out. */
export async function* blobsBelow(
  objects: ObjectSource,
  tree: string | undefined,
  key: Key,
  options?: KvOptions,
): AsyncGenerator<[Key, Entry]> {
  for (const { name, entry } of await children(objects, tree, options)) {
    const child = childOf(key, name)
    if (!child) continue
    if (isTree(entry)) yield* blobsBelow(objects, entry.id, child, options)
    else yield [child, entry]
  }
}

export function childOf(key: Key, name: string): Key | undefined {
  try {
    return key.child(name)
  } catch {
    return undefined
  }
}
