import { serialDiff, serialGt, serialLt } from '@fata/bytes'
import { emitText, fullSegment, gatherText, largestSegment } from './build.ts'
import { type Connection, pipe } from './connection.ts'
import { LOST, RESENT, stampOf } from './flight.ts'
import { holdsBack } from './frto.ts'
import type { Outgoing } from './outgoing.ts'
import { mayLeave } from './pace.ts'
import { congestionWindow, countReduced } from './prr.ts'
import { armRetransmit } from './rto.ts'
import { seqAdd } from './sequence.ts'
import { NEED_RESEND, NEED_TAIL } from './signals.ts'
import { tallyOf } from './tally.ts'
import { noteResent } from './undo.ts'

/** Segments that are sent again: what recovery has marked as lost, and tail loss probes. */

/** What was lost, oldest first, as much of it as the windows let go. */
export function emitResend(c: Connection, out: Outgoing, now: number): boolean {
  const f = c.flight
  const first = f.nextToResend()
  if (first < 0) {
    c.needs &= ~NEED_RESEND
    return false
  }
  if (holdsBack(c)) return false
  if (c.pace !== undefined && (c.needs & NEED_RESEND) === 0 && !mayLeave(c, c.pace, now)) return false
  const mss = fullSegment(c)
  const seq = f.seq(first)
  const room = Math.min(congestionWindow(c) - pipe(c), serialDiff(seqAdd(c.sndUna, c.sndWnd), seq))
  if (room < mss && (c.needs & NEED_RESEND) === 0) return false
  c.needs &= ~NEED_RESEND
  const limit = Math.max(mss, Math.min(largestSegment(c, mss), room - (room % mss)))
  const end = seqAdd(seq, resendLength(c, first, limit, out, mss))
  const stamp = stampOf(now)
  for (let i = first; i < f.count && serialLt(f.seq(i), end); i++) {
    if (serialGt(f.end(i), end)) f.split(i, end)
    f.markResent(i, stamp)
  }
  countReduced(c, serialDiff(end, seq))
  noteResent(c, Math.ceil(out.payload.length / mss))
  emitText(c, out, seq, end, mss, now)
  // RFC 6298 §5: never less than one timeout after the last transmission.
  if (first === 0) armRetransmit(c, now)
  countResent(c, out.payload.length, mss)
  return true
}

/** Gathers what is lost from record `first` on, without gaps, up to `limit`; the FIN counts. */
function resendLength(c: Connection, first: number, limit: number, out: Outgoing, mss: number): number {
  const f = c.flight
  let length = f.length(first)
  for (let i = first + 1; i < f.count && length < limit && (f.flags(i) & (LOST | RESENT)) === LOST; i++)
    length += f.length(i)
  length = Math.min(length, limit)
  const seq = f.seq(first)
  const text = Math.min(length, Math.max(0, serialDiff(c.sndEnd, seq)))
  const gathered = gatherText(c, out, seq, text, mss)
  return gathered < text ? gathered : length
}

/** Tail loss probe: the last segment once more, where there is no new one. */
export function emitTail(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_TAIL) === 0) return false
  c.needs &= ~NEED_TAIL
  const f = c.flight
  if (f.count === 0) return false
  const mss = fullSegment(c)
  if (f.length(f.count - 1) > mss) f.split(f.count - 1, seqAdd(f.end(f.count - 1), -mss))
  const last = f.count - 1
  const seq = f.seq(last)
  const text = Math.max(0, serialDiff(c.sndEnd, seq))
  if (gatherText(c, out, seq, Math.min(text, f.length(last)), mss) < Math.min(text, f.length(last))) return false
  f.markRepeated(last, stampOf(now))
  emitText(c, out, seq, f.end(last), mss, now)
  c.tcp.stats.tailProbesOut++
  countResent(c, out.payload.length, mss)
  return true
}

function countResent(c: Connection, length: number, mss: number): void {
  const segments = Math.max(1, Math.ceil(length / mss))
  c.retransmits += segments
  c.tcp.stats.retransmits += segments
  c.tcp.stats.retransmittedBytes += length
  tallyOf(c).retransmittedBytes += length
}
