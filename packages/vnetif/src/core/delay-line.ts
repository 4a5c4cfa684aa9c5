import type { Slab } from './frame-memory.ts'

/** A frame on its way. The record is the line's and reused. */
export interface DelayedFrame {
  due: number
  order: number
  slab: Slab | undefined
  off: number
  end: number
  /** Bytes at the end that are no part of the frame. */
  junk: number
}

/** Frames by the time at which they are due; those due at one time in the order in which they came. A binary heap of reused records. */
export class DelayLine {
  // Records behind `length` are free.
  readonly #heap: DelayedFrame[] = []
  #order = 0
  length = 0

  /** When the first frame is due; Infinity for an empty line. */
  get nextAt(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#heap[0]!.due
  }

  /** Adds a frame; the line takes over the caller's hold of its slab. */
  push(due: number, slab: Slab, off: number, end: number, junk: number): void {
    const heap = this.#heap
    let i = this.length++
    const frame = heap[i] ?? { due: 0, order: 0, slab: undefined, off: 0, end: 0, junk: 0 }
    frame.due = due
    frame.order = this.#order++
    frame.slab = slab
    frame.off = off
    frame.end = end
    frame.junk = junk
    for (let parent = (i - 1) >> 1; i > 0 && before(frame, heap[parent]!); parent = (i - 1) >> 1) {
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = frame
  }

  /** Removes the first frame, whose slab the caller must release. The record is valid until the next `push`. */
  shift(): DelayedFrame | undefined {
    if (this.length === 0) return undefined
    const heap = this.#heap
    const first = heap[0]!
    const last = heap[--this.length]!
    let i = 0
    for (let child = 1; child < this.length; child = 2 * i + 1) {
      if (child + 1 < this.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    heap[this.length] = first
    return first
  }
}

function before(a: DelayedFrame, b: DelayedFrame): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
