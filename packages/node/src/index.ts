export { toDuplex } from './duplex.ts'
export { type DuplexFlow, fromDuplex } from './from-duplex.ts'
export type { DuplexOptions, DuplexSource, FlowDuplex } from './interface.ts'
export { type NodeError, toNodeError } from './node-error.ts'
