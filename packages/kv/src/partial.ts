import { type Key, KvError } from './key.ts'

/** Throws KvError KV_RANGE unless `value` is an integer >= 0. */
export function checkRange(name: string, value: number, key?: Key): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new KvError('KV_RANGE', { message: `${name} must be an integer of at least 0`, key })
  }
}

/** A copy of `[offset, offset + length)` as far as there is any. Throws KvError KV_RANGE. */
export function readPart(value: Uint8Array, offset: number, length: number, key?: Key): Uint8Array {
  checkRange('offset', offset, key)
  checkRange('length', length, key)
  return new Uint8Array(value.subarray(offset, offset + length))
}

/** A copy of `old` with `part` written over it at `offset`. Throws KvError KV_RANGE when a hole would come to be. */
export function writePart(old: Uint8Array, offset: number, part: Uint8Array, key?: Key): Uint8Array {
  checkRange('offset', offset, key)
  if (offset > old.length)
    throw new KvError('KV_RANGE', { message: 'the offset is past the end', key, limit: old.length })
  const value = new Uint8Array(Math.max(old.length, offset + part.length))
  value.set(old)
  value.set(part, offset)
  return value
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
