export { capture } from './capture.ts'
export { PcapError, type PcapErrorCode } from './errors.ts'
export type { CaptureOptions, PcapInterface, PcapWriterOptions } from './options.ts'
export type { CapturedInterface, CapturedPacket } from './packet.ts'
export { readPcap } from './read-pcap.ts'
export {
  createPcapWriter,
  type PcapDeps,
  type PcapSink,
  type PcapStatistics,
  type PcapWriter,
  type PcapWriterStats,
} from './writer.ts'
