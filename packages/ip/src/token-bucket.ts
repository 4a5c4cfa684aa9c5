/** Limits the rate of ICMP messages: RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f). Full at first. */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #filledAt = 0

  /** `perSecond` tokens come in, `burst` fit. A rate of 0 gives none at all. */
  constructor(perSecond: number, burst: number) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#tokens = perSecond === 0 ? 0 : burst
  }

  /** Takes `cost` tokens where there are as many. `now` is in milliseconds. */
  take(now: number, cost: number = 1): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, now - this.#filledAt) * this.#perMs)
    this.#filledAt = now
    if (this.#tokens < cost) return false
    this.#tokens -= cost
    return true
  }
}
