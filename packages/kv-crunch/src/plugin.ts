export { type CrunchPluginOptions, kvCrunch } from './node/plugin.ts'
