import { serialDiff } from '@fata/bytes'
import type { Connection } from './connection.ts'
import { seqAdd } from './sequence.ts'

/** The receive window: RFC 9293 §3.8.6.2.2, RFC 7323 §2. */

const MAX_WINDOW_FIELD = 65535

/** Bytes that the receive buffer has room for, as many of them as the window field can tell. */
function receiveSpace(c: Connection): number {
  const free = c.rcvBufferBytes - (c.received?.length ?? 0)
  const clamp = Math.min(MAX_WINDOW_FIELD << c.rcvScale, c.chosen.windowClampBytes ?? Number.POSITIVE_INFINITY)
  const shared = c.tcp.config.receiveMemoryBytes - c.tcp.stats.unreadBytes
  return Math.max(0, Math.min(free, shared, clamp))
}

/**
 * The window field of the next segment. Moves the right edge where that is worth it (silly-window avoidance, MUST-39), never to the
 * left (SHLD-14) but for the bits that the scale cannot express; what lies before `rcvAdv` is taken all the same (RFC 7323 §2.4).
 */
export function offerWindow(c: Connection): number {
  const space = receiveSpace(c)
  const offered = serialDiff(c.rcvAdv, c.rcvNxt)
  const least = c.tcp.config.manner === 'bsd' ? 1 : Math.min(c.rcvBufferBytes >>> 1, c.advertisedMss)
  if (space - offered >= least) c.rcvAdv = seqAdd(c.rcvNxt, space)
  return Math.min(Math.max(0, serialDiff(c.rcvAdv, c.rcvNxt)) >>> c.rcvScale, MAX_WINDOW_FIELD)
}

/** The window field of a SYN, which is never scaled (RFC 7323 §2.2). */
export function offerSynWindow(c: Connection): number {
  const window = Math.min(receiveSpace(c), MAX_WINDOW_FIELD)
  c.rcvAdv = seqAdd(c.rcvNxt, window)
  return window
}

/** The same, where text has come already that was within it. */
export function synWindow(c: Connection): number {
  return Math.min(receiveWindow(c), MAX_WINDOW_FIELD)
}

/** RCV.WND: how far the peer may send from RCV.NXT on. */
export function receiveWindow(c: Connection): number {
  return Math.max(0, serialDiff(c.rcvAdv, c.rcvNxt))
}

/**
 * The application has read: is the room that this made worth a segment of its own? Where the peer still has half of the window, what
 * he sends into it brings the next ACK anyway.
 */
export function wantsWindowUpdate(c: Connection): boolean {
  const offered = receiveWindow(c)
  const space = receiveSpace(c)
  return space - offered >= Math.min(c.rcvBufferBytes >>> 1, c.advertisedMss) && space >= 2 * offered
}
