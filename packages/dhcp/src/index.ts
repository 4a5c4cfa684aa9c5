export {
  createDhcpClient,
  type DhcpClient,
  type DhcpClientDeps,
  type DhcpLeaseEvent,
} from './client.ts'
export type { DhcpClientOptions } from './client-options.ts'
export type { DhcpConfiguration, DhcpLease } from './core/lease.ts'
export { DhcpError, type DhcpErrorCode } from './errors.ts'
export type { DhcpSocket, DhcpStats, DhcpStore } from './types.ts'
export type { DhcpRoute } from './wire/values.ts'
