import { serialLt } from '@fata/bytes'
import type { Connection } from './connection.ts'
import type { Segment } from './segment.ts'
import { timestampOf } from './timestamps.ts'

/**
 * Needless recoveries: what was taken for lost had only been late. The Eifel detection (RFC 3522) sees it by timestamps as soon as
 * the first ACK comes, duplicate reports (RFC 2883, RFC 3708) when every retransmission has been reported; the response is that of
 * RFC 4015: the congestion window is what it was.
 */

/** The first retransmission of a recovery is about to leave. */
export function noteRecovery(c: Connection, now: number): void {
  c.undoable = 0
  c.resentAt = timestampOf(c, now)
}

/** Segments are sent again. */
export function noteResent(c: Connection, segments: number): void {
  c.undoable += segments
}

/** Eifel: an ACK of new data in a recovery echoes a segment from before the first retransmission. */
export function wasNeedless(c: Connection, s: Segment): boolean {
  return (
    c.timestamps &&
    s.options.hasTimestamps &&
    s.options.tsEcr !== 0 &&
    c.undoable > 0 &&
    serialLt(s.options.tsEcr, c.resentAt)
  )
}

/** Another retransmission was reported as a duplicate: have all been? */
export function noteDuplicate(c: Connection): boolean {
  if (c.undoable === 0) return false
  c.undoable--
  return c.undoable === 0
}

/** Takes the recovery back. */
export function undo(c: Connection): void {
  c.tcp.stats.spuriousRecoveries++
  c.undoable = 0
  c.congestion.onUndo()
  c.flight.unmarkLost()
  c.recovery = 'none'
  c.dupAcks = 0
}
