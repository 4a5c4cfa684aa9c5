import { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } from '@fata/tcp/wire'
import type { IpSpec, TcpOptionSpec, TcpSpec } from './script.ts'
import type { ScriptSocket } from './script-socket.ts'
import type { Segment } from './segment.ts'
import type { IpPacketView } from './wire.ts'

/** How exactly packets are compared. */
export interface Exactness {
  /** Neither the order and padding of options, nor the value of windows, nor PSH within a burst counts. */
  readonly relaxed: boolean
  /** Timestamps may differ by so much; Infinity where they are not checked. */
  readonly stampTolerance: number
}

const AE = 0x100
const ACE_BITS = AE | CWR | ECE

/** The counter of Accurate ECN in the three bits. */
export function aceOf(flags: number): number {
  return ((flags & AE) === 0 ? 0 : 4) | ((flags & CWR) === 0 ? 0 : 2) | ((flags & ECE) === 0 ? 0 : 1)
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [FIN, 'FIN'],
  [SYN, 'SYN'],
  [RST, 'RST'],
  [PSH, 'PSH'],
  [ACK, 'ACK'],
  [URG, 'URG'],
  [ECE, 'ECE'],
  [CWR, 'CWR'],
  [AE, 'AE'],
]

/** What differs between a segment, in the script's numbers, and what the script says of it; undefined where nothing does. */
export function compareSegment(
  spec: TcpSpec,
  live: Segment,
  segments: number,
  socket: ScriptSocket,
  how: Exactness,
): string | undefined {
  const ignored = (spec.ace === undefined ? 0 : ACE_BITS) | (how.relaxed && segments > 1 ? PSH : 0)
  for (const [bit, name] of FLAG_NAMES) {
    if ((bit & ignored) === 0 && ((spec.flags ^ live.flags) & bit) !== 0)
      return (live.flags & bit) === 0 ? `${name} is not set` : `${name} is set`
  }
  if (spec.ace !== undefined && aceOf(live.flags) !== spec.ace) return differs('ACE', spec.ace, aceOf(live.flags))
  if (live.seq !== spec.seq) return differs('sequence number', spec.seq, live.seq)
  if (live.length !== spec.length) return differs('payload', spec.length, live.length)
  if (live.ack !== spec.ack) return differs('acknowledgment', spec.ack, live.ack)
  if (spec.window !== undefined && !how.relaxed && live.window !== spec.window)
    return differs('window', spec.window, live.window)
  if (live.urgent !== spec.urgent) return differs('urgent pointer', spec.urgent, live.urgent)
  return compareOptions(spec, live, socket, how)
}

function differs(what: string, expected: number, actual: number): string {
  return `${what} is ${actual} instead of ${expected}`
}

function compareOptions(spec: TcpSpec, live: Segment, socket: ScriptSocket, how: Exactness): string | undefined {
  // A timestamp that the script names is remembered whether the rest is right or not.
  const stamped = spec.options?.find((o) => o.kind === 'TS')
  live.options = live.options.map((o) =>
    o.kind === 'TS' && stamped?.kind === 'TS' ? { ...o, val: socket.mapStamp(stamped.val, o.val) } : o,
  )
  if (spec.options === undefined) return undefined
  const expected = how.relaxed ? canonical(spec.options) : spec.options
  const actual = how.relaxed ? canonical(live.options) : live.options
  if (expected.length !== actual.length || expected.some((o, i) => o.kind !== actual[i]!.kind)) return 'options differ'
  for (const [i, o] of expected.entries()) {
    const other = actual[i]!
    if (o.kind === 'TS' && other.kind === 'TS') {
      if (Math.abs((o.val - other.val) | 0) > how.stampTolerance) return differs('timestamp', o.val, other.val)
    } else if (JSON.stringify(o) !== JSON.stringify(other)) {
      return `option ${o.kind} differs`
    }
  }
  return undefined
}

/** Options without padding, in an order of their own. */
function canonical<O extends TcpOptionSpec | { readonly kind: 'unknown' }>(options: readonly O[]): O[] {
  return options.filter((o) => o.kind !== 'nop' && o.kind !== 'eol').sort((a, b) => (a.kind < b.kind ? -1 : 1))
}

const ECN_BITS = 3

/** What differs in the IP header. */
export function compareIp(spec: IpSpec, live: IpPacketView, socket: ScriptSocket): string | undefined {
  const ecn = live.trafficClass & ECN_BITS
  if (spec.ecn === 'ect01' ? ecn !== 1 && ecn !== 2 : spec.ecn !== undefined && ecn !== spec.ecn)
    return `ECN field is ${ecn} instead of ${spec.ecn}`
  if (spec.tos !== undefined && live.trafficClass !== spec.tos) return differs('TOS', spec.tos, live.trafficClass)
  if (spec.ttl !== undefined && spec.ttl !== 0 && live.ttl !== spec.ttl) return differs('TTL', spec.ttl, live.ttl)
  if (spec.flowLabel === undefined || spec.flowLabel === 0 || live.payload.length === 0) return undefined
  return socket.checkFlowLabel(spec.flowLabel, live.flowLabel)
}
