export { type CrunchAsset, CrunchError, type Crunched, type CrunchOptions, crunch } from './node/crunch.ts'
export type { TreeProblem } from './node/tree.ts'
