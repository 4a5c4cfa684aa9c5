export { FlowError, type FlowErrorCode } from './errors.ts'
export type { Flow, FlowOptions } from './flow.ts'
export { toWebStreams, type WebStreams } from './web-streams.ts'
