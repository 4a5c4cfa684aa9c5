import { constants } from 'node:os'
import { type Endpoint, formatIp } from '@fata/addr'

/** What Node's system errors carry. */
export interface NodeError extends Error {
  /** As `ECONNRESET`. */
  code: string
  /** The negative number of `code` on this platform. */
  errno: number
  /** The operation that failed: `'connect'`, `'read'`, `'write'`, `'shutdown'`, `'listen'`. */
  syscall: string
  address?: string
  port?: number
}

type Errno = keyof typeof constants.errno

const CODES: Readonly<Record<string, Errno>> = {
  ERR_FLOW_ABORTED: 'ECONNABORTED',
  ERR_FLOW_CLOSED: 'EPIPE',
  ERR_FLOW_RESET: 'ECONNRESET',
  ERR_TCP_ABORTED: 'ECONNABORTED',
  ERR_TCP_CLOSED: 'ENETDOWN',
  ERR_TCP_LIMIT: 'ENOBUFS',
  ERR_TCP_NO_PORT: 'EADDRNOTAVAIL',
  ERR_TCP_PORT_IN_USE: 'EADDRINUSE',
  ERR_TCP_REFUSED: 'ECONNREFUSED',
  ERR_TCP_RESET: 'ECONNRESET',
  ERR_TCP_TIMEOUT: 'ETIMEDOUT',
  ERR_TCP_UNREACHABLE: 'EHOSTUNREACH',
}

/**
 * The error that Node's sockets would give for an error of a flow or of TCP: `ECONNREFUSED`, `ECONNRESET`, `ETIMEDOUT`, `EHOSTUNREACH`,
 * `EPIPE` and so on by its code, with the original as `cause`. An error with another code, or none, is returned as it is.
 */
export function toNodeError(error: unknown, syscall: string, endpoint?: Endpoint): unknown {
  const name = CODES[String((error as { code?: unknown } | null)?.code)]
  if (name === undefined) return error
  const where = endpoint === undefined ? '' : ` ${formatIp(endpoint.address)}:${endpoint.port}`
  const made = new Error(`${syscall} ${name}${where}`, { cause: error }) as NodeError
  made.code = name
  made.errno = -constants.errno[name]
  made.syscall = syscall
  if (endpoint === undefined) return made
  made.address = formatIp(endpoint.address)
  made.port = endpoint.port
  return made
}
