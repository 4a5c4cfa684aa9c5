import type { DirEntry, DirFile, DirFs, DirStat } from '../src/fs.ts'

/** Whole numbers below n. */
export type Random = (n: number) => number

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000) * n)
  }
}

interface FileNode {
  readonly kind: 'file'
  readonly id: number
  data: Uint8Array
  /** What a power loss leaves for certain; undefined: never synced. */
  durable: Uint8Array | undefined
  modifiedMs: number
  version: number
}

interface DirectoryNode {
  readonly kind: 'directory'
  readonly id: number
  entries: Map<string, Node>
  durable: Map<string, Node>
  /** Changes of entries since the last sync; a power loss leaves some of them. */
  pending: Change[]
}

interface LinkNode {
  readonly kind: 'link'
  readonly id: number
}

type Node = FileNode | DirectoryNode | LinkNode
type Change = { readonly drop?: string; readonly put?: readonly [string, Node] }

let ids = 0

/** A disk with what is on it and what the kernel still holds back. */
export class SimDisk {
  root: DirectoryNode = { kind: 'directory', id: ++ids, entries: new Map(), durable: new Map(), pending: [] }

  /** The process dies, the kernel lives on. */
  kill(): SimDisk {
    const disk = new SimDisk()
    disk.root = copyDirectory(this.root)
    return disk
  }

  /** The power fails: each directory keeps a prefix of its changes, or any of them; each unsynced file some of its bytes. */
  powerLoss(random: Random): SimDisk {
    const disk = new SimDisk()
    disk.root = survivingDirectory(this.root, random)
    return disk
  }
}

function copyDirectory(from: DirectoryNode): DirectoryNode {
  const copies = new Map<Node, Node>()
  const copy = (node: Node): Node => {
    const done = copies.get(node)
    if (done) return done
    if (node.kind === 'link') return node
    if (node.kind === 'file') {
      const file = { ...node }
      copies.set(node, file)
      return file
    }
    const made: DirectoryNode = { ...node, entries: new Map(), durable: new Map(), pending: [] }
    copies.set(node, made)
    for (const [name, child] of node.entries) made.entries.set(name, copy(child))
    for (const [name, child] of node.durable) made.durable.set(name, copy(child))
    made.pending = node.pending.map(({ drop, put }) => ({
      ...(drop === undefined ? {} : { drop }),
      ...(put ? { put: [put[0], copy(put[1])] as const } : {}),
    }))
    return made
  }
  return copy(from) as DirectoryNode
}

function survivingDirectory(from: DirectoryNode, random: Random): DirectoryNode {
  const kept = new Map(from.durable)
  const upTo = random(from.pending.length + 1)
  const survives = random(2) === 0 ? (i: number) => i < upTo : () => random(2) === 0
  for (const [i, { drop, put }] of from.pending.entries()) {
    if (!survives(i)) continue
    if (drop !== undefined) kept.delete(drop)
    if (put) kept.set(...put)
  }
  const entries = new Map([...kept].map(([name, node]) => [name, survivingNode(node, random)]))
  return { kind: 'directory', id: ++ids, entries, durable: new Map(entries), pending: [] }
}

function survivingNode(node: Node, random: Random): Node {
  if (node.kind === 'link') return node
  if (node.kind === 'directory') return survivingDirectory(node, random)
  const data = node.durable === node.data ? node.data : survivingData(node, random)
  return { ...node, id: ++ids, data, durable: data }
}

/** Old, new, nothing, or the new length with zeros where the end was not written. */
function survivingData({ data, durable }: FileNode, random: Random): Uint8Array {
  const which = random(4)
  if (which === 0) return durable ?? new Uint8Array(0)
  if (which === 1) return data
  if (which === 2) return new Uint8Array(0)
  const torn = new Uint8Array(data.length)
  torn.set(data.subarray(0, random(data.length + 1)))
  return torn
}

export interface SimOptions {
  /** Called before everything that changes something. Returns the code of the error with which it is to fail. */
  readonly onCall?: (call: SimCall) => string | undefined
  /** Names are one without case and normalisation. */
  readonly folding?: boolean
}

export interface SimCall {
  readonly name: 'mkdir' | 'rmdir' | 'unlink' | 'rename' | 'create' | 'write' | 'sync' | 'syncDir'
  readonly path: string
  /** For syncs: what it is that becomes durable. */
  readonly label?: string
}

/** The code by which a sync does nothing and says that it did, and a write writes one byte. */
export const LIE = 'LIE'

/** The file system of one process on a disk. */
export function createSimFs(disk: SimDisk, options: SimOptions = {}): DirFs {
  const spell = (name: string) => (options.folding ? name.normalize('NFC').toLowerCase() : name)
  const actual = (directory: DirectoryNode, name: string): string => {
    if (!options.folding || directory.entries.has(name)) return name
    for (const there of directory.entries.keys()) if (spell(there) === spell(name)) return there
    return name
  }
  const lookUp = (path: string): Node => {
    let node: Node = disk.root
    for (const name of path.split('/').filter(Boolean)) {
      if (node.kind !== 'directory') throw failure('ENOTDIR', path)
      const next: Node | undefined = node.entries.get(actual(node, name))
      if (!next) throw failure('ENOENT', path)
      node = next
    }
    return node
  }
  const place = (path: string): { directory: DirectoryNode; name: string; node: Node | undefined } => {
    const cut = path.lastIndexOf('/')
    const directory = lookUp(path.slice(0, cut))
    if (directory.kind !== 'directory') throw failure('ENOTDIR', path)
    const name = actual(directory, path.slice(cut + 1))
    return { directory, name, node: directory.entries.get(name) }
  }
  const asDirectory = (path: string): DirectoryNode => {
    const node = lookUp(path)
    if (node.kind !== 'directory') throw failure('ENOTDIR', path)
    return node
  }
  /** Whether it is to be done; throws what it is to fail with. */
  const call = (name: SimCall['name'], path: string, label?: string): boolean => {
    const code = options.onCall?.(label === undefined ? { name, path } : { name, path, label })
    if (code === LIE) return false
    if (code) throw failure(code, path)
    return true
  }
  const change = (directory: DirectoryNode, made: Change): void => {
    if (made.drop !== undefined) directory.entries.delete(made.drop)
    if (made.put) directory.entries.set(...made.put)
    directory.pending.push(made)
  }
  return {
    realpath(path) {
      lookUp(path)
      return path
    },
    stat: (path) => toStat(lookUp(path)),
    readdir: (path) => [...asDirectory(path).entries].map(([name, { kind }]): DirEntry => ({ name, kind })),
    mkdir(path) {
      call('mkdir', path)
      const { directory, name, node } = place(path)
      if (node) throw failure('EEXIST', path)
      const made: DirectoryNode = { kind: 'directory', id: ++ids, entries: new Map(), durable: new Map(), pending: [] }
      change(directory, { put: [name, made] })
    },
    rmdir(path) {
      call('rmdir', path)
      const { directory, name, node } = place(path)
      if (!node) throw failure('ENOENT', path)
      if (node.kind !== 'directory') throw failure('ENOTDIR', path)
      if (node.entries.size > 0) throw failure('ENOTEMPTY', path)
      change(directory, { drop: name })
    },
    unlink(path) {
      call('unlink', path)
      const { directory, name, node } = place(path)
      if (!node) throw failure('ENOENT', path)
      if (node.kind === 'directory') throw failure('EISDIR', path)
      change(directory, { drop: name })
    },
    rename(from, to) {
      call('rename', to)
      const source = place(from)
      const target = place(to)
      if (!source.node) throw failure('ENOENT', from)
      if (target.node?.kind === 'directory') throw failure('EISDIR', to)
      if (source.directory !== target.directory) throw new Error('a rename across directories is not atomic')
      change(source.directory, { drop: source.name, put: [target.name, source.node] })
    },
    open(path) {
      const node = lookUp(path)
      if (node.kind === 'link') throw failure('ELOOP', path)
      return simFile(node, path, call)
    },
    create(path) {
      call('create', path)
      const { directory, name, node } = place(path)
      if (node) throw failure('EEXIST', path)
      const made: FileNode = {
        kind: 'file',
        id: ++ids,
        data: new Uint8Array(0),
        durable: undefined,
        modifiedMs: 0,
        version: 0,
      }
      change(directory, { put: [name, made] })
      return simFile(made, path, call)
    },
    async syncDir(path) {
      const directory = asDirectory(path)
      if (!call('syncDir', path, dirLabel(path, directory))) return
      directory.durable = new Map(directory.entries)
      directory.pending = []
    },
  }
}

function simFile(
  node: FileNode | DirectoryNode,
  path: string,
  call: (name: 'write' | 'sync', path: string, label?: string) => boolean,
): DirFile {
  const file = (): FileNode => {
    if (node.kind !== 'file') throw failure('EISDIR', path)
    return node
  }
  const readNow = (into: Uint8Array, position: number): number => {
    const part = file().data.subarray(position, position + into.length)
    into.set(part)
    return part.length
  }
  const writeNow = (bytes: Uint8Array, position: number): number => {
    if (!call('write', path)) return Math.min(1, bytes.length)
    const data = new Uint8Array(Math.max(file().data.length, position + bytes.length))
    data.set(file().data)
    data.set(bytes, position)
    file().data = data
    file().version++
    return bytes.length
  }
  return {
    stat: () => toStat(node),
    readNow,
    read: async (into, position) => readNow(into, position),
    writeNow,
    write: async (bytes, position) => writeNow(bytes, position),
    setModified(ms) {
      file().modifiedMs = ms
    },
    async sync() {
      const label = file().durable === file().data ? 'file: nothing' : `file: ${ownName(path)}`
      if (call('sync', path, label)) file().durable = file().data
    },
    close() {},
  }
}

function toStat(node: Node): DirStat {
  const file = node.kind === 'file' ? node : undefined
  return {
    kind: node.kind,
    device: '1',
    inode: String(node.id),
    size: file?.data.length ?? 0,
    modifiedMs: file?.modifiedMs ?? 0,
    identity: `${node.id}:${file?.version}`,
    settled: true,
  }
}

/** What the directory has gained or lost since its last sync: the weightiest of it. */
function dirLabel(path: string, directory: DirectoryNode): string {
  const where = path.endsWith('/.kv') ? 'own' : 'dir'
  const what = directory.pending.map(({ drop, put }) => {
    if (put) return `+${put[1].kind === 'directory' ? 'directory' : ownName(put[0])}`
    return ownName(drop!) === 'value' ? '+value' : `-${ownName(drop!)}`
  })
  const weighty = ['-journal', '+journal', '+open', '+value', '+directory']
  return `${where}: ${weighty.find((one) => what.includes(one)) ?? 'nothing'}`
}

function ownName(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  if (name.startsWith('.kv~')) return 'temporary'
  if (name.startsWith('probe')) return 'probe'
  return path.includes('/.kv/') || ['journal', 'open', '.kv'].includes(name) ? name : 'value'
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
