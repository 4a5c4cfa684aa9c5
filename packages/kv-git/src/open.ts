import { type KvBatch, KvError, type KvRo } from '@fata/kv'
import { BranchReader } from './branch-reader.ts'
import { Git } from './git.ts'
import type { GitReadOnlyStore, GitStore } from './interface.ts'
import { type GitOptions, type GitReadOnlyOptions, resolveOptions } from './options.ts'
import { checkFormat } from './refs.ts'
import { Repository } from './repository.ts'

/**
 * Opens a branch of the repository in the store, which is laid out as a bare repository of git; an empty store becomes one with the
 * first commit. Disconnecting leaves the store open. Rejects with KvError KV_NOT_SUPPORTED, KV_CORRUPT, or as the store does, with
 * RangeError or TypeError for options that make no sense.
 */
export async function openGit(store: KvBatch, options: GitOptions = {}): Promise<GitStore> {
  const resolved = resolveOptions(options)
  if (typeof store?.batch !== 'function') throw new TypeError('a repository needs a store with batches')
  await checkFormat(store)
  const repository = new Repository(store, resolved)
  const { branch = await repository.refs.head() } = resolved
  if (branch === null) throw new KvError('KV_NOT_SUPPORTED', { message: 'HEAD is at no branch: name one' })
  return new Git(repository, branch ?? 'main')
}

/**
 * Opens a branch of the repository in the store to read it: nothing is ever written. Where `HEAD` names a commit and no branch, that
 * commit is read. Disconnecting leaves the store open. Rejects with KvError KV_NOT_SUPPORTED, KV_CORRUPT, or as the store does, with
 * RangeError or TypeError for options that make no sense.
 */
export async function openGitReadOnly(store: KvRo, options: GitReadOnlyOptions = {}): Promise<GitReadOnlyStore> {
  const resolved = resolveOptions(options)
  await checkFormat(store)
  const repository = new Repository(store, resolved)
  const { branch = await repository.refs.head() } = resolved
  return new BranchReader(repository, branch === null ? undefined : (branch ?? 'main'))
}
