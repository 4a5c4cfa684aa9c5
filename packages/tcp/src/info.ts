import { serialDiff } from '@fata/bytes'
import { type Connection, pipe, unsentBytes } from './core/connection.ts'
import { urgentLeft } from './core/text.ts'
import { receiveWindow } from './core/window.ts'
import type { TcpConnectionState, TcpInfo } from './interface.ts'

export function stateOf(c: Connection): TcpConnectionState {
  return {
    state: c.state,
    local: { address: c.local, port: c.localPort },
    remote: { address: c.remote, port: c.remotePort },
  }
}

export function infoOf(c: Connection): TcpInfo {
  return {
    ...stateOf(c),
    mss: c.mss,
    advertisedMss: c.advertisedMss,
    receiveMss: c.rcvMss,
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
    cwnd: c.congestion.cwnd,
    ssthresh: c.congestion.ssthresh,
    recovery: c.recovery,
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
    softError: c.softError,
  }
}
