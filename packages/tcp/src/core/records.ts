/** What only some connections have: plain records that hang off a `Connection`. */

/** State of a proportional rate reduction (RFC 6937 §3). */
export interface Prr {
  /** RecoverFS: what was in flight when recovery began. */
  recoverFs: number
  /** prr_delivered, prr_out: what has arrived, and what has been sent since. */
  delivered: number
  out: number
  /** What may be in flight now. */
  window: number
}

/** State of pacing. */
export interface Pace {
  /** Bytes that may leave at once; negative while what has left is ahead of the rate. As of `at`. */
  credit: number
  at: number
  /** When there is something to send and it may go; Infinity where nothing waits for that. */
  wakeAt: number
}

/** What the sender waits for: it has nothing to do; the network; the peer's window; an application that waits for room. */
export type Occupation = 'idle' | 'busy' | 'window' | 'buffer'

/** Counts of one connection that only `info()` shows; connections that carry data have this. */
export interface Tally {
  /** Segments that are known to have arrived, and of these such whose ACK told of congestion (RFC 3168). */
  delivered: number
  deliveredMarked: number
  /** Retransmissions that the peer says he did not need (RFC 2883). */
  duplicates: number
  retransmittedBytes: number
  /** How often reordering was seen. */
  reorderings: number
  lastTextInAt: number
  lastTextOutAt: number
  occupation: Occupation
  occupiedSince: number
  busyMs: number
  windowLimitedMs: number
  bufferLimitedMs: number
}

/** Fast open (RFC 7413), where one side wants it. */
export interface FastOpen {
  /** The cookie to send; of length 0 it asks for one. */
  cookie: Uint8Array
  /** Text that the first SYN may carry, as far as the peer's MSS was known before; 0 for a server. */
  mss: number
  /** The text of the SYN was taken: a server uses the connection before its handshake is over, a client has been told. */
  accepted: boolean
  /** A client was given a cookie by the SYN,ACK. */
  given: boolean
}

/** Search for the path MTU (RFC 4821 §7.1). */
export interface MtuSearch {
  /** Sizes are known to arrive up to `low`, search_low, and not to arrive beyond `high`, search_high. */
  low: number
  high: number
  /** A probe of `probeSize` is in flight as `[probeStart, probeEnd)`. */
  probing: boolean
  probeSize: number
  probeStart: number
  probeEnd: number
  /** When the search begins anew that is over. */
  retryAt: number
}
