import { addToGather, assert, type Gather, serialGt, serialLeq } from '@fata/bytes'
import { seqAdd } from './sequence.ts'
import { SMALL_WRITE, type SmallWrites } from './small-writes.ts'

const INITIAL_CHUNKS = 8
/** Room for more is given back when the queue is empty. */
const KEPT_CHUNKS = 256
/** Ranges in one segment; a segment that would need more is cut short. Well below what a gathering system call takes (1024). */
const MAX_RANGES = 64

/**
 * The bytes that were written and are not acknowledged, by reference: a ring of ranges, each with the sequence number of its first
 * byte. Chunks belong to the queue from `append` on; small ones are copied together.
 */
export class SendQueue {
  /** Sequence numbers of the first byte, and behind the last one. */
  start = 0
  end = 0
  #bufs: (Uint8Array | undefined)[] = new Array(INITIAL_CHUNKS).fill(undefined)
  #seqs = new Int32Array(INITIAL_CHUNKS)
  #offs = new Int32Array(INITIAL_CHUNKS)
  #mask = INITIAL_CHUNKS - 1
  #head = 0
  #count = 0
  /** Where the last gathered range ended: new data goes out in order, so that the next search mostly ends here. */
  #cursor = 0

  /** Empties the queue; what is appended next begins at `seq`. */
  reset(seq: number): void {
    if (this.#mask >= KEPT_CHUNKS) this.#resize(INITIAL_CHUNKS)
    this.#bufs.fill(undefined)
    this.#head = this.#count = this.#cursor = 0
    this.start = this.end = seq
  }

  append(chunk: Uint8Array, small: SmallWrites): void {
    if (chunk.length >= SMALL_WRITE) this.#push(chunk, 0)
    else if (chunk.length > 0) this.#appendSmall(chunk, small)
    this.end = seqAdd(this.end, chunk.length)
  }

  /** Adds the ranges of up to `length` bytes from `seq` on to `g`; returns how many bytes these are: fewer where they are many ranges. */
  gather(seq: number, length: number, g: Gather): number {
    let i = this.#find(seq)
    let left = length
    let skip = (seq - this.#seqs[this.#at(i)]!) | 0
    for (let ranges = 0; left > 0 && ranges < MAX_RANGES; ranges++, i++) {
      const at = this.#at(i)
      const n = Math.min(left, this.#length(i) - skip)
      const off = this.#offs[at]! + skip
      addToGather(g, this.#bufs[at]!, off, off + n)
      left -= n
      skip = 0
    }
    this.#cursor = Math.max(0, i - 1)
    return length - left
  }

  /** Lets go of everything before `una`. */
  release(una: number): void {
    let removed = 0
    while (this.#count > 0 && serialLeq(seqAdd(this.#seqs[this.#head]!, this.#length(0)), una)) {
      this.#bufs[this.#head] = undefined
      this.#head = (this.#head + 1) & this.#mask
      this.#count--
      removed++
    }
    this.#cursor = Math.max(0, this.#cursor - removed)
    this.start = una
  }

  #at(i: number): number {
    return (this.#head + i) & this.#mask
  }

  #length(i: number): number {
    const next = i + 1 < this.#count ? this.#seqs[this.#at(i + 1)]! : this.end
    return (next - this.#seqs[this.#at(i)]!) | 0
  }

  /** The range that holds `seq`. */
  #find(seq: number): number {
    let low = 0
    let high = this.#count - 1
    assert(high >= 0, 'only bytes that were appended are gathered')
    const near = Math.min(this.#cursor, high)
    if (serialLeq(this.#seqs[this.#at(near)]!, seq)) low = near
    else high = near - 1
    if (low < high && serialGt(this.#seqs[this.#at(low + 1)]!, seq)) return low
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (serialLeq(this.#seqs[this.#at(middle)]!, seq)) low = middle
      else high = middle - 1
    }
    return low
  }

  #appendSmall(chunk: Uint8Array, small: SmallWrites): void {
    const block = small.block
    const used = small.used
    const at = small.copy(chunk)
    // Grow the last range where it ends exactly where the copy begins.
    if (this.#count > 0 && small.block === block) {
      const last = this.#at(this.#count - 1)
      const lastEnd = this.#offs[last]! + this.#length(this.#count - 1)
      if (this.#bufs[last] === block && lastEnd === used) return
    }
    this.#push(small.block, at)
  }

  #push(buf: Uint8Array, off: number): void {
    if (this.#count > this.#mask) this.#resize(2 * this.#mask + 2)
    const at = this.#at(this.#count)
    this.#bufs[at] = buf
    this.#offs[at] = off
    this.#seqs[at] = this.end
    this.#count++
  }

  /** Moves the chunks to a ring of `size`; those that do not fit are forgotten. */
  #resize(size: number): void {
    const bufs: (Uint8Array | undefined)[] = new Array(size).fill(undefined)
    const seqs = new Int32Array(size)
    const offs = new Int32Array(size)
    for (let i = 0; i < Math.min(size, this.#count); i++) {
      const at = this.#at(i)
      bufs[i] = this.#bufs[at]
      seqs[i] = this.#seqs[at]!
      offs[i] = this.#offs[at]!
    }
    this.#bufs = bufs
    this.#seqs = seqs
    this.#offs = offs
    this.#mask = size - 1
    this.#head = 0
  }
}
