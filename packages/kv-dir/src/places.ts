import type { Key, KvErrorCode } from '@fata/kv'
import type { Disk } from './disk.ts'
import { errno, isAbsent } from './errors.ts'
import type { DirFile } from './fs.ts'
import { isTemporary, temporaryName } from './names.ts'
import type { Tree } from './tree.ts'
import type { JournalSet } from './wire.ts'

const MAX_KNOWN = 16_384

/** A value in a temporary file beside its place, durable once synced. */
export interface Staged {
  readonly key: Key
  readonly temporary: string
  readonly target: string
  readonly file: DirFile
  /** Directories that have to be synced for the value to be found after a power loss, once it is in place. */
  readonly dirs: readonly string[]
}

/** The single changes of which commits are made. */
export class Places {
  readonly #disk: Disk
  readonly #tree: Tree
  readonly #pid: number
  readonly #onChange: (path: string) => void
  /** Directories whose names, and those above, are durable. One that is not in here may be there and yet be lost. */
  readonly #known = new Set<string>()
  #serial = 0

  /** `onChange` is told the path of every file that is replaced or removed. */
  constructor(disk: Disk, tree: Tree, pid: number, onChange: (path: string) => void) {
    this.#disk = disk
    this.#tree = tree
    this.#pid = pid
    this.#onChange = onChange
  }

  /** Writes the value beside its place, not yet durable. When it throws, nothing is left. */
  async stage({ key, value, lastModified }: JournalSet): Promise<Staged> {
    this.#disk.check()
    const dirs = this.#makeDirs(key.parent)
    const dir = this.#tree.path(key.parent)
    const temporary = `${dir === '/' ? '' : dir}/${temporaryName(this.#pid, this.#serial++)}`
    let file: DirFile | undefined
    try {
      file = this.#disk.fs.create(temporary)
      await this.#disk.writeAll(file, value, 0)
      file.setModified(lastModified)
      return { key, temporary, target: this.#tree.path(key), file, dirs }
    } catch (error) {
      // Somebody else removed a directory.
      if (errno(error) === 'ENOENT') this.#known.clear()
      file?.close()
      if (file) this.#disk.discard(temporary)
      this.#prune(key.parent)
      throw error
    }
  }

  unstage(staged: Iterable<Staged>): void {
    for (const { key, temporary } of staged) {
      this.#disk.discard(temporary)
      this.#prune(key.parent)
    }
  }

  /** Syncs and closes the files; closes all of them, whatever happens. Throws KvError with `code`. */
  async sync(staged: readonly Staged[], code: KvErrorCode): Promise<void> {
    const outcomes = await Promise.allSettled(
      staged.map(({ file }) => this.#disk.sync(file, code).finally(() => file.close())),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Makes the value visible, in place of a value or of nothing. */
  put({ key, temporary, target }: Staged): void {
    try {
      this.#disk.fs.rename(temporary, target)
    } catch (error) {
      if (errno(error) !== 'EISDIR') throw error
      this.#clear(key)
      this.#disk.fs.rename(temporary, target)
    }
    this.#onChange(target)
  }

  /** Removes the value, where there is one, and the directories that this leaves empty. The directory to be synced for it. */
  remove(key: Key): string {
    const path = this.#tree.path(key)
    try {
      // When a journal is applied again, the name may belong to a directory already.
      if (this.#disk.fs.stat(path, false).kind === 'file') this.#disk.fs.unlink(path)
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
    this.#onChange(path)
    return this.#tree.path(this.#prune(key.parent))
  }

  /** Makes the entries of the directories durable, as far as they still exist, and so the names above what was put. */
  async syncDirs(dirs: readonly string[], put: readonly Staged[]): Promise<void> {
    await this.#disk.syncDirs(
      [...new Set(dirs)].filter((dir) => this.#isDirectory(dir)),
      'KV_OUTCOME_UNKNOWN',
    )
    if (this.#known.size > MAX_KNOWN) this.#known.clear()
    for (const { key } of put) {
      for (let at = key.parent; at.segments.length > 0; at = at.parent) this.#known.add(this.#tree.path(at))
    }
  }

  /** Whether a directory is at the place, in which there is more than `removed` and what the store itself has left. */
  isTaken(key: Key, removed: ReadonlySet<string>): boolean {
    return this.#isDirectory(this.#tree.path(key)) && !this.#isClearable(key, removed)
  }

  #isClearable(key: Key, removed: ReadonlySet<string>): boolean {
    return this.#disk.fs.readdir(this.#tree.path(key)).every(({ name, kind }) => {
      if (isTemporary(name)) return true
      try {
        const child = key.child(name)
        return kind === 'directory' ? this.#isClearable(child, removed) : removed.has(child.toString())
      } catch {
        return false
      }
    })
  }

  /** Removes a directory that holds nothing but empty directories and forgotten temporary files. */
  #clear(key: Key): void {
    const { fs } = this.#disk
    const path = this.#tree.path(key)
    for (const { name, kind } of fs.readdir(path)) {
      if (kind === 'directory') this.#clear(key.child(name))
      else if (isTemporary(name)) fs.unlink(`${path}/${name}`)
    }
    fs.rmdir(path)
    this.#known.delete(path)
  }

  /** Makes the directory and those above. Which directories are to be synced for an entry in it to last. */
  #makeDirs(key: Key): string[] {
    const dirs = [this.#tree.path(key)]
    const missing: string[] = []
    for (let at = key; at.segments.length > 0 && !this.#known.has(this.#tree.path(at)); at = at.parent) {
      dirs.push(this.#tree.path(at.parent))
      missing.unshift(this.#tree.path(at))
    }
    for (const path of missing) this.#makeDir(path)
    return dirs
  }

  #makeDir(path: string): void {
    try {
      this.#disk.fs.mkdir(path)
    } catch (error) {
      if (errno(error) !== 'EEXIST' || !this.#isDirectory(path)) throw error
    }
  }

  /** Removes empty directories from here upwards; the lowest that is left. */
  #prune(key: Key): Key {
    let at = key
    while (at.segments.length > 0) {
      const path = this.#tree.path(at)
      if (!this.#disk.removeIfEmpty(path) && this.#isDirectory(path)) return at
      this.#known.delete(path)
      at = at.parent
    }
    return at
  }

  /** Also when the file system does not tell. */
  #isDirectory(path: string): boolean {
    try {
      return this.#disk.fs.stat(path, false).kind === 'directory'
    } catch (error) {
      return !isAbsent(error)
    }
  }
}
