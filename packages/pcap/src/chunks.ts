/**
 * Output that is handed over in pieces: it is encoded into memory of our own, and what is complete goes to the sink as a part of that
 * memory which is never touched again, so that the sink may keep it.
 */
export class Chunks {
  readonly #sink: (bytes: Uint8Array) => void
  readonly #size: number
  /** The memory in which `reserve` reserves. */
  bytes: Uint8Array = new Uint8Array(0)
  #end = 0
  #handed = 0

  constructor(sink: (bytes: Uint8Array) => void, size: number) {
    this.#sink = sink
    this.#size = size
  }

  /** Reserves `length` bytes, not zeroed, and returns where in `bytes` they begin. May hand over what was reserved before. */
  reserve(length: number): number {
    if (this.#end + length > this.bytes.length) {
      this.flush()
      this.bytes = new Uint8Array(Math.max(this.#size, length))
      this.#end = 0
      this.#handed = 0
    }
    const at = this.#end
    this.#end += length
    return at
  }

  /** Gives back what was reserved at `at` of `bytes` and behind; false where the sink has it. */
  giveBack(at: number): boolean {
    if (at < this.#handed) return false
    this.#end = at
    return true
  }

  /** Hands over what is pending. */
  flush(): void {
    if (this.#end === this.#handed) return
    const from = this.#handed
    this.#handed = this.#end
    this.#sink(this.bytes.subarray(from, this.#end))
  }
}
