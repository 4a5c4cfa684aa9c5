/** Lets `burst` pass at once and `perSecond` on the average: RFC 4443 §2.4 (f). */
export class TokenBucket {
  readonly #burst: number
  readonly #perMs: number
  #tokens: number
  #at = Number.NEGATIVE_INFINITY

  constructor(burst: number, perSecond: number) {
    this.#burst = burst
    this.#perMs = perSecond / 1000
    this.#tokens = burst
  }

  /** Takes a token; false where there is none. */
  take(now: number): boolean {
    if (this.#perMs === 0) return false
    const gained = this.#at === Number.NEGATIVE_INFINITY ? 0 : (now - this.#at) * this.#perMs
    this.#tokens = Math.min(this.#burst, this.#tokens + gained)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
