import type { AckSample, Congestion } from './congestion.ts'

/** RFC 8511 §3: a mark, which says that a queue grows and not that it overflows, reduces less. */
const BETA_LOSS = 0.5
const BETA_MARK = 0.8

/**
 * Slow start and congestion avoidance of RFC 5681.
 *
 * Differs from the RFC in:
 * - Slow start counts every acknowledged byte, as RFC 9406 §4.2 does, not one segment per ACK (RFC 5681 §3.1): peers that receive
 *   super-frames acknowledge 64 KB at once, and one segment for each of these would not be doubling per round trip.
 * - The initial window is 10 segments (RFC 6928).
 */
export class NewReno implements Congestion {
  readonly name = 'newreno'
  cwnd = 0
  ssthresh = 0x7fffffff
  readonly #initialSegments: number
  /** Bytes acknowledged in congestion avoidance that have not opened the window yet. */
  #credit = 0
  #undoCwnd = 0
  #undoSsthresh = 0

  constructor(initialSegments: number) {
    this.#initialSegments = initialSegments
  }

  onEstablished(mss: number, lostSyn: boolean): void {
    // RFC 5681 §3.1: one segment where the SYN or its ACK was lost.
    this.cwnd = lostSyn ? mss : this.#initialSegments * mss
  }

  onAck({ acked, mss, limited, recovering }: Readonly<AckSample>): void {
    if (!limited || recovering || acked === 0) return
    let left = acked
    if (this.cwnd < this.ssthresh) {
      const step = Math.min(left, this.ssthresh - this.cwnd)
      this.cwnd += step
      left -= step
    }
    this.#credit += left
    if (this.#credit >= this.cwnd && left > 0) {
      this.#credit -= this.cwnd
      this.cwnd += mss
    }
  }

  onLoss(flight: number, mss: number, _now: number, marked: boolean): void {
    this.#remember()
    this.ssthresh = Math.max(Math.floor(flight * (marked ? BETA_MARK : BETA_LOSS)), 2 * mss)
    this.cwnd = this.ssthresh
    this.#credit = 0
  }

  onTimeout(flight: number, mss: number, _now: number, again: boolean): void {
    if (!again) {
      this.#remember()
      this.ssthresh = Math.max(Math.floor(flight * BETA_LOSS), 2 * mss)
    }
    this.cwnd = mss
    this.#credit = 0
  }

  onUndo(): void {
    this.cwnd = Math.max(this.cwnd, this.#undoCwnd)
    this.ssthresh = Math.max(this.ssthresh, this.#undoSsthresh)
  }

  onIdle(mss: number): void {
    this.cwnd = Math.min(this.cwnd, this.#initialSegments * mss)
  }

  #remember(): void {
    this.#undoCwnd = this.cwnd
    this.#undoSsthresh = this.ssthresh
  }
}
