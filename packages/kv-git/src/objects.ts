import { Key, KvError, type KvOp, type KvOptions, type KvRo } from '@fata/kv'
import { decodeText } from './bytes.ts'
import { decodeCommit, encodeCommit, type GitCommit } from './commit.ts'
import { Lru } from './lru.ts'
import { decodeObject, encodeObject, type GitObject, type ObjectType } from './object.ts'
import { Packs } from './packs.ts'
import { decodeTree, EMPTY_TREE, encodeTree, type Tree } from './tree.ts'

export interface CacheLimits {
  /** Entries of all trees together. */
  readonly maxCachedEntries: number
  readonly maxCachedCommits: number
}

/** Reads objects by id. */
export interface ObjectSource {
  tree(id: string | undefined, options?: KvOptions): Promise<Tree>
  blob(id: string, options?: KvOptions): Promise<Uint8Array>
  commit(id: string, options?: KvOptions): Promise<GitCommit>
}

/** The objects of a repository. What an id names never changes, so trees and commits are remembered. */
export class Objects implements ObjectSource {
  readonly #store: KvRo
  readonly #packs: Packs
  readonly #trees: Lru<Tree>
  readonly #commits: Lru<GitCommit>

  constructor(store: KvRo, limits: CacheLimits) {
    this.#store = store
    this.#packs = new Packs(store)
    this.#trees = new Lru(limits.maxCachedEntries, (tree) => 1 + tree.size)
    this.#commits = new Lru(limits.maxCachedCommits)
  }

  /** Undefined: nothing is there. Rejects with KvError KV_CORRUPT for what is no object. */
  async read(id: string, options: KvOptions = {}): Promise<GitObject | undefined> {
    const file = await this.#store.get(objectKey(id), options)
    if (!file) return this.#packs.read(id, options)
    const object = decodeObject(id, file)
    if (typeof object === 'string') throw corrupt(id, object)
    return object
  }

  async tree(id: string | undefined, options?: KvOptions): Promise<Tree> {
    if (id === undefined) return EMPTY_TREE
    const known = this.#trees.get(id)
    if (known) return known
    const tree = decodeTree(await this.#content(id, 'tree', options))
    if (typeof tree === 'string') throw corrupt(id, tree)
    this.#trees.set(id, tree)
    return tree
  }

  /** Belongs to the caller. */
  blob(id: string, options?: KvOptions): Promise<Uint8Array> {
    return this.#content(id, 'blob', options)
  }

  async commit(id: string, options?: KvOptions): Promise<GitCommit> {
    const known = this.#commits.get(id)
    if (known) return known
    const commit = decodeCommit(id, await this.#content(id, 'commit', options))
    if (!commit) throw corrupt(id, 'not a commit')
    // Not remembered: the next fetch may bring what is before it.
    if (commit.parents.length > 0 && (await this.#isShallow(id, options))) return { ...commit, parents: [] }
    this.#commits.set(id, commit)
    return commit
  }

  /** Whether the history was cut off at the commit when it was fetched. */
  async #isShallow(id: string, options?: KvOptions): Promise<boolean> {
    const file = await this.#store.get('/shallow', options)
    return file !== undefined && (decodeText(file)?.split('\n').includes(id) ?? false)
  }

  async #content(id: string, type: ObjectType, options?: KvOptions): Promise<Uint8Array> {
    const object = await this.read(id, options)
    if (!object) throw corrupt(id, 'missing')
    if (object.type !== type) throw corrupt(id, `a ${object.type}, not a ${type}`)
    return object.content
  }
}

/** Objects that are about to be written, over those that are there. */
export class NewObjects implements ObjectSource {
  readonly #below: ObjectSource
  readonly #maxFileBytes: number
  readonly #files = new Map<string, Uint8Array>()
  readonly #blobs = new Map<string, Uint8Array>()
  readonly #trees = new Map<string, Tree>()
  readonly #commits = new Map<string, GitCommit>()

  constructor(below: ObjectSource, maxFileBytes: number) {
    this.#below = below
    this.#maxFileBytes = maxFileBytes
  }

  get size(): number {
    return this.#files.size
  }

  async tree(id: string | undefined, options?: KvOptions): Promise<Tree> {
    return (id === undefined ? undefined : this.#trees.get(id)) ?? this.#below.tree(id, options)
  }

  async blob(id: string, options?: KvOptions): Promise<Uint8Array> {
    return this.#blobs.get(id)?.slice() ?? this.#below.blob(id, options)
  }

  async commit(id: string, options?: KvOptions): Promise<GitCommit> {
    return this.#commits.get(id) ?? this.#below.commit(id, options)
  }

  /** The value must not change any more. Throws KvError KV_TOO_LARGE. */
  addBlob(value: Uint8Array): string {
    const id = this.#add('blob', value)
    this.#blobs.set(id, value)
    return id
  }

  addTree(tree: Tree): string {
    const id = this.#add('tree', encodeTree(tree))
    this.#trees.set(id, tree)
    return id
  }

  addCommit(commit: Omit<GitCommit, 'id'>): string {
    const id = this.#add('commit', encodeCommit(commit))
    this.#commits.set(id, { ...commit, id })
    return id
  }

  /** Writes for all of them, in no order. */
  ops(): KvOp[] {
    return [...this.#files].map(([id, value]) => ({ op: 'set', key: objectKey(id), value }))
  }

  #add(type: ObjectType, content: Uint8Array): string {
    const { id, file } = encodeObject({ type, content })
    if (file.length > this.#maxFileBytes) {
      throw new KvError('KV_TOO_LARGE', {
        message: `a ${type} is too large for the store below`,
        limit: this.#maxFileBytes,
      })
    }
    this.#files.set(id, file)
    return id
  }
}

function objectKey(id: string): Key {
  return Key.of('objects', id.slice(0, 2), id.slice(2))
}

function corrupt(id: string, what: string): KvError {
  return new KvError('KV_CORRUPT', { message: `object ${id}: ${what}` })
}
