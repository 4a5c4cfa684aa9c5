import { Key, type KvKind } from '@fata/kv'

/**
 * How the store lies in an engine that orders keys by their bytes in UTF-8.
 *
 *     value       parent NUL NUL name              e.g. /a/b/c: a NUL b NUL NUL c
 *     dictionary  parent NUL NUL name NUL          while a value lies below it
 *     head        NUL NUL "fata-kv"              format (1), the latest lastModified of all values (8, double, big-endian)
 *
 * A parent is its segments with NULs between; of what is in the root there is no parent, and one NUL in front. So the
 * children of a dictionary are neighbours, in the order of `list`, and what something is takes two looks, however much lies
 * below it. No segment is empty or holds NUL: no two keys are the same.
 */
export interface Range {
  readonly gte: string
  readonly lt?: string
}

export const HEAD_KEY = '\0\0fata-kv'
export const FORMAT = 1
/** In front of the bytes of a value: format (1), lastModified (8, double, big-endian). */
export const HEAD_LEN = 9

/** Not of the root, which is no value. */
export function valueKey({ segments }: Key): string {
  const last = segments.length - 1
  if (last === 0) return `\0${segments[0]}`
  // Several times as fast as a slice and a join; every write asks for it a few times.
  let parent = segments[0]!
  for (let i = 1; i < last; i++) parent += `\0${segments[i]}`
  return `${parent}\0\0${segments[last]}`
}

export function dictionaryKey(key: Key): string {
  return `${valueKey(key)}\0`
}

/** What the engine keys of all children of the dictionary begin with. */
export function childPrefix(dictionary: Key): string {
  return dictionary.segments.length === 0 ? '\0' : `${dictionary.segments.join('\0')}\0\0`
}

/** The children of the dictionary, of both kinds. */
export function childRange(dictionary: Key): Range {
  const prefix = childPrefix(dictionary)
  return { gte: `${prefix}\u0001`, lt: `${prefix.slice(0, -1)}\u0001` }
}

/** Everything below the dictionary. */
export function rangeBelow(dictionary: Key): Range {
  if (dictionary.segments.length === 0) return { gte: '\0\u0001' }
  const path = dictionary.segments.join('\0')
  return { gte: `${path}\0`, lt: `${path}\u0001` }
}

/** The name and kind that an engine key of the dictionary's children stands for. */
export function decodeChild(prefix: string, engineKey: string): { name: string; kind: KvKind } {
  const isDictionary = engineKey.endsWith('\0')
  const name = engineKey.slice(prefix.length, isDictionary ? -1 : undefined)
  return { name, kind: isDictionary ? 'dictionary' : 'value' }
}

/** The key of a value; undefined for the engine key of a dictionary. Throws KvError KV_KEY_INVALID for one of neither. */
export function decodeValueKey(engineKey: string): Key | undefined {
  if (engineKey.endsWith('\0')) return undefined
  const cut = engineKey.lastIndexOf('\0\0')
  if (cut < 0) return Key.of(engineKey.slice(1))
  return Key.of(...engineKey.slice(0, cut).split('\0'), engineKey.slice(cut + 2))
}

export function encodeValue(value: Uint8Array, lastModified: number): Uint8Array {
  const record = new Uint8Array(HEAD_LEN + value.length)
  record[0] = FORMAT
  new DataView(record.buffer).setFloat64(1, lastModified)
  record.set(value, HEAD_LEN)
  return record
}

export function encodeHead(latest: number): Uint8Array {
  return encodeValue(new Uint8Array(0), latest)
}

export interface ValueRecord {
  /** A view of the record. */
  readonly value: Uint8Array
  readonly lastModified: number
}

/** undefined for what no store wrote. */
export function decodeValue(record: Uint8Array): ValueRecord | undefined {
  if (record.length < HEAD_LEN || record[0] !== FORMAT) return undefined
  const lastModified = new DataView(record.buffer, record.byteOffset).getFloat64(1)
  if (!Number.isSafeInteger(lastModified) || lastModified < 0) return undefined
  return { value: record.subarray(HEAD_LEN), lastModified }
}
