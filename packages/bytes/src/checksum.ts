/**
 * The Internet checksum, RFC 1071, as partial sums: a partial sum is a number below 2^53 that stands for the sum of big-endian
 * 16-bit words modulo 65535. Sums of pieces may be added; `foldSum` brings one down to 16 bits.
 *
 * Long runs are summed as 32-bit words into a double: exact for 8 MiB, and about eight times as fast as byte pairs.
 */

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

// `new Uint32Array(buffer)` costs more than summing a short packet, so the views of the last buffers seen are kept. A device
// has one or two slabs; the bound keeps at most this many buffers alive.
const VIEWS = 4
const buffers: (ArrayBufferLike | undefined)[] = new Array(VIEWS).fill(undefined)
const views: Uint32Array[] = new Array(VIEWS).fill(new Uint32Array(0))
let nextView = 0

function words(buffer: ArrayBufferLike): Uint32Array {
  for (let i = 0; i < VIEWS; i++) if (buffers[i] === buffer) return views[i]!
  const view = new Uint32Array(buffer, 0, buffer.byteLength >>> 2)
  buffers[nextView] = buffer
  views[nextView] = view
  nextView = (nextView + 1) % VIEWS
  return view
}

function sumPairs(b: Uint8Array, off: number, end: number, initial: number): number {
  let s = initial
  let i = off
  for (; i + 1 < end; i += 2) s += (b[i]! << 8) | b[i + 1]!
  if (i < end) s += b[i]! << 8
  return s
}

function swap16(v: number): number {
  return ((v & 0xff) << 8) | (v >>> 8)
}

/** Sum of `b[off..end)` in memory order (little-endian), where `b.byteOffset + off` is even. */
function sumWords(b: Uint8Array, off: number, end: number): number {
  const w = words(b.buffer)
  let s = 0
  let i = off
  if (((b.byteOffset + i) & 2) !== 0) {
    s = b[i]! | (b[i + 1]! << 8)
    i += 2
  }
  let p = (b.byteOffset + i) >>> 2
  const last = (b.byteOffset + end) >>> 2
  for (; p + 4 <= last; p += 4) s += w[p]! + w[p + 1]! + w[p + 2]! + w[p + 3]!
  for (; p < last; p++) s += w[p]!
  i = last * 4 - b.byteOffset
  for (; i + 1 < end; i += 2) s += b[i]! | (b[i + 1]! << 8)
  if (i < end) s += b[i]!
  return s
}

/**
 * Adds the sum of `b[off..end)` to the partial sum `initial`. An odd last byte counts as the high half of a word, so every
 * piece but the last must have an even length; `sumBytesAt` is for pieces that begin anywhere.
 */
export function sumBytes(b: Uint8Array, off: number, end: number, initial = 0): number {
  if (end - off < 32 || !littleEndian) return sumPairs(b, off, end, initial)
  if (((b.byteOffset + off) & 1) === 0) return initial + swap16(foldSum(sumWords(b, off, end)))
  // From an odd address the bytes behind the first one stand in the other half of their words.
  return initial + (b[off]! << 8) + foldSum(sumWords(b, off + 1, end))
}

/** As `sumBytes`, for a piece that begins `position` bytes into the checksummed data. */
export function sumBytesAt(b: Uint8Array, off: number, end: number, initial: number, position: number): number {
  if ((position & 1) === 0) return sumBytes(b, off, end, initial)
  return initial + swap16(foldSum(sumBytes(b, off, end)))
}

/** Folds a partial sum to 16 bits. Not complemented. */
export function foldSum(sum: number): number {
  // 2^32 = 1 (mod 65535), so the high and low 32 bits may simply be added.
  let s = sum > 0xffffffff ? Math.floor(sum / 0x1_0000_0000) + (sum >>> 0) : sum
  if (s > 0xffffffff) s = Math.floor(s / 0x1_0000_0000) + (s >>> 0)
  s = (s >>> 16) + (s & 0xffff)
  return (s >>> 16) + (s & 0xffff)
}

/** The checksum of `b[off..end)` with the partial sum `initial`: what goes into a header, or 0 over data whose checksum is right. */
export function checksum(b: Uint8Array, off: number, end: number, initial = 0): number {
  return ~foldSum(sumBytes(b, off, end, initial)) & 0xffff
}
