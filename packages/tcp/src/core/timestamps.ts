import { serialGeq, serialLeq, serialLt } from '@fata/bytes'
import type { Connection } from './connection.ts'
import type { Segment } from './segment.ts'

/** Timestamps and the protection against wrapped sequence numbers: RFC 7323 §3..5. One tick is 1 ms. */

/** RFC 7323 §5.5: after so long TS.Recent says nothing any more. */
const OUTDATED_MS = 24 * 86_400_000

/** TSval of what is sent at `now`. */
export function timestampOf(c: Connection, now: number): number {
  return (Math.floor(now) + c.tsOffset) | 0
}

/** Milliseconds since the segment left that `tsEcr` echoes. */
export function timestampAge(c: Connection, tsEcr: number, now: number): number {
  return (timestampOf(c, now) - tsEcr) | 0
}

/** R1 of §5.3: the segment is older than what has been received. */
export function isOutdated(c: Connection, s: Segment, now: number): boolean {
  return (
    c.timestamps && s.options.hasTimestamps && serialLt(s.options.tsVal, c.tsRecent) && now - c.tsRecentAt < OUTDATED_MS
  )
}

/** R3 of §5.3: remembers what is to be echoed (§4.3). */
export function rememberTimestamp(c: Connection, s: Segment, now: number): void {
  if (!c.timestamps || !s.options.hasTimestamps) return
  if (
    serialLeq(s.seq, c.lastAckSent) &&
    (serialGeq(s.options.tsVal, c.tsRecent) || now - c.tsRecentAt >= OUTDATED_MS)
  ) {
    c.tsRecent = s.options.tsVal
    c.tsRecentAt = now
  }
}
