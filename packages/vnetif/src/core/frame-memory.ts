import { assert } from '@fata/bytes'

/** Room for four super-frames: small enough that a batch stays inside of a second-level cache. */
const SLAB_BYTES = 256 * 1024
/** Free slabs that are kept; beyond, they are left to the garbage collector. */
const KEEP_SLABS = 32
const ALIGN = 8

/** A piece of memory in which frames lie one behind the other. It is reused when the last of them has been released. */
export class Slab {
  readonly bytes: Uint8Array
  /** Where the memory begins that was lent last. */
  start = 0
  /** Where free memory begins. */
  cursor = 0
  holders = 0
  readonly #memory: FrameMemory

  constructor(memory: FrameMemory, size: number) {
    this.#memory = memory
    this.bytes = new Uint8Array(size)
  }

  hold(): void {
    this.holders++
  }

  release(): void {
    assert(this.holders > 0, 'every release has its hold')
    if (--this.holders === 0) this.#memory.recycle(this)
  }

  /** Gives back what lies behind `end` of a range that was lent up to `lentEnd`, unless more has been lent since. */
  trim(lentEnd: number, end: number): void {
    if (this.cursor === lentEnd) this.cursor = end
  }
}

/** Lends memory for frames out of slabs, so that no frame costs an allocation. */
export class FrameMemory {
  readonly #lead: number
  readonly #slabBytes: number
  readonly #free: Slab[] = []
  #current: Slab | undefined

  /** Frames begin `lead` bytes behind a multiple of 8: 2 puts the IP header of an Ethernet frame on one. */
  constructor(lead: number, slabBytes: number = SLAB_BYTES) {
    this.#lead = lead
    this.#slabBytes = slabBytes
  }

  /** Lends `size` bytes at `start` of the slab, which is held once for the caller. */
  lend(size: number): Slab {
    assert(size + this.#lead <= this.#slabBytes, 'a slab has room for the longest frame')
    let slab = this.#current ?? this.#next()
    let start = ((slab.cursor + ALIGN - 1) & -ALIGN) + this.#lead
    if (start + size > slab.bytes.length) {
      slab = this.#next()
      start = this.#lead
    }
    slab.start = start
    slab.cursor = start + size
    slab.holders++
    return slab
  }

  recycle(slab: Slab): void {
    slab.cursor = 0
    if (slab !== this.#current && this.#free.length < KEEP_SLABS) this.#free.push(slab)
  }

  #next(): Slab {
    // The slab that was freed last is the one most likely in a cache.
    this.#current = this.#free.pop() ?? new Slab(this, this.#slabBytes)
    return this.#current
  }
}
