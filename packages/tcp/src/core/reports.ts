import { serialGeq, serialLt } from '@fata/bytes'
import type { IpReportKind } from '@fata/ip'
import { countDrop, type Offload } from '@fata/net'
import { remove } from './close.ts'
import type { Connection } from './connection.ts'
import { onTooBig } from './recovery.ts'
import { setPath } from './segment-size.ts'
import { EVENT_SOFT_ERROR } from './signals.ts'

/**
 * What ICMP and the host say about segments that were sent: RFC 9293 §3.9.2.2, with the checks of RFC 5927.
 *
 * Differs from RFC 9293 in: SHLD-26 (hard errors abort) holds until the connection is established; afterwards they are soft errors, since
 * anybody can send them and a live connection proves them wrong (RFC 5461 §4.1, RFC 5927 §5.2). Where it is this host that found its
 * next hop silent, opening fails at once: that is no ICMP message (MUST-56) but certain knowledge.
 */

/** The way to the peer as it is now known. */
export interface Path {
  readonly mtu: number
  readonly offload: Offload
}

/** An error about the segment that begins at `seq`; `local` where this host says so. */
export function onReport(c: Connection, kind: IpReportKind, seq: number, local: boolean, path: Path): void {
  if (!isInFlight(c, seq)) {
    countDrop(c.tcp.stats.reportsIgnored, 'sequence')
    return
  }
  if (kind === 'packet-too-big') {
    if (setPath(c, path.mtu, path.offload)) onTooBig(c)
    return
  }
  c.softError = kind
  c.events |= EVENT_SOFT_ERROR
  const opening = c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED'
  if (!opening) return
  const hard = kind === 'port-unreachable' || kind === 'protocol-unreachable'
  if (!hard && !local) return
  c.tcp.stats.attemptFails++
  remove(c, kind === 'port-unreachable' ? 'ERR_TCP_REFUSED' : 'ERR_TCP_UNREACHABLE')
}

/** RFC 5927 §4.1: only who sees the segments knows what is in flight. */
function isInFlight(c: Connection, seq: number): boolean {
  return c.state !== 'CLOSED' && serialGeq(seq, c.sndUna) && serialLt(seq, c.sndNxt)
}
