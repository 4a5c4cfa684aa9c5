import { serialDiff, serialGeq, serialGt, serialLt } from '@fata/bytes'
import { type Connection, NEED_RESEND, pipe } from './connection.ts'
import { SACKED } from './flight.ts'
import type { Segment } from './segment.ts'
import { seqAdd } from './sequence.ts'

/**
 * Loss recovery: fast retransmit and NewReno (RFC 5681 §3.2, RFC 6582), SACK-based recovery (RFC 6675), slow start after a timeout.
 *
 * All three work on the same scoreboard, the flight: what is found lost is marked, and output sends marked segments and new ones
 * while the pipe has room. Without SACK a duplicate ACK takes one segment out of the pipe, which is RFC 5681's inflation of the
 * window from the other side, and limited transmit (RFC 3042) follows from it.
 *
 * Differs from RFC 6582 in: the retransmission timer restarts with every ACK of new data (RFC 6298 §5.3), not with the first partial
 * one only. From RFC 6675 in: no rescue retransmission (NextSeg rules 3 and 4).
 */

/** DupThresh of RFC 6675. */
const DUPLICATES = 3

/** RFC 6675 §3: marks what the SACK blocks report; returns the bytes that had not been reported before. */
export function updateScoreboard(c: Connection, s: Segment): number {
  if (!c.sack || c.flight.count === 0) return 0
  const { sackCount, sackEdges } = s.options
  let fresh = 0
  for (let i = 0; i < sackCount; i++) {
    const start = sackEdges[2 * i]!
    const end = sackEdges[2 * i + 1]!
    // A block about data that was not sent or has been acknowledged says nothing (the latter is RFC 2883's duplicate report).
    if (!serialLt(start, end) || serialLt(start, c.sndUna) || serialGt(end, c.sndNxt)) continue
    fresh += c.flight.sack(start, end)
  }
  return fresh
}

/** A duplicate ACK, or with SACK one that reports new data out of order. */
export function onDuplicateAck(c: Connection, now: number): void {
  c.tcp.stats.duplicateAcksIn++
  if (c.dupAcks === 0) c.dupSndNxt = c.sndNxt
  c.dupAcks++
  if (c.recovery === 'none' && mayRecover(c) && (c.dupAcks >= DUPLICATES || (c.sack && isHeadLost(c))))
    startFast(c, now)
  if (c.recovery !== 'none' && c.sack) markLosses(c)
}

/** `acked` bytes were acknowledged, and there may be news in the scoreboard. */
export function onNewAck(c: Connection, acked: number, now: number): void {
  switch (c.recovery) {
    case 'none':
      c.dupAcks = 0
      // Follows at a distance of one, lest the order of the two turn round after 2 GiB.
      if (serialGt(c.sndUna, c.recover)) c.recover = seqAdd(c.sndUna, -1)
      if (c.cwndLimited) c.congestion.onAck(acked, c.mss, now, c.srtt)
      break
    case 'fast':
      if (serialGeq(c.sndUna, c.recover)) endRecovery(c)
      else onPartialAck(c, acked)
      break
    case 'timeout':
      c.dupAcks = 0
      c.congestion.onAck(acked, c.mss, now, c.srtt)
      if (serialGeq(c.sndUna, c.recover)) c.recovery = 'none'
      else if (c.sack) markLosses(c)
      break
    default:
      c.recovery satisfies never
  }
}

/** The retransmission timer has expired: everything counts as lost, slow start sends it again (RFC 5681 §3.1, RFC 6582 §3.2 step 4). */
export function onTimeout(c: Connection, now: number): void {
  const f = c.flight
  c.congestion.onTimeout(serialDiff(c.sndNxt, c.sndUna), c.mss, now, c.backoff > 0)
  c.recovery = 'timeout'
  c.recover = c.sndNxt
  c.dupAcks = 0
  // RFC 2018 §8: a head that the peer claims to have and does not acknowledge means that he has dropped what he reported.
  const reneged = f.count > 0 && (f.flags(0) & SACKED) !== 0
  f.markAllLost(reneged)
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
  c.recovery = 'fast'
  c.recover = c.sndNxt
  c.congestion.onLoss(serialDiff(c.dupSndNxt, c.sndUna), c.mss, now)
  markHeadLost(c)
}

function onPartialAck(c: Connection, acked: number): void {
  if (c.sack) {
    markLosses(c)
    return
  }
  // One of the segments acknowledged is the one that was sent again, the others had been counted as arrived.
  c.dupAcks = Math.max(0, c.dupAcks - Math.max(0, Math.ceil(acked / c.mss) - 1))
  markHeadLost(c)
}

function endRecovery(c: Connection): void {
  c.recovery = 'none'
  c.dupAcks = 0
  c.congestion.onRecovered(pipe(c), c.mss)
}

/** The first segment that is not acknowledged is lost, and goes at once. */
function markHeadLost(c: Connection): void {
  const f = c.flight
  if (f.count === 0) return
  if (f.length(0) > c.mss && (f.flags(0) & SACKED) === 0) f.split(0, seqAdd(f.seq(0), c.mss))
  f.markLost(0)
  c.needs |= NEED_RESEND
}

/** IsLost of RFC 6675 §4 for the oldest byte in flight. */
function isHeadLost(c: Connection): boolean {
  return lostBelow(c) > 0
}

/** Marks what is lost: everything not SACKED below the edge that `lostBelow` finds. */
function markLosses(c: Connection): void {
  for (let i = lostBelow(c) - 1; i >= 0; i--) c.flight.markLost(i)
}

/** IsLost of RFC 6675 §4: the number of records that have enough SACKED data above them to be lost, if they are not SACKED. */
function lostBelow(c: Connection): number {
  const f = c.flight
  if (f.sacked === 0) return 0
  const enough = (DUPLICATES - 1) * c.mss
  let bytes = 0
  let pieces = 0
  for (let i = f.count - 1; i >= 0; i--) {
    if ((f.flags(i) & SACKED) === 0) {
      if (bytes > enough || pieces >= DUPLICATES) return i + 1
      continue
    }
    bytes += f.length(i)
    if (i === f.count - 1 || (f.flags(i + 1) & SACKED) === 0) pieces++
  }
  return 0
}
