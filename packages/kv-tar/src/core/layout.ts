import type { Key } from '@fata/kv'
import { toUtf8 } from '../wire/text.ts'
import { BLOCK, encode, encodePax, padded, splitName } from '../wire.ts'

/** A value as it goes into an archive. */
export interface NewEntry {
  readonly key: Key
  readonly value: Uint8Array
  /** Milliseconds since 1970; whole seconds are kept. */
  readonly lastModified: number
}

/** Two zero blocks: the end of an archive. */
export const END_BYTES: number = 2 * BLOCK

/** The headers of an entry: one block, and an extended header before it when the name does not fit in there. */
export function entryHeaders({ key, value, lastModified }: NewEntry): Uint8Array {
  const name = toUtf8(key.segments.join('/'))
  const mtime = Math.floor(lastModified / 1000)
  const fits = splitName(name) !== undefined
  const records = fits ? new Uint8Array(0) : encodePax({ path: key.segments.join('/') })
  const before = fits ? 0 : BLOCK + padded(records.length)
  const headers = new Uint8Array(before + BLOCK)
  if (!fits) {
    encode(headers, 0, { name: toUtf8(`PaxHeaders/${key.basename}`), type: 'pax', size: records.length, mtime })
    headers.set(records, BLOCK)
  }
  encode(headers, before, { name, type: 'file', size: value.length, mtime })
  return headers
}

/** What fills the last block of a value. */
export function padding(bytes: number): Uint8Array {
  return new Uint8Array(padded(bytes) - bytes)
}
