import { serialDiff, serialGt, serialLt } from '@fata/bytes'
import { ByteQueue } from './byte-queue.ts'
import type { ReceiveMemory } from './receive-memory.ts'
import { seqAdd } from './sequence.ts'

/** Data that came before what precedes it: `[start, end)` without gaps. */
export interface Range {
  start: number
  end: number
  readonly bytes: ByteQueue
}

/** What the next ACK reports first: the ranges that changed last (RFC 2018 §4). */
const MAX_RECENT = 4

/**
 * Segments that arrived ahead of a gap: ranges in order, disjoint and not touching. Where data overlaps, what came first stays.
 * The window bounds the bytes, `maxRanges` the pieces.
 */
export class Reassembly {
  readonly ranges: Range[] = []
  /** The ranges that changed last, latest first. */
  readonly recent: Range[] = []
  /** Bytes held. */
  length = 0
  readonly #memory: ReceiveMemory

  constructor(memory: ReceiveMemory) {
    this.#memory = memory
  }

  /** Adds `buf[off..off+length)` at `seq`. Returns the number of bytes that are new; 0 also where too many pieces are held. */
  insert(seq: number, buf: Uint8Array, off: number, length: number, maxRanges: number): number {
    const before = this.length
    const end = seqAdd(seq, length)
    let s = seq
    for (let i = this.#find(seq); serialLt(s, end); i++) {
      const next = this.ranges[i]
      const gapEnd = next === undefined || serialGt(next.start, end) ? end : next.start
      if (serialLt(s, gapEnd)) {
        const at = off + serialDiff(s, seq)
        if (!this.#fill(i, s, gapEnd, buf, at, maxRanges)) break
        s = gapEnd
        // The filled piece stands before `next` or has been joined to its neighbours: look at that place again.
        i = this.#find(s) - 1
        continue
      }
      if (next !== undefined && serialLt(s, next.end)) s = next.end
    }
    this.#touch(seq)
    return this.length - before
  }

  /** Removes and returns the range that begins at or before `seq`; undefined where the first one lies ahead. */
  takeAt(seq: number): Range | undefined {
    const first = this.ranges[0]
    if (first === undefined || serialGt(first.start, seq)) return undefined
    this.#remove(0)
    return first
  }

  /** Gives everything back. */
  clear(): void {
    for (const range of this.ranges) range.bytes.clear()
    this.ranges.length = this.recent.length = this.length = 0
  }

  /** The first range that ends behind `seq`. */
  #find(seq: number): number {
    // Most segments belong at the end.
    let i = this.ranges.length
    while (i > 0 && serialGt(this.ranges[i - 1]!.end, seq)) i--
    return i
  }

  /** Puts `[start, end)`, which nothing overlaps, before range `i`: to the range that it continues, else as one of its own. */
  #fill(i: number, start: number, end: number, buf: Uint8Array, off: number, maxRanges: number): boolean {
    const before = i > 0 && this.ranges[i - 1]!.end === start ? this.ranges[i - 1]! : undefined
    const after = this.ranges[i]
    if (before === undefined && this.ranges.length >= maxRanges) return false
    const range = before ?? { start, end, bytes: new ByteQueue(this.#memory) }
    if (before === undefined) this.ranges.splice(i, 0, range)
    this.#append(range, end, buf, off)
    if (after !== undefined && after.start === end) {
      range.bytes.moveFrom(after.bytes)
      range.end = after.end
      this.ranges.splice(this.ranges.indexOf(after), 1)
      this.#forget(after)
    }
    return true
  }

  #append(range: Range, end: number, buf: Uint8Array, off: number): void {
    const bytes = serialDiff(end, range.start) - range.bytes.length
    range.bytes.append(buf, off, off + bytes)
    range.end = end
    this.length += bytes
  }

  #remove(i: number): void {
    const range = this.ranges[i]!
    this.ranges.splice(i, 1)
    this.#forget(range)
    this.length -= range.bytes.length
  }

  #forget(range: Range): void {
    const i = this.recent.indexOf(range)
    if (i >= 0) this.recent.splice(i, 1)
  }

  /** The range that holds `seq` becomes the most recent one. */
  #touch(seq: number): void {
    const range = this.ranges[this.#find(seq)]
    if (range === undefined || serialGt(range.start, seq)) return
    this.#forget(range)
    this.recent.unshift(range)
    if (this.recent.length > MAX_RECENT) this.recent.pop()
  }
}
