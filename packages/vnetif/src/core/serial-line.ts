/** How fast a line sends, and how much may wait for it. */
export interface SerialLineSettings {
  readonly bitsPerSecond: number
  readonly queueFrames: number
  readonly queueBytes: number
}

const COMPACT_AT = 64

/**
 * A line that sends one frame at a time, behind a queue with a bound. It does without a timer: when a frame begins to be sent is known
 * when it is written.
 */
export class SerialLine {
  #freeAt = Number.NEGATIVE_INFINITY
  // Of the frames that wait, or waited when this was last looked at: when each begins to be sent, and its length.
  readonly #starts: number[] = []
  readonly #lengths: number[] = []
  #head = 0
  #waitingBytes = 0

  /** Takes a frame of `length` bytes and returns when its last bit has been sent; -1 where the queue is full. */
  send(now: number, length: number, settings: SerialLineSettings): number {
    this.#forgetStarted(now)
    const start = Math.max(now, this.#freeAt)
    if (start > now) {
      const waiting = this.#starts.length - this.#head
      if (waiting >= settings.queueFrames || this.#waitingBytes + length > settings.queueBytes) return -1
      this.#starts.push(start)
      this.#lengths.push(length)
      this.#waitingBytes += length
    }
    this.#freeAt = start + (length * 8000) / settings.bitsPerSecond
    return this.#freeAt
  }

  #forgetStarted(now: number): void {
    while (this.#head < this.#starts.length && this.#starts[this.#head]! <= now) {
      this.#waitingBytes -= this.#lengths[this.#head]!
      this.#head++
    }
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#starts.length) return
    this.#starts.splice(0, this.#head)
    this.#lengths.splice(0, this.#head)
    this.#head = 0
  }
}
