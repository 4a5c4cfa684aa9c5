import { serialDiff } from '@fata/bytes'
import { remove } from './close.ts'
import { type Connection, finSent, unsentBytes } from './connection.ts'
import { onFastOpenLost } from './fast-open.ts'
import { failProbe, suspectBlackHole } from './mtu-search.ts'
import { noteOccupation } from './occupation.ts'
import type { DeliveryRate } from './rate.ts'
import { onTimeout, recoverByTime } from './recovery.ts'
import { armRetransmit, backOff } from './rto.ts'
import { seqAdd } from './sequence.ts'
import { EVENT_STALLED, NEED_ACK, NEED_OVERRIDE, NEED_PROBE, NEED_RESET, NEED_SYN } from './signals.ts'
import { onProbeTimer, scheduleProbe } from './tail-probe.ts'
import { validateWindow } from './validation.ts'

/** The timers of a connection: RFC 9293 §3.8.1, §3.8.3, §3.8.4, §3.8.6.1, §3.10.8; RFC 6298 §5. */

/** R1 (SHLD-10): so many retransmissions in vain are reported. */
const R1 = 3

/** When `expire` must be called next. */
export function deadline(c: Connection): number {
  let at = Math.min(c.timerAt, c.ackAt, c.expireAt)
  if (c.pace !== undefined) at = Math.min(at, c.pace.wakeAt)
  return c.keepalive === undefined ? at : Math.min(at, c.keepalive.at)
}

/** Time has come to `now`. Before the deadline this does nothing. */
export function expire(c: Connection, now: number): void {
  if (c.expireAt <= now) {
    onExpire(c)
    return
  }
  // Whoever is served sends; nothing else is to be done.
  if (c.pace !== undefined && c.pace.wakeAt <= now) c.pace.wakeAt = Number.POSITIVE_INFINITY
  if (c.ackAt <= now) {
    c.ackAt = Number.POSITIVE_INFINITY
    c.needs |= NEED_ACK
  }
  if (c.timerAt <= now) onTimer(c, now)
  if (c.keepalive !== undefined && c.keepalive.at <= now) onKeepalive(c, now)
}

/** TIME-WAIT, FIN-WAIT-2 or lingering has lasted long enough, or opening has taken too long. */
function onExpire(c: Connection): void {
  if (c.state === 'FIN-WAIT-1' || c.state === 'CLOSING' || c.state === 'LAST-ACK') {
    remove(c, 'ERR_TCP_TIMEOUT')
    c.needs |= NEED_RESET
    return
  }
  if (c.state !== 'SYN-SENT' && c.state !== 'SYN-RECEIVED') {
    remove(c)
    return
  }
  c.tcp.stats.attemptFails++
  remove(c, c.softError === undefined ? 'ERR_TCP_TIMEOUT' : 'ERR_TCP_UNREACHABLE')
}

function onTimer(c: Connection, now: number): void {
  if (c.timer === 'tail') {
    onProbeTimer(c, now)
  } else if (c.timer === 'reorder') {
    c.timerAt = c.retransmitAt
    c.timer = 'retransmit'
    recoverByTime(c, now)
  } else if (c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED') {
    onFastOpenLost(c, now)
    backOff(c)
    armRetransmit(c, now)
    c.needs |= NEED_SYN
  } else {
    onStall(c, now)
  }
}

/** The peer has not answered a segment, or has not opened his window. */
function onStall(c: Connection, now: number): void {
  const probing = c.timer === 'window'
  if (c.stalledAt === Number.POSITIVE_INFINITY) c.stalledAt = now - (probing ? probeInterval(c) : c.rto)
  // While the peer answers and keeps his window shut, he is alive (MUST-37, SHLD-17).
  if (c.sndWnd === 0 && c.heardAt > c.stalledAt) c.stalledAt = c.heardAt
  if (now - c.stalledAt >= c.userTimeoutMs) {
    remove(c, c.softError === undefined ? 'ERR_TCP_TIMEOUT' : 'ERR_TCP_UNREACHABLE')
    return
  }
  if (probing) probe(c, now)
  else resend(c, now)
  if (c.backoff === R1) c.events |= EVENT_STALLED
}

function resend(c: Connection, now: number): void {
  c.tcp.stats.timeouts++
  failProbe(c, now)
  onTimeout(c, now)
  backOff(c)
  suspectBlackHole(c)
  armRetransmit(c, now)
}

/** Asks for the window (MUST-36), or sends less than a segment into what there is of it (§3.8.6.2.1, rule 4). */
function probe(c: Connection, now: number): void {
  const usable = serialDiff(seqAdd(c.sndUna, c.sndWnd), c.sndNxt)
  if (usable > 0) {
    c.needs |= NEED_OVERRIDE
  } else {
    c.needs |= NEED_PROBE
    c.tcp.stats.windowProbesOut++
  }
  c.backoff++
  c.timerAt = Math.min(now + probeInterval(c), c.stalledAt + c.userTimeoutMs)
}

/** SHLD-29, SHLD-30: the retransmission timeout at first, then exponentially longer. */
function probeInterval(c: Connection): number {
  return Math.min(c.rto * 2 ** c.backoff, c.tcp.config.maxRtoMs)
}

/** To be called when output is done: what has been sent waits for its ACK, what is left for the window. */
export function settleTimers(c: Connection, now: number): void {
  noteOccupation(c, now)
  if (c.rate !== undefined) noteAppLimited(c, c.rate)
  if (c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED') return
  if (c.flight.count > 0) {
    if (c.sentAt === now) {
      validateWindow(c)
      scheduleProbe(c, now)
    }
    return
  }
  if (c.pace !== undefined && c.pace.wakeAt !== Number.POSITIVE_INFINITY) return
  if (c.timerAt !== Number.POSITIVE_INFINITY) return
  if (unsentBytes(c) === 0 && !(c.finQueued && !c.discarded && !finSent(c))) return
  if (c.state === 'CLOSED') return
  c.timer = 'window'
  c.timerAt = now + probeInterval(c)
}

/** Output is done: is it for the application that no more is sent? */
function noteAppLimited(c: Connection, rate: DeliveryRate): void {
  const outstanding = serialDiff(c.sndNxt, c.sndUna)
  if (unsentBytes(c) === 0 && outstanding < c.congestion.cwnd) rate.noteAppLimited(outstanding)
}

/** Is anybody there? Only asked when nothing is in flight and nothing has been heard (MUST-26). */
function onKeepalive(c: Connection, now: number): void {
  const k = c.keepalive!
  const idleSince = Math.max(c.heardAt, c.sentAt)
  if (c.flight.count > 0 || c.timerAt !== Number.POSITIVE_INFINITY || now - idleSince < k.config.idleMs) {
    k.at = Math.max(now + 1, idleSince + k.config.idleMs)
    k.probes = 0
    return
  }
  if (k.probes >= k.config.probes) {
    remove(c, 'ERR_TCP_TIMEOUT')
    return
  }
  k.probes++
  k.at = now + k.config.intervalMs
  c.needs |= NEED_PROBE
  c.tcp.stats.keepaliveProbesOut++
}
