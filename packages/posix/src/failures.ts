import type { TcpError, TcpInfo } from '@fata/tcp'
import { PosixError, type PosixErrorCode } from './errno.ts'

/** What TCP's errors are called here. */
const CODES: { readonly [code in TcpError['code']]?: PosixErrorCode } = {
  ERR_TCP_REFUSED: 'ECONNREFUSED',
  ERR_TCP_RESET: 'ECONNRESET',
  ERR_TCP_TIMEOUT: 'ETIMEDOUT',
  ERR_TCP_UNREACHABLE: 'EHOSTUNREACH',
  ERR_TCP_ABORTED: 'ECONNABORTED',
  ERR_TCP_CLOSED: 'ECONNABORTED',
  ERR_TCP_PORT_IN_USE: 'EADDRINUSE',
  ERR_TCP_NO_PORT: 'EADDRNOTAVAIL',
  ERR_TCP_LIMIT: 'ENOBUFS',
}

/** Why an attempt to connect has failed. */
export function connectFailure(error: unknown): PosixErrorCode {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (code === 'ERR_TCP_UNREACHABLE' && message.includes('net-unreachable')) return 'ENETUNREACH'
  return CODES[code as TcpError['code']] ?? 'EINVAL'
}

/** Why a connection is gone, as it is told once; undefined after an orderly end. After the peer's FIN a reset is a broken pipe. */
export function flowFailure(info: TcpInfo): PosixErrorCode | undefined {
  if (info.failure === undefined) return undefined
  if (info.failure === 'ERR_TCP_RESET' && info.endReceived) return 'EPIPE'
  return CODES[info.failure] ?? 'ECONNABORTED'
}

/** The PosixError for what TCP throws; other errors are rethrown. */
export function asPosixError(error: unknown): PosixError {
  const code = CODES[(error as { code?: TcpError['code'] }).code as TcpError['code']]
  if (code === undefined) throw error
  return new PosixError(code)
}
