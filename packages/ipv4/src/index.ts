export type { Ipv4Route } from './core/routes.ts'
export { createIpv4 } from './ipv4.ts'
export type { Ipv4Options } from './options.ts'
export type {
  Ipv4Deps,
  Ipv4Layer,
  Ipv4Stats,
  PingFailure,
  PingOptions,
  PingOutcome,
  PingReply,
  PingTimeout,
} from './types.ts'
