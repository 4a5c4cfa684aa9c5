import { digestOf, errorCode, Key, type KvCheck, KvError, type KvOp, type KvOptions, type KvRo } from '@fata/kv'
import { decodeText, encodeText } from './bytes.ts'
import { isId } from './commit.ts'

/** What git allows one symbolic name to lead to another. */
const MAX_DEPTH = 5
const HEAD_FORM = /^ref: (\S.*)$/
const CONFIG = '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n'

/** Where a name leads. */
export interface Ref {
  /** Of the file that holds the id, or would. */
  readonly name: string
  /** Undefined: there is no commit yet. */
  readonly id: string | undefined
  /** As it was found, for the check when it is changed; null when it has no file. */
  readonly file: Uint8Array | null
}

/** Names of commits, in files and in `packed-refs`. */
export class Refs {
  readonly #store: KvRo

  constructor(store: KvRo) {
    this.#store = store
  }

  /** Of a full name such as `refs/heads/main`. Rejects with KvError KV_CORRUPT. */
  async read(name: string, options?: KvOptions): Promise<Ref> {
    let at = name
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const file = await this.#file(at, options)
      if (!file) return { name: at, id: await this.#packed(at, options), file: null }
      const text = decodeText(file)?.trim() ?? ''
      if (isId(text)) return { name: at, id: text, file }
      const next = HEAD_FORM.exec(text)?.[1]
      if (!next) break
      at = next
    }
    throw new KvError('KV_CORRUPT', { message: `${name} leads to no commit` })
  }

  /** The name of the branch that `HEAD` is at; undefined without `HEAD`, null where it names a commit itself. */
  async head(options?: KvOptions): Promise<string | null | undefined> {
    const file = await this.#file('HEAD', options)
    if (!file) return undefined
    const name = HEAD_FORM.exec(decodeText(file)?.trim() ?? '')?.[1]
    return name?.startsWith('refs/heads/') ? name.slice('refs/heads/'.length) : null
  }

  /** Full names below the prefix, in order. */
  async list(prefix: string, options?: KvOptions): Promise<string[]> {
    const names = new Set((await this.#packedRefs(options)).keys())
    for await (const name of this.#files(Key.parse(prefix), options)) names.add(name)
    return [...names].filter((name) => name.startsWith(`${prefix}/`)).sort()
  }

  /** The first of the names that git would try for a short one that is there. */
  async resolve(short: string, options?: KvOptions): Promise<string | undefined> {
    for (const prefix of ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/']) {
      if (prefix === '' && !/^(refs\/|HEAD$|FETCH_HEAD$)/.test(short)) continue
      const { id } = await this.read(prefix + short, options)
      if (id !== undefined) return id
    }
    return undefined
  }

  /** A change of the ref, and what must hold. */
  update({ name, file }: Ref, id: string, digest: 'sha256' | 'git-sha1'): { op: KvOp; check: KvCheck } {
    const key = Key.parse(name)
    return {
      op: { op: 'set', key, value: encodeText(`${id}\n`) },
      check: { key, digest: file && digestOf(digest, file) },
    }
  }

  async #file(name: string, options?: KvOptions): Promise<Uint8Array | undefined> {
    return this.#store.get(name, options).catch((error: unknown) => {
      // A name may lead to others: refs/heads/a and refs/heads/a/b.
      if (errorCode(error) === 'KV_VALUE_EXPECTED') return undefined
      throw error
    })
  }

  async *#files(key: Key, options?: KvOptions): AsyncGenerator<string> {
    if ((await this.#store.exists(key, options)) !== 'dictionary') return
    for (const [child, kind] of await this.#store.list(key, options)) {
      if (kind === 'dictionary') yield* this.#files(child, options)
      else yield child.segments.join('/')
    }
  }

  async #packed(name: string, options?: KvOptions): Promise<string | undefined> {
    return (await this.#packedRefs(options)).get(name)
  }

  /** Lines of `id name`; those that begin with `#` or `^` say something about them. */
  async #packedRefs(options?: KvOptions): Promise<ReadonlyMap<string, string>> {
    const refs = new Map<string, string>()
    const file = await this.#file('packed-refs', options)
    for (const line of (file && decodeText(file))?.split('\n') ?? []) {
      const [id = '', name] = line.split(' ')
      if (isId(id) && name) refs.set(name, id)
    }
    return refs
  }
}

/** What makes a store a bare repository in which git finds the branch. */
export function initialOps(branch: string): KvOp[] {
  return [
    { op: 'set', key: '/HEAD', value: encodeText(`ref: refs/heads/${branch}\n`) },
    { op: 'set', key: '/config', value: encodeText(CONFIG) },
  ]
}

/** Throws KvError KV_NOT_SUPPORTED for a repository with ids or refs of another form. */
export async function checkFormat(store: KvRo, options?: KvOptions): Promise<void> {
  if ((await store.exists('/config', options)) !== 'value') return
  const config = decodeText((await store.get('/config', options)) ?? new Uint8Array(0)) ?? ''
  const [found] = /^\s*(objectformat\s*=\s*(?!sha1\b)\S+|refstorage\s*=\s*(?!files\b)\S+)/im.exec(config) ?? []
  if (found) throw new KvError('KV_NOT_SUPPORTED', { message: `a repository with ${found.trim()}` })
}
