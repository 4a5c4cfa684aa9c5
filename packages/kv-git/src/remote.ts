export type { GitFetch, GitResponse } from './http.ts'
export {
  cloneFrom,
  fetchFrom,
  type GitAuth,
  type GitFetchOptions,
  type GitPushOptions,
  type GitRemoteOptions,
  pushTo,
} from './sync.ts'
