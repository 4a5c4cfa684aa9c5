import type { KeyLike, KvBatch, KvOptions, KvRo, KvSnapshot } from '@fata/kv'
import type { GitCommit } from './commit.ts'
import type { GitMergeResult } from './merge.ts'

export interface GitBranchOptions extends KvOptions {
  /** Where a new branch begins: a commit, a branch or a tag. Default where this one is. */
  readonly from?: string | undefined
}

export interface GitLogOptions extends KvOptions {
  /** Default the newest of the branch. */
  readonly from?: string | undefined
  /** Only commits that changed what is bound to the key, or below it. */
  readonly key?: KeyLike | undefined
  readonly limit?: number | undefined
}

export interface GitMergeOptions extends KvOptions {
  readonly message?: string | undefined
}

/** A branch of a repository, to read; each read finds the newest commit. */
export interface GitReadOnlyStore extends KvRo, KvSnapshot {
  /** Undefined where `HEAD` names a commit itself, which is read then. */
  readonly branchName: string | undefined
  /** Names of all branches, in order. */
  branches(options?: KvOptions): Promise<string[]>
  /** The newest commit; undefined before the first. */
  commit(options?: KvOptions): Promise<string | undefined>
  /** The commits of the branch, the newest first. KV_NOT_FOUND. */
  log(options?: GitLogOptions): AsyncIterable<GitCommit>
  /** The store as it was: by the id of a commit, or the name of a branch or a tag. KV_NOT_FOUND. */
  at(commit: string, options?: KvOptions): Promise<KvRo>
}

/** A branch of a repository; every write that changes anything is one commit. */
export interface GitStore extends KvBatch, GitReadOnlyStore {
  readonly branchName: string
  /** Another branch of the repository, made where there is none. RangeError for what is no name of a branch. */
  branch(name: string, options?: GitBranchOptions): Promise<GitStore>
  /** Brings in what another branch, or the commit, has. KV_NOT_FOUND. */
  merge(other: string, options?: GitMergeOptions): Promise<GitMergeResult>
}
