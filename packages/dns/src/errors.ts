import type { QueryType } from './wire/types.ts'

/** Stable; match these, not messages. More may be added in a minor version. */
export type DnsErrorCode =
  | 'ERR_DNS_NOT_FOUND'
  | 'ERR_DNS_NO_DATA'
  | 'ERR_DNS_TIMEOUT'
  | 'ERR_DNS_SERVFAIL'
  | 'ERR_DNS_REFUSED'
  | 'ERR_DNS_BAD_ANSWER'
  | 'ERR_DNS_BAD_NAME'
  | 'ERR_DNS_UNREACHABLE'
  | 'ERR_DNS_NO_SERVERS'
  | 'ERR_DNS_LIMIT'
  | 'ERR_DNS_CLOSED'

/** A name could not be resolved. */
export class DnsError extends Error {
  override readonly name = 'DnsError'
  readonly code: DnsErrorCode
  /** What was asked for. */
  readonly hostname: string
  readonly type: QueryType

  constructor(code: DnsErrorCode, message: string, hostname: string, type: QueryType) {
    super(message)
    this.code = code
    this.hostname = hostname
    this.type = type
  }
}
