export { UdpError, type UdpErrorCode, type UdpErrorDetails } from './errors.ts'
export type { UdpOptions } from './options.ts'
export { ReceiveQueue } from './receive-queue.ts'
export type {
  Datagram,
  Udp,
  UdpBindOptions,
  UdpInfo,
  UdpMessageHandler,
  UdpReceiveOptions,
  UdpSendOptions,
  UdpSocket,
  UdpStats,
} from './types.ts'
export { createUdp, type UdpDeps } from './udp.ts'
