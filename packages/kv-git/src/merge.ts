import { Key, type KvOptions } from '@fata/kv'
import { fromHex } from './bytes.ts'
import { fromEntryName } from './names.ts'
import type { NewObjects, ObjectSource } from './objects.ts'
import { type Entry, isTree, type Tree } from './tree.ts'
import { childOf } from './tree-walk.ts'

/** What the two sides made of a key, each as the digest of the value; null for a dictionary, undefined for nothing. */
export interface GitConflict {
  readonly key: Key
  readonly base: Uint8Array | null | undefined
  readonly ours: Uint8Array | null | undefined
  readonly theirs: Uint8Array | null | undefined
}

/**
 * - `up-to-date`: everything of the other was there already.
 * - `fast-forward`: there was nothing here that the other does not have; the branch is at its commit.
 * - `merged`: by a commit with two parents.
 * - `conflict`: both changed the same keys, differently; nothing has happened.
 */
export type GitMergeResult =
  | { readonly status: 'up-to-date' | 'fast-forward' | 'merged'; readonly commit: string }
  | { readonly status: 'conflict'; readonly conflicts: readonly GitConflict[] }

type Sides<T> = { readonly base: T; readonly ours: T; readonly theirs: T }

/** Three-way, by name: what one side alone has changed is taken. Values are not looked into. */
export class TreeMerge {
  readonly conflicts: GitConflict[] = []
  readonly #objects: NewObjects

  constructor(objects: NewObjects) {
    this.#objects = objects
  }

  /** The id of the merged tree; undefined when it is empty. Means nothing when there are conflicts. */
  async merge(ids: Sides<string | undefined>, at: Key = Key.root): Promise<string | undefined> {
    const { base, ours, theirs } = ids
    const trees = {
      base: await this.#objects.tree(base),
      ours: await this.#objects.tree(ours),
      theirs: await this.#objects.tree(theirs),
    }
    const merged = new Map<string, Entry>()
    for (const name of new Set([...trees.ours.keys(), ...trees.theirs.keys()])) {
      const entry = await this.#entry(pick(trees, name), childOf(at, fromEntryName(name) ?? '?') ?? at)
      if (entry) merged.set(name, entry)
    }
    return merged.size === 0 ? undefined : this.#objects.addTree(merged)
  }

  async #entry(entries: Sides<Entry | undefined>, key: Key): Promise<Entry | undefined> {
    const { base, ours, theirs } = entries
    if (same(ours, theirs) || same(theirs, base)) return ours
    if (same(ours, base)) return theirs
    if (asTree(ours) && asTree(theirs)) {
      const below = { base: treeId(base), ours: treeId(ours), theirs: treeId(theirs) }
      const id = await this.merge(below, key)
      return id === undefined ? undefined : { mode: '40000', id }
    }
    this.conflicts.push({ key, base: digest(base), ours: digest(ours), theirs: digest(theirs) })
    return ours
  }
}

function pick(trees: Sides<Tree>, name: string): Sides<Entry | undefined> {
  return { base: trees.base.get(name), ours: trees.ours.get(name), theirs: trees.theirs.get(name) }
}

function same(a: Entry | undefined, b: Entry | undefined): boolean {
  return a?.id === b?.id && a?.mode === b?.mode
}

/** A missing dictionary is an empty one. */
function asTree(entry: Entry | undefined): boolean {
  return entry === undefined || isTree(entry)
}

function treeId(entry: Entry | undefined): string | undefined {
  return entry && isTree(entry) ? entry.id : undefined
}

function digest(entry: Entry | undefined): Uint8Array | null | undefined {
  return entry && (isTree(entry) ? null : fromHex(entry.id))
}

/**
 * A commit that both descend from, and none after it; undefined for histories without one. Of several, as after merges
 * crosswise, the latest.
 */
export async function mergeBase(
  objects: ObjectSource,
  ours: string,
  theirs: string,
  options?: KvOptions,
): Promise<string | undefined> {
  const before = await ancestors(objects, ours, options)
  const common = new Set([...(await ancestors(objects, theirs, options))].filter((id) => before.has(id)))
  const best = new Set(common)
  for (const id of common) for (const parent of (await objects.commit(id, options)).parents) best.delete(parent)
  let latest: { id: string; timeMs: number } | undefined
  for (const id of best) {
    const { timeMs } = (await objects.commit(id, options)).committer
    if (!latest || timeMs > latest.timeMs) latest = { id, timeMs }
  }
  return latest?.id
}

/** With the commit itself. */
async function ancestors(objects: ObjectSource, id: string, options?: KvOptions): Promise<Set<string>> {
  const seen = new Set([id])
  for (const at of seen) {
    options?.signal?.throwIfAborted()
    for (const parent of (await objects.commit(at, options)).parents) seen.add(parent)
  }
  return seen
}
