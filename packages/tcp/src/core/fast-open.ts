import { serialDiff } from '@fata/bytes'
import { ACK, SYN } from '../wire.ts'
import { appendText } from './append-text.ts'
import { type Connection, NO_FLIGHT } from './connection.ts'
import { stampOf } from './flight.ts'
import type { Outgoing } from './outgoing.ts'
import type { Segment } from './segment.ts'
import { seqAdd } from './sequence.ts'
import { EVENT_ESTABLISHED, NEED_RESEND } from './signals.ts'
import { offerSynWindow } from './window.ts'

/**
 * TCP Fast Open, RFC 7413: text on the SYN, where a cookie shows that the client has been reached at its address before.
 *
 * Differs from the RFC in: the experimental option of its appendix is not spoken.
 */

const NO_COOKIE = new Uint8Array(0)

/** A client wants to send text at once. */
export function requestFastOpen(c: Connection, now: number): void {
  const known = c.tcp.fastOpen.find(c.remote, now)
  if (known === 'blocked') return
  c.fastOpen = { cookie: known?.cookie ?? NO_COOKIE, mss: known?.mss ?? 0, accepted: false, given: false }
}

/** The cookie that the SYN or SYN,ACK which is about to leave carries; undefined for no option. Not when it is sent again (§4.1.3). */
export function fastOpenOption(c: Connection): Uint8Array | undefined {
  return c.fastOpen === undefined || c.fastOpen.accepted || c.backoff > 0 ? undefined : c.fastOpen.cookie
}

/** Puts as much text on the first SYN as it may carry, and returns how much. `optionsLen`: what its options take. */
export function gatherSynText(c: Connection, out: Outgoing, optionsLen: number, now: number): number {
  const fast = c.fastOpen
  const start = seqAdd(c.iss, 1)
  const written = (c.sndEnd - start) | 0
  if (fast === undefined || fast.cookie.length === 0 || written <= 0 || c.sndNxt !== c.iss) return 0
  const most = Math.min(fast.mss, c.advertisedMss) - optionsLen
  const length = c.queue!.gather(start, Math.min(written, most), out.payload)
  if (c.flight === NO_FLIGHT) c.flight = c.tcp.flights.get()
  c.flight.push(start, seqAdd(start, length), stampOf(now))
  c.bytesSent += length
  return length
}

/** The SYN,ACK has come: a cookie that it carries is kept, and text that it does not acknowledge goes again at once (§4.2.2). */
export function settleSynText(c: Connection, s: Segment): void {
  if (c.fastOpen !== undefined && s.options.fastOpen > 0)
    c.tcp.fastOpen.learn(c.remote, s.options.fastOpenCookie.slice(0, s.options.fastOpen), c.peerMss)
  if (c.fastOpen !== undefined) {
    c.fastOpen.given = s.options.fastOpen > 0
    c.fastOpen.accepted = serialDiff(s.ack, c.iss) > 1
  }
  if (c.flight.count === 0) return
  c.flight.markAllLost(false)
  c.needs |= NEED_RESEND
}

/** A SYN was lost that asked for fast open: what is on the way may not like it (§4.1.3.1). */
export function onFastOpenLost(c: Connection, now: number): void {
  if (c.fastOpen !== undefined && !c.passive && c.backoff === 0) c.tcp.fastOpen.block(c.remote, now)
}

/** A SYN with the option has come for a listener that speaks it. `room`: one more may be open before its handshake is over (§4.2.1). */
export function answerFastOpen(c: Connection, s: Segment, room: boolean): boolean {
  const { fastOpen, fastOpenCookie } = s.options
  const cookie = c.tcp.fastOpen.cookieOf(c.local, c.remote)
  const valid = fastOpen === cookie.length && cookie.every((byte, i) => fastOpenCookie[i] === byte)
  const accepted = valid && room
  c.fastOpen = { cookie, mss: 0, accepted, given: false }
  if (!accepted) return false
  offerSynWindow(c)
  takeSynText(c, s)
  c.congestion.onEstablished(c.mss, false)
  c.events |= EVENT_ESTABLISHED
  return true
}

function takeSynText(c: Connection, s: Segment): void {
  s.flags = (s.flags & ~SYN) | ACK
  s.seq = c.rcvNxt
  s.length = Math.min(s.length, (c.rcvAdv - c.rcvNxt) | 0)
  if (s.length > 0) appendText(c, s)
}
