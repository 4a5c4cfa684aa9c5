import { createHash } from 'node:crypto'
import type { DirFile } from './fs.ts'

/** Up to here the thread pool costs more than the call. */
export const QUICK_BYTES: number = 64 * 1024
const CHUNK = 1024 * 1024

/** The bytes `[offset, offset + length)` of the file as far as there are any. */
export async function readRange(
  file: DirFile,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let filled = 0
  for await (const part of parts(file, offset, bytes, signal)) filled += part.length
  return filled < length ? bytes.slice(0, filled) : bytes
}

/** SHA-256 of the whole file, of which one part at a time is in memory. */
export async function hashFile(file: DirFile, size: number, signal?: AbortSignal): Promise<Uint8Array> {
  const hash = createHash('sha256')
  const buffer = new Uint8Array(Math.min(size, CHUNK))
  for (let at = 0; at < size; ) {
    let filled = 0
    for await (const part of parts(file, at, buffer.subarray(0, Math.min(buffer.length, size - at)), signal)) {
      hash.update(part)
      filled += part.length
    }
    if (filled === 0) break
    at += filled
  }
  return new Uint8Array(hash.digest())
}

/** Fills `into` from the file, part by part, until it is full or the file ends. */
async function* parts(
  file: DirFile,
  offset: number,
  into: Uint8Array,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const quick = into.length <= QUICK_BYTES
  for (let at = 0; at < into.length; ) {
    signal?.throwIfAborted()
    const room = into.subarray(at, at + CHUNK)
    const n = quick ? file.readNow(room, offset + at) : await file.read(room, offset + at)
    if (n === 0) return
    yield into.subarray(at, at + n)
    at += n
  }
}
