import { serialDiff, serialGt, serialLeq, serialLt } from '@fata/bytes'
import { ECE, FIN } from '../wire.ts'
import { finish, resetIfDiscarded, startTimeWait } from './close.ts'
import { type Connection, finAcked, NO_FLIGHT } from './connection.ts'
import { noteEcho } from './ecn.ts'
import { type Flight, stampDiff, stampOf } from './flight.ts'
import { judgeFrto } from './frto.ts'
import { settleProbe } from './mtu-search.ts'
import { noteDelivered, trustUntil } from './rack.ts'
import type { Tally } from './records.ts'
import { onDelivered, onDuplicateAck, onNewAck, recoverByTime } from './recovery.ts'
import { armRetransmit, measure, stopRetransmit } from './rto.ts'
import { reportsDuplicate, updateScoreboard } from './scoreboard.ts'
import type { Segment } from './segment.ts'
import { EVENT_FIN_ACKED, EVENT_WRITABLE } from './signals.ts'
import { enter } from './state.ts'
import { onProbeAck, scheduleProbe } from './tail-probe.ts'
import { tallyOf } from './tally.ts'
import { noteDuplicate, undo, wasNeedless } from './undo.ts'

/** An acceptable ACK field in a state that has sent data: RFC 9293 §3.10.7.4, fifth step, from ESTABLISHED on. */
export function processAck(c: Connection, s: Segment, now: number): void {
  const acked = serialDiff(s.ack, c.sndUna)
  const f = c.flight
  const inFlight = f.count > 0
  const sackedBefore = f.sacked
  c.tcp.ack.rttMs = Number.NaN
  if (inFlight) f.beginAck(trustUntil(c, s, now), c.mss)
  if (acked > 0) acknowledge(c, s, now)
  if (inFlight || s.options.sackCount > 0 || c.rack?.probing === true) judge(c, s, acked, sackedBefore, now)
  if (inFlight && c.tally !== undefined) countDelivered(c, c.tally, f, s)
  noteEcho(c, s, now)
  if (acked >= 0) updateSendWindow(c, s)
  if (acked > 0 && finAcked(c)) onFinAcked(c, now)
  if (acked > 0) resetIfDiscarded(c)
}

/** What the ACK says about losses, and how it moves the timers. */
function judge(c: Connection, s: Segment, acked: number, sackedBefore: number, now: number): void {
  const before = c.recovery
  const duplicate = c.sack && reportsDuplicate(s)
  const reported = s.options.sackCount > 0 ? updateScoreboard(c, s) : 0
  if (c.sack) noteDelivered(c, duplicate, now)
  if (duplicate) tallyOf(c).duplicates++
  if ((c.recovery !== 'none' && acked > 0 && wasNeedless(c, s)) || (duplicate && noteDuplicate(c))) undo(c)
  else if (c.frto >= 0 && (acked > 0 || isDuplicate(c, s, reported)) && judgeFrto(c, acked > 0 && reported === 0))
    undo(c)
  if (acked > 0) onNewAck(c, acked)
  if (acked === 0 ? isDuplicate(c, s, reported) : acked > 0 && reported > 0 && c.recovery === 'none')
    onDuplicateAck(c, now)
  if (acked >= 0) onProbeAck(c, s.ack, duplicate, acked === 0 && s.options.sackCount === 0 && s.length === 0, now)
  if (acked > 0) restartTimer(c, now)
  const lostBefore = c.flight.lost
  if (c.sack && c.flight.count > 0 && (acked > 0 || reported > 0)) recoverByTime(c, now)
  const delivered = Math.max(0, acked) + c.flight.sacked - sackedBefore
  if (delivered > 0) onDelivered(c, Math.max(0, acked), delivered, before, c.flight.lost > lostBefore, now)
  if (acked > 0) scheduleProbe(c, now)
}

function countDelivered(c: Connection, t: Tally, f: Flight, s: Segment): void {
  t.delivered += f.arrived
  if (c.ecn !== undefined && (s.flags & ECE) !== 0) t.deliveredMarked += f.arrived
  if (f.reordered) t.reorderings++
}

/** RFC 5681 §2; with SACK RFC 6675 §2: an ACK that reports data which had not been reported. */
function isDuplicate(c: Connection, s: Segment, reported: number): boolean {
  if (c.flight.count === 0) return false
  if (c.sack) return reported > 0
  return s.length === 0 && (s.flags & FIN) === 0 && s.window << c.sndScale === c.sndWnd
}

/** Takes everything before SEG.ACK out of the send queue and the flight. */
function acknowledge(c: Connection, s: Segment, now: number): void {
  const textEnd = serialLt(s.ack, c.sndEnd) ? s.ack : c.sndEnd
  const text = Math.max(0, serialDiff(textEnd, c.sndUna))
  c.sndUna = s.ack
  c.bytesAcked += text
  if (serialLt(c.smallEnd, c.sndUna)) c.smallEnd = c.sndUna
  if (c.urgent?.out === true && serialLeq(c.urgent.sndUp, c.sndUna)) c.urgent.out = false
  c.flight.acknowledge(s.ack)
  sampleRoundTrip(c, s, now)
  c.backoff = 0
  c.stalledAt = Number.POSITIVE_INFINITY
  if (c.search !== undefined) settleProbe(c, c.search, now)
  if (c.queue !== undefined) releaseText(c, textEnd, text)
  if (c.flight.count === 0 && c.flight !== NO_FLIGHT) {
    c.flight.clear()
    c.tcp.flights.put(c.flight)
    c.flight = NO_FLIGHT
  }
}

function releaseText(c: Connection, textEnd: number, text: number): void {
  c.tcp.stats.queuedBytes -= text
  c.queue!.release(textEnd)
  if (textEnd === c.sndEnd) {
    c.queue!.reset(0)
    c.tcp.sendQueues.put(c.queue!)
    c.queue = undefined
  }
  c.events |= EVENT_WRITABLE
}

/**
 * RFC 6298 §3: one sample per round trip, of a segment that was sent once; with timestamps also of one whose last transmission is the
 * one that the peer echoes. An echo of an earlier one would measure how long the ACK of that was missing.
 */
function sampleRoundTrip(c: Connection, s: Segment, now: number): void {
  const f = c.flight
  if (!f.timed && !(f.delivered && c.timestamps && s.options.tsEcr !== 0)) return
  const rtt = stampDiff(stampOf(now), f.timed ? f.timedAt : f.deliveredAt)
  if (rtt < 0) return
  c.tcp.ack.rttMs = rtt
  if (rtt < c.minRtt) c.minRtt = rtt
  if (!serialGt(s.ack, c.rttSeq)) return
  measure(c, rtt)
  c.rttSeq = c.sndNxt
}

/** SND.WND moves with the segment that is newest by sequence and acknowledgment number. */
export function updateSendWindow(c: Connection, s: Segment): void {
  const newer = serialLt(c.sndWl1, s.seq) || (c.sndWl1 === s.seq && serialLeq(c.sndWl2, s.ack))
  if (!newer) return
  const window = s.window << c.sndScale
  c.sndWl1 = s.seq
  c.sndWl2 = s.ack
  if (c.timer === 'window' && window > c.sndWnd) {
    c.backoff = 0
    stopRetransmit(c)
  }
  c.sndWnd = window
  if (window > c.maxSndWnd) c.maxSndWnd = window
}

/** RFC 6298 §5.2, §5.3. */
function restartTimer(c: Connection, now: number): void {
  if (c.flight.count === 0) stopRetransmit(c)
  else armRetransmit(c, now)
}

function onFinAcked(c: Connection, now: number): void {
  if (c.state !== 'FIN-WAIT-1' && c.state !== 'CLOSING' && c.state !== 'LAST-ACK') return
  c.events |= EVENT_FIN_ACKED
  const state = enter(c, 'rcv-ack-of-fin')
  if (state === 'CLOSED') finish(c)
  else if (state === 'TIME-WAIT') startTimeWait(c, now)
  else if (c.discarding) c.expireAt = now + c.tcp.config.finWait2Ms
}
