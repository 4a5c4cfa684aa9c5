import { sumBytesAt } from './checksum.ts'
import { copyBytes } from './copy.ts'

/** Byte ranges that belong together, by reference. One is made once and reused: `clearGather`, `addToGather`. */
export interface Gather {
  /** Ranges in use: the first `count` entries of the arrays. */
  count: number
  /** Bytes of all ranges. */
  length: number
  readonly bufs: Uint8Array[]
  readonly offs: number[]
  readonly ends: number[]
}

/** An empty list. */
export function createGather(): Gather {
  return { count: 0, length: 0, bufs: [], offs: [], ends: [] }
}

/** Empties `g`; it lets go of the buffers as they are overwritten. */
export function clearGather(g: Gather): void {
  g.count = 0
  g.length = 0
}

/** Appends `buf[off..end)`. */
export function addToGather(g: Gather, buf: Uint8Array, off: number, end: number): void {
  g.bufs[g.count] = buf
  g.offs[g.count] = off
  g.ends[g.count] = end
  g.count++
  g.length += end - off
}

/** Copies all ranges to `dst[at..)` and returns their length. */
export function copyGather(dst: Uint8Array, at: number, g: Gather): number {
  let o = at
  for (let i = 0; i < g.count; i++) o += copyBytes(dst, o, g.bufs[i]!, g.offs[i]!, g.ends[i]!)
  return g.length
}

/** Adds the Internet checksum of all ranges to `initial`; they begin `position` bytes into the checksummed data. */
export function sumGather(g: Gather, initial: number, position: number): number {
  let sum = initial
  let at = position
  for (let i = 0; i < g.count; i++) {
    sum = sumBytesAt(g.bufs[i]!, g.offs[i]!, g.ends[i]!, sum, at)
    at += g.ends[i]! - g.offs[i]!
  }
  return sum
}
