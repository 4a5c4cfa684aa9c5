import type { IpReportKind } from '@fata/ip'

/** Stable; match these, not messages. More may be added in a minor version. */
export type TcpErrorCode =
  | 'ERR_TCP_REFUSED'
  | 'ERR_TCP_RESET'
  | 'ERR_TCP_TIMEOUT'
  | 'ERR_TCP_UNREACHABLE'
  | 'ERR_TCP_ABORTED'
  | 'ERR_TCP_CLOSED'
  | 'ERR_TCP_PORT_IN_USE'
  | 'ERR_TCP_NO_PORT'
  | 'ERR_TCP_LIMIT'

export interface TcpErrorOptions extends ErrorOptions {
  readonly report?: IpReportKind | undefined
}

/** A connection failed, or cannot be made. */
export class TcpError extends Error {
  override readonly name = 'TcpError'
  readonly code: TcpErrorCode
  /** What ICMP, or the host, said of the way to the peer before; undefined where nobody did. */
  readonly report: IpReportKind | undefined

  constructor(code: TcpErrorCode, message: string, options: TcpErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.report = options.report
  }
}
