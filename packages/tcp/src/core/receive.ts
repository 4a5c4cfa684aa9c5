import { serialDiff, serialGeq, serialGt, serialLeq } from '@fata/bytes'
import { countDrop } from '@fata/net'
import { ACK, FIN, RST, SYN, URG } from '../wire.ts'
import { processAck } from './ack.ts'
import { answerUnacceptable, challenge } from './answer.ts'
import { remove, resetIfDiscarded } from './close.ts'
import { type Connection, urgentOf } from './connection.ts'
import { noteMark } from './ecn.ts'
import { becomeEstablished, refuseSegment, synSent } from './open.ts'
import type { Outgoing } from './outgoing.ts'
import { type Segment, segmentLength, trimFront } from './segment.ts'
import { seqAdd } from './sequence.ts'
import { EVENT_URGENT, NEED_ACK, NEED_SYN } from './signals.ts'
import { canReceive, enter } from './state.ts'
import { noteTwice, processFin, processText, readSequence } from './text.ts'
import { isOutdated, rememberTimestamp } from './timestamps.ts'
import { receiveWindow } from './window.ts'

/**
 * SEGMENT ARRIVES, RFC 9293 §3.10.7.4, with RFC 7323 §5.3 before it and RFC 5961 in it. Each step is a function that says whether the
 * next one is reached; what is owed in reply is noted and sent when the batch is over (MUST-58, MUST-59).
 *
 * Differs from the RFC in:
 * - A SYN that begins where the connection began, in SYN-RECEIVED, asks for another SYN,ACK (our last one was lost) instead of an ACK
 *   that its sender could not use; with an ACK of our SYN it completes a simultaneous open (figure 8, cf. appendix A.2).
 * - A segment without text is acceptable at the right edge of the window too, so that a peer who has filled it can acknowledge.
 * - With a shut window a bare FIN in order is taken: it needs no room.
 * - Text that has been received already still brings TS.Recent up to date, where R2 of RFC 7323 §5.3 comes first. The ACK for a segment
 *   that was sent again since its first ACK was lost would else echo the earlier time, and its sender would take a retransmission
 *   timeout for a round trip.
 * - Security compartments (third step) do not exist here.
 */
export function segmentArrives(c: Connection, s: Segment, now: number, reply: Outgoing): boolean {
  if (c.state === 'SYN-SENT') return synSent(c, s, now, reply)
  if (!checkTimestamps(c, s, now)) return false
  if (!checkSequence(c, s, now)) return false
  c.heardAt = now
  if (c.keepalive !== undefined) c.keepalive.probes = 0
  if (!checkReset(c, s, now)) return false
  if (!checkSyn(c, s, now)) return false
  rememberTimestamp(c, s, now)
  noteMark(c, s)
  if ((s.flags & ACK) === 0) return drop(c, 'no-ack')
  if (c.state === 'SYN-RECEIVED' && !checkAckOfSyn(c, s, now)) return refuseUnacceptable(c, s, reply)
  if (!checkAck(c, s, now)) return false
  checkUrgent(c, s)
  processText(c, s, now)
  processFin(c, s, now)
  return false
}

function drop(c: Connection, reason: string): false {
  countDrop(c.tcp.stats.dropped, reason)
  return false
}

/** RFC 7323 §5.3, R1; §3.2: a segment without the timestamp that was agreed on is dropped, but for resets and the end of a handshake. */
function checkTimestamps(c: Connection, s: Segment, now: number): boolean {
  if (!c.timestamps || (s.flags & RST) !== 0) return true
  if (!s.options.hasTimestamps)
    return c.state === 'SYN-RECEIVED' || c.tcp.config.tolerateMissingTimestamps || drop(c, 'no-timestamp')
  if (!isOutdated(c, s, now)) return true
  answerUnacceptable(c, s, now)
  return drop(c, 'outdated-timestamp')
}

/** First step: does the segment lie in the window (table 6)? What lies outside of it is cut off. */
function checkSequence(c: Connection, s: Segment, now: number): boolean {
  if (c.state === 'SYN-RECEIVED' && (s.flags & SYN) !== 0 && s.seq === c.irs && !acceptOwnSyn(c, s)) return false
  const window = receiveWindow(c)
  const start = serialDiff(s.seq, c.rcvNxt)
  const length = segmentLength(s)
  const end = start + length
  const acceptable = length === 0 ? start >= 0 && start <= window : start < window && end > 0
  if (!acceptable && !(window === 0 && start === 0)) return unacceptable(c, s, now)
  if ((s.flags & (SYN | RST)) !== 0) return true
  if (start < 0) {
    noteTwice(c, s.seq, seqAdd(s.seq, Math.min(-start, s.length)))
    trimFront(s, Math.min(-start, s.length))
  }
  const over = end - window
  if (over > 0) trimEnd(c, s, over)
  return true
}

/** The peer's SYN again, while ours is not acknowledged. */
function acceptOwnSyn(c: Connection, s: Segment): boolean {
  if ((s.flags & ACK) === 0) {
    c.needs |= NEED_SYN
    return drop(c, 'duplicate-syn')
  }
  s.flags &= ~SYN
  s.seq = seqAdd(s.seq, 1)
  return true
}

/** Cuts `over` bytes off that exceed the window. A FIN behind them goes first, unless it alone exceeds it. */
function trimEnd(c: Connection, s: Segment, over: number): void {
  c.needs |= NEED_ACK
  const fin = (s.flags & FIN) !== 0 ? 1 : 0
  if (over === fin && s.length === 0) return
  s.flags &= ~FIN
  s.length = Math.max(0, s.length - (over - fin))
}

function unacceptable(c: Connection, s: Segment, now: number): false {
  if ((s.flags & RST) !== 0) return drop(c, 'reset-outside-window')
  if ((s.flags & SYN) !== 0) {
    challenge(c, now)
  } else {
    if (serialLeq(seqAdd(s.seq, segmentLength(s)), c.rcvNxt)) {
      rememberTimestamp(c, s, now)
      noteTwice(c, s.seq, seqAdd(s.seq, s.length))
    }
    answerUnacceptable(c, s, now)
  }
  // The peer has not seen our last ACK: he must see it, and both wait again (fifth step, TIME-WAIT).
  if (c.state === 'TIME-WAIT' && (s.flags & FIN) !== 0) c.expireAt = now + 2 * c.tcp.config.mslMs
  return drop(c, 'unacceptable')
}

/** Second step, in the form of RFC 5961 §3.2. */
function checkReset(c: Connection, s: Segment, now: number): boolean {
  if ((s.flags & RST) === 0) return true
  c.tcp.stats.resetsIn++
  if (s.seq !== c.rcvNxt) {
    challenge(c, now)
    return drop(c, 'reset-not-exact')
  }
  if (c.state === 'SYN-RECEIVED') {
    c.tcp.stats.attemptFails++
    remove(c, 'ERR_TCP_REFUSED')
  } else if (c.state === 'CLOSING' || c.state === 'LAST-ACK' || c.state === 'TIME-WAIT') {
    remove(c, c.state === 'TIME-WAIT' ? undefined : 'ERR_TCP_RESET')
  } else {
    c.tcp.stats.establishedResets++
    remove(c, 'ERR_TCP_RESET')
  }
  return false
}

/** Fourth step, in the form of RFC 5961 §4.2. */
function checkSyn(c: Connection, s: Segment, now: number): boolean {
  if ((s.flags & SYN) === 0) return true
  if (c.state === 'SYN-RECEIVED' && c.passive) {
    c.tcp.stats.attemptFails++
    remove(c, 'ERR_TCP_RESET')
  } else {
    challenge(c, now)
  }
  return drop(c, 'syn')
}

/** Fifth step in SYN-RECEIVED. */
function checkAckOfSyn(c: Connection, s: Segment, now: number): boolean {
  if (!serialGt(s.ack, c.sndUna) || serialGt(s.ack, c.sndNxt)) return false
  c.sndUna = seqAdd(c.iss, 1)
  c.sndWnd = s.window << c.sndScale
  c.maxSndWnd = Math.max(c.maxSndWnd, c.sndWnd)
  c.sndWl1 = s.seq
  c.sndWl2 = s.ack
  enter(c, 'rcv-ack-of-syn')
  becomeEstablished(c, s, now)
  if (c.fastOpen?.accepted === true) catchUp(c)
  return true
}

/** What the application has done before the handshake was over. */
function catchUp(c: Connection): void {
  if (c.finQueued) enter(c, 'close')
  resetIfDiscarded(c)
}

function refuseUnacceptable(c: Connection, s: Segment, reply: Outgoing): boolean {
  drop(c, 'unacceptable-ack')
  return refuseSegment(c.local, c.remote, s, reply)
}

/** Fifth step in the synchronized states, with the range of RFC 5961 §5.2. */
function checkAck(c: Connection, s: Segment, now: number): boolean {
  if (serialGt(s.ack, c.sndNxt) || serialDiff(c.sndUna, s.ack) > c.maxSndWnd) {
    challenge(c, now)
    return drop(c, 'ack-out-of-range')
  }
  if (c.state === 'TIME-WAIT') return true
  processAck(c, s, now)
  return !isGone(c)
}

/** The segment has ended the connection. */
function isGone(c: Connection): boolean {
  return c.state === 'CLOSED'
}

/** Sixth step: RFC 9293 §3.8.5. */
function checkUrgent(c: Connection, s: Segment): void {
  if ((s.flags & URG) === 0 || s.urgent <= 0 || !canReceive(c.state)) return
  const pointer = seqAdd(s.seq, s.urgent)
  if (serialLeq(pointer, readSequence(c))) return
  const urgent = urgentOf(c)
  if (urgent.in && serialGeq(urgent.rcvUp, pointer)) return
  urgent.in = true
  urgent.rcvUp = pointer
  c.events |= EVENT_URGENT
}
