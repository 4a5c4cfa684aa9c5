export { openDir, openDirReadOnly } from './open.ts'
export type { DirOptions, DirReadOptions } from './options.ts'
