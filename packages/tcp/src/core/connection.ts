import type { IpAddress } from '@fata/addr'
import type { IpReportKind } from '@fata/ip'
import { NO_OFFLOAD, type Offload } from '@fata/net'
import type { TcpErrorCode } from '../errors.ts'
import type { CheckedFlowOptions, KeepaliveConfig } from '../flow-options.ts'
import type { ByteQueue } from './byte-queue.ts'
import type { Congestion } from './congestion/congestion.ts'
import { createCongestion } from './congestion/create.ts'
import type { Context } from './context.ts'
import { Flight } from './flight.ts'
import type { DeliveryRate } from './rate.ts'
import type { Reassembly } from './reassembly.ts'
import type { FastOpen, MtuSearch, Pace, Prr, Tally } from './records.ts'
import type { SendQueue } from './send-queue.ts'
import type { State } from './state.ts'

/**
 * The one timer that runs while something is to be sent: retransmission (RFC 6298), probe of a shut window (RFC 9293 §3.8.6.1),
 * reordering timer and tail loss probe (RFC 8985).
 */
export type TimerKind = 'retransmit' | 'window' | 'reorder' | 'tail'

/** What is being recovered from: nothing, loss told by acknowledgments, an expired timer. */
export type Recovery = 'none' | 'fast' | 'timeout'

/** Stands for the flight of every connection that has nothing in flight. Never written to. */
export const NO_FLIGHT: Flight = new Flight()

/** Explicit congestion notification (RFC 3168 §6.1), where both ends have agreed on it. */
export interface Ecn {
  /** A segment was marked: every ACK says so until the peer answers (§6.1.3). */
  echo: boolean
  /** The window was reduced: the next new segment says so (§6.1.2). */
  answer: boolean
  /** No further reduction before this is acknowledged, while `reduced`. */
  until: number
  reduced: boolean
}

/**
 * The transmission control block: everything that is known of one connection. Plain data, changed by the functions of this folder;
 * variables have the names of RFC 9293 §3.3.1 and of the RFC beside them. Sequence numbers are signed (see `seqAdd`), times are ms
 * of the clock, Infinity for never. What only some connections need hangs off it and is undefined until then.
 */
export class Connection {
  readonly tcp: Context
  readonly local: IpAddress
  readonly localPort: number
  readonly remote: IpAddress
  readonly remotePort: number
  /** Opened by the peer's SYN (MUST-11). */
  readonly passive: boolean
  /** Number in the connection table and the timer wheel; -1 outside of them. */
  slot = -1
  /** The shell's; nothing in this folder looks at it. */
  owner: unknown = undefined

  /** Written by `enter` alone. */
  state: State = 'CLOSED'
  needs = 0
  events = 0
  /** Listed for output and events at the end of the batch. */
  touched = false
  failure: TcpErrorCode | undefined = undefined
  softError: IpReportKind | undefined = undefined

  // Sending.
  iss = 0
  sndUna = 0
  sndNxt = 0
  sndWnd = 0
  sndWl1 = 0
  sndWl2 = 0
  maxSndWnd = 0
  sndScale = 0
  /** Behind the last byte that was written: the sequence number of the FIN. */
  sndEnd = 0
  finQueued = false
  /** Behind the last segment that was smaller than the MSS (RFC 9293 §A.3). */
  smallEnd = 0
  noDelay: boolean
  queue: SendQueue | undefined = undefined
  flight: Flight = NO_FLIGHT
  sendBufferBytes: number

  // Receiving.
  irs = 0
  rcvNxt = 0
  /** Right edge of the window as it was offered; it never moves left. */
  rcvAdv = 0
  rcvScale = 0
  rcvBufferBytes: number
  /** Bytes that the application has read since `readSince`: about a round trip. */
  readBytes = 0
  readSince = 0
  lastAckSent = 0
  /** Duplicate ACKs that segments out of order have asked for in this batch. */
  dupAcksOwed = 0
  /** As many segments are acknowledged at once before acknowledgments are delayed. */
  quickAcks = 0
  /** What the peer sends as a full segment, as seen so far. */
  rcvMss = 0
  received: ByteQueue | undefined = undefined
  reassembly: Reassembly | undefined = undefined
  /** The peer's FIN is known, at this sequence number, and has not been reached yet. */
  finAhead = false
  finAt = 0
  /** It has been reached: no more will come. */
  finReceived = false
  /** Text that came again, to be reported once (RFC 2883): first byte, and behind the last one. */
  duplicateStart = 0
  duplicateEnd = 0
  urgent: Urgent | undefined = undefined
  fastOpen: FastOpen | undefined = undefined
  search: MtuSearch | undefined = undefined
  ecn: Ecn | undefined = undefined
  /** The application has closed: what arrives is discarded, and a reset at the end says so if anything was (SHLD-3). */
  discarding = false
  discarded = false

  // What both ends agreed on in their SYNs, and what the way between them does.
  peerMss = 0
  advertisedMss = 0
  /** Effective send MSS (RFC 9293 §3.7.1): bytes of text, timestamps deducted. */
  mss = 0
  /** Largest segment, header included, that reaches the peer in one packet. */
  pathMtu = 0
  offload: Offload = NO_OFFLOAD
  windowScaling = false
  sack = false
  timestamps = false
  tsOffset = 0
  tsRecent = 0
  tsRecentAt = 0

  // Round-trip time, retransmission, recovery (RFC 6298, 5681, 6582, 6675).
  srtt = 0
  rttvar = 0
  minRtt: number = Number.POSITIVE_INFINITY
  rto: number
  /** Expirations of the retransmission or probe timer in a row. */
  backoff = 0
  /** One round trip is measured at a time: acknowledgments up to here give no sample. */
  rttSeq = 0
  congestion: Congestion
  /** RFC 7661: was the window used up, how much was in flight at most since `usedSince`, a sequence number? */
  cwndLimited = false
  maxFlight = 0
  usedSince = 0
  /** Spreads what is sent over time; only where that is asked for. */
  pace: Pace | undefined = undefined
  /** Where the congestion control wants to know the rate of delivery. */
  rate: DeliveryRate | undefined = undefined
  recovery: Recovery = 'none'
  /** RFC 6582: recovery is over when this is acknowledged. */
  recover = 0
  dupAcks = 0
  rack: Rack | undefined = undefined
  prr: Prr | undefined = undefined
  /** F-RTO: ACKs of new data since the timer expired that speak for a needless timeout; -1 where the question is settled. */
  frto = -1
  /** Segments sent again in this recovery of which no duplicate was reported; when the first one left. */
  undoable = 0
  resentAt = 0
  /** SND.NXT when the first of them came: what limited transmit sends later is no part of the flight size (RFC 5681 §3.2). */
  dupSndNxt = 0

  // Deadlines.
  timerAt: number = Number.POSITIVE_INFINITY
  /** What `timerAt` is for; only where it is not Infinity. */
  timer: TimerKind = 'retransmit'
  /** When the retransmission timer expires, or would if no shorter one came before it. */
  retransmitAt: number = Number.POSITIVE_INFINITY
  ackAt: number = Number.POSITIVE_INFINITY
  /** End of TIME-WAIT, of FIN-WAIT-2 after `close`, or of the attempt to open. */
  expireAt: number = Number.POSITIVE_INFINITY
  keepalive: Keepalive | undefined = undefined
  userTimeoutMs: number
  /** When the oldest byte in flight began to be retransmitted or the window to be probed; the user timeout counts from here. */
  stalledAt: number = Number.POSITIVE_INFINITY
  heardAt = 0
  sentAt = 0
  /** From when on the IP layer is told again that the peer makes progress; SND.UNA and RCV.NXT, added up, when it was told last. */
  confirmAt = 0
  confirmed = 0
  /** When the last acknowledgment was sent that a segment without text had asked for: such answers are limited. */
  answeredAt: number = Number.NEGATIVE_INFINITY

  // For `info()`.
  tally: Tally | undefined = undefined
  bytesSent = 0
  bytesAcked = 0
  bytesReceived = 0
  retransmits = 0

  /** What else was chosen; shared by the flows of a listener. */
  chosen: CheckedFlowOptions
  /** DSCP of what is sent, and its time to live; undefined for the IP layer's. */
  trafficClass: number
  ttl: number | undefined

  constructor(tcp: Context, id: ConnectionId, chosen: CheckedFlowOptions) {
    const { config } = tcp
    this.tcp = tcp
    this.local = id.local
    this.localPort = id.localPort
    this.remote = id.remote
    this.remotePort = id.remotePort
    this.passive = id.passive
    this.congestion = createCongestion(chosen.congestion ?? config.congestion, config.initialWindowSegments)
    this.noDelay = chosen.noDelay ?? config.noDelay
    if (chosen.keepalive !== undefined) this.keepalive = createKeepalive(chosen.keepalive)
    this.userTimeoutMs = chosen.userTimeoutMs ?? config.userTimeoutMs
    this.trafficClass = chosen.trafficClass ?? 0
    this.ttl = chosen.ttl
    this.chosen = chosen
    this.rto = config.initialRtoMs
    this.sendBufferBytes = chosen.sendBufferBytes ?? config.sendBufferBytes
    this.rcvBufferBytes = chosen.receiveBufferBytes ?? config.receiveBufferBytes
  }
}

/** Time-based loss detection (RFC 8985 §5.3); only connections with SACK that have sent data have this. */
export interface Rack {
  /** RACK.rtt: round trip of what was delivered last. */
  rttMs: number
  reorderingSeen: boolean
  /** RACK.reo_wnd_mult, RACK.reo_wnd_persist. */
  windowMultiple: number
  windowPersist: number
  /** RACK.dsack_round, while `inDuplicateRound`. */
  duplicateRound: number
  inDuplicateRound: boolean
  /** TLP.end_seq, while `probing`; TLP.is_retrans. */
  probeEnd: number
  probing: boolean
  probeRepeats: boolean
  /** A round trip was measured since the last probe. */
  measured: boolean
}

/** Urgent data of both directions (RFC 9293 §3.8.5); only connections that see some have this. */
export interface Urgent {
  /** Behind the last urgent byte, SND.UP, while `out` is true: it has not been acknowledged. */
  sndUp: number
  out: boolean
  /** Behind the last urgent byte, RCV.UP, while `in` is true: it has not been read. */
  rcvUp: number
  in: boolean
}

/** Watching over a silent peer (RFC 9293 §3.8.4). */
export interface Keepalive {
  readonly config: KeepaliveConfig
  at: number
  /** Probes since the peer was last heard. */
  probes: number
}

export function createKeepalive(config: KeepaliveConfig): Keepalive {
  return { config, at: Number.POSITIVE_INFINITY, probes: 0 }
}

/** The urgent record of `c`, made where there is none. */
export function urgentOf(c: Connection): Urgent {
  c.urgent ??= { sndUp: 0, out: false, rcvUp: 0, in: false }
  return c.urgent
}

/** The four numbers that identify a connection, and who opened it. */
export interface ConnectionId {
  readonly local: IpAddress
  readonly localPort: number
  readonly remote: IpAddress
  readonly remotePort: number
  readonly passive: boolean
}

/** Bytes that were written and not sent. */
export function unsentBytes(c: Connection): number {
  return Math.max(0, (c.sndEnd - c.sndNxt) | 0)
}

/** The FIN has been sent. */
export function finSent(c: Connection): boolean {
  return c.finQueued && ((c.sndNxt - c.sndEnd) | 0) > 0
}

/** The FIN has been acknowledged. */
export function finAcked(c: Connection): boolean {
  return c.finQueued && ((c.sndUna - c.sndEnd) | 0) > 0
}

/** Bytes that have left and are neither acknowledged nor known to have left the network (RFC 6675's pipe). */
export function pipe(c: Connection): number {
  const f = c.flight
  const outstanding = (c.sndNxt - c.sndUna) | 0
  // Without SACK each duplicate ACK stands for one segment that has arrived; the one that is missing has not.
  const arrived = c.sack ? f.sacked : Math.max(0, Math.min(c.dupAcks * c.mss, outstanding - Math.max(f.lost, c.mss)))
  return outstanding - arrived - f.lost + f.resent
}
