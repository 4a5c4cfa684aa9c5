import { copyBytes } from '@fata/bytes'
import type { ReceiveMemory, Slab } from './receive-memory.ts'

/** Bytes of a slab, `[start, end)`. */
export interface Piece {
  readonly slab: Slab
  readonly start: number
  end: number
}

/** Received bytes in order: pieces of slabs. Each byte is copied once, from the device's memory to where the reader finds it. */
export class ByteQueue {
  length = 0
  readonly #pieces: Piece[] = []
  readonly #memory: ReceiveMemory

  constructor(memory: ReceiveMemory) {
    this.#memory = memory
  }

  /** Appends a copy of `buf[off..end)`. */
  append(buf: Uint8Array, off: number, end: number): void {
    for (let at = off; at < end; ) {
      const slab = this.#memory.slabFor(end - off)
      const start = slab.used
      const n = Math.min(end - at, slab.bytes.length - start)
      copyBytes(slab.bytes, start, buf, at, at + n)
      slab.used = start + n
      const last = this.#pieces.at(-1)
      if (last !== undefined && last.slab === slab && last.end === start) {
        last.end = start + n
      } else {
        slab.live++
        this.#pieces.push({ slab, start, end: start + n })
      }
      at += n
    }
    this.length += end - off
  }

  /** The oldest piece, or its first `most` bytes; undefined where there is none. It is to be given back to the memory. */
  take(most: number = Number.POSITIVE_INFINITY): Piece | undefined {
    const first = this.#pieces[0]
    if (first === undefined) return undefined
    let piece = first
    if (first.end - first.start > most) {
      piece = { slab: first.slab, start: first.start, end: first.start + most }
      this.#pieces[0] = { slab: first.slab, start: piece.end, end: first.end }
      first.slab.live++
    } else {
      this.#pieces.shift()
    }
    this.length -= piece.end - piece.start
    return piece
  }

  /** A copy of the first bytes, `most` of them or what there is. */
  peek(most: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(most, this.length))
    let at = 0
    for (const { slab, start, end } of this.#pieces) {
      if (at === bytes.length) break
      const n = Math.min(end - start, bytes.length - at)
      copyBytes(bytes, at, slab.bytes, start, start + n)
      at += n
    }
    return bytes
  }

  /** Appends everything that `other` holds, without copying, and empties it. */
  moveFrom(other: ByteQueue): void {
    for (const piece of other.#pieces) this.#pieces.push(piece)
    this.length += other.length
    other.#pieces.length = other.length = 0
  }

  /** Gives everything back. */
  clear(): void {
    for (const { slab } of this.#pieces) this.#memory.release(slab, false)
    this.#pieces.length = this.length = 0
  }
}
