export type { DhcpServerStore } from './binding-store.ts'
export {
  createDhcpClient,
  type DhcpClient,
  type DhcpClientDeps,
  type DhcpLeaseEvent,
} from './client.ts'
export type { DhcpClientOptions } from './client-options.ts'
export type { DhcpBinding } from './core/bindings.ts'
export type { LossReason } from './core/client.ts'
export type { DhcpConfiguration, DhcpLease } from './core/lease.ts'
export type { AddressRange } from './core/pool.ts'
export type { SubnetConfiguration } from './core/subnet.ts'
export type { Dhcpv6Address, Dhcpv6Configuration, Dhcpv6Information, Dhcpv6Lease } from './core/v6-lease.ts'
export { DhcpError, type DhcpErrorCode } from './errors.ts'
export { createDhcpServer, type DhcpServer, type DhcpServerDeps } from './server.ts'
export type { DhcpHost, DhcpServerOptions, DhcpSubnet } from './server-options.ts'
export type { DhcpSocket, DhcpStats, DhcpStore } from './types.ts'
export {
  createDhcpv6Client,
  type Dhcpv6Client,
  type Dhcpv6ClientDeps,
  type Dhcpv6LeaseEvent,
} from './v6-client.ts'
export type { Dhcpv6ClientOptions } from './v6-client-options.ts'
export type { DhcpRoute } from './wire/values.ts'
