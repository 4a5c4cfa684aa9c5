export { openLevel } from './open.ts'
export type { LevelOptions } from './options.ts'
