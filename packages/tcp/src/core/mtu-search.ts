import { isIpv4 } from '@fata/addr'
import { serialGeq, serialGt, serialLt } from '@fata/bytes'
import { HEADER_LEN } from '../wire.ts'
import { TIMESTAMPS_LEN } from '../wire-options.ts'
import { type Connection, pipe } from './connection.ts'
import { LOST, RESENT } from './flight.ts'
import { congestionWindow } from './prr.ts'
import type { MtuSearch } from './records.ts'
import { resize } from './segment-size.ts'

/**
 * Packetization layer path MTU discovery, RFC 4821: where large segments vanish without a word, smaller ones are sent, and larger ones
 * tried from time to time by one segment of new data. Sizes are those of the MSS: text and options.
 *
 * Differs from the RFC in: probes are cut of data that waits, never padded; whoever sends little does not search.
 */

/** What nearly every path carries (§7.7); less is tried where not even that arrives. */
const BASES_IPV4 = [1024, 512] as const
const BASES_IPV6 = [1220] as const
/** Timeouts in a row that make one believe in a black hole, and again in a smaller one. */
const BLACK_HOLE_TIMEOUTS = 3
/** The search ends where it could not gain more than this. */
const PRECISION = 16
/** The path may have become wider after so long (§7.3). */
const RETRY_MS = 600_000
/** A probe is followed by as many segments, so that duplicate ACKs tell of its loss (§7.4). */
const FOLLOWERS = 4

/** Segments as large as the path is said to carry. */
function greatest(c: Connection): number {
  return Math.min(c.peerMss, c.pathMtu - HEADER_LEN)
}

function basesOf(c: Connection): readonly number[] {
  return isIpv4(c.remote) ? BASES_IPV4 : BASES_IPV6
}

/** The first segment is sent: where one always searches, it begins at the base. */
export function beginSearch(c: Connection): void {
  const base = basesOf(c)[0]!
  if (c.tcp.config.mtuProbing !== 'always' || base >= greatest(c)) return
  c.search = createSearch(base, greatest(c))
  resize(c)
}

/** The retransmission timer has expired `c.backoff` times. Is it the size? */
export function suspectBlackHole(c: Connection): void {
  if (c.tcp.config.mtuProbing === 'off' || c.backoff === 0 || c.backoff % BLACK_HOLE_TIMEOUTS !== 0) return
  const size = c.search?.low ?? greatest(c)
  const base = basesOf(c).find((b) => b < size)
  // A peer who has shut his window has got the segment that asked him.
  if (base === undefined || c.flight.length(0) <= base || c.sndWnd < c.flight.length(0)) return
  c.search = createSearch(base, size - 1)
  c.tcp.stats.blackHoles++
  resize(c)
}

function createSearch(low: number, high: number): MtuSearch {
  return { low, high, probing: false, probeSize: 0, probeStart: 0, probeEnd: 0, retryAt: Number.POSITIVE_INFINITY }
}

/** Text of a probe that can be sent now, 0 for none. */
export function probeLength(c: Connection, p: MtuSearch, available: number, usable: number, now: number): number {
  if (p.probing || c.recovery !== 'none' || c.flight.lost > 0) return 0
  if (p.high - p.low < PRECISION) {
    if (now < p.retryAt) return 0
    p.high = greatest(c)
  }
  const size = Math.min(Math.ceil((p.low + p.high) / 2), greatest(c))
  if (size <= p.low) return 0
  const length = size - (c.timestamps ? TIMESTAMPS_LEN : 0)
  const room = congestionWindow(c) - pipe(c)
  if (available < length + FOLLOWERS * c.mss || usable < length || room < length + FOLLOWERS * c.mss) return 0
  p.probeSize = size
  return length
}

/** The probe is `[start, end)`. */
export function noteProbe(c: Connection, p: MtuSearch, start: number, end: number): void {
  p.probing = true
  p.probeStart = start
  p.probeEnd = end
  c.tcp.stats.mtuProbesOut++
}

/** New data was acknowledged: the probe too? */
export function settleProbe(c: Connection, p: MtuSearch, now: number): void {
  if (!p.probing || !serialGeq(c.sndUna, p.probeEnd)) return
  p.probing = false
  p.low = p.probeSize
  conclude(c, p, now)
  resize(c)
}

/** The probe is lost, if it is: it goes again in smaller segments. Returns whether nothing else is, so that congestion is not to blame. */
export function loseProbe(c: Connection, p: MtuSearch, now: number): boolean {
  if (!p.probing) return false
  const f = c.flight
  let lost = 0
  for (let i = 0; i < f.count && serialLt(f.seq(i), p.probeEnd); i++)
    if (serialGt(f.end(i), p.probeStart) && (f.flags(i) & (LOST | RESENT)) === LOST) lost += f.length(i)
  if (lost === 0) return false
  failProbe(c, now)
  return lost === f.lost - f.resent
}

/** Nothing is known of the probe any more but that it did not arrive in time. */
export function failProbe(c: Connection, now: number): void {
  const p = c.search
  if (p === undefined || !p.probing) return
  p.probing = false
  p.high = p.probeSize - 1
  conclude(c, p, now)
}

function conclude(c: Connection, p: MtuSearch, now: number): void {
  if (p.low >= greatest(c)) c.search = undefined
  else if (p.high - p.low < PRECISION) p.retryAt = now + RETRY_MS
}
