import { serialDiff, serialGeq } from '@fata/bytes'
import { ACK, CWR, ECE, SYN } from '../wire.ts'
import type { Connection, Ecn } from './connection.ts'
import type { Segment } from './segment.ts'

/** Explicit congestion notification: RFC 3168 §6.1. */

/** ECT(0) in the traffic class byte, and all of the field. */
const ECT0 = 2
const ECN_FIELD = 3

/** Flags that a SYN has where this end asks for it, or agrees to it (§6.1.1). Not when it is sent again: a middlebox may have minded. */
export function synFlags(c: Connection): number {
  if (c.state !== 'SYN-SENT') return c.ecn === undefined ? 0 : ECE
  return c.tcp.config.ecn === 'request' && c.backoff === 0 ? ECE | CWR : 0
}

/** What the peer's SYN says. One that only reflects our flags agrees to nothing. */
export function takeSynFlags(c: Connection, s: Segment): void {
  const flags = s.flags & (ECE | CWR)
  const answers = (s.flags & ACK) !== 0
  const agreed = answers ? flags === ECE && c.tcp.config.ecn === 'request' : flags === (ECE | CWR)
  if (agreed && c.tcp.config.ecn !== 'off') createEcn(c)
}

/** Gives `c` the record that says that both ends agree. */
export function createEcn(c: Connection): Ecn {
  c.ecn = { echo: false, answer: false, until: 0, reduced: false }
  return c.ecn
}

/** A segment in the window has arrived: was it marked on its way, and has the peer heard of the last one that was? */
export function noteMark(c: Connection, s: Segment): void {
  if (c.ecn === undefined || (s.flags & SYN) !== 0) return
  if ((s.flags & CWR) !== 0) c.ecn.echo = false
  if (s.marked) c.ecn.echo = true
}

/** An ACK says that segments were marked: the window is reduced, once per round trip (RFC 8511). */
export function noteEcho(c: Connection, s: Segment, now: number): void {
  const { ecn } = c
  if (ecn === undefined) return
  if (ecn.reduced && serialGeq(c.sndUna, ecn.until)) ecn.reduced = false
  if ((s.flags & ECE) === 0 || ecn.reduced || c.flight.count === 0) return
  ecn.reduced = ecn.answer = true
  ecn.until = c.sndNxt
  if (c.recovery === 'none') c.congestion.onLoss(serialDiff(c.sndNxt, c.sndUna), c.mss, now, true)
}

/** Traffic class of a segment with new text; retransmissions, and segments without text, are not to be marked (§6.1.4, §6.1.5). */
export function capable(trafficClass: number): number {
  return (trafficClass & ~ECN_FIELD) | ECT0
}
