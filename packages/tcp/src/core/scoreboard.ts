import { serialGeq, serialGt, serialLeq, serialLt } from '@fata/bytes'
import type { Connection } from './connection.ts'
import type { Segment } from './segment.ts'

/** What SACK blocks say: RFC 2018, RFC 6675 §3, and of duplicates RFC 2883. */

/** RFC 2883 §4: the first block reports text that arrived twice, if it lies below the ACK or within the second block. */
export function reportsDuplicate(s: Segment): boolean {
  const { sackCount, sackEdges } = s.options
  if (sackCount === 0) return false
  const start = sackEdges[0]!
  const end = sackEdges[1]!
  if (!serialLt(start, end)) return false
  if (serialLt(start, s.ack)) return serialLeq(end, s.ack)
  return sackCount > 1 && serialGeq(start, sackEdges[2]!) && serialLeq(end, sackEdges[3]!)
}

/** Marks what the blocks report, lowest first; returns the bytes that had not been reported before. */
export function updateScoreboard(c: Connection, s: Segment): number {
  if (!c.sack || c.flight.count === 0) return 0
  const { sackCount, sackEdges } = s.options
  sortBlocks(sackEdges, sackCount)
  let fresh = 0
  for (let i = 0; i < sackCount; i++) {
    const start = sackEdges[2 * i]!
    const end = sackEdges[2 * i + 1]!
    // A block about data that was not sent, or has been acknowledged, says nothing.
    if (!serialLt(start, end) || serialLt(start, c.sndUna) || serialGt(end, c.sndNxt)) continue
    fresh += c.flight.sack(start, end)
  }
  return fresh
}

/** Sorts up to four blocks by their left edges. */
function sortBlocks(edges: Int32Array, count: number): void {
  for (let i = 1; i < count; i++) {
    const start = edges[2 * i]!
    const end = edges[2 * i + 1]!
    let k = i - 1
    for (; k >= 0 && serialGt(edges[2 * k]!, start); k--) {
      edges[2 * k + 2] = edges[2 * k]!
      edges[2 * k + 3] = edges[2 * k + 1]!
    }
    edges[2 * k + 2] = start
    edges[2 * k + 3] = end
  }
}
