import { clearGather, serialDiff, serialGt } from '@fata/bytes'
import { ACK, CWR, HEADER_LEN, RST, SYN } from '../wire.ts'
import { putSynOptions } from '../wire-options.ts'
import { emitText, fill, fullSegment, gatherText, largestSegment } from './build.ts'
import { type Connection, type Ecn, finSent, NO_FLIGHT, pipe, unsentBytes } from './connection.ts'
import { capable, synFlags } from './ecn.ts'
import { fastOpenOption, gatherSynText } from './fast-open.ts'
import { stampOf } from './flight.ts'
import { noteProbe, probeLength } from './mtu-search.ts'
import type { Outgoing } from './outgoing.ts'
import { mayLeave } from './pace.ts'
import { congestionWindow, countReduced } from './prr.ts'
import { emitResend, emitTail } from './resend.ts'
import { armRetransmit } from './rto.ts'
import { seqAdd } from './sequence.ts'
import {
  EVENT_FIN_SENT,
  EVENT_WRITABLE,
  NEED_ACK,
  NEED_OVERRIDE,
  NEED_PROBE,
  NEED_RESET,
  NEED_SYN,
  NEED_TAIL,
} from './signals.ts'
import { timestampOf } from './timestamps.ts'
import { offerSynWindow, synWindow } from './window.ts'

/**
 * What to send next: RFC 9293 §3.8.6.2.1 (silly window), §3.7.4 (Nagle, in the form of §A.3), RFC 5681 (congestion window).
 *
 * Segments are decided on one at a time, at the moment when they leave: nothing is queued but the bytes themselves, so that a segment
 * carries the newest acknowledgment and window, and a retransmission is cut anew.
 *
 * Differs from RFC 9293 in: a window probe carries no octet of new data but the sequence number SND.UNA-1, which every peer has to
 * answer (§3.10.7.4); so nothing is in flight beyond a shut window.
 */

/**
 * Puts the next segment of `c` into `out` and takes it for sent. False where there is nothing to send: the state of `c` then says
 * what it waits for.
 */
export function emit(c: Connection, out: Outgoing, now: number): boolean {
  if (c.needs === 0 && c.state === 'CLOSED') return false
  clearGather(out.payload)
  out.gsoSize = 0
  if ((c.needs & NEED_RESET) !== 0) return emitReset(c, out, now)
  switch (c.state) {
    case 'CLOSED':
      return false
    case 'SYN-SENT':
      return emitSyn(c, out, now)
    case 'SYN-RECEIVED':
      return emitSyn(c, out, now) || (c.fastOpen?.accepted === true && emitNew(c, out, now)) || emitAck(c, out, now)
    case 'TIME-WAIT':
    case 'FIN-WAIT-2':
      return emitProbe(c, out, now) || emitAck(c, out, now)
    default:
      return (
        (c.dupAcksOwed > 0 && emitAck(c, out, now)) ||
        emitResend(c, out, now) ||
        emitNew(c, out, now) ||
        emitTail(c, out, now) ||
        emitProbe(c, out, now) ||
        emitAck(c, out, now)
      )
  }
}

function emitReset(c: Connection, out: Outgoing, now: number): boolean {
  c.needs = 0
  fill(c, out, c.sndNxt, RST | ACK, now)
  c.tcp.stats.resetsOut++
  return true
}

function emitSyn(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_SYN) === 0) return false
  c.needs &= ~NEED_SYN
  const active = c.state === 'SYN-SENT'
  const { config } = c.tcp
  fill(c, out, c.iss, (active ? SYN : SYN | ACK) | synFlags(c), now)
  out.header.window = c.fastOpen?.accepted === true ? synWindow(c) : offerSynWindow(c)
  out.optionsLen = putSynOptions(out.options, 0, {
    mss: c.advertisedMss,
    windowScale: (active && config.windowScale) || c.windowScaling ? c.rcvScale : -1,
    sackPermitted: (active && config.sack) || c.sack,
    timestamps: (active && config.timestamps) || c.timestamps,
    tsVal: timestampOf(c, now),
    tsEcr: active ? 0 : c.tsRecent,
    fastOpen: fastOpenOption(c),
    bsdOrder: config.manner === 'bsd',
  })
  out.header.headerLen = HEADER_LEN + out.optionsLen
  const text = active && c.fastOpen !== undefined ? gatherSynText(c, out, out.optionsLen, now) : 0
  if (c.sndNxt === c.iss) c.sndNxt = seqAdd(c.iss, 1 + text)
  else c.retransmits++
  c.sentAt = now
  if (c.timerAt === Number.POSITIVE_INFINITY) armRetransmit(c, now)
  return true
}

/** Text that has not been sent, and the FIN behind it. */
function emitNew(c: Connection, out: Outgoing, now: number): boolean {
  const available = unsentBytes(c)
  // Where received data was thrown away a reset ends the connection (SHLD-3), not a FIN.
  const fin = c.finQueued && !c.discarded && !finSent(c) && c.state !== 'SYN-RECEIVED'
  if (available === 0 && !fin) return false
  const usable = serialDiff(seqAdd(c.sndUna, c.sndWnd), c.sndNxt)
  if (usable <= 0) return false
  if (c.pace !== undefined && !mayLeave(c, c.pace, now)) return false
  restartAfterIdle(c, now)
  const probe = c.search === undefined ? 0 : probeLength(c, c.search, available, usable, now)
  const mss = probe > 0 ? probe : fullSegment(c)
  let length = probe > 0 ? probe : available === 0 ? 0 : newLength(c, available, usable, mss)
  if (available > 0 && length === 0) return false
  length = gatherText(c, out, c.sndNxt, length, mss)
  const withFin = fin && length === available && usable > length
  const seq = c.sndNxt
  const end = seqAdd(seq, length + (withFin ? 1 : 0))
  if (c.flight === NO_FLIGHT) c.flight = c.tcp.flights.get()
  c.rate?.noteSent(end, c.flight.count === 0, now)
  c.flight.push(seq, end, stampOf(now))
  c.sndNxt = end
  if (probe > 0 && length === probe) noteProbe(c, c.search!, seq, end)
  if (length % mss !== 0) c.smallEnd = end
  c.bytesSent += length
  countReduced(c, length)
  c.needs &= ~NEED_OVERRIDE
  if (withFin) c.events |= EVENT_FIN_SENT
  if (c.chosen.unsentBytes !== undefined) c.events |= EVENT_WRITABLE
  emitText(c, out, seq, end, mss, now)
  if (c.ecn !== undefined && length > 0) markCapable(c, c.ecn, out)
  return true
}

/** New text may be marked on its way, and tells that the window was reduced (RFC 3168 §6.1.2). */
function markCapable(c: Connection, ecn: Ecn, out: Outgoing): void {
  out.trafficClass = capable(c.trafficClass)
  if (ecn.answer) out.header.flags |= CWR
  ecn.answer = false
}

/** How much of `available` unsent bytes the windows, Nagle and the silly-window rules let go in one segment; 0: nothing yet. */
function newLength(c: Connection, available: number, usable: number, mss: number): number {
  if ((c.needs & NEED_TAIL) !== 0) {
    c.needs &= ~NEED_TAIL
    return Math.min(available, usable, mss)
  }
  const room = congestionWindow(c) - pipe(c)
  let length = Math.min(available, usable, largestSegment(c, mss))
  if (length > room) {
    length = room - (room % mss)
    if (length <= 0) return 0
  }
  const tail = length % mss
  if (tail === 0 || (c.needs & NEED_OVERRIDE) !== 0) return length
  if (length === available ? mayFinishSmall(c) : c.flight.count === 0 && length >= c.maxSndWnd >>> 1) return length
  return length - tail
}

/** The last bytes of the queue are less than a segment: may they go? Minshall's form of Nagle (RFC 9293 §A.3). */
function mayFinishSmall(c: Connection): boolean {
  if (c.chosen.cork === true && !c.finQueued) return false
  return c.noDelay || c.finQueued || c.flight.count === 0 || !serialGt(c.smallEnd, c.sndUna)
}

/** RFC 5681 §4.1: after a silence the acknowledgments that clocked the window out are gone. */
function restartAfterIdle(c: Connection, now: number): void {
  if (c.flight.count === 0 && now - c.sentAt > c.rto && c.tcp.config.restartAfterIdle) c.congestion.onIdle(c.mss, now)
}

function emitProbe(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_PROBE) === 0) return false
  c.needs &= ~NEED_PROBE
  fill(c, out, seqAdd(c.sndUna, -1), ACK, now)
  return true
}

function emitAck(c: Connection, out: Outgoing, now: number): boolean {
  if ((c.needs & NEED_ACK) === 0) return false
  const owed = c.dupAcksOwed
  fill(c, out, c.sndNxt, ACK, now)
  // Without SACK the number of duplicate ACKs is all that the peer learns of segments out of order (RFC 5681 §4.2).
  if (owed > 1 && !c.sack) {
    c.dupAcksOwed = owed - 1
    c.needs |= NEED_ACK
  }
  return true
}
