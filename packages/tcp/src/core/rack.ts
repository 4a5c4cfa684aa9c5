import { serialGeq } from '@fata/bytes'
import type { Connection, Rack } from './connection.ts'
import { LOST, RESENT, SACKED, STAMPS_PER_MS, stampDiff, stampOf } from './flight.ts'
import { armInstead } from './rto.ts'
import type { Segment } from './segment.ts'

/**
 * RACK: a segment is lost if one that was sent sufficiently later has arrived (RFC 8985 §6). It tells reordering from loss, and finds
 * retransmissions that are lost in their turn, which counting duplicates cannot.
 *
 * Differs from the RFC in: RACK.min_RTT is the minimum of the whole connection.
 */

/** So many segments that have arrived out of order stand for a loss, where no reordering has been seen. */
const DUPLICATES = 3
/** Recoveries without a duplicate after which the reordering window is small again. */
const PERSIST = 16
/** Where round trips are shorter than what the timer can tell, this is a fourth of one. */
const GRANULARITY_MS = 1

/** The record of a connection with SACK, made where there is none. */
export function rackOf(c: Connection): Rack {
  c.rack ??= {
    rttMs: 0,
    reorderingSeen: false,
    windowMultiple: 1,
    windowPersist: 0,
    duplicateRound: 0,
    inDuplicateRound: false,
    probeEnd: 0,
    probing: false,
    probeRepeats: false,
    measured: true,
  }
  return c.rack
}

/**
 * The last moment at which a retransmission can have left whose delivery this ACK tells: not less than the shortest round trip ago, and
 * not after the timestamp that is echoed (§6.2 step 2).
 */
export function trustUntil(c: Connection, s: Segment, now: number): number {
  const shortest = c.minRtt === Number.POSITIVE_INFINITY ? 0 : c.minRtt
  const byTime = stampOf(now - shortest)
  if (!c.timestamps || !s.options.hasTimestamps || s.options.tsEcr === 0) return byTime
  const age = (Math.floor(now) + c.tsOffset - s.options.tsEcr) | 0
  const byEcho = stampOf(Math.floor(now) - age + 1) - 1
  return ((byEcho - byTime) | 0) < 0 ? byEcho : byTime
}

/** Steps 2..4 of §6.2, of which the flight has done what concerns single segments. `duplicate`: the ACK reports text that came twice. */
export function noteDelivered(c: Connection, duplicate: boolean, now: number): void {
  const f = c.flight
  const r = rackOf(c)
  if (f.delivered) r.rttMs = Math.max(0, stampDiff(stampOf(now), f.deliveredAt))
  if (f.reordered) r.reorderingSeen = true
  if (r.inDuplicateRound && serialGeq(c.sndUna, r.duplicateRound)) r.inDuplicateRound = false
  if (!duplicate || r.inDuplicateRound) return
  r.inDuplicateRound = true
  r.duplicateRound = c.sndNxt
  r.windowMultiple++
  r.windowPersist = PERSIST
}

/** A recovery is over. */
export function endRound(c: Connection): void {
  const r = c.rack
  if (r === undefined || r.windowPersist === 0) return
  r.windowPersist--
  if (r.windowPersist === 0) r.windowMultiple = 1
}

/** RACK_update_reo_wnd: how long a segment may be late before it is lost, ms. */
function reorderingWindow(c: Connection, r: Rack): number {
  if (!r.reorderingSeen) {
    const enough = c.dupAcks >= DUPLICATES || c.flight.sacked > (DUPLICATES - 1) * c.mss
    if (c.recovery !== 'none' || enough) return 0
  }
  const shortest = c.minRtt === Number.POSITIVE_INFINITY ? 0 : c.minRtt
  return Math.max(GRANULARITY_MS, Math.min((r.windowMultiple * shortest) / 4, c.srtt))
}

/** RACK_detect_loss: marks what is lost by now, and sets the reordering timer for what may be. */
export function detectLosses(c: Connection, now: number): void {
  const f = c.flight
  const r = c.rack
  if (r === undefined || !f.hasLatest) return
  const patience = (r.rttMs + reorderingWindow(c, r)) * STAMPS_PER_MS
  const stamp = stampOf(now)
  let wait = 0
  for (let i = 0; i < f.count; i++) {
    const flags = f.flags(i)
    if ((flags & SACKED) !== 0 || (flags & (LOST | RESENT)) === LOST) continue
    if (!f.isBeforeLatest(i)) {
      // What lies behind a segment that was sent once was sent later still.
      if ((flags & RESENT) === 0) break
      continue
    }
    const left = patience - ((stamp - f.sentAt(i)) | 0)
    if (left <= 0) f.markLostAgain(i)
    else if (left > wait) wait = left
  }
  if (wait > 0) armInstead(c, 'reorder', now + wait / STAMPS_PER_MS)
}

/** RACK_mark_losses_on_RTO (§6.3). False where nothing is known that could tell. */
export function markLossesOnTimeout(c: Connection, now: number): boolean {
  const f = c.flight
  const r = c.rack
  if (r === undefined || !f.hasLatest) return false
  const patience = (r.rttMs + reorderingWindow(c, r)) * STAMPS_PER_MS
  const stamp = stampOf(now)
  for (let i = 0; i < f.count; i++) {
    if ((f.flags(i) & SACKED) !== 0) continue
    if (i === 0 || ((stamp - f.sentAt(i)) | 0) >= patience) f.markLostAgain(i)
  }
  return true
}
