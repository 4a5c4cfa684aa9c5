/** Segments up to this length share small slabs, so that a chunk of them that somebody keeps does not hold much memory. */
const SMALL_SEGMENT = 1024
const SMALL_SLAB = 8 * 1024
const SLAB = 64 * 1024
/** Free slabs kept: fresh memory costs ten times as much as the copy into it. */
const MAX_FREE = 64

/** Memory that received bytes are copied into, of all connections one behind the other. */
export interface Slab {
  readonly bytes: Uint8Array
  used: number
  /** Ranges in it that nobody has given back. */
  live: number
  /** A range of it belongs to a reader for good: the slab is left to the garbage collector. */
  kept: boolean
}

/** Fills slabs of one size one after the other, and takes back those of which nothing was kept. */
class Arena {
  current: Slab
  readonly #size: number
  readonly #free: Slab[] = []

  constructor(size: number) {
    this.#size = size
    this.current = this.#next()
  }

  /** A slab with room: the current one as long as there is any. */
  withRoom(): Slab {
    const { current } = this
    if (current.live === 0 && !current.kept) current.used = 0
    else if (current.used === current.bytes.length) this.current = this.#next()
    return this.current
  }

  /** The last live range of `slab` was given back. */
  recycle(slab: Slab): void {
    if (slab === this.current || slab.kept || this.#free.length >= MAX_FREE) return
    slab.used = 0
    this.#free.push(slab)
  }

  #next(): Slab {
    return this.#free.pop() ?? { bytes: new Uint8Array(this.#size), used: 0, live: 0, kept: false }
  }
}

/** Where the bytes of all receive buffers are. */
export class ReceiveMemory {
  readonly #small = new Arena(SMALL_SLAB)
  readonly #large = new Arena(SLAB)

  /** The slab that the next bytes of a segment of `length` go to, behind its `used`. There is room for one at least. */
  slabFor(length: number): Slab {
    return (length <= SMALL_SEGMENT ? this.#small : this.#large).withRoom()
  }

  /** A range is given back. `kept`: it belongs to a reader and must stay as it is. */
  release(slab: Slab, kept: boolean): void {
    slab.live--
    if (kept) slab.kept = true
    else if (slab.live === 0) (slab.bytes.length === SLAB ? this.#large : this.#small).recycle(slab)
  }
}
