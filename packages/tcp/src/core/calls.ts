import { serialLeq } from '@fata/bytes'
import type { KeepaliveConfig } from '../options.ts'
import type { Piece } from './byte-queue.ts'
import { type Connection, createKeepalive, urgentOf } from './connection.ts'
import { NEED_ACK } from './signals.ts'
import { isSynchronized } from './state.ts'
import { readSequence } from './text.ts'
import { wantsWindowUpdate } from './window.ts'

/** What the application asks for, besides opening and closing: SEND and RECEIVE of RFC 9293 §3.10.2, §3.10.3. */

/** More unacknowledged bytes would confuse the order of sequence numbers. */
const MOST_QUEUED = 0x40000000

/** Appends `chunk`, which belongs to the connection from here on, to what is sent. False, and nothing done, where a limit forbids it. */
export function send(c: Connection, chunk: Uint8Array, urgent: boolean): boolean {
  const { tcp } = c
  if (tcp.stats.queuedBytes + chunk.length > tcp.config.sendMemoryBytes || queuedBytes(c) + chunk.length > MOST_QUEUED)
    return false
  if (chunk.length === 0) return true
  if (c.queue === undefined) {
    c.queue = tcp.sendQueues.get()
    c.queue.reset(c.sndEnd)
  }
  c.queue.append(chunk, tcp.smallWrites)
  c.sndEnd = c.queue.end
  tcp.stats.queuedBytes += chunk.length
  if (urgent) {
    const u = urgentOf(c)
    u.sndUp = c.sndEnd
    u.out = true
  }
  return true
}

/** Bytes that were written and not acknowledged. */
export function queuedBytes(c: Connection): number {
  return c.queue === undefined ? 0 : (c.sndEnd - c.queue.start) | 0
}

/** How much may be queued before a writer waits. */
function sendBuffer(c: Connection): number {
  if (c.sendBufferFixed) return c.sendBufferBytes
  return Math.max(c.sendBufferBytes, Math.min(2 * c.congestion.cwnd, c.tcp.config.sendBufferMaxBytes))
}

/** A writer need not wait: what is queued keeps the way to the peer full, but hardly more. */
export function hasSendRoom(c: Connection): boolean {
  return queuedBytes(c) < sendBuffer(c)
}

/** The next bytes, `most` of them at most; undefined where none have arrived. The piece is to be given back to `receiveMemory`. */
export function receive(c: Connection, most: number): Piece | undefined {
  const piece = c.received?.take(most)
  if (piece === undefined) return undefined
  if (c.state !== 'CLOSED') c.tcp.stats.unreadBytes -= piece.end - piece.start
  growBuffer(c, piece.end - piece.start)
  if (c.urgent?.in === true && serialLeq(c.urgent.rcvUp, readSequence(c))) c.urgent.in = false
  if (isSynchronized(c.state) && !c.finReceived && wantsWindowUpdate(c)) c.needs |= NEED_ACK
  return piece
}

/** Segments that may arrive in addition while the window is being doubled. */
const GROWTH_SEGMENTS = 16

/** Taken for a round trip where none has been measured. */
const UNMEASURED_MS = 1

/**
 * Dynamic right-sizing: a reader who takes a whole buffer in one round trip may be what the peer waits for, so the buffer becomes twice
 * what was read. The time is that of the last segment, since it has to be asked for with every read.
 */
function growBuffer(c: Connection, n: number): void {
  c.readBytes += n
  if (c.heardAt - c.readSince < (c.srtt > 0 ? c.srtt : UNMEASURED_MS)) return
  const { config, stats } = c.tcp
  const wanted = 2 * c.readBytes + GROWTH_SEGMENTS * c.advertisedMss
  if (!c.rcvBufferFixed && wanted > c.rcvBufferBytes && 2 * stats.unreadBytes < config.receiveMemoryBytes)
    c.rcvBufferBytes = Math.max(c.rcvBufferBytes, Math.min(wanted, config.receiveBufferMaxBytes))
  c.readBytes = 0
  c.readSince = c.heardAt
}

/** Turns keepalive on, changes it, or turns it off (MUST-24). */
export function setKeepalive(c: Connection, config: KeepaliveConfig | undefined, now: number): void {
  c.keepalive = undefined
  if (config === undefined || !isSynchronized(c.state) || c.state === 'TIME-WAIT') return
  c.keepalive = createKeepalive(config)
  c.keepalive.at = Math.max(now, c.heardAt + config.idleMs)
}

/** The application chooses how large the buffers are; undefined leaves one as it is. A window that was offered is not taken back. */
export function setBuffers(c: Connection, receiveBytes: number | undefined, sendBytes: number | undefined): void {
  if (receiveBytes !== undefined) {
    c.rcvBufferBytes = receiveBytes
    c.rcvBufferFixed = true
  }
  if (sendBytes !== undefined) {
    c.sendBufferBytes = sendBytes
    c.sendBufferFixed = true
  }
}
