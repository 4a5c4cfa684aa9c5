import { type Connection, unsentBytes } from './connection.ts'

/** How much may wait to be sent and acknowledged. */

/** Bytes that were written and not acknowledged. */
export function queuedBytes(c: Connection): number {
  return c.queue === undefined ? 0 : (c.sndEnd - c.queue.start) | 0
}

/** A writer need not wait: what is queued keeps the way to the peer full, but hardly more. */
export function hasSendRoom(c: Connection): boolean {
  const { sendBufferBytes, unsentBytes: unsentLimit } = c.chosen
  if (unsentLimit !== undefined && unsentBytes(c) >= unsentLimit) return false
  if (sendBufferBytes !== undefined) return queuedBytes(c) < sendBufferBytes
  const wanted = Math.max(c.sendBufferBytes, Math.min(2 * c.congestion.cwnd, c.tcp.config.sendBufferMaxBytes))
  return queuedBytes(c) < wanted
}
