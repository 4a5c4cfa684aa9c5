export { type CallbackNet, type CallbackNetOptions, createCallbackNet } from './callback-net.ts'
export { NetError, type NetErrorCode } from './errors.ts'
export { completeChecksum, type NotSegmentable, segmentFrame } from './gso.ts'
export {
  type ChecksumState,
  createFrameMeta,
  type FrameMeta,
  type GsoType,
  NO_OFFLOAD,
  type Offload,
  resetFrameMeta,
} from './meta.ts'
export type { Fill, Net, NetListener } from './net.ts'
export { checkOffload } from './offload.ts'
export { countDrop, createNetStats, type DropCounts, type NetStats, resetNetStats } from './stats.ts'
