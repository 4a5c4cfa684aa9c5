import { type KvCapabilities, KvError, type KvOptions, type KvRo } from '@fata/kv'
import { decodeText } from './bytes.ts'
import { isId } from './commit.ts'
import { History } from './history.ts'
import { overheadOf } from './object.ts'
import { Objects } from './objects.ts'
import type { ResolvedOptions } from './options.ts'
import { Refs } from './refs.ts'

/** Git allows a tag of a tag; of so many, not more. */
const MAX_TAGS = 8

/** What all branches share. */
export class Repository<Store extends KvRo = KvRo> {
  readonly store: Store
  readonly options: ResolvedOptions
  readonly objects: Objects
  readonly refs: Refs
  readonly history: History
  readonly capabilities: KvCapabilities

  constructor(store: Store, options: ResolvedOptions) {
    this.store = store
    this.options = options
    this.objects = new Objects(store, options)
    this.refs = new Refs(store)
    this.history = new History(this.objects, options.maxCachedCommits)
    const below = store.capabilities
    this.capabilities = Object.freeze({
      durability: below.durability,
      digest: 'git-sha1',
      maxValueBytes: below.maxValueBytes - overheadOf(below.maxValueBytes),
      maxBatchOps: options.maxBatchOps,
      maxBatchBytes: options.maxBatchBytes,
      lastModifiedResolutionMs: 1000,
      appendOnly: false,
      keyNames: 'exact',
    })
  }

  /** The commit that the id, branch or tag names. Rejects with KvError KV_NOT_FOUND. */
  async resolve(name: string, options?: KvOptions): Promise<string> {
    if (typeof name !== 'string') throw new TypeError('a commit has a name')
    let id = isId(name) ? name : await this.refs.resolve(name, options)
    for (let depth = 0; id !== undefined && depth < MAX_TAGS; depth++) {
      const object = await this.objects.read(id, options)
      if (object?.type === 'commit') return id
      // An annotated tag begins with the object that it is for.
      id = object?.type === 'tag' ? /^object ([0-9a-f]{40})\n/.exec(decodeText(object.content) ?? '')?.[1] : undefined
    }
    throw new KvError('KV_NOT_FOUND', { message: `no such commit: ${JSON.stringify(name.slice(0, 100))}` })
  }
}
