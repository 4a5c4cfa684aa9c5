import { type IpAddress, isIpv4 } from '@fata/addr'
import { clearGather, serialGt, serialLeq } from '@fata/bytes'
import { countDrop, type Offload } from '@fata/net'
import { ACK, HEADER_LEN, RST, SYN } from '../wire.ts'
import { processAck } from './ack.ts'
import { remove } from './close.ts'
import type { Connection } from './connection.ts'
import { takeSynFlags } from './ecn.ts'
import { settleSynText } from './fast-open.ts'
import { beginSearch } from './mtu-search.ts'
import type { Outgoing } from './outgoing.ts'
import { setPace } from './pace.ts'
import { armRetransmit, measure, startAfterLostSyn, stopRetransmit } from './rto.ts'
import { type Segment, segmentLength } from './segment.ts'
import { effectiveMss } from './segment-size.ts'
import { seqAdd } from './sequence.ts'
import { EVENT_ESTABLISHED, NEED_ACK, NEED_SYN } from './signals.ts'
import { enter } from './state.ts'
import { timestampAge } from './timestamps.ts'
import { offerSynWindow } from './window.ts'

/**
 * How connections begin: RFC 9293 §3.10.1 (OPEN), §3.10.7.2 (LISTEN), §3.10.7.3 (SYN-SENT), and what SYNs agree on.
 *
 * Differs from the RFC in: text and FIN on a SYN are not kept for later, fast open apart; the peer, to whom they are not acknowledged,
 * sends them again.
 */

/** RFC 9293 §3.7.1 (MUST-15): what a peer can take that does not say. */
const DEFAULT_MSS_IPV4 = 536
const DEFAULT_MSS_IPV6 = 1220
/** A peer that asks for less (to make us send a header per byte) gets this; as in Linux. */
const LEAST_MSS = 48
/** Segments acknowledged at once at the beginning, while the peer is in slow start. */
const QUICK_ACKS = 16
const MAX_WINDOW_FIELD = 65535

/** What the shell chooses for a new connection. */
export interface Opening {
  /** RFC 6528. */
  readonly iss: number
  readonly tsOffset: number
  /** Of the way to the peer. */
  readonly pathMtu: number
  readonly offload: Offload
}

/** Active OPEN. */
export function openActive(c: Connection, opening: Opening, now: number): void {
  prepare(c, opening, now)
  enter(c, 'open')
}

/** A SYN has arrived for a listener (§3.10.7.2, third). */
export function openPassive(c: Connection, s: Segment, opening: Opening, now: number): void {
  prepare(c, opening, now)
  takeSyn(c, s, now)
  enter(c, 'rcv-syn')
}

/** The ACK of a SYN,ACK has come that nobody remembers: `syn` is what its SYN must have said. */
export function resumePassive(c: Connection, syn: Segment, opening: Opening, now: number): void {
  openPassive(c, syn, opening, now)
  c.needs &= ~NEED_SYN
  c.sndNxt = seqAdd(c.iss, 1)
  c.sentAt = Number.NEGATIVE_INFINITY
  offerSynWindow(c)
}

function prepare(c: Connection, opening: Opening, now: number): void {
  const { config } = c.tcp
  c.iss = c.sndUna = c.sndNxt = c.recover = opening.iss
  c.sndEnd = c.smallEnd = c.rttSeq = seqAdd(opening.iss, 1)
  c.tsOffset = opening.tsOffset
  c.offload = opening.offload
  c.pathMtu = opening.pathMtu
  // MUST-67: the IP layer can take what it can send.
  c.advertisedMss = Math.min(opening.pathMtu - HEADER_LEN, c.chosen.maxSegmentBytes ?? MAX_WINDOW_FIELD)
  const largest = Math.min(
    c.chosen.receiveBufferBytes ?? config.receiveBufferMaxBytes,
    c.chosen.windowClampBytes ?? Number.POSITIVE_INFINITY,
  )
  if (config.windowScale) while (largest >>> c.rcvScale > MAX_WINDOW_FIELD) c.rcvScale++
  setPace(c)
  c.expireAt = now + config.synTimeoutMs
  c.needs |= NEED_SYN
}

/** Takes over what the peer's SYN says. */
function takeSyn(c: Connection, s: Segment, now: number): void {
  const { config } = c.tcp
  const { options } = s
  c.irs = s.seq
  c.rcvNxt = c.rcvAdv = c.lastAckSent = seqAdd(s.seq, 1)
  const silent = isIpv4(c.remote) ? DEFAULT_MSS_IPV4 : DEFAULT_MSS_IPV6
  c.peerMss = options.mss === 0 ? silent : Math.max(options.mss, LEAST_MSS)
  c.windowScaling = config.windowScale && options.windowScale >= 0
  c.sndScale = c.windowScaling ? options.windowScale : 0
  if (!c.windowScaling) c.rcvScale = 0
  c.sack = config.sack && options.sackPermitted
  c.timestamps = config.timestamps && options.hasTimestamps
  if (c.timestamps) {
    c.tsRecent = options.tsVal
    c.tsRecentAt = now
  }
  c.mss = effectiveMss(c)
  // RFC 7323 §2.2: not scaled.
  c.sndWnd = c.maxSndWnd = s.window
  c.sndWl1 = s.seq
  c.sndWl2 = s.ack
  c.heardAt = now
  takeSynFlags(c, s)
}

/** SYN-SENT, RFC 9293 §3.10.7.3. Returns whether `reply` has been filled with a reset. */
export function synSent(c: Connection, s: Segment, now: number, reply: Outgoing): boolean {
  const acked = (s.flags & ACK) !== 0
  if (acked && (serialLeq(s.ack, c.iss) || serialGt(s.ack, c.sndNxt))) {
    countDrop(c.tcp.stats.dropped, 'unacceptable-ack')
    return refuseSegment(c.local, c.remote, s, reply)
  }
  if ((s.flags & RST) !== 0) {
    onReset(c, acked)
    return false
  }
  if ((s.flags & SYN) === 0) {
    countDrop(c.tcp.stats.dropped, 'no-syn')
    return false
  }
  takeSyn(c, s, now)
  // Our SYN has offered a window, and text may follow the SYN,ACK in the same batch.
  offerSynWindow(c)
  if (acked) {
    c.sndUna = seqAdd(c.iss, 1)
    enter(c, 'rcv-ack-of-syn')
    becomeEstablished(c, s, now)
    c.needs |= NEED_ACK
    if (c.flight.count > 0) processAck(c, s, now)
    if (c.fastOpen !== undefined) settleSynText(c, s)
  } else {
    enter(c, 'rcv-syn')
    c.needs |= NEED_SYN
  }
  return false
}

function onReset(c: Connection, acked: boolean): void {
  c.tcp.stats.resetsIn++
  if (!acked) {
    countDrop(c.tcp.stats.dropped, 'reset-without-ack')
    return
  }
  c.tcp.stats.attemptFails++
  remove(c, 'ERR_TCP_REFUSED')
}

/** Both SYNs are acknowledged: data can flow. */
export function becomeEstablished(c: Connection, s: Segment, now: number): void {
  const lostSyn = c.backoff > 0
  // Infinity: nobody knows when the SYN,ACK was sent.
  if (!lostSyn && c.sentAt !== Number.NEGATIVE_INFINITY) measure(c, now - c.sentAt)
  else if (c.timestamps && s.options.hasTimestamps) measure(c, Math.max(0, timestampAge(c, s.options.tsEcr, now)))
  else if (lostSyn) startAfterLostSyn(c)
  c.backoff = 0
  beginSearch(c)
  c.congestion.onEstablished(c.mss, lostSyn)
  if (c.flight.count === 0) stopRetransmit(c)
  else armRetransmit(c, now)
  c.expireAt = Number.POSITIVE_INFINITY
  c.quickAcks = c.tcp.config.manner === 'bsd' ? 0 : QUICK_ACKS
  c.rcvMss = Math.min(c.advertisedMss, DEFAULT_MSS_IPV4)
  c.heardAt = now
  c.needs &= ~NEED_SYN
  c.events |= EVENT_ESTABLISHED
  if (c.keepalive !== undefined) c.keepalive.at = now + c.keepalive.config.idleMs
}

/**
 * Fills `reply` with the reset that answers a segment of no connection (§3.10.7.1) or with an unacceptable ACK. False for a reset,
 * which is never answered.
 */
export function refuseSegment(local: IpAddress, remote: IpAddress, s: Segment, reply: Outgoing): boolean {
  if ((s.flags & RST) !== 0) return false
  const h = reply.header
  const acked = (s.flags & ACK) !== 0
  clearGather(reply.payload)
  reply.gsoSize = reply.optionsLen = 0
  reply.src = local
  reply.dst = remote
  reply.trafficClass = 0
  reply.ttl = undefined
  h.srcPort = s.dstPort
  h.dstPort = s.srcPort
  h.seq = acked ? s.ack : 0
  h.ack = acked ? 0 : seqAdd(s.seq, segmentLength(s))
  h.flags = acked ? RST : RST | ACK
  h.headerLen = HEADER_LEN
  h.window = h.checksum = h.urgent = 0
  return true
}
