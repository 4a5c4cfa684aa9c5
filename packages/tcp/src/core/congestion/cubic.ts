import type { AckSample, Congestion } from './congestion.ts'
import { HyStart } from './hystart.ts'

/** C in segments per second cubed, and beta (RFC 9438 §4.1). */
const C = 0.4
const BETA = 0.7
/** RFC 8511 §3: a mark, which says that a queue grows and not that it overflows, reduces less. */
const BETA_MARK = 0.85
/** §4.3: what makes the Reno-friendly window grow as Reno would that had halved its own. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA)

/**
 * CUBIC, RFC 9438: after a loss the window grows along a cubic function of time, fast far from the window at which the loss came,
 * slowly near it; but never slower than Reno's.
 *
 * The first slow start is HyStart++ (RFC 9406), as §4.10 recommends.
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
  /** Of the first slow start; later ones know from `ssthresh` where to end. */
  #hystart: HyStart | undefined = new HyStart()
  #undo: { cwnd: number; ssthresh: number; top: number } | undefined

  constructor(initialSegments: number) {
    this.#initialSegments = initialSegments
  }

  onEstablished(mss: number, lostSyn: boolean): void {
    this.cwnd = lostSyn ? mss : this.#initialSegments * mss
  }

  onAck(ack: Readonly<AckSample>): void {
    const { acked, limited, recovering } = ack
    if (!limited || recovering || acked === 0) return
    let left = acked
    if (this.cwnd < this.ssthresh) left -= this.#startSlowly(ack)
    if (left > 0) this.#avoidCongestion(left, ack)
    this.#lastAt = ack.now
  }

  onLoss(flight: number, mss: number, _now: number, marked: boolean): void {
    this.#undo = { cwnd: this.cwnd, ssthresh: this.ssthresh, top: this.#top }
    this.#reduce(flight, mss, marked ? BETA_MARK : BETA)
    this.cwnd = this.ssthresh
  }

  onTimeout(flight: number, mss: number, _now: number, again: boolean): void {
    if (!again) {
      this.#undo = { cwnd: this.cwnd, ssthresh: this.ssthresh, top: this.#top }
      this.#reduce(flight, mss, BETA)
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

  /** Slow start (§4.10). Returns how many of the acknowledged bytes it has used. */
  #startSlowly(ack: Readonly<AckSample>): number {
    const used = Math.min(ack.acked, this.ssthresh - this.cwnd)
    if (this.#hystart === undefined) {
      this.cwnd += used
      return used
    }
    if (this.#hystart.onAck(ack)) {
      this.ssthresh = this.cwnd
      this.#hystart = undefined
      return 0
    }
    this.cwnd += Math.floor(this.#hystart.growth(used))
    return used
  }

  /** §4.2..4.5 */
  #avoidCongestion(acked: number, { mss, now, srttMs }: Readonly<AckSample>): void {
    if (Number.isNaN(this.#began)) this.#begin(mss, now)
    else if (now - this.#lastAt > 2 * srttMs + 1) this.#began += now - this.#lastAt
    const seconds = (now - this.#began) / 1000
    // §4.3: as fast as Reno once it has reached the window of the loss.
    const alpha = this.#friendly < this.#prior ? ALPHA : 1
    this.#friendly += (alpha * acked * mss) / this.cwnd
    if (this.#at(seconds, mss) < this.#friendly) {
      this.cwnd = Math.max(this.cwnd, Math.floor(this.#friendly))
      return
    }
    const target = Math.min(Math.max(this.#at(seconds + srttMs / 1000, mss), this.cwnd), 1.5 * this.cwnd)
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
  #reduce(flight: number, mss: number, beta: number): void {
    this.#hystart = undefined
    this.#prior = this.cwnd
    this.#top = this.cwnd < this.#top ? (this.cwnd * (1 + BETA)) / 2 : this.cwnd
    this.ssthresh = Math.max(Math.floor(flight * beta), 2 * mss)
    this.#began = Number.NaN
  }
}
