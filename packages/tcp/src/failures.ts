import { formatEndpoint } from '@fata/addr'
import type { Connection } from './core/connection.ts'
import { TcpError, type TcpErrorCode } from './errors.ts'

const TEXTS: { readonly [code in TcpErrorCode]: string } = {
  ERR_TCP_REFUSED: 'the connection was refused',
  ERR_TCP_RESET: 'the peer has reset the connection',
  ERR_TCP_TIMEOUT: 'the peer does not answer',
  ERR_TCP_UNREACHABLE: 'the peer cannot be reached',
  ERR_TCP_ABORTED: 'the connection was aborted',
  ERR_TCP_CLOSED: 'TCP is closed',
  ERR_TCP_PORT_IN_USE: 'the port is in use',
  ERR_TCP_NO_PORT: 'no local port is free',
  ERR_TCP_LIMIT: 'a limit is reached',
}

/** Why `c` is gone. */
export function failureOf(c: Connection, code: TcpErrorCode, cause?: unknown): TcpError {
  const why = c.softError === undefined ? '' : ` (${c.softError})`
  const peer = formatEndpoint({ address: c.remote, port: c.remotePort })
  return new TcpError(code, `${TEXTS[code]}${why}: ${peer}`, {
    ...(cause === undefined ? {} : { cause }),
    report: c.softError,
  })
}
