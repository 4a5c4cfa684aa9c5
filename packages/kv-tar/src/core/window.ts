/** What has to be read for a computation to go on. It is given fewer bytes where the archive ends. */
export interface ReadRequest {
  readonly offset: number
  readonly length: number
  /** Memory of that length, which may be used for the answer. */
  readonly into: Uint8Array
}

/** A computation over an archive that asks for what it reads; the shell answers, with memory that nobody else writes to. */
export type Scan<T> = Generator<ReadRequest, T, Uint8Array>

/** The first read, and the first after a leap over a large value. */
const SHORTEST = 2048
const LONGEST = 64 * 1024

/** The part of the archive that is in memory. Reads further ahead the closer together what is asked for lies. */
export class Window {
  bytes: Uint8Array = new Uint8Array(0)
  #memory: Uint8Array = new Uint8Array(0)
  #start = 0
  #ahead = SHORTEST / 2

  /** Where in `bytes` the byte at `at` of the archive is. */
  index(at: number): number {
    return at - this.#start
  }

  /** Whether `[at, at + length)` is in `bytes`. */
  has(at: number, length: number): boolean {
    return at >= this.#start && at + length <= this.#start + this.bytes.length
  }

  /** Brings `[at, at + length)` into `bytes`, as far as there are any: how many. */
  *fill(at: number, length: number): Scan<number> {
    const end = this.#start + this.bytes.length
    if (!this.has(at, length)) {
      this.#ahead = at >= this.#start && at <= end + this.#ahead ? Math.min(2 * this.#ahead, LONGEST) : SHORTEST
      const wanted = Math.max(length, this.#ahead)
      if (this.#memory.length < wanted) this.#memory = new Uint8Array(wanted)
      this.bytes = yield { offset: at, length: wanted, into: this.#memory.subarray(0, wanted) }
      this.#start = at
    }
    return Math.min(length, this.#start + this.bytes.length - at)
  }
}
