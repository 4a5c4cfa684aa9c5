import type { Key } from '@fata/kv'
import { toEntryName } from './names.ts'
import type { NewObjects } from './objects.ts'
import { type Entry, isBlob, isTree, type Mode } from './tree.ts'

/** What becomes of one name: a blob, nothing, or as it was but for what is below it. */
interface Change {
  blob: { readonly id: string; readonly mode: Mode | undefined } | null | undefined
  readonly below: Map<string, Change>
}

/** Changes of a tree, key by key. */
export class TreeEdit {
  readonly #root: Change = { blob: undefined, below: new Map() }

  /** Without a mode the key keeps the one that it has. */
  set(key: Key, id: string, mode?: Mode): void {
    this.#at(key).blob = { id, mode }
  }

  remove(key: Key): void {
    this.#at(key).blob = null
  }

  /** The id of the changed tree; undefined when nothing is left in it. */
  apply(objects: NewObjects, root: string | undefined): Promise<string | undefined> {
    return apply(objects, root, this.#root)
  }

  #at(key: Key): Change {
    let at = this.#root
    for (const segment of key.segments) {
      const name = toEntryName(segment)
      let next = at.below.get(name)
      if (!next) at.below.set(name, (next = { blob: undefined, below: new Map() }))
      at = next
    }
    return at
  }
}

async function apply(objects: NewObjects, id: string | undefined, change: Change): Promise<string | undefined> {
  const before = await objects.tree(id)
  const tree = new Map(before)
  for (const [name, each] of change.below) {
    const entry = await changed(objects, tree.get(name), each)
    if (entry) tree.set(name, entry)
    else tree.delete(name)
  }
  return tree.size === 0 ? undefined : objects.addTree(tree)
}

async function changed(objects: NewObjects, before: Entry | undefined, change: Change): Promise<Entry | undefined> {
  const { blob, below } = change
  if (blob) return { id: blob.id, mode: blob.mode ?? (before && isBlob(before) ? before.mode : '100644') }
  if (below.size === 0) return blob === null ? undefined : before
  const id = await apply(objects, before && isTree(before) ? before.id : undefined, change)
  return id === undefined ? undefined : { mode: '40000', id }
}
