import { serialDiff, serialGeq, serialGt, serialLeq, serialLt } from '@fata/bytes'
import { type Connection, finSent, unsentBytes } from '../../src/core/connection.ts'
import { LOST, RESENT, SACKED } from '../../src/core/flight.ts'
import { isSynchronized } from '../../src/core/state.ts'
import { deadline } from '../../src/core/timers.ts'
import type { Tcp } from '../../src/index.ts'
import type { TcpShell } from '../../src/tcp.ts'

/** The connections of a TCP that are there as such. */
export function connectionsOf(tcp: Tcp): Connection[] {
  return (tcp as TcpShell).engine.table.bySlot.filter((c) => c !== undefined)
}

/** Throws where something does not hold that must hold whenever TCP is not just at work. */
export function checkInvariants(tcp: Tcp): void {
  let unread = 0
  let queued = 0
  for (const c of connectionsOf(tcp)) {
    checkSending(c)
    checkScoreboard(c)
    checkReceiving(c)
    checkTimers(c)
    unread += (c.received?.length ?? 0) + (c.reassembly?.length ?? 0)
    queued += c.queue === undefined ? 0 : serialDiff(c.sndEnd, c.queue.start)
  }
  claim(tcp.stats.unreadBytes === unread, `${tcp.stats.unreadBytes} bytes count as unread, ${unread} are`)
  claim(tcp.stats.queuedBytes === queued, `${tcp.stats.queuedBytes} bytes count as queued, ${queued} are`)
}

function claim(holds: boolean, what: string, c?: Connection): void {
  if (!holds) throw new Error(c === undefined ? what : `${what} (${c.state}, local port ${c.localPort})`)
}

/** SND.UNA =< SND.NXT =< what was written and the FIN; nothing beyond the largest window that was offered. */
function checkSending(c: Connection): void {
  if (!isSynchronized(c.state)) return
  const limit = (c.sndEnd + (c.finQueued ? 1 : 0)) | 0
  claim(serialLeq(c.sndUna, c.sndNxt), 'SND.UNA is not beyond SND.NXT', c)
  claim(serialLeq(c.sndNxt, limit), 'SND.NXT is not beyond what was written', c)
  // One more for a window probe, one for a FIN.
  claim(
    serialDiff(c.sndNxt, c.sndUna) <= c.maxSndWnd + 2,
    'what is in flight fits the largest window that was offered',
    c,
  )
  claim(c.congestion.cwnd >= 1 && Number.isFinite(c.congestion.cwnd), `a congestion window of ${c.congestion.cwnd}`, c)
  claim(c.rto >= c.tcp.config.minRtoMs && c.rto <= c.tcp.config.maxRtoMs, `RTO is ${c.rto}`, c)
}

/** The records are the sequence space in flight without gaps, and the sums are those of the records. */
function checkScoreboard(c: Connection): void {
  const f = c.flight
  if (f.count === 0) return
  claim(f.seq(0) === c.sndUna, 'the flight begins at SND.UNA', c)
  claim(f.end(f.count - 1) === c.sndNxt, 'the flight ends at SND.NXT', c)
  let [sacked, lost, resent] = [0, 0, 0]
  for (let i = 0; i < f.count; i++) {
    const flags = f.flags(i)
    if (i > 0) claim(f.seq(i) === f.end(i - 1), 'records follow each other', c)
    claim(serialLt(f.seq(i), f.end(i)), 'no record is empty', c)
    claim((flags & (SACKED | LOST)) !== (SACKED | LOST), 'nothing is SACKED and LOST', c)
    claim((flags & (LOST | RESENT)) !== RESENT, 'what was sent again was lost', c)
    if ((flags & SACKED) !== 0) sacked += f.length(i)
    if ((flags & LOST) !== 0) lost += f.length(i)
    if ((flags & RESENT) !== 0) resent += f.length(i)
  }
  claim(sacked === f.sacked && lost === f.lost && resent === f.resent, 'the sums of the scoreboard are right', c)
}

/** RCV.NXT within what was offered; ranges in order, apart, ahead of it. */
function checkReceiving(c: Connection): void {
  if (!isSynchronized(c.state)) return
  const behindFin = c.finReceived ? 1 : 0
  claim(serialDiff(c.rcvNxt, c.rcvAdv) <= behindFin, 'RCV.NXT is not beyond the window that was offered', c)
  claim(serialLeq(c.lastAckSent, c.rcvNxt), 'nothing was acknowledged that has not come', c)
  let held = 0
  let end = c.rcvNxt
  for (const range of c.reassembly?.ranges ?? []) {
    claim(serialGt(range.start, end), 'ranges lie apart, ahead of RCV.NXT', c)
    claim(range.bytes.length === serialDiff(range.end, range.start), 'a range holds its bytes', c)
    claim(serialGeq(c.rcvAdv, range.end), 'no range is beyond the window', c)
    held += range.bytes.length
    end = range.end
  }
  claim(held === (c.reassembly?.length ?? 0), 'the sum of the ranges is right', c)
}

/** Somebody will wake: for what is in flight, for what waits for the window, for what ends. */
function checkTimers(c: Connection): void {
  if (c.touched) return
  const waits = c.flight.count > 0 || unsentBytes(c) > 0 || (c.finQueued && !finSent(c))
  const ends = c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED' || c.state === 'TIME-WAIT'
  if (waits || ends) claim(deadline(c) !== Number.POSITIVE_INFINITY, 'a timer runs', c)
}
