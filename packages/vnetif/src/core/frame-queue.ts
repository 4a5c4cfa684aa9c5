import { createFrameMeta, type FrameMeta } from '@fata/net'
import type { Slab } from './frame-memory.ts'

/** A frame by reference. The record is the queue's and reused. */
export interface QueuedFrame {
  slab: Slab | undefined
  off: number
  end: number
  readonly meta: FrameMeta
}

const FIRST_CAPACITY = 16

/** First in, first out, of frames by reference: a ring of reused records that grows as far as its user lets it. */
export class FrameQueue {
  #ring: QueuedFrame[] = []
  #head = 0
  /** Frames in the queue. */
  length = 0
  /** Their bytes. */
  bytes = 0

  /** Appends a frame and holds its slab. */
  push(slab: Slab, off: number, end: number, meta: FrameMeta): void {
    if (this.length === this.#ring.length) this.#grow()
    const entry = this.#ring[(this.#head + this.length) & (this.#ring.length - 1)]!
    slab.hold()
    entry.slab = slab
    entry.off = off
    entry.end = end
    copyMeta(entry.meta, meta)
    this.length++
    this.bytes += end - off
  }

  /** Removes the first frame, whose slab the caller must release. The record is valid until the next `push`. */
  shift(): QueuedFrame | undefined {
    if (this.length === 0) return undefined
    const entry = this.#ring[this.#head]!
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.length--
    this.bytes -= entry.end - entry.off
    return entry
  }

  #grow(): void {
    const old = this.#ring
    const capacity = Math.max(FIRST_CAPACITY, old.length * 2)
    const ring: QueuedFrame[] = []
    for (let i = 0; i < capacity; i++) {
      ring.push(
        i < old.length
          ? old[(this.#head + i) & (old.length - 1)]!
          : { slab: undefined, off: 0, end: 0, meta: createFrameMeta() },
      )
    }
    this.#ring = ring
    this.#head = 0
  }
}

/** Makes `to` say what `from` says. */
export function copyMeta(to: FrameMeta, from: FrameMeta): void {
  to.checksum = from.checksum
  to.checksumStart = from.checksumStart
  to.checksumOffset = from.checksumOffset
  to.gso = from.gso
  to.gsoSize = from.gsoSize
}
