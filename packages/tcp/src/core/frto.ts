import { type Connection, unsentBytes } from './connection.ts'

/**
 * F-RTO, RFC 5682 §3: where an expired timer was needless, the ACKs that follow are for what had been sent before. The first that
 * advances lets new segments go instead of further retransmissions; the second that advances proves it.
 *
 * Differs from the RFC in: with time stamps the Eifel detection (RFC 3522) has settled the question with the first ACK.
 */

/** Step 1: the timer has expired, `first` for this data, and the first segment goes again. */
export function beginFrto(c: Connection, first: boolean): void {
  c.frto = first && !c.timestamps ? 0 : -1
}

/** Retransmissions wait for what the next ACK says. */
export function holdsBack(c: Connection): boolean {
  return c.frto === 1
}

/** Steps 2 and 3: an ACK advances, or does not. Returns whether it proves that the timeout was needless. */
export function judgeFrto(c: Connection, advances: boolean): boolean {
  if (c.frto < 0) return false
  if (!advances) {
    c.frto = -1
    return false
  }
  c.frto++
  // Step 2b: new segments are what brings the ACK that decides.
  if (c.frto === 1 && unsentBytes(c) === 0) c.frto = -1
  if (c.frto < 2) return false
  c.frto = -1
  return true
}
