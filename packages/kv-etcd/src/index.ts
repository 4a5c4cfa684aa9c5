export { openEtcd } from './open.ts'
export type { EtcdAuth, EtcdBody, EtcdFetch, EtcdOptions, EtcdResponse } from './options.ts'
