export type { State as TcpState } from './core/state.ts'
export type { TcpDeps } from './engine.ts'
export { TcpError, type TcpErrorCode } from './errors.ts'
export type {
  Tcp,
  TcpConnectionState,
  TcpConnectOptions,
  TcpFlow,
  TcpInfo,
  TcpListener,
  TcpListenTarget,
  TcpReadOptions,
  TcpReport,
  TcpTarget,
  TcpWriteOptions,
} from './interface.ts'
export { TCP_DEFAULTS, type TcpConfig, type TcpFlowOptions, type TcpKeepalive, type TcpOptions } from './options.ts'
export type { TcpStats } from './stats.ts'
export { createTcp } from './tcp.ts'
