import { serialDiff, serialGeq, serialGt } from '@fata/bytes'
import { type Connection, pipe, type Recovery } from './connection.ts'
import { SACKED } from './flight.ts'
import { beginFrto } from './frto.ts'
import { failProbe, loseProbe } from './mtu-search.ts'
import { beginReduction, reduceWindow } from './prr.ts'
import { detectLosses, endRound, markLossesOnTimeout } from './rack.ts'
import { seqAdd } from './sequence.ts'
import { NEED_RESEND } from './signals.ts'
import { forgetProbe } from './tail-probe.ts'
import { noteRecovery } from './undo.ts'
import { isWindowUsed } from './validation.ts'

/**
 * Loss recovery: fast retransmit and NewReno (RFC 5681 §3.2, RFC 6582); with SACK the recovery of RFC 6675, with losses told by RACK
 * (RFC 8985); slow start after a timeout.
 *
 * All of them work on the same scoreboard, the flight: what is found lost is marked, and output sends marked segments and new ones
 * while the pipe has room. Without SACK a duplicate ACK takes one segment out of the pipe, which is RFC 5681's inflation of the
 * window from the other side, and limited transmit (RFC 3042) follows from it.
 *
 * Differs from RFC 6582 in: the retransmission timer restarts with every ACK of new data (RFC 6298 §5.3), not with the first partial
 * one only. From RFC 6675 in: no rescue retransmission (NextSeg rules 3 and 4), for which tail loss probes stand in.
 */

/** DupThresh. */
const DUPLICATES = 3

/** A duplicate ACK, or with SACK one that reports new data out of order. */
export function onDuplicateAck(c: Connection, now: number): void {
  c.tcp.stats.duplicateAcksIn++
  if (c.dupAcks === 0) c.dupSndNxt = c.sndNxt
  c.dupAcks++
  if (c.sack || c.recovery !== 'none' || c.dupAcks < DUPLICATES || !mayRecover(c)) return
  if (c.search?.probing === true && c.search.probeStart === c.sndUna) {
    failProbe(c, now)
    c.dupAcks = 0
  } else {
    startFast(c, now)
  }
  markHeadLost(c)
}

/** `acked` bytes were acknowledged. */
export function onNewAck(c: Connection, acked: number): void {
  switch (c.recovery) {
    case 'none':
      c.dupAcks = 0
      // Follows at a distance of one, lest the order of the two turn round after 2 GiB.
      if (serialGt(c.sndUna, c.recover)) c.recover = seqAdd(c.sndUna, -1)
      break
    case 'fast':
      if (serialGeq(c.sndUna, c.recover)) endFast(c)
      else if (!c.sack) onPartialAck(c, acked)
      break
    case 'timeout':
      c.dupAcks = 0
      if (!serialGeq(c.sndUna, c.recover)) break
      c.recovery = 'none'
      endRound(c)
      break
    default:
      c.recovery satisfies never
  }
}

/**
 * `delivered` bytes have arrived at the peer, `acked` of them in order: moves the window. `before`: what was being recovered from until
 * now; `lost`: losses were found.
 */
export function onDelivered(
  c: Connection,
  acked: number,
  delivered: number,
  before: Recovery,
  lost: boolean,
  now: number,
): void {
  if (c.recovery === 'fast') reduceWindow(c, delivered, acked > 0 && !lost)
  const { ack } = c.tcp
  ack.acked = acked
  ack.delivered = delivered
  ack.una = c.sndUna
  ack.next = c.sndNxt
  ack.inFlight = pipe(c)
  ack.mss = c.mss
  ack.now = now
  ack.srttMs = c.srtt
  ack.minRttMs = c.minRtt
  ack.recovering = before === 'fast' || c.recovery === 'fast'
  ack.limited = before === 'timeout' || isWindowUsed(c)
  c.rate?.sample(ack)
  c.congestion.onAck(ack)
}

/** With SACK: looks for losses, and recovers from what there is. */
export function recoverByTime(c: Connection, now: number): void {
  detectLosses(c, now)
  if (c.flight.lost === c.flight.resent) return
  if (c.recovery !== 'none' || !mayRecover(c)) return
  if (c.search !== undefined && loseProbe(c, c.search, now)) {
    c.needs |= NEED_RESEND
    return
  }
  if (c.dupAcks === 0) c.dupSndNxt = c.sndNxt
  startFast(c, now)
  c.needs |= NEED_RESEND
}

/** The retransmission timer has expired: slow start sends again what is lost (RFC 5681 §3.1, RFC 6582 §3.2 step 4, RFC 8985 §6.3). */
export function onTimeout(c: Connection, now: number): void {
  const f = c.flight
  c.congestion.onTimeout(serialDiff(c.sndNxt, c.sndUna), c.mss, now, c.backoff > 0)
  if (c.backoff === 0) noteRecovery(c, now)
  forgetProbe(c)
  beginFrto(c, c.recovery === 'none' && c.backoff === 0)
  c.recovery = 'timeout'
  c.recover = c.sndNxt
  c.dupAcks = 0
  // RFC 2018 §8: a head that the peer claims to have and does not acknowledge means that he has dropped what he reported.
  const reneged = f.count > 0 && (f.flags(0) & SACKED) !== 0
  if (reneged || !c.sack || !markLossesOnTimeout(c, now)) f.markAllLost(reneged)
  c.needs |= NEED_RESEND
}

/** Segments of the old size do not reach the peer: they are sent again in the new size; the congestion window is not to blame. */
export function onTooBig(c: Connection): void {
  if (c.flight.count === 0) return
  c.flight.markAllLost(false)
  c.needs |= NEED_RESEND
}

/** RFC 6582 §3.2 step 2; RFC 6675 §5.1. */
function mayRecover(c: Connection): boolean {
  return c.sack ? serialGeq(c.sndUna, c.recover) : serialGt(c.sndUna, c.recover)
}

function startFast(c: Connection, now: number): void {
  c.tcp.stats.fastRecoveries++
  forgetProbe(c)
  noteRecovery(c, now)
  c.recovery = 'fast'
  c.recover = c.sndNxt
  if (c.sack) beginReduction(c)
  c.congestion.onLoss(serialDiff(c.dupSndNxt, c.sndUna), c.mss, now, false)
}

function onPartialAck(c: Connection, acked: number): void {
  // One of the segments acknowledged is the one that was sent again, the others had been counted as arrived.
  c.dupAcks = Math.max(0, c.dupAcks - Math.max(0, Math.ceil(acked / c.mss) - 1))
  markHeadLost(c)
}

function endFast(c: Connection): void {
  c.recovery = 'none'
  c.dupAcks = 0
  // With SACK the pipe was kept full on the way; without, a burst might follow: RFC 6582 §3.2 step 3, option 1.
  if (!c.sack) c.congestion.cwnd = Math.min(c.congestion.ssthresh, Math.max(pipe(c), c.mss) + c.mss)
  endRound(c)
}

/** The first segment that is not acknowledged is lost, and goes at once. */
function markHeadLost(c: Connection): void {
  const f = c.flight
  if (f.count === 0) return
  if (f.length(0) > c.mss && (f.flags(0) & SACKED) === 0) f.split(0, seqAdd(f.seq(0), c.mss))
  f.markLost(0)
  c.needs |= NEED_RESEND
}
