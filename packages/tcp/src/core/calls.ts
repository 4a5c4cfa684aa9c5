import { serialLeq } from '@fata/bytes'
import type { CheckedFlowOptions, KeepaliveConfig } from '../flow-options.ts'
import type { Piece } from './byte-queue.ts'
import type { Congestion } from './congestion/congestion.ts'
import { createCongestion } from './congestion/create.ts'
import { type Connection, createKeepalive, urgentOf } from './connection.ts'
import { setPace } from './pace.ts'
import { resize } from './segment-size.ts'
import { queuedBytes } from './send-room.ts'
import { EVENT_WRITABLE, NEED_ACK } from './signals.ts'
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
  if (
    c.chosen.receiveBufferBytes === undefined &&
    wanted > c.rcvBufferBytes &&
    2 * stats.unreadBytes < config.receiveMemoryBytes
  )
    c.rcvBufferBytes = Math.max(c.rcvBufferBytes, Math.min(wanted, config.receiveBufferMaxBytes))
  c.readBytes = 0
  c.readSince = c.heardAt
}

/** Changes what was chosen for `c`; what `options` does not give stays. */
export function configure(c: Connection, options: CheckedFlowOptions): void {
  const { congestion } = options
  c.chosen = { ...c.chosen, ...options }
  c.noDelay = options.noDelay ?? c.noDelay
  c.userTimeoutMs = options.userTimeoutMs ?? c.userTimeoutMs
  c.trafficClass = options.trafficClass ?? c.trafficClass
  c.ttl = options.ttl ?? c.ttl
  c.rcvBufferBytes = options.receiveBufferBytes ?? c.rcvBufferBytes
  c.sendBufferBytes = options.sendBufferBytes ?? c.sendBufferBytes
  if (congestion !== undefined) replaceCongestion(c, createCongestion(congestion, c.tcp.config.initialWindowSegments))
  setPace(c)
  if (options.maxSegmentBytes !== undefined && c.peerMss !== 0) resize(c)
  if (c.stalledAt !== Number.POSITIVE_INFINITY) c.timerAt = Math.min(c.timerAt, c.stalledAt + c.userTimeoutMs)
  c.events |= EVENT_WRITABLE
}

/** The new control goes on from where the old one was. */
function replaceCongestion(c: Connection, next: Congestion): void {
  if (next.name === c.congestion.name) return
  if (c.mss > 0) next.onEstablished(c.mss, false)
  next.cwnd = c.congestion.cwnd
  next.ssthresh = c.congestion.ssthresh
  c.congestion = next
}

/** Turns keepalive on, changes it, or turns it off (MUST-24). */
export function setKeepalive(c: Connection, config: KeepaliveConfig | undefined, now: number): void {
  c.keepalive = undefined
  if (config === undefined || !isSynchronized(c.state) || c.state === 'TIME-WAIT') return
  c.keepalive = createKeepalive(config)
  c.keepalive.at = Math.max(now, c.heardAt + config.idleMs)
}
