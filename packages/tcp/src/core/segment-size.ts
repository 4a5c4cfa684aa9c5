import type { Offload } from '@fata/net'
import { HEADER_LEN } from '../wire.ts'
import { TIMESTAMPS_LEN } from '../wire-options.ts'
import type { Connection } from './connection.ts'

/** How large segments are: RFC 9293 §3.7. */

/** The option cannot say more. */
const MAX_SIZE = 65535

/** Eff.snd.MSS (MUST-16). */
export function effectiveMss(c: Connection): number {
  const most = Math.min(c.peerMss, c.pathMtu - HEADER_LEN, c.chosen.maxSegmentBytes ?? MAX_SIZE)
  const text = c.search === undefined ? most : Math.min(most, c.search.low)
  return Math.max(1, text - (c.timestamps ? TIMESTAMPS_LEN : 0))
}

/** The way to the peer is another one, or another size. Returns whether segments must be smaller from here on. */
export function setPath(c: Connection, pathMtu: number, offload: Offload): boolean {
  c.offload = offload
  c.pathMtu = pathMtu
  return c.peerMss !== 0 && resize(c)
}

/** The size of segments follows from what is known. The window keeps its number of segments (RFC 5681 §3.1). Are they smaller? */
export function resize(c: Connection): boolean {
  const before = c.mss
  c.mss = effectiveMss(c)
  if (c.mss >= before) return false
  c.congestion.cwnd = Math.max(c.mss, Math.floor((c.congestion.cwnd / before) * c.mss))
  return true
}
