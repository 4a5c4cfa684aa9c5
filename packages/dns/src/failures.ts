import type { LookupFailure } from './core/core.ts'
import { DnsError, type DnsErrorCode } from './errors.ts'
import type { QueryType } from './wire/types.ts'

const CODES: Readonly<Record<LookupFailure, readonly [DnsErrorCode, string]>> = {
  'not-found': ['ERR_DNS_NOT_FOUND', 'does not exist'],
  'no-data': ['ERR_DNS_NO_DATA', 'has no such records'],
  timeout: ['ERR_DNS_TIMEOUT', 'cannot be resolved: no server has answered in time'],
  servfail: ['ERR_DNS_SERVFAIL', 'cannot be resolved: the servers have failed'],
  refused: ['ERR_DNS_REFUSED', 'cannot be resolved: the servers refuse'],
  'bad-answer': ['ERR_DNS_BAD_ANSWER', 'cannot be resolved: the answers make no sense'],
  unreachable: ['ERR_DNS_UNREACHABLE', 'cannot be resolved: no server can be reached'],
  'no-servers': ['ERR_DNS_NO_SERVERS', 'cannot be resolved: no server is configured'],
  limit: ['ERR_DNS_LIMIT', 'cannot be resolved: too many queries are under way'],
  closed: ['ERR_DNS_CLOSED', 'cannot be resolved: the resolver is closed'],
}

export function dnsError(failure: LookupFailure, hostname: string, type: QueryType): DnsError {
  const [code, text] = CODES[failure]
  return new DnsError(code, `${hostname} (${type}) ${text}`, hostname, type)
}

export function badName(hostname: string, type: QueryType): DnsError {
  return new DnsError('ERR_DNS_BAD_NAME', `not a domain name: '${hostname}'`, hostname, type)
}
