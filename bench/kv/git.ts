import * as fs from 'node:fs'
import { openDir } from '@fata/kv-dir'
import { openGit } from '@fata/kv-git'
import * as git from 'isomorphic-git'
import { type Subject, subjectOf } from './subject.ts'

export async function gitStore(place: string): Promise<Subject> {
  const dir = await openDir(place)
  const kv = await openGit(dir)
  return { ...subjectOf(kv), close: () => kv.disconnect().then(() => dir.disconnect()) }
}

/** A commit for every write, as the store makes them; nothing is synced, and a crash may leave half an object. */
export async function bareGit(place: string): Promise<Subject> {
  const repository = { fs, gitdir: place, cache: {} }
  const author = { name: 'bench', email: 'bench@localhost' }
  await git.init({ ...repository, bare: true, defaultBranch: 'main' })
  let tree = new Map<string, string>()
  const commit = async (entries: ReadonlyArray<readonly [string, Uint8Array]>): Promise<void> => {
    const next = new Map(tree)
    for (const [name, blob] of entries) next.set(name, await git.writeBlob({ ...repository, blob }))
    const files = [...next].map(([path, oid]) => ({ mode: '100644', path, oid, type: 'blob' as const }))
    const d = await git.writeTree({ ...repository, tree: files })
    const root = await git.writeTree({ ...repository, tree: [{ mode: '040000', path: 'd', oid: d, type: 'tree' }] })
    await git.commit({ ...repository, message: 'set', author, tree: root })
    tree = next
  }
  const head = () => git.resolveRef({ ...repository, ref: 'HEAD' })
  return {
    get: async (name) => git.readBlob({ ...repository, oid: await head(), filepath: `d/${name}` }),
    set: (name, value) => commit([[name, value]]),
    batch: (entries) => commit(entries),
    list: async () => (await git.readTree({ ...repository, oid: await head(), filepath: 'd' })).tree.length,
    close: async () => {},
  }
}
