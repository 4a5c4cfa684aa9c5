export { DnsError, type DnsErrorCode } from './errors.ts'
export type { ResolverOptions } from './options.ts'
export { createResolver } from './resolver.ts'
export type {
  DnsTcp,
  DnsUdp,
  DnsUdpSocket,
  LookupOptions,
  Resolver,
  ResolverDeps,
  ResolverStats,
  WaitOptions,
} from './types.ts'
export type { DnsRecord, QueryType, RecordOf, RecordType } from './wire/types.ts'
