import type { Congestion } from './congestion.ts'

/** C in segments per second cubed, and beta (RFC 9438 §4.1). */
const C = 0.4
const BETA = 0.7
/** §4.3: what makes the Reno-friendly window grow as Reno would that had halved its own. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA)

/**
 * CUBIC, RFC 9438: after a loss the window grows along a cubic function of time, fast far from the window at which the loss came,
 * slowly near it; but never slower than Reno's.
 *
 * Differs from the RFC in: slow start counts every acknowledged byte, see `NewReno`. Time in which the window was not the limit does
 * not count (§5.8).
 */
export class Cubic implements Congestion {
  readonly name = 'cubic'
  cwnd = 0
  ssthresh = 0x7fffffff
  readonly #initialSegments: number
  /** W_max, bytes. */
  #top = 0
  /** When the present growth began, ms; NaN before the first ACK of it. */
  #began = Number.NaN
  /** K, seconds; where the cubic function has its plateau, bytes. */
  #k = 0
  #plateau = 0
  /** W_est, and the window before the last reduction, bytes. */
  #friendly = 0
  #prior = 0
  #lastAt = 0
  #undo: { cwnd: number; ssthresh: number; top: number } | undefined

  constructor(initialSegments: number) {
    this.#initialSegments = initialSegments
  }

  onEstablished(mss: number, lostSyn: boolean): void {
    this.cwnd = lostSyn ? mss : this.#initialSegments * mss
  }

  onAck(acked: number, mss: number, now: number, rttMs: number): void {
    let left = acked
    if (this.cwnd < this.ssthresh) {
      const step = Math.min(left, this.ssthresh - this.cwnd)
      this.cwnd += step
      left -= step
    }
    if (left > 0) this.#avoidCongestion(left, mss, now, rttMs)
    this.#lastAt = now
  }

  onLoss(flight: number, mss: number): void {
    this.#undo = { cwnd: this.cwnd, ssthresh: this.ssthresh, top: this.#top }
    this.#reduce(flight, mss)
    this.cwnd = this.ssthresh
  }

  onRecovered(flight: number, mss: number): void {
    // RFC 6582 §3.2 step 3, option 1, which avoids a burst.
    this.cwnd = Math.min(this.ssthresh, Math.max(flight, mss) + mss)
  }

  onTimeout(flight: number, mss: number, _now: number, again: boolean): void {
    if (!again) {
      this.#undo = { cwnd: this.cwnd, ssthresh: this.ssthresh, top: this.#top }
      this.#reduce(flight, mss)
    }
    this.cwnd = mss
  }

  onUndo(): void {
    if (this.#undo === undefined) return
    this.cwnd = Math.max(this.cwnd, this.#undo.cwnd)
    this.ssthresh = Math.max(this.ssthresh, this.#undo.ssthresh)
    this.#top = this.#undo.top
    this.#undo = undefined
    this.#began = Number.NaN
  }

  onIdle(mss: number): void {
    this.cwnd = Math.min(this.cwnd, this.#initialSegments * mss)
    this.#began = Number.NaN
  }

  onMssChange(from: number, to: number): void {
    if (from > 0) this.cwnd = Math.max(to, Math.floor((this.cwnd / from) * to))
  }

  /** §4.2..4.5 */
  #avoidCongestion(acked: number, mss: number, now: number, rttMs: number): void {
    if (Number.isNaN(this.#began)) this.#begin(mss, now)
    else if (now - this.#lastAt > 2 * rttMs + 1) this.#began += now - this.#lastAt
    const seconds = (now - this.#began) / 1000
    // §4.3: as fast as Reno once it has reached the window of the loss.
    const alpha = this.#friendly < this.#prior ? ALPHA : 1
    this.#friendly += (alpha * acked * mss) / this.cwnd
    if (this.#at(seconds, mss) < this.#friendly) {
      this.cwnd = Math.max(this.cwnd, Math.floor(this.#friendly))
      return
    }
    const target = Math.min(Math.max(this.#at(seconds + rttMs / 1000, mss), this.cwnd), 1.5 * this.cwnd)
    this.cwnd += Math.floor(((target - this.cwnd) * acked) / this.cwnd)
  }

  #begin(mss: number, now: number): void {
    this.#began = now
    this.#friendly = this.cwnd
    this.#plateau = Math.max(this.#top, this.cwnd)
    this.#k = Math.cbrt((this.#plateau - this.cwnd) / mss / C)
  }

  /** W_cubic, bytes. */
  #at(seconds: number, mss: number): number {
    return this.#plateau + C * (seconds - this.#k) ** 3 * mss
  }

  /** §4.6, §4.7 (fast convergence): a window below the last top leaves room for others. */
  #reduce(flight: number, mss: number): void {
    this.#prior = this.cwnd
    this.#top = this.cwnd < this.#top ? (this.cwnd * (1 + BETA)) / 2 : this.cwnd
    this.ssthresh = Math.max(Math.floor(flight * BETA), 2 * mss)
    this.#began = Number.NaN
  }
}
