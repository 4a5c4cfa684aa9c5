import { TcpError, type TcpErrorCode } from '@fata/tcp'
import { UdpError, type UdpErrorCode } from '@fata/udp'

const TCP_CODES: Readonly<Record<string, TcpErrorCode>> = {
  ECONNREFUSED: 'ERR_TCP_REFUSED',
  ECONNRESET: 'ERR_TCP_RESET',
  EPIPE: 'ERR_TCP_RESET',
  ECONNABORTED: 'ERR_TCP_ABORTED',
  ETIMEDOUT: 'ERR_TCP_TIMEOUT',
  EHOSTUNREACH: 'ERR_TCP_UNREACHABLE',
  ENETUNREACH: 'ERR_TCP_UNREACHABLE',
  EHOSTDOWN: 'ERR_TCP_UNREACHABLE',
  ENETDOWN: 'ERR_TCP_UNREACHABLE',
  EINVAL: 'ERR_TCP_UNREACHABLE',
  EACCES: 'ERR_TCP_UNREACHABLE',
  EPERM: 'ERR_TCP_UNREACHABLE',
  EAFNOSUPPORT: 'ERR_TCP_UNREACHABLE',
  EADDRINUSE: 'ERR_TCP_PORT_IN_USE',
  EADDRNOTAVAIL: 'ERR_TCP_NO_PORT',
  EMFILE: 'ERR_TCP_LIMIT',
  ENFILE: 'ERR_TCP_LIMIT',
  ENOBUFS: 'ERR_TCP_LIMIT',
  ENOMEM: 'ERR_TCP_LIMIT',
}

const UDP_CODES: Readonly<Record<string, UdpErrorCode>> = {
  ECONNREFUSED: 'ERR_UDP_REFUSED',
  EHOSTUNREACH: 'ERR_UDP_UNREACHABLE',
  ENETUNREACH: 'ERR_UDP_UNREACHABLE',
  ENETDOWN: 'ERR_UDP_UNREACHABLE',
  EPERM: 'ERR_UDP_UNREACHABLE',
  EINVAL: 'ERR_UDP_UNREACHABLE',
  EMSGSIZE: 'ERR_UDP_TOO_LONG',
  EACCES: 'ERR_UDP_BROADCAST',
  EADDRINUSE: 'ERR_UDP_PORT_IN_USE',
  EADDRNOTAVAIL: 'ERR_UDP_NO_ADDRESS',
  EAFNOSUPPORT: 'ERR_UDP_FAMILY',
  EMFILE: 'ERR_UDP_LIMIT',
  ENFILE: 'ERR_UDP_LIMIT',
  ENOBUFS: 'ERR_UDP_LIMIT',
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** The operating system's error by the name that TCP has for it; `otherwise` where it has none. */
export function tcpError(cause: unknown, otherwise: TcpErrorCode = 'ERR_TCP_RESET'): TcpError {
  if (cause instanceof TcpError) return cause
  return new TcpError(TCP_CODES[codeOf(cause)] ?? otherwise, (cause as Error).message, { cause })
}

/** Likewise for UDP. */
export function udpError(cause: unknown): UdpError {
  return new UdpError(UDP_CODES[codeOf(cause)] ?? 'ERR_UDP_UNREACHABLE', (cause as Error).message, { cause })
}
