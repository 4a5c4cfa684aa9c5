import type { Key, KvOptions } from '@fata/kv'
import type { GitCommit } from './commit.ts'
import { Lru } from './lru.ts'
import type { ObjectSource } from './objects.ts'
import { entryAt } from './tree-walk.ts'

export interface LogOptions extends KvOptions {
  /** Only commits that changed what is bound to the key, or below it. */
  readonly key?: Key | undefined
}

interface Known {
  /** The commit that was asked about. */
  readonly commit: string
  readonly timeMs: number
}

/** What the commits before one say. */
export class History {
  readonly #objects: ObjectSource
  /** By key: the walk of the next question ends where the last one began. */
  readonly #known: Lru<Known>

  constructor(objects: ObjectSource, maxKnown: number) {
    this.#objects = objects
    this.#known = new Lru(maxKnown)
  }

  /** When the key, which is bound in the commit, came to what it is bound to there: the author's time of the commit that did it. */
  async changedAt(commit: string, key: Key, options?: KvOptions): Promise<number> {
    const path = key.toString()
    const known = this.#known.get(path)
    let at = await this.#objects.commit(commit, options)
    const id = await this.#idAt(at, key, options)
    let timeMs: number | undefined
    while (timeMs === undefined) {
      options?.signal?.throwIfAborted()
      if (at.id === known?.commit) timeMs = known.timeMs
      else {
        const before = await this.#sameParent(at, key, id, options)
        if (before) at = before
        else timeMs = at.author.timeMs
      }
    }
    this.#known.set(path, { commit, timeMs })
    return timeMs
  }

  /** The commit and those before it, each once, the latest first, none before one that has it as a parent and is as late. */
  async *log(commit: string | undefined, { key, signal }: LogOptions = {}): AsyncGenerator<GitCommit, void> {
    if (commit === undefined) return
    const seen = new Set([commit])
    const waiting = [await this.#objects.commit(commit, { signal })]
    while (waiting.length > 0) {
      signal?.throwIfAborted()
      const at = takeLatest(waiting)
      if (!key || (await this.#changes(at, key, { signal }))) yield at
      for (const parent of at.parents) {
        if (seen.has(parent)) continue
        seen.add(parent)
        waiting.push(await this.#objects.commit(parent, { signal }))
      }
    }
  }

  /** Whether no parent has the same there. */
  async #changes(at: GitCommit, key: Key, options: KvOptions): Promise<boolean> {
    const id = await this.#idAt(at, key, options)
    if (at.parents.length === 0) return id !== undefined
    return (await this.#sameParent(at, key, id, options)) === undefined
  }

  async #sameParent(
    at: GitCommit,
    key: Key,
    id: string | undefined,
    options?: KvOptions,
  ): Promise<GitCommit | undefined> {
    for (const parent of at.parents) {
      const commit = await this.#objects.commit(parent, options)
      if ((await this.#idAt(commit, key, options)) === id) return commit
    }
    return undefined
  }

  async #idAt(commit: GitCommit, key: Key, options?: KvOptions): Promise<string | undefined> {
    return (await entryAt(this.#objects, commit.tree, key.segments, options))?.id
  }
}

function takeLatest(commits: GitCommit[]): GitCommit {
  let latest = 0
  for (let i = 1; i < commits.length; i++) {
    if (commits[i]!.committer.timeMs > commits[latest]!.committer.timeMs) latest = i
  }
  return commits.splice(latest, 1)[0]!
}
