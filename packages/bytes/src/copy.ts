/** Below this a loop is faster than `subarray` and `set`. */
const INLINE_COPY = 96

/** Copies `src[off..end)` to `dst[at..)` and returns the number of bytes copied. The ranges must not overlap. */
export function copyBytes(dst: Uint8Array, at: number, src: Uint8Array, off = 0, end: number = src.length): number {
  const n = end - off
  if (n <= INLINE_COPY) {
    for (let i = 0; i < n; i++) dst[at + i] = src[off + i]!
  } else if (n === src.length) {
    dst.set(src, at)
  } else {
    dst.set(src.subarray(off, end), at)
  }
  return n
}

/** Writes zeros at `b[off..end)`. */
export function zeroBytes(b: Uint8Array, off: number, end: number): void {
  b.fill(0, off, end)
}

/** Same length and same bytes. Not in constant time: nothing for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** All chunks behind each other, in memory of their own. */
export function concatBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.length
  }
  return all
}
