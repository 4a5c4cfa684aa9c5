import type { Random } from '@fata/runtime'

/** RFC 4861 §6.3.4 asks for a new random value every few hours. */
const REFRESH_MS = 2 * 3600_000

/** ReachableTime of RFC 4861 §6.3.2: how long a confirmation counts, at random around what routers advertise. */
export class ReachableTime {
  readonly #random: Random
  #baseMs: number
  #ms: number
  #drawnAt = 0

  constructor(baseMs: number, random: Random) {
    this.#random = random
    this.#baseMs = baseMs
    this.#ms = this.#draw()
  }

  get ms(): number {
    return this.#ms
  }

  /** Takes another BaseReachableTime. */
  setBase(now: number, baseMs: number): void {
    if (baseMs === this.#baseMs) return
    this.#baseMs = baseMs
    this.#ms = this.#draw()
    this.#drawnAt = now
  }

  /** When a confirmation that comes now ends. */
  end(now: number): number {
    if (now - this.#drawnAt > REFRESH_MS) {
      this.#ms = this.#draw()
      this.#drawnAt = now
    }
    return now + this.#ms
  }

  /** MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR are 0.5 and 1.5. */
  #draw(): number {
    return this.#baseMs * (0.5 + this.#random.uint32() / 0x1_0000_0000)
  }
}
