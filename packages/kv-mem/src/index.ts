export { createMem } from './mem.ts'
export type { MemOptions } from './options.ts'
