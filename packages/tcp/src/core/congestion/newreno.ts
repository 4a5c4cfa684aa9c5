import type { Congestion } from './congestion.ts'

/**
 * Slow start and congestion avoidance of RFC 5681 with the window handling of RFC 6582.
 *
 * Differs from the RFCs in:
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

  onAck(acked: number, mss: number): void {
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

  onLoss(flight: number, mss: number): void {
    this.#remember()
    this.ssthresh = Math.max(flight >>> 1, 2 * mss)
    this.cwnd = this.ssthresh
  }

  onRecovered(flight: number, mss: number): void {
    // RFC 6582 §3.2 step 3, option 1, which avoids a burst.
    this.cwnd = Math.min(this.ssthresh, Math.max(flight, mss) + mss)
    this.#credit = 0
  }

  onTimeout(flight: number, mss: number, _now: number, again: boolean): void {
    if (!again) {
      this.#remember()
      this.ssthresh = Math.max(flight >>> 1, 2 * mss)
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

  onMssChange(from: number, to: number): void {
    if (from > 0) this.cwnd = Math.max(to, Math.floor((this.cwnd / from) * to))
  }

  #remember(): void {
    this.#undoCwnd = this.cwnd
    this.#undoSsthresh = this.ssthresh
  }
}
