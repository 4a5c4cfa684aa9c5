import {
  checkLimits,
  checkRange,
  copyValue,
  type Key,
  type KeyLike,
  type KvAllocateOptions,
  type KvBatch,
  type KvBatchOptions,
  type KvCheck,
  KvError,
  type KvOp,
  type KvOptions,
  type OwnedOp,
  ownOps,
  toKey,
  writePart,
} from '@fata/kv'
import { BranchReader } from './branch-reader.ts'
import { toHex } from './bytes.ts'
import { checkMessage } from './commit.ts'
import { Committer, type Work } from './committer.ts'
import type { CommitInfo, Draft } from './draft.ts'
import type { GitBranchOptions, GitMergeOptions, GitStore } from './interface.ts'
import { type GitMergeResult, mergeBase, TreeMerge } from './merge.ts'
import { describeOps } from './messages.ts'
import { checkBranch, refuseDotGit } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { WriteQueue } from './queue.ts'
import type { Repository } from './repository.ts'

/** One branch. */
export class Git extends BranchReader<KvBatch> implements GitStore {
  declare readonly branchName: string
  readonly #options: ResolvedOptions
  readonly #queue: WriteQueue<Work>
  #time = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(repository: Repository<KvBatch>, branch: string) {
    super(repository, branch)
    this.#options = repository.options
    const committer = new Committer({ ...repository, branch })
    this.#queue = new WriteQueue(this.#options.maxQueuedWrites, (jobs) => committer.run(jobs))
  }

  async set(key: KeyLike, value: Uint8Array, options?: KvOptions): Promise<void> {
    await this.batch([{ op: 'set', key, value }], options)
  }

  async setPartial(key: KeyLike, offset: number, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    refuseDotGit(parsed)
    const part = copyValue(value)
    checkRange('offset', offset, parsed)
    const info = this.#info([{ op: 'set', key: parsed, value: part }])
    await this.#queue.add(async (draft) => {
      const kind = await draft.kind(parsed)
      if (kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
      const id = kind && (await draft.id(parsed))
      const old = id ? await draft.objects.blob(id) : new Uint8Array(0)
      if (offset <= old.length) this.#refuseLarge(offset + part.length, parsed)
      await draft.apply([{ op: 'set', key: parsed, value: writePart(old, offset, part, parsed) }], info())
    }, options?.signal)
  }

  async allocate(key: KeyLike, size: number, options?: KvAllocateOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    refuseDotGit(parsed)
    const { lastModified, signal } = options ?? {}
    checkRange('size', size, parsed)
    if (lastModified !== undefined) checkRange('lastModified', lastModified, parsed)
    this.#refuseLarge(size, parsed)
    const ops: OwnedOp[] = [{ op: 'set', key: parsed, value: new Uint8Array(size) }]
    const info = this.#info(ops)
    await this.#queue.add(async (draft) => {
      if ((await draft.kind(parsed)) !== undefined) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
      const written = info()
      await draft.apply(ops, { ...written, writtenMs: lastModified ?? written.writtenMs })
    }, signal)
  }

  async remove(key: KeyLike, options?: KvOptions): Promise<void> {
    await this.batch([{ op: 'remove', key }], options)
  }

  async rename(source: KeyLike, dest: KeyLike, options?: KvOptions): Promise<void> {
    await this.batch([{ op: 'rename', source, dest }], options)
  }

  async batch(ops: readonly KvOp[], options?: KvBatchOptions): Promise<void> {
    this.refuse(options)
    const owned = ownOps(ops)
    const checks = (options?.checks ?? []).map(({ key, digest }): KvCheck => {
      return { key: toKey(key), digest: digest && copyValue(digest) }
    })
    checkLimits(owned, this.capabilities)
    for (const op of owned) refuseDotGit(op.op === 'rename' ? op.dest : op.key)
    const info = this.#info(owned, options?.message)
    await this.#queue.add(async (draft) => {
      for (const check of checks) await verify(draft, check)
      await draft.apply(owned, info())
    }, options?.signal)
  }

  async branch(name: string, options?: GitBranchOptions): Promise<GitStore> {
    this.refuse(options)
    checkBranch(name)
    const { refs } = this.repository
    const there = (await refs.read(`refs/heads/${name}`, options)).id
    const from =
      options?.from === undefined ? await this.head(options) : await this.repository.resolve(options.from, options)
    const branch = new Git(this.repository, name)
    if (there === undefined && from !== undefined) await branch.#begin(from)
    return branch
  }

  async merge(other: string, options: GitMergeOptions = {}): Promise<GitMergeResult> {
    this.refuse(options)
    const theirs = await this.repository.resolve(other, options)
    const message = checkMessage(options.message ?? `Merge ${other}`)
    let result: GitMergeResult | undefined
    await this.#queue.add(async (draft) => {
      result = await this.#merge(draft, theirs, message)
    }, options.signal)
    return result!
  }

  override disconnect(): Promise<void> {
    this.closed = true
    this.#closing ??= this.#queue.idle()
    return this.#closing
  }

  #begin(from: string): Promise<void> {
    return this.#queue.add(async (draft) => {
      if (draft.head === undefined) await draft.forward(from)
    }, undefined)
  }

  async #merge(draft: Draft, theirs: string, message: string): Promise<GitMergeResult> {
    const ours = draft.head
    const base = ours === undefined ? undefined : await mergeBase(draft.objects, ours, theirs)
    if (base === theirs) return { status: 'up-to-date', commit: ours! }
    if (ours === undefined || base === ours) {
      await draft.forward(theirs)
      return { status: 'fast-forward', commit: theirs }
    }
    const treeOf = async (id: string | undefined) => (id === undefined ? id : (await draft.objects.commit(id)).tree)
    const trees = new TreeMerge(draft.objects)
    const tree = await trees.merge({ base: await treeOf(base), ours: draft.tree, theirs: await treeOf(theirs) })
    if (trees.conflicts.length > 0) return { status: 'conflict', conflicts: trees.conflicts }
    await draft.commitTree(tree, [ours, theirs], this.#info([], message)())
    return { status: 'merged', commit: draft.head! }
  }

  /** The time is that of the turn. */
  #info(ops: readonly OwnedOp[], message?: string): () => CommitInfo {
    const text = checkMessage(message ?? describeOps(ops))
    return () => {
      this.#time = Math.max(this.#time, Math.floor(this.#options.now()))
      return { message: text, author: this.#options.author, writtenMs: this.#time, committedMs: this.#time }
    }
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.capabilities
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }
}

async function verify(draft: Draft, { key, digest }: KvCheck): Promise<void> {
  const parsed = toKey(key)
  const kind = await draft.kind(parsed)
  const holds = digest === null ? !kind : kind === 'value' && (await draft.id(parsed)) === toHex(digest)
  if (!holds) throw new KvError('KV_CHECK_FAILED', { key: parsed })
}
