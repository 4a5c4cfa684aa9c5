import type { Socket } from 'node:net'
import type { Endpoint } from '@fata/addr'
import type { TcpInfo, TcpState } from '@fata/tcp'

type Told = 'local' | 'remote' | 'state' | 'unsentBytes' | 'unreadBytes' | 'endReceived' | 'bytesSent' | 'bytesReceived'

/** What the host does not tell: numbers are NaN, capabilities false. */
const UNTOLD: Omit<TcpInfo, Told> = {
  ...{ mss: Number.NaN, advertisedMss: Number.NaN, receiveMss: Number.NaN, pathMtu: Number.NaN },
  ...{
    timestamps: false,
    sack: false,
    ecn: false,
    windowScaling: false,
    sendScale: Number.NaN,
    receiveScale: Number.NaN,
  },
  ...{ rttMs: Number.NaN, rttVarMs: Number.NaN, minRttMs: Number.NaN, rtoMs: Number.NaN },
  ...{ backoff: Number.NaN, probes: Number.NaN, congestion: '', cwnd: Number.NaN, ssthresh: Number.NaN },
  ...{ recovery: 'none', congestionState: 'open', reorderingSeen: false, softError: undefined, failure: undefined },
  ...{ synData: false, fastOpenCookie: false },
  ...{ unackedSegments: Number.NaN, sackedSegments: Number.NaN, lostSegments: Number.NaN, resentSegments: Number.NaN },
  ...{
    deliveredSegments: Number.NaN,
    deliveredMarkedSegments: Number.NaN,
    reorderings: Number.NaN,
    duplicates: Number.NaN,
  },
  ...{ sendWindow: Number.NaN, receiveWindow: Number.NaN, unackedBytes: Number.NaN, inFlightBytes: Number.NaN },
  ...{ sackedBytes: Number.NaN, lostBytes: Number.NaN, resentBytes: Number.NaN, outOfOrderBytes: Number.NaN },
  ...{ urgentBytes: Number.NaN, bytesAcked: Number.NaN, retransmits: Number.NaN, retransmittedBytes: Number.NaN },
  ...{ busyMs: Number.NaN, windowLimitedMs: Number.NaN, bufferLimitedMs: Number.NaN },
  ...{ sinceTextOutMs: Number.NaN, sinceTextInMs: Number.NaN, sinceHeardMs: Number.NaN },
  paceBytesPerSecond: Number.NaN,
}

/** What is known of a connection of the host. */
export function describeSocket(
  socket: Socket,
  { local, remote }: { readonly local: Endpoint; readonly remote: Endpoint },
  {
    unreadBytes,
    endReceived,
    shut,
  }: { readonly unreadBytes: number; readonly endReceived: boolean; readonly shut: boolean },
): TcpInfo {
  return {
    ...UNTOLD,
    local,
    remote,
    state: stateOf(socket, endReceived, shut),
    unsentBytes: socket.writableLength,
    unreadBytes,
    endReceived,
    bytesSent: socket.bytesWritten - socket.writableLength,
    bytesReceived: socket.bytesRead,
  }
}

/** As far as it can be told from outside. */
function stateOf(socket: Socket, endReceived: boolean, shut: boolean): TcpState {
  if (socket.destroyed) return 'CLOSED'
  if (endReceived) return shut ? 'LAST-ACK' : 'CLOSE-WAIT'
  return shut ? 'FIN-WAIT-1' : 'ESTABLISHED'
}
