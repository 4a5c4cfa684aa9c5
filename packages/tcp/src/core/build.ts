import { isIpv4 } from '@fata/addr'
import { clearGather, serialDiff } from '@fata/bytes'
import { ACK, ECE, FIN, HEADER_LEN, MAX_HEADER_LEN, PSH, RST, SYN, URG } from '../wire.ts'
import { MAX_SACK_BLOCKS, putAlignedTimestamps, putSack } from '../wire-options.ts'
import type { Connection } from './connection.ts'
import type { Outgoing } from './outgoing.ts'
import { paceLimit } from './pace.ts'
import { armRetransmit } from './rto.ts'
import { seqAdd } from './sequence.ts'
import { NEED_ACK } from './signals.ts'
import { tallyOf } from './tally.ts'
import { timestampOf } from './timestamps.ts'
import { offerWindow } from './window.ts'

/** How segments are filled in, and how large they can be. */

/** An IP packet cannot be longer, super-segment or not. */
const MAX_PACKET = 65535
const IPV4_HEADER = 20
const IPV6_HEADER = 40
/** A segment's urgent pointer cannot reach further. */
const MAX_URGENT = 65535

/** Gathers `length` bytes from `seq` on; fewer where they are in many ranges, then whole segments if it is more than one. */
export function gatherText(c: Connection, out: Outgoing, seq: number, length: number, mss: number): number {
  if (length === 0) return 0
  const gathered = c.queue!.gather(seq, length, out.payload)
  if (gathered === length || gathered <= mss || gathered % mss === 0) return gathered
  clearGather(out.payload)
  return c.queue!.gather(seq, gathered - (gathered % mss), out.payload)
}

/** Fills in the rest of a segment whose text has been gathered and which is in flight as `[seq, end)`. */
export function emitText(c: Connection, out: Outgoing, seq: number, end: number, mss: number, now: number): void {
  const length = out.payload.length
  const behind = seqAdd(seq, length)
  let flags = ACK
  // A super-segment is pushed, so that a receiver that coalesces does not wait for more.
  if (length > mss || (length > 0 && behind === c.sndEnd)) flags |= PSH
  if (behind !== end) flags |= FIN
  fill(c, out, seq, flags, now)
  if (length > mss) {
    out.gsoSize = mss
    c.tcp.stats.superSegmentsOut++
  }
  if (c.urgent?.out === true) markUrgent(c, out, seq)
  c.tcp.stats.bytesOut += length
  if (c.pace !== undefined) c.pace.credit -= length
  tallyOf(c).lastTextOutAt = now
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

/** Header and options of a segment of `c`. Every segment but a first SYN acknowledges, so that nothing is owed afterwards. */
export function fill(c: Connection, out: Outgoing, seq: number, flags: number, now: number): void {
  const h = out.header
  out.src = c.local
  out.dst = c.remote
  out.trafficClass = c.trafficClass
  out.ttl = c.ttl
  h.srcPort = c.localPort
  h.dstPort = c.remotePort
  h.seq = seq
  h.flags = c.ecn?.echo === true && (flags & (SYN | RST)) === 0 ? flags | ECE : flags
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
export function fullSegment(c: Connection): number {
  const blocks = sackBlocks(c)
  return blocks === 0 ? c.mss : Math.max(1, c.mss - 4 - 8 * blocks)
}

/** See `TcpOptions.burstSegments`: a millisecond's worth at twice the rate of the window, all of it where round trips are shorter. */
function burstLimit(c: Connection, mss: number): number {
  const { burstSegments } = c.tcp.config
  if (burstSegments === Number.POSITIVE_INFINITY) return MAX_PACKET
  const { cwnd } = c.congestion
  const half = Math.max(1, Math.floor(cwnd / mss / 2))
  const rate = c.srtt < 1 ? MAX_PACKET : (2 * cwnd) / c.srtt
  return mss * Math.min(half, Math.max(burstSegments, Math.floor(rate / mss)))
}

/** Text of the largest segment that the device takes: a multiple of `mss` where it segments itself. */
export function largestSegment(c: Connection, mss: number): number {
  const v4 = isIpv4(c.remote)
  if (!(v4 ? c.offload.tso4 : c.offload.tso6) || c.urgent?.out === true || c.ecn?.answer === true) return mss
  const most = Math.min(c.pace === undefined ? MAX_PACKET : paceLimit(c), burstLimit(c, mss))
  const room = Math.min(most, MAX_PACKET - (v4 ? IPV4_HEADER : IPV6_HEADER) - MAX_HEADER_LEN)
  return Math.max(mss, room - (room % mss))
}
