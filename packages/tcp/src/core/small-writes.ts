import { copyBytes } from '@fata/bytes'

/** Shorter chunks are copied together: a range of their own would cost more than the copy. */
export const SMALL_WRITE = 1024

const BLOCK = 16 * 1024

/**
 * Memory that the small writes of all connections are copied into, one behind the other. A block is never used twice, so what a
 * device still reads does not change; it is freed when nobody refers to it any more.
 */
export class SmallWrites {
  block: Uint8Array = new Uint8Array(0)
  /** Bytes of `block` in use. */
  used = 0

  /** Copies `chunk`, at most `SMALL_WRITE` bytes, to `block` and returns where it begins; `used` is behind it. */
  copy(chunk: Uint8Array): number {
    if (this.block.length - this.used < chunk.length) {
      this.block = new Uint8Array(BLOCK)
      this.used = 0
    }
    const at = this.used
    this.used = at + copyBytes(this.block, at, chunk)
    return at
  }
}
