/**
 * The Internet checksum, RFC 1071, as partial sums: a partial sum is an integer of at least 0 and below 2^53 that stands for the sum
 * of big-endian 16-bit words modulo 65535. Sums of pieces may be added; `foldSum` brings one down to 16 bits.
 *
 * Long runs are summed as 32-bit words into a double, about eight times as fast as byte pairs.
 */

const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** Below this, finding the view costs more than it saves. */
const SHORTEST_WORDS = 64

/** 2^20 words of 32 bits: a double holds their sum exactly, with room for the partial sum that it is added to. */
const LONGEST_EXACT = 0x40_0000

/** Smaller buffers are seldom a device's slab, and remembering one that does not come back costs 2 us. */
const SMALLEST_REMEMBERED = 4096

// `new Uint32Array(buffer)` costs as much as summing a short packet.
const views = new WeakMap<ArrayBufferLike, Uint32Array>()

/** The buffer as 32-bit words, at least `count` of them. */
function wordsOf(buffer: ArrayBufferLike, count: number): Uint32Array {
  if (buffer.byteLength < SMALLEST_REMEMBERED) return new Uint32Array(buffer, 0, count)
  const known = views.get(buffer)
  // Too short: a resizable buffer has grown, or shrunk and grown, since its view was made.
  if (known !== undefined && known.length >= count) return known
  const view = new Uint32Array(buffer, 0, buffer.byteLength >>> 2)
  views.set(buffer, view)
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
  const base = b.byteOffset
  const last = (base + end) >>> 2
  const w = wordsOf(b.buffer, last)
  let s = 0
  let i = off
  if (((base + i) & 2) !== 0) {
    s = b[i]! | (b[i + 1]! << 8)
    i += 2
  }
  let p = (base + i) >>> 2
  for (; p + 4 <= last; p += 4) s += w[p]! + w[p + 1]! + w[p + 2]! + w[p + 3]!
  for (; p < last; p++) s += w[p]!
  i = last * 4 - base
  for (; i + 1 < end; i += 2) s += b[i]! | (b[i + 1]! << 8)
  if (i < end) s += b[i]!
  return s
}

/**
 * Adds the sum of `b[off..end)` to the partial sum `initial`. An odd last byte counts as the high half of a word, so every
 * piece but the last must have an even length; `sumBytesAt` is for pieces that begin anywhere.
 */
export function sumBytes(b: Uint8Array, off: number, end: number, initial = 0): number {
  if (end - off < SHORTEST_WORDS || !littleEndian) return sumPairs(b, off, end, initial)
  if (end - off > LONGEST_EXACT) return sumLong(b, off, end, initial)
  if (((b.byteOffset + off) & 1) === 0) return initial + swap16(foldSum(sumWords(b, off, end)))
  // From an odd address the bytes behind the first one stand in the other half of their words.
  return initial + (b[off]! << 8) + foldSum(sumWords(b, off + 1, end))
}

function sumLong(b: Uint8Array, off: number, end: number, initial: number): number {
  let s = initial
  for (let i = off; i < end; i += LONGEST_EXACT) s = sumBytes(b, i, Math.min(end, i + LONGEST_EXACT), s)
  return s
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

/** The checksum after a 16-bit word of the data, at an even position, went from `from` to `to` (RFC 1624 §3, equation 3). */
export function updateChecksum(checksum: number, from: number, to: number): number {
  return ~foldSum((~checksum & 0xffff) + (~from & 0xffff) + to) & 0xffff
}
