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
    timestamps: c.timestamps,
    sack: c.sack,
    ecn: c.ecn !== undefined,
    windowScaling: c.windowScaling,
    rttMs: c.srtt,
    rttVarMs: c.rttvar,
    minRttMs: c.minRtt,
    rtoMs: c.rto,
    congestion: c.congestion.name,
    cwnd: c.congestion.cwnd,
    ssthresh: c.congestion.ssthresh,
    recovery: c.recovery,
    sendWindow: c.sndWnd,
    receiveWindow: receiveWindow(c),
    unsentBytes: unsentBytes(c),
    unackedBytes: serialDiff(c.sndNxt, c.sndUna),
    inFlightBytes: pipe(c),
    unreadBytes: c.received?.length ?? 0,
    outOfOrderBytes: c.reassembly?.length ?? 0,
    urgentBytes: urgentLeft(c),
    bytesSent: c.bytesSent,
    bytesAcked: c.bytesAcked,
    bytesReceived: c.bytesReceived,
    retransmits: c.retransmits,
    softError: c.softError,
  }
}
