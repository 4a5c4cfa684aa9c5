import { CONSTANTS as C } from './constants.ts'
import { ERRNO, PosixError } from './errno.ts'
import type { OptionValue } from './file.ts'
import type { Stream } from './stream.ts'
import { bareInfoStruct, stateNumber, TCP_STATES, tcpInfoStruct } from './tcp-info.ts'

/** getsockopt(2) of a stream socket. Throws ENOPROTOOPT. */
export function readTcpOption(socket: Stream, level: number, name: number): OptionValue {
  const answer =
    level === C.SOL_SOCKET
      ? socketAnswer(socket, name)
      : level === C.SOL_TCP
        ? tcpAnswer(socket, name)
        : level === C.SOL_IP || level === C.SOL_IPV6
          ? ipAnswer(socket, level, name)
          : undefined
  const value = answer ?? socket.options.get(level, name)
  if (value === undefined) throw new PosixError('ENOPROTOOPT')
  return value
}

function socketAnswer(socket: Stream, name: number): OptionValue | undefined {
  switch (name) {
    case C.SO_ERROR: {
      const code = socket.takeError()
      return code === undefined ? 0 : ERRNO[code]
    }
    case C.SO_TYPE:
      return C.SOCK_STREAM
    case C.SO_PROTOCOL:
      return C.IPPROTO_TCP
    case C.SO_DOMAIN:
      return socket.family
    case C.SO_ACCEPTCONN:
      return socket.listener === undefined ? 0 : 1
    case C.SO_ZEROCOPY:
      return socket.options.number(C.SOL_SOCKET, C.SO_ZEROCOPY)
    case C.SO_RCVBUF:
      return receiveBuffer(socket)
    default:
      return undefined
  }
}

/** FreeBSD makes the buffer a multiple of the segment size when the connection is established. */
function receiveBuffer(socket: Stream): number {
  const value = socket.options.number(C.SOL_SOCKET, C.SO_RCVBUF)
  if (socket.deps.personality.name === 'linux' || socket.flow === undefined) return value
  const { mss } = socket.flow.info()
  return Math.ceil(value / mss) * mss
}

function tcpAnswer(socket: Stream, name: number): OptionValue | undefined {
  const info = socket.flow?.info()
  switch (name) {
    case C.TCP_INFO:
      return tcpInfo(socket)
    case C.TCP_MAXSEG:
      return info?.mss ?? (socket.options.number(C.SOL_TCP, C.TCP_MAXSEG) || socket.deps.personality.defaultMss)
    case C.TCP_CONGESTION:
      return info === undefined ? undefined : info.congestion === 'newreno' ? 'reno' : info.congestion
    default:
      return undefined
  }
}

function tcpInfo(socket: Stream): OptionValue {
  if (socket.flow !== undefined) return tcpInfoStruct(socket.flow.info())
  if (socket.listener !== undefined) return bareInfoStruct(TCP_STATES.TCP_LISTEN)
  return bareInfoStruct(socket.connecting ? openingState(socket) : TCP_STATES.TCP_CLOSE)
}

/** SYN-SENT, or SYN-RECEIVED where both ends open at once. */
function openingState(socket: Stream): number {
  const opening = socket.deps.tcp.connections().filter(({ state }) => state === 'SYN-RECEIVED' || state === 'SYN-SENT')
  return stateNumber(opening.at(-1)?.state ?? 'SYN-SENT')
}

function ipAnswer(socket: Stream, level: number, name: number): OptionValue | undefined {
  const info = socket.flow?.info()
  if (name !== (level === C.SOL_IP ? C.IP_MTU : C.IPV6_MTU)) return undefined
  if (info === undefined) throw new PosixError('ENOTCONN')
  return info.pathMtu + (level === C.SOL_IP ? 20 : 40)
}
