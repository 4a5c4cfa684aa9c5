export { IpError, type IpErrorCode } from './errors.ts'
export {
  EVERY_SOURCE,
  type GroupMembership,
  type IpGroups,
  mergeFilters,
  passesFilter,
  type SourceFilter,
} from './groups.ts'
export type { Ip, IpListener, IpPacket, IpWriteOptions } from './ip.ts'
export { type IpDelivery, IpListeners } from './listeners.ts'
export { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_IGMP, PROTOCOL_TCP, PROTOCOL_UDP } from './protocol.ts'
export { pseudoHeaderSum } from './pseudo-header.ts'
export type { IpReport, IpReportKind } from './report.ts'
export { TokenBucket } from './token-bucket.ts'
