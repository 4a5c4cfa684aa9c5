import { dirname, resolve } from 'node:path'
import { type KvBatch, KvError, type KvRo } from '@fata/kv'
import { type Lock, systemLock } from '@fata/kv/lock'
import { Committer } from './commit.ts'
import { DigestCache } from './digests.ts'
import { Dir } from './dir.ts'
import { Disk } from './disk.ts'
import { isAbsent, toKvError } from './errors.ts'
import type { DirFs } from './fs.ts'
import { Journal } from './journal.ts'
import { basePath, OWN } from './names.ts'
import { nodeFs } from './node-fs.ts'
import { type DirOptions, type DirReadOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { Places } from './places.ts'
import { Reader } from './reader.ts'
import { isFolding, prepareOwn, putMarker, sweep, takeMarker } from './recover.ts'
import { Tree } from './tree.ts'

/** What a store needs of the machine. */
export interface DirHost {
  readonly fs: DirFs
  readonly lock: Lock
  readonly pid: number
  readonly windows: boolean
}

const systemHost: DirHost = {
  fs: nodeFs,
  lock: systemLock,
  pid: process.pid,
  windows: process.platform === 'win32',
}

/**
 * Opens a directory as a store, the only one to write in it. First finishes, or undoes, what an earlier writer was about to
 * do when it crashed. Keeps a directory `.kv` of its own in it. Rejects with KvError KV_LOCKED, KV_IO, KV_NO_SPACE,
 * KV_NOT_SUPPORTED (Windows has no way to make directories durable), TypeError, RangeError.
 */
export function openDir(path: string, options: DirOptions = {}): Promise<KvBatch> {
  return openDirOn(systemHost, path, options)
}

/**
 * Opens any directory to read it: writes nothing into it, takes no lock. What another process changes shows at once; a batch
 * of another process may show in part. Rejects with KvError KV_IO, TypeError, RangeError.
 */
export function openDirReadOnly(path: string, options: DirReadOptions = {}): Promise<KvRo> {
  return openDirReadOnlyOn(systemHost, path, options)
}

export async function openDirOn(host: DirHost, path: string, options: DirOptions): Promise<KvBatch> {
  const resolved = resolveOptions(options)
  if (host.windows) throw new KvError('KV_NOT_SUPPORTED', { message: 'Windows cannot make a directory durable' })
  const disk = new Disk(host.fs)
  try {
    if (resolved.create) await makeRoot(disk, path)
    const root = realRoot(host.fs, path)
    const own = `${basePath(root)}/${OWN}`
    const { device, inode } = host.fs.stat(root, true)
    const release = await host.lock({ name: `kv-dir:${device}:${inode}`, directory: own, prefix: 'lock' })
    try {
      return await recovered(host, disk, root, own, resolved, release)
    } catch (error) {
      await release()
      throw error
    }
  } catch (error) {
    throw toKvError(error)
  }
}

async function recovered(
  host: DirHost,
  disk: Disk,
  root: string,
  own: string,
  options: ResolvedOptions,
  release: () => Promise<void>,
): Promise<KvBatch> {
  await prepareOwn(disk, root, own)
  const journal = new Journal(disk, own)
  const record = await journal.recover()
  if (await putMarker(disk, own)) await sweep(disk, root)
  const folding = isFolding(disk, own)
  const tree = new Tree(host.fs, root, { followSymlinks: false, folding, windows: false })
  const digests = new DigestCache(options.maxDigests)
  const places = new Places(disk, tree, host.pid, (path) => digests.delete(path))
  const committer = new Committer(disk, places, journal)
  if (record) await committer.replay(record)
  const onClosed = async (): Promise<void> => {
    takeMarker(disk, own)
    await release().catch(() => undefined)
  }
  return new Dir({ disk, tree, digests, committer, folding, onClosed }, options)
}

export async function openDirReadOnlyOn(host: DirHost, path: string, options: DirReadOptions): Promise<KvRo> {
  const resolved = resolveOptions(options)
  const { followSymlinks, maxValueBytes, maxDigests } = resolved
  try {
    const root = realRoot(host.fs, path)
    const folding = seemsFolding(host.fs, root)
    const tree = new Tree(host.fs, root, { followSymlinks, folding, windows: host.windows })
    const capabilities = Object.freeze({
      durability: 'none',
      digest: 'sha256',
      maxValueBytes,
      maxBatchOps: 0,
      maxBatchBytes: 0,
      lastModifiedResolutionMs: 1,
      appendOnly: false,
      keyNames: folding ? 'folding' : 'exact',
    } as const)
    return new Reader(capabilities, tree, new DigestCache(maxDigests))
  } catch (error) {
    throw toKvError(error)
  }
}

/** Throws the system's error unless there is a directory that can be read. */
function realRoot(fs: DirFs, path: string): string {
  if (typeof path !== 'string') throw new TypeError('a path is a string')
  if (path === '')
    throw new KvError('KV_IO', { message: 'the path is empty', cause: new TypeError('the path is empty') })
  const root = fs.realpath(resolve(path))
  fs.readdir(root)
  return root
}

/** Makes the directory and those above it, durably. */
async function makeRoot(disk: Disk, path: string): Promise<void> {
  if (typeof path !== 'string' || path === '') return
  const missing: string[] = []
  for (let at = resolve(path); isMissing(disk.fs, at); at = dirname(at)) missing.unshift(at)
  for (const dir of missing) disk.fs.mkdir(dir)
  await disk.syncDirs(missing.map(dirname), 'KV_IO')
}

function isMissing(fs: DirFs, path: string): boolean {
  try {
    fs.stat(path, true)
    return false
  } catch (error) {
    return isAbsent(error)
  }
}

/** Asks by a name that is there, in the other case: nothing may be written to find out. */
function seemsFolding(fs: DirFs, root: string): boolean {
  const names = new Set(fs.readdir(root).map(({ name }) => name))
  for (const name of names) {
    const lower = name.toLowerCase()
    const other = lower === name ? name.toUpperCase() : lower
    if (other !== name && !names.has(other)) return !isMissing(fs, `${basePath(root)}/${other}`)
  }
  return false
}
