export { toDuplex } from './duplex.ts'
export type { DuplexOptions, DuplexSource, FlowDuplex } from './interface.ts'
export { type NodeError, toNodeError } from './node-error.ts'
