import type { Connection } from './connection.ts'

/** The retransmission timeout: RFC 6298. */

const ALPHA = 1 / 8
const BETA = 1 / 4
const K = 4
/** §5.7: what the timeout becomes where the SYN had to be sent again. */
const RTO_AFTER_LOST_SYN_MS = 3000

/** §2.2, §2.3: a round trip of a segment that was sent once (Karn, §3) took `rttMs`. */
export function measure(c: Connection, rttMs: number): void {
  if (rttMs < c.minRtt) c.minRtt = rttMs
  if (c.rack !== undefined) c.rack.measured = true
  if (c.srtt === 0) {
    c.srtt = rttMs
    c.rttvar = rttMs / 2
  } else {
    c.rttvar = (1 - BETA) * c.rttvar + BETA * Math.abs(c.srtt - rttMs)
    c.srtt = (1 - ALPHA) * c.srtt + ALPHA * rttMs
  }
  c.rto = clampRto(c, c.srtt + Math.max(c.tcp.config.rtoGranularityMs, K * c.rttvar))
}

/** §5.5 */
export function backOff(c: Connection): void {
  c.backoff++
  c.rto = clampRto(c, c.rto * 2)
}

/** §5.7: data transmission begins and the round trip is not known, since it took more than one SYN. */
export function startAfterLostSyn(c: Connection): void {
  c.rto = clampRto(c, RTO_AFTER_LOST_SYN_MS)
}

/** Starts the retransmission timer afresh. It does not outlast the user timeout. */
export function armRetransmit(c: Connection, now: number): void {
  c.retransmitAt = Math.min(now + c.rto, c.stalledAt + c.userTimeoutMs)
  c.timerAt = c.retransmitAt
  c.timer = 'retransmit'
}

/** Starts a timer in place of the retransmission timer, unless that one expires before it. */
export function armInstead(c: Connection, kind: 'reorder' | 'tail', at: number): void {
  if (at >= c.retransmitAt && kind === 'reorder') return
  c.timerAt = Math.min(at, c.retransmitAt)
  c.timer = kind
}

/** Nothing is in flight: no timer of this kind runs. */
export function stopRetransmit(c: Connection): void {
  c.timerAt = c.retransmitAt = Number.POSITIVE_INFINITY
}

function clampRto(c: Connection, ms: number): number {
  return Math.min(Math.max(ms, c.tcp.config.minRtoMs), c.tcp.config.maxRtoMs)
}
