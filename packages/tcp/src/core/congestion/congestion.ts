/** What an acknowledgment tells a congestion control. One record is reused; it is valid during the call only. Amounts are bytes. */
export interface AckSample {
  /** Newly acknowledged; 0 for one that only reports data out of order. */
  acked: number
  /** Newly known to have arrived, in order or not. */
  delivered: number
  /** SND.UNA and SND.NXT, signed 32-bit. */
  una: number
  next: number
  /** In the network now, as far as is known. */
  inFlight: number
  mss: number
  now: number
  /** Round trip of what this ACK is for, ms; NaN where it has none to tell. */
  rttMs: number
  /** Smoothed; least of the connection (Infinity where none was measured). */
  srttMs: number
  minRttMs: number
  /** The congestion window was the limit (RFC 7661 §4.3): only then may it grow. */
  limited: boolean
  /** A fast recovery goes on, in which the window is recovery's (RFC 6937). */
  recovering: boolean
  /** Bytes per ms at which data was delivered of late; 0 where nobody measures. `appLimited`: less was sent than could have been. */
  rate: number
  appLimited: boolean
}

/** A record of nothing. */
export function createAckSample(): AckSample {
  return {
    acked: 0,
    delivered: 0,
    una: 0,
    next: 0,
    inFlight: 0,
    mss: 0,
    now: 0,
    rttMs: Number.NaN,
    srttMs: 0,
    minRttMs: Number.POSITIVE_INFINITY,
    limited: false,
    recovering: false,
    rate: 0,
    appLimited: false,
  }
}

/**
 * A congestion control: how much may be in flight. One object per connection; all amounts are bytes. When data counts as lost, what
 * is retransmitted and what is in flight is the business of recovery, not of this.
 */
export interface Congestion {
  readonly name: string
  /** Congestion window. Also written by others: when the segment size changes, or one control takes over from another. */
  cwnd: number
  /** Slow start ends here. */
  ssthresh: number
  /** Bytes per ms at which segments may leave; absent: as the window lets them. Where it is there, `AckSample.rate` is measured. */
  readonly pacingRate?: number

  /** The first round trip is over; `lostSyn` where the SYN had to be sent again. */
  onEstablished(mss: number, lostSyn: boolean): void
  /** Data has arrived at the peer. */
  onAck(ack: Readonly<AckSample>): void
  /**
   * A new recovery begins with `flight` bytes outstanding; `marked`: routers say so (RFC 3168), nothing was lost. `cwnd` becomes
   * `ssthresh`, towards which recovery leads.
   */
  onLoss(flight: number, mss: number, now: number, marked: boolean): void
  /** The retransmission timer expired, `again` where it had already for this data. */
  onTimeout(flight: number, mss: number, now: number, again: boolean): void
  /** The loss turned out not to have been one: the state before the last `onLoss` or `onTimeout` holds again. */
  onUndo(): void
  /** Nothing was sent for longer than the retransmission timeout (RFC 5681 §4.1). */
  onIdle(mss: number, now: number): void
}

/** Makes the congestion control of one connection; `initialSegments` is the initial window. */
export type CongestionFactory = (initialSegments: number) => Congestion
