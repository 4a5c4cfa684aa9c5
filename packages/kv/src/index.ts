export { errorCode, type KvErrorCode } from './codes.ts'
export { copy, type KvCopyOptions } from './copy.ts'
export { digestOf, sha1, sha256 } from './digest.ts'
export { createFeed, type Feed } from './feed.ts'
export { createGate, type Gate } from './gate.ts'
export { indexed, type KvIndexed, type KvIndexedSource } from './indexed.ts'
export { Key, type KeyLike, KvError, type KvErrorDetail, MAX_KEY_BYTES, toKey } from './key.ts'
export { KeyTree } from './key-tree.ts'
export { type Layered, layered } from './layered.ts'
export type { KvSource, OwnedOp } from './overlay.ts'
export { checkRange, equalBytes, readPart, writePart } from './partial.ts'
export {
  checkLimits,
  copyValue,
  type KvAsyncView,
  type KvNet,
  type KvView,
  ownOps,
  planBatch,
  planBatchAsync,
} from './plan.ts'
export { type Prefixed, prefixed } from './prefixed.ts'
export { readOnly } from './read-only.ts'
export { compareSegments, isSegment, MAX_SEGMENT_BYTES } from './segment.ts'
export type {
  KvAllocateOptions,
  KvBatch,
  KvBatchOptions,
  KvCapabilities,
  KvChange,
  KvCheck,
  KvKind,
  KvListOptions,
  KvOp,
  KvOptions,
  KvRo,
  KvRw,
  KvSnapshot,
  KvWatch,
} from './store.ts'
export { type KvTransaction, type KvTransactOptions, transact } from './transact.ts'
export { walk } from './walk.ts'
