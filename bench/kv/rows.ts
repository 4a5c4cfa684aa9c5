import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises'
import { openDir } from '@fata/kv-dir'
import { openClassicLevel } from '@fata/kv-level/classic'
import { createMem } from '@fata/kv-mem'
import { openTarFile } from '@fata/kv-tar/file'
import { ClassicLevel } from 'classic-level'
import { bareEtcd, etcdStore } from './etcd.ts'
import { bareGit, gitStore } from './git.ts'
import { type Rates, type Row, type Subject, subjectOf, type Target } from './subject.ts'

const MAX_BATCH_COST = 1.5
const MIN_MEM_GETS = 1_000_000

/** One row for every store. */
export const rows: readonly Row[] = [
  {
    store: 'kv-mem',
    open: async () => subjectOf(createMem()),
    bare: 'Map, copying',
    openBare: async () => bareMap(),
    targets: [manyGets],
  },
  {
    store: 'kv-dir',
    open: async (place) => subjectOf(await openDir(place)),
    bare: 'node:fs, fsync and rename',
    openBare: (place) => bareFiles(place),
    targets: [cheapBatches],
  },
  {
    store: 'kv-level',
    open: async (place) => subjectOf(await openClassicLevel(place)),
    bare: 'classic-level, sync',
    openBare: (place) => bareLevel(place),
    targets: [cheapBatches],
  },
  {
    store: 'kv-etcd',
    open: (place) => etcdStore(place),
    bare: 'etcd gateway, fetch',
    openBare: (place) => bareEtcd(place),
    targets: [cheapBatches],
  },
  {
    store: 'kv-git',
    open: (place) => gitStore(place),
    bare: 'isomorphic-git, no fsync',
    openBare: (place) => bareGit(place),
    targets: [cheapBatches],
  },
  {
    store: 'kv-tar',
    open: async (place) => subjectOf(await openTarFile(`${place}/store.tar`, { create: true })),
    bare: 'node:fs, append, fdatasync',
    openBare: (place) => bareLog(place),
    targets: [],
  },
]

function cheapBatches(store: Rates, bare: Rates): Target {
  const cost = bare.batch / store.batch
  return {
    what: `a batch takes ${cost.toFixed(2)} times as long as bare, at most ${MAX_BATCH_COST}`,
    reached: cost <= MAX_BATCH_COST,
  }
}

function manyGets(store: Rates): Target {
  return {
    what: `${store.get.toFixed(0)} gets a second, at least ${MIN_MEM_GETS}`,
    reached: store.get >= MIN_MEM_GETS,
  }
}

function bareMap(): Subject {
  const map = new Map<string, Uint8Array>()
  return {
    get: async (name) => map.get(name)?.slice(),
    set: async (name, value) => map.set(name, value.slice()),
    batch: async (entries) => {
      for (const [name, value] of entries) map.set(name, value.slice())
    },
    list: async () => [...map.keys()].sort().length,
    close: async () => {},
  }
}

/** The least that survives a power loss: a new file, synced, in place of the old one. A batch is not atomic. */
async function bareFiles(place: string): Promise<Subject> {
  const dir = `${place}/d`
  await mkdir(dir)
  const sync = async (path: string): Promise<void> => {
    const handle = await open(path, 'r')
    await handle.sync()
    await handle.close()
  }
  const put = async (name: string, value: Uint8Array): Promise<void> => {
    const temporary = `${dir}/.${name}`
    const handle = await open(temporary, 'wx')
    await handle.writeFile(value)
    await handle.sync()
    await handle.close()
    await rename(temporary, `${dir}/${name}`)
  }
  return {
    get: (name) => readFile(`${dir}/${name}`),
    set: async (name, value) => {
      await put(name, value)
      await sync(dir)
    },
    batch: async (entries) => {
      for (const [name, value] of entries) await put(name, value)
      await sync(dir)
    },
    list: async () => (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isFile()).sort().length,
    close: async () => {},
  }
}

/** Values behind one another in a file, each write with one sync. A batch is not atomic. */
async function bareLog(place: string): Promise<Subject> {
  const handle = await open(`${place}/log`, 'w+')
  const places = new Map<string, readonly [offset: number, length: number]>()
  let end = 0
  const append = async (entries: ReadonlyArray<readonly [string, Uint8Array]>): Promise<void> => {
    await handle.write(Buffer.concat(entries.map(([, value]) => value)), 0, null, end)
    await handle.datasync()
    for (const [name, value] of entries) {
      places.set(name, [end, value.length])
      end += value.length
    }
  }
  return {
    get: async (name) => {
      const [offset, length] = places.get(name)!
      return (await handle.read(new Uint8Array(length), 0, length, offset)).buffer
    },
    set: (name, value) => append([[name, value]]),
    batch: append,
    list: async () => [...places.keys()].sort().length,
    close: () => handle.close(),
  }
}

async function bareLevel(place: string): Promise<Subject> {
  const db = new ClassicLevel<string, Uint8Array>(place, { valueEncoding: 'view' })
  await db.open()
  return {
    get: (name) => db.get(name),
    set: (name, value) => db.put(name, value, { sync: true }),
    batch: (entries) =>
      db.batch(
        entries.map(([key, value]) => ({ type: 'put', key, value })),
        { sync: true },
      ),
    list: async () => (await db.keys().all()).length,
    close: () => db.close(),
  }
}
