import type { TcpErrorCode } from '../errors.ts'
import { type Connection, NO_FLIGHT } from './connection.ts'
import { queuedBytes } from './send-room.ts'
import { EVENT_CLOSED, EVENT_READABLE, NEED_RESET } from './signals.ts'
import { canWrite, enter, isSynchronized } from './state.ts'

/**
 * The ways in which connections end: RFC 9293 §3.6, §3.10.4 (CLOSE), §3.10.5 (ABORT).
 *
 * Differs from the RFC in: closing with unread data, or receiving data after that, resets the connection (SHLD-3) only when the peer
 * has acknowledged everything that was written, so that the reset does not destroy it.
 */

/** CLOSE of the sending direction: a FIN follows what was written. Nothing where that has been done. */
export function closeSending(c: Connection): void {
  // The handshake of a fast open goes on: its end is that of the sending direction.
  if (c.state === 'SYN-RECEIVED' && c.fastOpen?.accepted === true) c.finQueued = true
  if (!canWrite(c.state)) return
  c.finQueued = true
  enter(c, 'close')
}

/** CLOSE of both directions: what arrives is discarded from here on. */
export function closeBoth(c: Connection, now: number): void {
  if (c.discarding || c.state === 'CLOSED') return
  c.discarding = true
  if ((c.received !== undefined && c.received.length > 0) || c.reassembly !== undefined) c.discarded = true
  dropReceived(c)
  closeSending(c)
  if (c.state === 'FIN-WAIT-2') c.expireAt = now + c.tcp.config.finWait2Ms
  resetIfDiscarded(c)
}

/** The peer has until `at` to acknowledge everything; `expire` does the rest. */
export function linger(c: Connection, at: number): void {
  if (c.state === 'FIN-WAIT-1' || c.state === 'CLOSING' || c.state === 'LAST-ACK') c.expireAt = at
}

/** Data was thrown away and everything written has arrived: tells the peer of the former. */
export function resetIfDiscarded(c: Connection): void {
  if (!c.discarded || !isSynchronized(c.state) || ((c.sndUna - c.sndEnd) | 0) < 0) return
  c.needs |= NEED_RESET
  remove(c)
}

/** ABORT: a reset, and nothing more. */
export function abort(c: Connection, code: TcpErrorCode): void {
  const silent = c.state === 'SYN-SENT' || c.state === 'CLOSING' || c.state === 'LAST-ACK' || c.state === 'TIME-WAIT'
  if (c.state === 'CLOSED') return
  remove(c, code)
  if (!silent) c.needs |= NEED_RESET
}

/** Deletes the transmission control block. What has been received in order stays readable; `code` says why, unless all is well. */
export function remove(c: Connection, code?: TcpErrorCode): void {
  enter(c, 'delete')
  finish(c, code)
}

/** What `remove` does once the state is CLOSED. */
export function finish(c: Connection, code?: TcpErrorCode): void {
  c.failure = code
  c.events |= EVENT_CLOSED | EVENT_READABLE
  c.needs &= NEED_RESET
  // What is still to be read is the reader's from here on: a flow that is forgotten must not count for ever.
  if (c.received !== undefined) c.tcp.stats.unreadBytes -= c.received.length
  stopTimers(c)
  releaseSent(c)
  dropReassembly(c)
}

/** §3.6.1 (MUST-13): waits for segments of this connection to die out. */
export function startTimeWait(c: Connection, now: number): void {
  stopTimers(c)
  releaseSent(c)
  dropReassembly(c)
  c.expireAt = now + 2 * c.tcp.config.mslMs
}

function stopTimers(c: Connection): void {
  c.timerAt = c.retransmitAt = c.ackAt = c.expireAt = Number.POSITIVE_INFINITY
  c.keepalive = undefined
}

/** Lets go of everything that was written. */
function releaseSent(c: Connection): void {
  if (c.queue !== undefined) {
    c.tcp.stats.queuedBytes -= queuedBytes(c)
    c.queue.reset(0)
    c.tcp.sendQueues.put(c.queue)
    c.queue = undefined
  }
  if (c.flight !== NO_FLIGHT) {
    c.flight.clear()
    c.tcp.flights.put(c.flight)
    c.flight = NO_FLIGHT
  }
}

/** Lets go of what was received and not read. */
export function dropReceived(c: Connection): void {
  if (c.received !== undefined) {
    if (c.state !== 'CLOSED') c.tcp.stats.unreadBytes -= c.received.length
    c.received.clear()
  }
  dropReassembly(c)
}

/** Lets go of what was received out of order. */
export function dropReassembly(c: Connection): void {
  if (c.reassembly === undefined) return
  c.tcp.stats.unreadBytes -= c.reassembly.length
  c.reassembly.clear()
  c.reassembly = undefined
}
