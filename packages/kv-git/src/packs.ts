import type { KvOptions, KvRo } from '@fata/kv'
import { createStoreFs } from './fs.ts'
import type { GitObject } from './object.ts'

/** Where isomorphic-git sees the root of the store. */
export const GIT_DIR = '/'

/**
 * Objects in packs, as git and fetching make them, read by isomorphic-git, which is loaded when the first is asked for. It holds
 * the packs in memory.
 */
export class Packs {
  readonly #store: KvRo
  #cache: object = {}
  #known = ''

  constructor(store: KvRo) {
    this.#store = store
  }

  /** Undefined when no pack has it. */
  async read(id: string, options: KvOptions): Promise<GitObject | undefined> {
    const names = await this.#names(options)
    if (names === '') return undefined
    if (names !== this.#known) {
      this.#known = names
      this.#cache = {}
    }
    const { readObject } = await import('isomorphic-git')
    const fs = createStoreFs(this.#store, options)
    try {
      const found = await readObject({ fs, gitdir: GIT_DIR, oid: id, format: 'content', cache: this.#cache })
      return { type: found.type as GitObject['type'], content: new Uint8Array(found.object as Uint8Array) }
    } catch (error) {
      if ((error as { code?: unknown }).code === 'NotFoundError') return undefined
      throw error
    }
  }

  async #names(options: KvOptions): Promise<string> {
    if ((await this.#store.exists('/objects/pack', options)) !== 'dictionary') return ''
    const names = (await this.#store.list('/objects/pack', options)).map(([key]) => key.basename)
    return names.filter((name) => name.endsWith('.idx')).join()
  }
}
