export type { KvRo } from '@fata/kv'
export { type CrunchedFile, type CrunchedModule, openCrunched } from './crunched.ts'
