import { copyBytes } from '@fata/bytes'
import { hostU32, putHostU32 } from './wire/host-order.ts'

const LENGTH = 4

/** Frames that wait for the kernel, in a bounded piece of memory that is allocated when it is first needed. */
export class FrameQueue {
  readonly #size: number
  #bytes: Uint8Array | undefined
  #head = 0
  #tail = 0
  #pushing = 0

  constructor(size: number) {
    this.#size = size
  }

  get isEmpty(): boolean {
    return this.#head === this.#tail
  }

  /** The memory that `offset` counts in. */
  get bytes(): Uint8Array {
    return (this.#bytes ??= new Uint8Array(this.#size))
  }

  /** Makes room for a frame of `length` bytes, whose pieces `append` then brings. False where there is none. */
  begin(length: number): boolean {
    if (this.#tail + LENGTH + length > this.#size) this.#compact()
    if (this.#tail + LENGTH + length > this.#size) return false
    putHostU32(this.bytes, this.#tail, length)
    this.#pushing = this.#tail + LENGTH
    this.#tail = this.#pushing + length
    return true
  }

  append(buf: Uint8Array, off: number, end: number): void {
    this.#pushing += copyBytes(this.bytes, this.#pushing, buf, off, end)
  }

  /** Calls `visit` with the first frames, at most `limit`. */
  peek(limit: number, visit: (offset: number, length: number) => void): void {
    let at = this.#head
    for (let i = 0; i < limit && at < this.#tail; i++) {
      const length = hostU32(this.bytes, at)
      visit(at + LENGTH, length)
      at += LENGTH + length
    }
  }

  /** Removes the first frame and returns its length. */
  shift(): number {
    const length = hostU32(this.bytes, this.#head)
    this.#head += LENGTH + length
    if (this.#head === this.#tail) this.#head = this.#tail = 0
    return length
  }

  #compact(): void {
    if (this.#head === 0) return
    this.bytes.copyWithin(0, this.#head, this.#tail)
    this.#tail -= this.#head
    this.#head = 0
  }
}
