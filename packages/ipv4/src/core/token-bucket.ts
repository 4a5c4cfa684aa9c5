/** Limits a rate: RFC 1812 §4.3.2.8. Full at first. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #filledAt = 0

  /** `perSecond` tokens come in, `burst` fit. */
  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = perSecond === 0 ? 0 : burst
  }

  /** Takes `cost` tokens where there are as many. */
  take(now: number, cost: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#filledAt) * this.#perMs)
    this.#filledAt = now
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }
}
