import { systemClock } from '@fata/runtime'
import { checkPerson, type GitPerson } from './commit.ts'
import { checkBranch } from './names.ts'

export interface GitOptions {
  /** Default the branch that `HEAD` names, or `main` in an empty store. */
  readonly branch?: string | undefined
  /** Of every commit. Default `fata <fata@localhost>`. */
  readonly author?: GitPerson | undefined
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: (() => number) | undefined
  /** Operations in one batch. Default 65 536. */
  readonly maxBatchOps?: number | undefined
  /** Bytes of values in one batch. Default 256 MiB. */
  readonly maxBatchBytes?: number | undefined
  /** Writes that wait for their turn; one more rejects with KV_TOO_LARGE. Default 65 536. */
  readonly maxQueuedWrites?: number | undefined
  /** Entries of trees that are remembered. Default 1 000 000. */
  readonly maxCachedEntries?: number | undefined
  /** Commits that are remembered, and keys whose lastModified is. Default 10 000. */
  readonly maxCachedCommits?: number | undefined
}

/** What a reader needs of them. */
export type GitReadOnlyOptions = Pick<GitOptions, 'branch' | 'maxCachedEntries' | 'maxCachedCommits'>

type Limit = 'maxBatchOps' | 'maxBatchBytes' | 'maxQueuedWrites' | 'maxCachedEntries' | 'maxCachedCommits'

export const defaults: Readonly<Record<Limit, number>> = Object.freeze({
  maxBatchOps: 65_536,
  maxBatchBytes: 256 * 1024 * 1024,
  maxQueuedWrites: 65_536,
  maxCachedEntries: 1_000_000,
  maxCachedCommits: 10_000,
})

export interface ResolvedOptions extends Readonly<Record<Limit, number>> {
  readonly branch: string | undefined
  readonly author: GitPerson
  readonly now: () => number
}

/** Throws RangeError, TypeError. */
export function resolveOptions(options: GitOptions): ResolvedOptions {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as Limit[]) {
    const value = options[name] ?? defaults[name]
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be an integer above 0`)
    limits[name] = value
  }
  const now = options.now ?? systemClock().wallTime
  if (typeof now !== 'function') throw new TypeError('now must be a function')
  const author = checkPerson(options.author ?? { name: 'fata', email: 'fata@localhost' })
  const branch = options.branch === undefined ? undefined : checkBranch(options.branch)
  return { ...limits, branch, author, now }
}
