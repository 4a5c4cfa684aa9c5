export type { AckSample, Congestion, CongestionFactory } from './core/congestion/congestion.ts'
export type { CongestionName } from './core/congestion/create.ts'
export type { State as TcpState } from './core/state.ts'
export type { TcpDeps } from './engine.ts'
export { TcpError, type TcpErrorCode, type TcpErrorOptions } from './errors.ts'
export type { TcpFlowOptions, TcpKeepalive } from './flow-options.ts'
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
export { TCP_DEFAULTS, type TcpConfig, type TcpOptions } from './options.ts'
export { createTcpStats, type TcpStats } from './stats.ts'
export { createTcp } from './tcp.ts'
