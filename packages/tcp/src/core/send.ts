import { isIpv4 } from '@fata/addr'
import { clearGather, serialDiff, serialGt, serialLt } from '@fata/bytes'
import { ACK, FIN, HEADER_LEN, MAX_HEADER_LEN, PSH, RST, SYN, URG } from '../wire.ts'
import { MAX_SACK_BLOCKS, putAlignedTimestamps, putSack, putSynOptions } from '../wire-options.ts'
import {
  type Connection,
  EVENT_FIN_SENT,
  finSent,
  NEED_ACK,
  NEED_OVERRIDE,
  NEED_PROBE,
  NEED_RESEND,
  NEED_RESET,
  NEED_SYN,
  NEED_TAIL,
  NO_FLIGHT,
  pipe,
  unsentBytes,
} from './connection.ts'
import { LOST, RESENT, stampOf } from './flight.ts'
import type { Outgoing } from './outgoing.ts'
import { armRetransmit } from './rto.ts'
import { seqAdd } from './sequence.ts'
import { scheduleProbe } from './tail-probe.ts'
import { timestampOf } from './timestamps.ts'
import { noteResent } from './undo.ts'
import { offerSynWindow, offerWindow } from './window.ts'

/**
 * What to send next: RFC 9293 §3.8.6.2.1 (silly window), §3.7.4 (Nagle, in the form of §A.3), RFC 5681 (congestion window).
 *
 * Segments are decided on one at a time, at the moment when they leave: nothing is queued but the bytes themselves, so that a segment
 * carries the newest acknowledgment and window, and a retransmission is cut anew.
 *
 * Differs from RFC 9293 in: a window probe carries no octet of new data but the sequence number SND.UNA-1, which every peer has to
 * answer (§3.10.7.4); so nothing is in flight beyond a shut window.
 */

/** An IP packet cannot be longer, super-segment or not. */
const MAX_PACKET = 65535
const IPV4_HEADER = 20
const IPV6_HEADER = 40
/** A segment's urgent pointer cannot reach further. */
const MAX_URGENT = 65535

/**
 * Puts the next segment of `c` into `out` and takes it for sent. False where there is nothing to send: the state of `c` then says
 * what it waits for.
 */
export function emit(c: Connection, out: Outgoing, now: number): boolean {
  if (c.needs === 0 && c.state === 'CLOSED') return false
  clearGather(out.payload)
  out.gsoSize = 0
  if ((c.needs & NEED_RESET) !== 0) return emitReset(c, out, now)
  switch (c.state) {
    case 'CLOSED':
      return false
    case 'SYN-SENT':
      return emitSyn(c, out, now)
    case 'SYN-RECEIVED':
      return emitSyn(c, out, now) || emitAck(c, out, now)
    case 'TIME-WAIT':
    case 'FIN-WAIT-2':
      return emitProbe(c, out, now) || emitAck(c, out, now)
    default:
      return (
        (c.dupAcksOwed > 0 && emitAck(c, out, now)) ||
        emitResend(c, out, now) ||
        emitNew(c, out, now) ||
        emitTail(c, out, now) ||
        emitProbe(c, out, now) ||
        emitAck(c, out, now)
      )
  }
}

function emitReset(c: Connection, out: Outgoing, now: number): boolean {
  c.needs = 0
  fill(c, out, c.sndNxt, RST | ACK, now)
  c.tcp.stats.resetsOut++
  return true
}

function emitSyn(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_SYN) === 0) return false
  c.needs &= ~NEED_SYN
  const active = c.state === 'SYN-SENT'
  const { config } = c.tcp
  fill(c, out, c.iss, active ? SYN : SYN | ACK, now)
  out.header.window = offerSynWindow(c)
  out.optionsLen = putSynOptions(out.options, 0, {
    mss: c.advertisedMss,
    windowScale: (active && config.windowScale) || c.windowScaling ? c.rcvScale : -1,
    sackPermitted: (active && config.sack) || c.sack,
    timestamps: (active && config.timestamps) || c.timestamps,
    tsVal: timestampOf(c, now),
    tsEcr: active ? 0 : c.tsRecent,
  })
  out.header.headerLen = HEADER_LEN + out.optionsLen
  if (c.sndNxt === c.iss) c.sndNxt = seqAdd(c.iss, 1)
  else c.retransmits++
  c.sentAt = now
  if (c.timerAt === Number.POSITIVE_INFINITY) armRetransmit(c, now)
  return true
}

/** What was lost, oldest first, as much of it as the windows let go. */
function emitResend(c: Connection, out: Outgoing, now: number): boolean {
  const f = c.flight
  const first = f.nextToResend()
  if (first < 0) {
    c.needs &= ~NEED_RESEND
    return false
  }
  const mss = fullSegment(c)
  const seq = f.seq(first)
  const room = Math.min(c.congestion.cwnd - pipe(c), serialDiff(seqAdd(c.sndUna, c.sndWnd), seq))
  if (room < mss && (c.needs & NEED_RESEND) === 0) return false
  c.needs &= ~NEED_RESEND
  const limit = Math.max(mss, Math.min(largestSegment(c, mss), room - (room % mss)))
  const end = seqAdd(seq, resendLength(c, first, limit, out, mss))
  const stamp = stampOf(now)
  for (let i = first; i < f.count && serialLt(f.seq(i), end); i++) {
    if (serialGt(f.end(i), end)) f.split(i, end)
    f.markResent(i, stamp)
  }
  noteResent(c, Math.ceil(out.payload.length / mss))
  emitText(c, out, seq, end, mss, now)
  // RFC 6298 §5: never less than one timeout after the last transmission.
  if (first === 0) armRetransmit(c, now)
  c.retransmits++
  c.tcp.stats.retransmits++
  c.tcp.stats.retransmittedBytes += out.payload.length
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

/** Text that has not been sent, and the FIN behind it. */
function emitNew(c: Connection, out: Outgoing, now: number): boolean {
  const available = unsentBytes(c)
  // Where received data was thrown away a reset ends the connection (SHLD-3), not a FIN.
  const fin = c.finQueued && !c.discarded && !finSent(c)
  if (available === 0 && !fin) return false
  const usable = serialDiff(seqAdd(c.sndUna, c.sndWnd), c.sndNxt)
  if (usable <= 0) return false
  restartAfterIdle(c, now)
  const mss = fullSegment(c)
  let length = available === 0 ? 0 : newLength(c, available, usable, mss)
  if (available > 0 && length === 0) return false
  length = gatherText(c, out, c.sndNxt, length, mss)
  const withFin = fin && length === available && usable > length
  const seq = c.sndNxt
  const end = seqAdd(seq, length + (withFin ? 1 : 0))
  if (c.flight === NO_FLIGHT) c.flight = c.tcp.flights.get()
  c.flight.push(seq, end, stampOf(now))
  c.sndNxt = end
  if (length % mss !== 0) c.smallEnd = end
  c.bytesSent += length
  c.needs &= ~NEED_OVERRIDE
  if (withFin) c.events |= EVENT_FIN_SENT
  emitText(c, out, seq, end, mss, now)
  if (c.timer !== 'reorder') scheduleProbe(c, now)
  return true
}

/** Tail loss probe: the last segment once more, where there is no new one. */
function emitTail(c: Connection, out: Outgoing, now: number): boolean {
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
  c.retransmits++
  c.tcp.stats.retransmits++
  c.tcp.stats.tailProbesOut++
  c.tcp.stats.retransmittedBytes += out.payload.length
  return true
}

/** Gathers `length` bytes from `seq` on; fewer where they are in many ranges, then whole segments if it is more than one. */
function gatherText(c: Connection, out: Outgoing, seq: number, length: number, mss: number): number {
  if (length === 0) return 0
  const gathered = c.queue!.gather(seq, length, out.payload)
  if (gathered === length || gathered <= mss || gathered % mss === 0) return gathered
  clearGather(out.payload)
  return c.queue!.gather(seq, gathered - (gathered % mss), out.payload)
}

/** How much of `available` unsent bytes the windows, Nagle and the silly-window rules let go in one segment; 0: nothing yet. */
function newLength(c: Connection, available: number, usable: number, mss: number): number {
  if ((c.needs & NEED_TAIL) !== 0) {
    c.needs &= ~NEED_TAIL
    return Math.min(available, usable, mss)
  }
  const room = c.congestion.cwnd - pipe(c)
  let length = Math.min(available, usable, largestSegment(c, mss))
  if (length > room) {
    c.cwndLimited = true
    length = room - (room % mss)
    if (length <= 0) return 0
  } else {
    c.cwndLimited = false
  }
  const tail = length % mss
  if (tail === 0 || (c.needs & NEED_OVERRIDE) !== 0) return length
  if (length === available ? mayFinishSmall(c) : c.flight.count === 0 && length >= c.maxSndWnd >>> 1) return length
  return length - tail
}

/** The last bytes of the queue are less than a segment: may they go? Minshall's form of Nagle (RFC 9293 §A.3). */
function mayFinishSmall(c: Connection): boolean {
  return c.noDelay || c.finQueued || c.flight.count === 0 || !serialGt(c.smallEnd, c.sndUna)
}

/** RFC 5681 §4.1: after a silence the acknowledgments that clocked the window out are gone. */
function restartAfterIdle(c: Connection, now: number): void {
  if (c.flight.count === 0 && now - c.sentAt > c.rto) c.congestion.onIdle(c.mss, now)
}

/** Fills in the rest of a segment whose text has been gathered and which is in flight as `[seq, end)`. */
function emitText(c: Connection, out: Outgoing, seq: number, end: number, mss: number, now: number): void {
  const length = out.payload.length
  const behind = seqAdd(seq, length)
  let flags = ACK
  if (length > 0 && behind === c.sndEnd) flags |= PSH
  if (behind !== end) flags |= FIN
  fill(c, out, seq, flags, now)
  if (length > mss) {
    out.gsoSize = mss
    c.tcp.stats.superSegmentsOut++
  }
  if (c.urgent?.out === true) markUrgent(c, out, seq)
  c.tcp.stats.bytesOut += length
  // Text in reply to text: the next acknowledgments may wait to travel with replies.
  if (c.bytesReceived > 0 && now - c.heardAt < c.tcp.config.delayedAckMs) c.quickAcks = 0
  c.sentAt = now
  if (c.timerAt === Number.POSITIVE_INFINITY || c.timer === 'window') armRetransmit(c, now)
}

/** RFC 9293 §3.8.5: the pointer is to the octet behind the urgent data (MUST-62). */
function markUrgent(c: Connection, out: Outgoing, seq: number): void {
  const distance = serialDiff(c.urgent!.sndUp, seq)
  if (distance <= 0) return
  out.header.flags |= URG
  out.header.urgent = Math.min(distance, MAX_URGENT)
}

function emitProbe(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_PROBE) === 0) return false
  c.needs &= ~NEED_PROBE
  fill(c, out, seqAdd(c.sndUna, -1), ACK, now)
  return true
}

function emitAck(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_ACK) === 0) return false
  const owed = c.dupAcksOwed
  fill(c, out, c.sndNxt, ACK, now)
  // Without SACK the number of duplicate ACKs is all that the peer learns of segments out of order (RFC 5681 §4.2).
  if (owed > 1 && !c.sack) {
    c.dupAcksOwed = owed - 1
    c.needs |= NEED_ACK
  }
  return true
}

/** Header and options of a segment of `c`. Every segment but a first SYN acknowledges, so that nothing is owed afterwards. */
function fill(c: Connection, out: Outgoing, seq: number, flags: number, now: number): void {
  const h = out.header
  out.src = c.local
  out.dst = c.remote
  out.trafficClass = c.trafficClass
  out.ttl = c.ttl
  h.srcPort = c.localPort
  h.dstPort = c.remotePort
  h.seq = seq
  h.flags = flags
  h.checksum = 0
  h.urgent = 0
  out.optionsLen = (flags & SYN) !== 0 ? 0 : putOptions(c, out.options, now)
  h.headerLen = HEADER_LEN + out.optionsLen
  h.ack = 0
  h.window = 0
  if ((flags & ACK) !== 0) {
    h.ack = c.rcvNxt
    if ((flags & (SYN | RST)) === 0) h.window = offerWindow(c)
    c.lastAckSent = c.rcvNxt
    c.ackAt = Number.POSITIVE_INFINITY
    c.needs &= ~NEED_ACK
    c.dupAcksOwed = 0
  }
}

const sackEdges = new Int32Array(2 * MAX_SACK_BLOCKS)

/** Timestamps and, while data is out of order or has come twice, SACK blocks (RFC 2018 §4, RFC 2883 §4). */
function putOptions(c: Connection, options: Uint8Array, now: number): number {
  const at = c.timestamps ? putAlignedTimestamps(options, 0, timestampOf(c, now), c.tsRecent) : 0
  const blocks = sackBlocks(c)
  if (blocks === 0) return at
  let n = 0
  if (c.duplicateStart !== c.duplicateEnd) putEdges(n++, c.duplicateStart, c.duplicateEnd)
  c.duplicateStart = c.duplicateEnd
  if (c.reassembly !== undefined) {
    const { ranges, recent } = c.reassembly
    for (let i = 0; i < recent.length && n < blocks; i++, n++) putEdges(n, recent[i]!.start, recent[i]!.end)
    for (let i = 0; i < ranges.length && n < blocks; i++) {
      if (!recent.includes(ranges[i]!)) putEdges(n++, ranges[i]!.start, ranges[i]!.end)
    }
  }
  return at + putSack(options, at, sackEdges, n)
}

function putEdges(n: number, start: number, end: number): void {
  sackEdges[2 * n] = start
  sackEdges[2 * n + 1] = end
}

/** How many SACK blocks the next segment carries. */
function sackBlocks(c: Connection): number {
  if (!c.sack) return 0
  const held = c.reassembly === undefined ? 0 : c.reassembly.ranges.length
  const all = c.duplicateStart === c.duplicateEnd ? held : held + 1
  return Math.min(all, c.timestamps ? MAX_SACK_BLOCKS - 1 : MAX_SACK_BLOCKS)
}

/** Text of a full segment: the effective MSS less what SACK blocks take (MUST-16). */
function fullSegment(c: Connection): number {
  const blocks = sackBlocks(c)
  return blocks === 0 ? c.mss : Math.max(1, c.mss - 4 - 8 * blocks)
}

/** Text of the largest segment that the device takes: a multiple of `mss` where it segments itself. */
function largestSegment(c: Connection, mss: number): number {
  const v4 = isIpv4(c.remote)
  if (!(v4 ? c.offload.tso4 : c.offload.tso6) || c.urgent?.out === true) return mss
  const room = MAX_PACKET - (v4 ? IPV4_HEADER : IPV6_HEADER) - MAX_HEADER_LEN
  return Math.max(mss, room - (room % mss))
}
