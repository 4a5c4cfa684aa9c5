import type { Disk } from './disk.ts'
import { errno, ioError, isAbsent } from './errors.ts'
import { isTemporary, OWN } from './names.ts'

/** The file that is there while a writer is: when it is found, the last one did not come to its end. */
const MARKER = 'open'

/** Makes the store's own directory, and what is in it, durable. */
export async function prepareOwn(disk: Disk, root: string, own: string): Promise<void> {
  try {
    disk.fs.mkdir(own)
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
  }
  if (disk.fs.stat(own, false).kind !== 'directory') throw ioError(`${OWN} is not a directory`)
  await disk.syncDirs([own, root], 'KV_IO')
}

/** Puts the marker. Whether it was there already. */
export async function putMarker(disk: Disk, own: string): Promise<boolean> {
  try {
    disk.fs.create(`${own}/${MARKER}`).close()
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
    return true
  }
  await disk.syncDirs([own], 'KV_IO')
  return false
}

/** Removes the marker, unless the next opening has something to look for. */
export function takeMarker(disk: Disk, own: string): void {
  if (!disk.failed && !disk.untidy) disk.discard(`${own}/${MARKER}`)
}

/**
 * After a writer that did not come to its end: removes its temporary files, and makes what it left visible durable, lest
 * it be read, built upon, and lost.
 */
export async function sweep(disk: Disk, path: string): Promise<void> {
  let entries: ReturnType<Disk['fs']['readdir']>
  try {
    entries = disk.fs.readdir(path)
  } catch (error) {
    if (isAbsent(error) || errno(error) === 'EACCES') return
    throw error
  }
  const base = path === '/' ? '' : path
  for (const { name, kind } of entries) {
    if (kind === 'file' && isTemporary(name)) disk.fs.unlink(`${base}/${name}`)
    if (kind === 'directory' && name !== OWN) await sweep(disk, `${base}/${name}`)
  }
  await disk.syncDirs([path], 'KV_IO')
}

/** Whether the file system takes names that differ in case or Unicode normalisation for one. */
export function isFolding(disk: Disk, own: string): boolean {
  return folds(disk, `${own}/probe~a`, `${own}/probe~A`) || folds(disk, `${own}/probe~\u00e9`, `${own}/probe~e\u0301`)
}

function folds(disk: Disk, name: string, other: string): boolean {
  try {
    disk.fs.create(name).close()
  } catch (error) {
    if (errno(error) !== 'EEXIST') throw error
  }
  try {
    disk.fs.stat(other, false)
    return true
  } catch (error) {
    if (!isAbsent(error)) throw error
    return false
  } finally {
    disk.fs.unlink(name)
  }
}
