/**
 * A congestion control: how much may be in flight. One object per connection; all amounts are bytes. When data counts as lost, what
 * is retransmitted and what is in flight is the business of recovery, not of this.
 */
export interface Congestion {
  readonly name: string
  /** Congestion window. */
  readonly cwnd: number
  /** Slow start ends here. */
  readonly ssthresh: number

  /** New data was acknowledged outside recovery, while the window was the limit. */
  onAck(acked: number, mss: number, now: number, rttMs: number): void
  /** Loss was detected by acknowledgments: a new recovery begins with `flight` bytes outstanding. */
  onLoss(flight: number, mss: number, now: number): void
  /** A recovery without SACK is over, `flight` bytes are outstanding. */
  onRecovered(flight: number, mss: number): void
  /** The retransmission timer expired, `again` where it had already for this data. */
  onTimeout(flight: number, mss: number, now: number, again: boolean): void
  /** The loss turned out not to have been one: the state before the last `onLoss` or `onTimeout` holds again. */
  onUndo(): void
  /** Nothing was sent for longer than the retransmission timeout. */
  onIdle(mss: number, now: number): void
  /** The segment size changes; the window keeps its number of segments (RFC 5681 §3.1). */
  onMssChange(from: number, to: number): void
  /** The first round trip is over; `lostSyn` where the SYN had to be sent again. */
  onEstablished(mss: number, lostSyn: boolean): void
}
