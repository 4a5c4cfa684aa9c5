import { serialDiff, serialGeq, serialGt, serialLt } from '@fata/bytes'
import { countDrop } from '@fata/net'
import { FIN } from '../wire.ts'
import { advance, appendText } from './append-text.ts'
import { ByteQueue } from './byte-queue.ts'
import { dropReassembly, resetIfDiscarded, startTimeWait } from './close.ts'
import type { Connection } from './connection.ts'
import { Reassembly } from './reassembly.ts'
import type { Segment } from './segment.ts'
import { seqAdd } from './sequence.ts'
import { EVENT_READABLE, NEED_ACK } from './signals.ts'
import { canReceive, enter } from './state.ts'
import { tallyOf } from './tally.ts'

/** Text and FIN of a segment that lies in the window: RFC 9293 §3.10.7.4, seventh and eighth step; when to acknowledge: §3.8.6.3. */

/** Duplicate ACKs that one batch can ask for. */
const MAX_DUPLICATES = 64

/** Seventh step. What is not taken is cut off the segment, its FIN with it. */
export function processText(c: Connection, s: Segment, now: number): void {
  if (s.length === 0 || !canReceive(c.state)) return
  if (c.finAhead) clipAtFin(c, s)
  if (c.discarding) {
    discardText(c, s)
    return
  }
  if (c.tcp.stats.unreadBytes + s.length > c.tcp.config.receiveMemoryBytes) {
    countDrop(c.tcp.stats.dropped, 'receive-memory')
    s.length = 0
    s.flags &= ~FIN
    c.needs |= NEED_ACK
    return
  }
  if (s.seq === c.rcvNxt && c.reassembly === undefined) appendText(c, s)
  else if (!reassemble(c, s)) s.flags &= ~FIN
  tallyOf(c).lastTextInAt = now
  acknowledgeText(c, s, now)
}

/** Eighth step: a FIN ends the stream where it stands, which may lie ahead. */
export function processFin(c: Connection, s: Segment, now: number): void {
  if (!canReceive(c.state)) return
  if ((s.flags & FIN) !== 0) {
    const at = seqAdd(s.seq, s.length)
    const last = c.reassembly?.ranges.at(-1)
    // A FIN before data that has arrived contradicts the peer's own text.
    if (last === undefined || serialGeq(at, last.end)) {
      c.finAhead = true
      c.finAt = at
      c.needs |= NEED_ACK
    }
  }
  if (!c.finAhead || c.finAt !== c.rcvNxt) return
  c.finAhead = false
  c.finReceived = true
  c.rcvNxt = seqAdd(c.rcvNxt, 1)
  c.events |= EVENT_READABLE
  c.needs |= NEED_ACK
  dropReassembly(c)
  enter(c, 'rcv-fin')
  if (c.state === 'TIME-WAIT') startTimeWait(c, now)
}

/** Nothing can follow a FIN. */
function clipAtFin(c: Connection, s: Segment): void {
  const over = serialDiff(seqAdd(s.seq, s.length), c.finAt)
  if (over > 0) s.length = Math.max(0, s.length - over)
}

/** The application has closed: text is acknowledged and forgotten. */
function discardText(c: Connection, s: Segment): void {
  c.needs |= NEED_ACK
  if (s.seq !== c.rcvNxt) {
    s.flags &= ~FIN
    return
  }
  c.rcvNxt = seqAdd(c.rcvNxt, s.length)
  c.discarded = true
  resetIfDiscarded(c)
}

/** Bytes out of order, or in order while others wait. False where they could not be kept. */
function reassemble(c: Connection, s: Segment): boolean {
  c.reassembly ??= new Reassembly(c.tcp.receiveMemory)
  const { reassembly, tcp } = c
  const inOrder = s.seq === c.rcvNxt
  // What is next in order is taken even where no further piece may be held: it fills a gap.
  const limit = inOrder ? Number.POSITIVE_INFINITY : tcp.config.reassemblyRanges
  const fresh = reassembly.insert(s.seq, s.buf, s.off, s.length, limit)
  tcp.stats.unreadBytes += fresh
  c.needs |= NEED_ACK
  if (inOrder) {
    deliverReassembled(c, reassembly)
    return true
  }
  tcp.stats.outOfOrderIn++
  if (c.dupAcksOwed < MAX_DUPLICATES) c.dupAcksOwed++
  if (fresh === 0) {
    countDrop(tcp.stats.dropped, 'reassembly')
    noteTwice(c, s.seq, seqAdd(s.seq, s.length))
  }
  return fresh > 0
}

/** Text came that had come before: the peer learns from it that he need not have sent it again (RFC 2883). */
export function noteTwice(c: Connection, start: number, end: number): void {
  if (!c.sack || !c.tcp.config.dsack || !serialLt(start, end)) return
  c.duplicateStart = start
  c.duplicateEnd = end
}

/** Moves the range that has become the next one to the receive buffer. */
function deliverReassembled(c: Connection, reassembly: Reassembly): void {
  const range = reassembly.takeAt(c.rcvNxt)
  if (range !== undefined) {
    c.received ??= new ByteQueue(c.tcp.receiveMemory)
    c.received.moveFrom(range.bytes)
    advance(c, serialDiff(range.end, range.start))
  }
  if (reassembly.ranges.length === 0) c.reassembly = undefined
}

/** Acknowledge at once or later? At once from the second full-sized segment on, counted in bytes (SHLD-19). */
function acknowledgeText(c: Connection, s: Segment, now: number): void {
  if (s.unit > c.rcvMss) c.rcvMss = Math.min(s.unit, c.advertisedMss)
  if ((c.needs & NEED_ACK) !== 0) return
  if (c.quickAcks > 0) {
    c.quickAcks--
    c.needs |= NEED_ACK
  } else if (serialDiff(c.rcvNxt, c.lastAckSent) > c.rcvMss || c.chosen.quickAck === true || isSecond(c)) {
    c.needs |= NEED_ACK
  } else if (c.ackAt === Number.POSITIVE_INFINITY) {
    c.ackAt = now + c.tcp.config.delayedAckMs
  }
}

/** The second segment that waits for its acknowledgment, however small. */
function isSecond(c: Connection): boolean {
  return c.tcp.config.manner === 'bsd' && c.ackAt !== Number.POSITIVE_INFINITY
}

/** Bytes in order that the application has not read lie before this. */
export function readSequence(c: Connection): number {
  return seqAdd(c.rcvNxt, -(c.received?.length ?? 0) - (c.finReceived ? 1 : 0))
}

/** Does the text that the application has read reach the end of the urgent data? */
export function urgentLeft(c: Connection): number {
  if (c.urgent === undefined || !c.urgent.in) return 0
  const left = serialDiff(c.urgent.rcvUp, readSequence(c))
  return serialGt(c.urgent.rcvUp, readSequence(c)) ? left : 0
}
