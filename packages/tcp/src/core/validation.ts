import { serialDiff, serialGeq } from '@fata/bytes'
import { type Connection, pipe } from './connection.ts'
import { congestionWindow } from './prr.ts'

/**
 * Congestion window validation, RFC 7661: a window that the application does not use says nothing of the path, and must not grow.
 *
 * Differs from the RFC in: what was in flight stands for pipeACK; the window is kept as it is, however long it is not used, up to the
 * idle time after which RFC 5681 §4.1 begins anew.
 */

/** Segments have left: how much of the window do they use? */
export function validateWindow(c: Connection): void {
  const limited = pipe(c) + c.mss > congestionWindow(c)
  const outstanding = serialDiff(c.sndNxt, c.sndUna)
  if (!limited && !serialGeq(c.sndUna, c.usedSince) && (c.cwndLimited || outstanding <= c.maxFlight)) return
  c.cwndLimited = limited
  c.maxFlight = outstanding
  c.usedSince = c.sndNxt
}

/** May the window grow? In slow start also if half of it was used: RFC 7661 §4.3. */
export function isWindowUsed(c: Connection): boolean {
  const { cwnd, ssthresh } = c.congestion
  return c.cwndLimited || (cwnd < ssthresh && cwnd < 2 * c.maxFlight)
}
