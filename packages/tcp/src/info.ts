import { serialDiff } from '@fata/bytes'
import { type Connection, type ConnectionId, pipe, unsentBytes } from './core/connection.ts'
import { LOST, RESENT, SACKED } from './core/flight.ts'
import { settleOccupation } from './core/occupation.ts'
import { paceRate } from './core/pace.ts'
import { congestionWindow } from './core/prr.ts'
import type { Tally } from './core/records.ts'
import { urgentLeft } from './core/text.ts'
import { receiveWindow } from './core/window.ts'
import type { TcpConnectionState, TcpInfo } from './interface.ts'

export function stateOf(c: ConnectionId & Pick<Connection, 'state'>): TcpConnectionState {
  return {
    state: c.state,
    local: { address: c.local, port: c.localPort },
    remote: { address: c.remote, port: c.remotePort },
  }
}

export function infoOf(c: Connection, now: number): TcpInfo {
  return {
    ...stateOf(c),
    mss: c.mss,
    advertisedMss: c.advertisedMss,
    receiveMss: c.rcvMss,
    pathMtu: c.pathMtu,
    timestamps: c.timestamps,
    sack: c.sack,
    ecn: c.ecn !== undefined,
    windowScaling: c.windowScaling,
    sendScale: c.sndScale,
    receiveScale: c.rcvScale,
    rttMs: c.srtt,
    rttVarMs: c.rttvar,
    minRttMs: c.minRtt,
    rtoMs: c.rto,
    backoff: c.backoff,
    probes: c.timer === 'window' && c.timerAt !== Number.POSITIVE_INFINITY ? c.backoff : (c.keepalive?.probes ?? 0),
    congestion: c.congestion.name,
    cwnd: congestionWindow(c),
    ssthresh: c.congestion.ssthresh,
    recovery: c.recovery,
    congestionState: congestionStateOf(c),
    ...segmentsOf(c),
    sendWindow: c.sndWnd,
    receiveWindow: receiveWindow(c),
    unsentBytes: unsentBytes(c),
    unackedBytes: serialDiff(c.sndNxt, c.sndUna),
    inFlightBytes: pipe(c),
    sackedBytes: c.flight.sacked,
    lostBytes: c.flight.lost,
    resentBytes: c.flight.resent,
    reorderingSeen: c.rack?.reorderingSeen === true,
    unreadBytes: c.received?.length ?? 0,
    outOfOrderBytes: c.reassembly?.length ?? 0,
    urgentBytes: urgentLeft(c),
    endReceived: c.finReceived,
    bytesSent: c.bytesSent,
    bytesAcked: c.bytesAcked,
    bytesReceived: c.bytesReceived,
    retransmits: c.retransmits,
    ...countsOf(c, c.tally, now),
    sinceHeardMs: now - c.heardAt,
    paceBytesPerSecond: 1000 * paceRate(c),
    softError: c.softError,
    failure: c.failure,
    synData: c.fastOpen?.accepted === true,
    fastOpenCookie: c.fastOpen?.given === true,
  }
}

function congestionStateOf(c: Connection): TcpInfo['congestionState'] {
  if (c.recovery === 'timeout') return 'loss'
  if (c.recovery === 'fast') return 'recovery'
  if (c.ecn?.reduced === true) return 'cwr'
  return c.dupAcks > 0 || c.flight.sacked > 0 ? 'disorder' : 'open'
}

function segmentsOf(
  c: Connection,
): Pick<TcpInfo, 'unackedSegments' | 'sackedSegments' | 'lostSegments' | 'resentSegments'> {
  const f = c.flight
  const n = { unackedSegments: 0, sackedSegments: 0, lostSegments: 0, resentSegments: 0 }
  for (let i = 0; i < f.count; i++) {
    const segments = Math.ceil(f.length(i) / c.mss)
    const flags = f.flags(i)
    n.unackedSegments += segments
    if ((flags & SACKED) !== 0) n.sackedSegments += segments
    if ((flags & LOST) !== 0) n.lostSegments += segments
    if ((flags & RESENT) !== 0) n.resentSegments += segments
  }
  if (c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED') n.unackedSegments = 1
  return n
}

function countsOf(c: Connection, t: Tally | undefined, now: number): Counts {
  if (t !== undefined) settleOccupation(t, now)
  const handshake = c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED' ? 0 : 1
  return {
    deliveredSegments: handshake + (t?.delivered ?? 0),
    deliveredMarkedSegments: t?.deliveredMarked ?? 0,
    reorderings: t?.reorderings ?? 0,
    duplicates: t?.duplicates ?? 0,
    retransmittedBytes: t?.retransmittedBytes ?? 0,
    busyMs: t?.busyMs ?? 0,
    windowLimitedMs: t?.windowLimitedMs ?? 0,
    bufferLimitedMs: t?.bufferLimitedMs ?? 0,
    sinceTextOutMs: now - (t?.lastTextOutAt ?? Number.NEGATIVE_INFINITY),
    sinceTextInMs: now - (t?.lastTextInAt ?? Number.NEGATIVE_INFINITY),
  }
}

type Counts = Pick<
  TcpInfo,
  | 'deliveredSegments'
  | 'deliveredMarkedSegments'
  | 'reorderings'
  | 'duplicates'
  | 'retransmittedBytes'
  | 'busyMs'
  | 'windowLimitedMs'
  | 'bufferLimitedMs'
  | 'sinceTextOutMs'
  | 'sinceTextInMs'
>
