import type { DropCounts } from '@fata/net'

/** Counters since the start and three gauges, live. The first ones are those of RFC 4022. */
export interface TcpStats {
  activeOpens: number
  passiveOpens: number
  /** Openings that failed. */
  attemptFails: number
  /** Established connections that ended by a reset. */
  establishedResets: number
  segmentsIn: number
  segmentsOut: number
  bytesIn: number
  bytesOut: number
  /** Segments sent again, for whatever reason, and their bytes. */
  retransmits: number
  retransmittedBytes: number
  /** Expired retransmission timers; entries into fast recovery; recoveries that turned out to be needless. */
  timeouts: number
  fastRecoveries: number
  spuriousRecoveries: number
  resetsIn: number
  resetsOut: number
  duplicateAcksIn: number
  outOfOrderIn: number
  /** Tail loss probes that repeated a segment. */
  tailProbesOut: number
  windowProbesOut: number
  /** Larger segments that tried the path, and paths that swallowed large ones (RFC 4821). */
  mtuProbesOut: number
  blackHoles: number
  keepaliveProbesOut: number
  challengeAcksOut: number
  /** SYN cookies sent, and those that came back. */
  cookiesOut: number
  cookiesIn: number
  /** Super-segments sent; they count once in `segmentsOut`. */
  superSegmentsOut: number
  /** What there is at the moment: bytes that have arrived and are not read; bytes that were written and are not acknowledged. */
  unreadBytes: number
  queuedBytes: number
  /** Connections that are packed, see `TcpOptions.parkAfterMs`. */
  parked: number
  /** Segments received and not processed, or not fully, by reason. */
  readonly dropped: DropCounts
  /** ICMP errors that were not acted on, by reason. */
  readonly reportsIgnored: DropCounts
  /** Segments that the IP layer refused to send, by its error code. */
  readonly refused: DropCounts
}

/** Counters at zero: for implementations of `Tcp`. */
export function createTcpStats(): TcpStats {
  return {
    activeOpens: 0,
    passiveOpens: 0,
    attemptFails: 0,
    establishedResets: 0,
    segmentsIn: 0,
    segmentsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    retransmits: 0,
    retransmittedBytes: 0,
    timeouts: 0,
    fastRecoveries: 0,
    spuriousRecoveries: 0,
    resetsIn: 0,
    resetsOut: 0,
    duplicateAcksIn: 0,
    outOfOrderIn: 0,
    tailProbesOut: 0,
    windowProbesOut: 0,
    mtuProbesOut: 0,
    blackHoles: 0,
    keepaliveProbesOut: 0,
    challengeAcksOut: 0,
    cookiesOut: 0,
    cookiesIn: 0,
    superSegmentsOut: 0,
    unreadBytes: 0,
    queuedBytes: 0,
    parked: 0,
    dropped: {},
    reportsIgnored: {},
    refused: {},
  }
}
