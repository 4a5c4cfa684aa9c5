/** What has to be read for a computation to go on. It is given fewer bytes where the archive ends. */
export interface ReadRequest {
  readonly offset: number
  readonly length: number
}

/** A computation over an archive that asks for what it reads; the shell answers. */
export type Scan<T> = Generator<ReadRequest, T, Uint8Array>

/** The first read, and the first after a leap over a large value. */
const SHORTEST = 2048
const LONGEST = 256 * 1024

/** The part of the archive that is in memory. Reads further ahead the closer together what is asked for lies. */
export class Window {
  bytes: Uint8Array = new Uint8Array(0)
  #start = 0
  #ahead = SHORTEST / 2

  /** Where in `bytes` the byte at `at` of the archive is. */
  index(at: number): number {
    return at - this.#start
  }

  /** Brings `[at, at + length)` into `bytes`, as far as there are any: how many. */
  *fill(at: number, length: number): Scan<number> {
    const end = this.#start + this.bytes.length
    if (at < this.#start || at + length > end) {
      this.#ahead = at >= this.#start && at <= end + this.#ahead ? Math.min(2 * this.#ahead, LONGEST) : SHORTEST
      this.bytes = yield { offset: at, length: Math.max(length, this.#ahead) }
      this.#start = at
    }
    return Math.min(length, this.#start + this.bytes.length - at)
  }
}
