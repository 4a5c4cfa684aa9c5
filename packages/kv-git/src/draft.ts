import { type Key, type KvAsyncView, type KvKind, type OwnedOp, planBatchAsync } from '@fata/kv'
import type { GitCommit, GitPerson } from './commit.ts'
import { TreeEdit } from './edit.ts'
import type { NewObjects } from './objects.ts'
import { EMPTY_TREE } from './tree.ts'
import { entryAt, find, valuesBelow } from './tree-walk.ts'

export interface CommitInfo {
  readonly message: string
  readonly author: GitPerson
  /** Milliseconds since 1970, of the author and of the commit. */
  readonly writtenMs: number
  readonly committedMs: number
}

/** A line of new commits that grows on top of one that is there, until all of it is written. */
export class Draft implements KvAsyncView {
  readonly objects: NewObjects
  #head: GitCommit | undefined

  constructor(objects: NewObjects, head: GitCommit | undefined) {
    this.objects = objects
    this.#head = head
  }

  get head(): string | undefined {
    return this.#head?.id
  }

  get tree(): string | undefined {
    return this.#head?.tree
  }

  async kind(key: Key): Promise<KvKind | undefined> {
    return (await find(this.objects, this.tree, key))?.kind
  }

  values(key: Key): Promise<readonly Key[]> {
    return valuesBelow(this.objects, this.tree, key)
  }

  /** The id of what is bound to the key. */
  async id(key: Key): Promise<string | undefined> {
    return (await find(this.objects, this.tree, key))?.id
  }

  /** One commit for all operations; none when they change nothing. Rejects by their rules, and then has changed nothing. */
  async apply(ops: readonly OwnedOp[], info: CommitInfo): Promise<void> {
    const net = await planBatchAsync(ops, this)
    const edit = new TreeEdit()
    for (const key of net.removes) edit.remove(key)
    for (const set of net.sets) {
      if ('from' in set) {
        const moved = (await entryAt(this.objects, this.tree, set.from.segments))!
        edit.set(set.key, moved.id, moved.mode)
      } else edit.set(set.key, this.objects.addBlob(set.value))
    }
    if (net.removes.length + net.sets.length === 0) return
    await this.commitTree(await edit.apply(this.objects, this.tree), this.#head ? [this.#head.id] : [], info)
  }

  /** Undefined for the empty tree. A tree that the only parent has too is no commit. */
  async commitTree(id: string | undefined, parents: readonly string[], info: CommitInfo): Promise<void> {
    const tree = id ?? this.objects.addTree(EMPTY_TREE)
    if (parents.length < 2 && tree === this.tree) return
    const commit = { tree, parents, message: info.message, ...(await this.#signatures(parents, info)) }
    this.#head = await this.objects.commit(this.objects.addCommit(commit))
  }

  /** Makes a commit that is there the newest. */
  async forward(id: string): Promise<void> {
    this.#head = await this.objects.commit(id)
  }

  /** No commit is older than its parents. */
  async #signatures(parents: readonly string[], { author, writtenMs, committedMs }: CommitInfo) {
    let latest = 0
    for (const id of parents) latest = Math.max(latest, (await this.objects.commit(id)).committer.timeMs)
    const at = (ms: number) => ({ ...author, timeMs: Math.floor(ms / 1000) * 1000, offsetMinutes: 0 })
    const committedAt = Math.max(latest, committedMs)
    return {
      author: at(writtenMs === committedMs ? committedAt : writtenMs),
      committer: at(committedAt),
    }
  }
}
