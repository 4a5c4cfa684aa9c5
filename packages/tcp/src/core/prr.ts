import { serialDiff } from '@fata/bytes'
import { type Connection, pipe } from './connection.ts'

/**
 * Proportional rate reduction, RFC 6937 with the Slow Start Reduction Bound: in a fast recovery the window goes down to `ssthresh` with
 * what arrives at the peer, instead of at once, which would stop sending for half a round trip.
 */

/** A recovery begins; the ACK that shows it is still to be counted. */
export function beginReduction(c: Connection): void {
  c.prr ??= { recoverFs: 0, delivered: 0, out: 0, window: 0 }
  c.prr.recoverFs = Math.max(c.mss, serialDiff(c.sndNxt, c.sndUna))
  c.prr.delivered = c.prr.out = 0
  c.prr.window = pipe(c)
}

/** §3.1: an ACK in recovery says that `delivered` bytes have arrived; `advanced`: data in order was among them and no loss was found. */
export function reduceWindow(c: Connection, delivered: number, advanced: boolean): void {
  const { prr } = c
  if (prr === undefined) return
  prr.delivered += delivered
  const { ssthresh } = c.congestion
  const inFlight = pipe(c)
  let allowance: number
  if (inFlight > ssthresh) {
    allowance = Math.ceil((prr.delivered * ssthresh) / prr.recoverFs) - prr.out
  } else {
    const bound = Math.max(prr.delivered - prr.out, delivered) + (advanced ? c.mss : 0)
    allowance = Math.min(ssthresh - inFlight, bound)
  }
  prr.window = inFlight + Math.max(0, allowance)
}

/** `n` bytes of text were sent. */
export function countReduced(c: Connection, n: number): void {
  if (c.recovery === 'fast' && c.prr !== undefined) c.prr.out += n
}

/** What may be in flight: the congestion window, or what recovery makes of it. */
export function congestionWindow(c: Connection): number {
  return c.recovery === 'fast' && c.sack && c.prr !== undefined ? c.prr.window : c.congestion.cwnd
}
