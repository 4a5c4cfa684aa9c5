export type { AddressChange, AddressOrigin } from './core/addresses.ts'
export type { Ipv6Stats } from './core/host.ts'
export type { InterfaceIdScheme } from './core/interface-id.ts'
export type { PingFailure, PingOutcome, PingReply, PingTimeout } from './core/pings.ts'
export { createIpv6 } from './ipv6.ts'
export type { Ipv6Options } from './options.ts'
export type {
  AddressInfo,
  AddressLifetimes,
  Ipv6Deps,
  Ipv6Event,
  Ipv6Layer,
  Ipv6Route,
  Ipv6State,
  PingOptions,
} from './types.ts'
export type { Preference } from './wire/preference.ts'
