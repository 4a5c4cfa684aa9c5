import { compareSegments, Key, KvError, type KvKind, type KvListOptions } from '@fata/kv'
import { errno, ioError, isAbsent, toKvError } from './errors.ts'
import type { DirEntry, DirFile, DirFs, DirStat } from './fs.ts'
import { basePath, entryKey, isReserved, isWindowsName, pathOf } from './names.ts'

export interface TreeOptions {
  readonly followSymlinks: boolean
  /** Names that differ in case or normalisation only are one to the file system. */
  readonly folding: boolean
  readonly windows: boolean
}

/** What is bound to a key: a value, or a directory with a value somewhere below. */
export interface Found {
  readonly kind: KvKind
  readonly stat: DirStat
}

/** Answers from the directory as it is. A directory without values below is nothing; links and devices are KV_IO. */
export class Tree {
  readonly #fs: DirFs
  readonly #base: string
  readonly #options: TreeOptions

  constructor(fs: DirFs, realpath: string, options: TreeOptions) {
    this.#fs = fs
    this.#base = basePath(realpath)
    this.#options = options
  }

  path(key: Key): string {
    return pathOf(this.#base, key)
  }

  find(key: Key): Found | undefined {
    const stat = this.#walk(key)
    if (stat?.kind === 'file') return { kind: 'value', stat }
    if (stat?.kind !== 'directory') return undefined
    return key.segments.length === 0 || this.#holdsValue(key) ? { kind: 'dictionary', stat } : undefined
  }

  /** The open file of a value, to be closed by the caller; undefined when nothing is bound to the key. */
  open(key: Key): { file: DirFile; stat: DirStat } | undefined {
    const found = this.find(key)
    if (found?.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    if (!found) return undefined
    const file = this.#attempt(key, () => this.#fs.open(this.path(key), this.#options.followSymlinks))
    if (!file) return undefined
    try {
      const stat = file.stat()
      if (stat.kind !== 'file') throw ioError('not a file any more', key)
      return { file, stat }
    } catch (error) {
      file.close()
      throw toKvError(error, key)
    }
  }

  /** A page of a dictionary; undefined when nothing is bound to the key. */
  list(key: Key, { after, limit = Number.POSITIVE_INFINITY }: KvListOptions = {}): Array<[Key, KvKind]> | undefined {
    const stat = this.#walk(key)
    if (stat?.kind === 'file') throw new KvError('KV_DICTIONARY_EXPECTED', { key })
    if (stat?.kind !== 'directory') return undefined
    const names = this.#entries(key).filter(({ name }) => after === undefined || compareSegments(name, after) > 0)
    names.sort((a, b) => compareSegments(a.name, b.name))
    const page: Array<[Key, KvKind]> = []
    for (const { child, kind } of names) {
      if (page.length >= limit) break
      if (kind === 'file') page.push([child, 'value'])
      else if (this.#holdsValue(child)) page.push([child, 'dictionary'])
    }
    const exists = page.length > 0 || key.segments.length === 0 || this.#holdsValue(key)
    return exists ? page : undefined
  }

  /** The keys of all values at and below the key. */
  values(key: Key): Key[] {
    const found = this.find(key)
    if (found?.kind !== 'dictionary') return found ? [key] : []
    return this.#entries(key).flatMap(({ child, kind }) => (kind === 'file' ? [child] : this.values(child)))
  }

  /** Throws KvError KV_KEY_INVALID when the file system has the name, or one above it, in another spelling. */
  refuseAlias(key: Key): void {
    if (!this.#options.folding) return
    let at = Key.root
    for (const segment of key.segments) {
      const child = at.child(segment)
      if (!this.#stat(child)) return
      if (!this.#isSpelled(at, segment)) {
        throw new KvError('KV_KEY_INVALID', { message: 'the name exists in another spelling', key })
      }
      at = child
    }
  }

  /** What is at the path of the key, if every directory above is one; undefined for nothing. */
  #walk(key: Key): DirStat | undefined {
    if (key.segments.length === 0) return this.#stat(key)
    if (this.#isHidden(key)) return undefined
    let above = Key.root
    for (const [depth, segment] of key.segments.entries()) {
      if (this.#options.folding && !this.#isSpelled(above, segment)) return undefined
      const at = above.child(segment)
      const stat = this.#stat(at)
      if (stat && stat.kind !== 'file' && stat.kind !== 'directory') throw ioError(`a ${stat.kind} is in the way`, key)
      if (depth === key.segments.length - 1) return stat
      if (stat?.kind !== 'directory') return undefined
      above = at
    }
    return undefined
  }

  #isHidden(key: Key): boolean {
    return key.segments.some((segment) => isReserved(segment) || (this.#options.windows && isWindowsName(segment)))
  }

  #isSpelled(directory: Key, name: string): boolean {
    return this.#readdir(directory).some((entry) => entry.name === name)
  }

  /** A directory that may not be read counts as a dictionary: nothing is to be put in its place. */
  #holdsValue(directory: Key): boolean {
    try {
      const entries = this.#entries(directory)
      return entries.some(({ kind }) => kind === 'file') || entries.some(({ child }) => this.#holdsValue(child))
    } catch (error) {
      if (errno((error as KvError).cause) === 'EACCES') return true
      throw error
    }
  }

  /** The files and directories that a key can name. */
  #entries(directory: Key): Array<{ name: string; child: Key; kind: 'file' | 'directory' }> {
    const found = []
    for (const entry of this.#readdir(directory)) {
      const child = entryKey(directory, entry.name)
      if (!child || (this.#options.windows && isWindowsName(entry.name))) continue
      const kind = this.#kind(child, entry)
      if (kind === 'file' || kind === 'directory') found.push({ name: entry.name, child, kind })
    }
    return found
  }

  #kind(child: Key, entry: DirEntry): DirEntry['kind'] | undefined {
    if (entry.kind === 'link') return this.#options.followSymlinks ? this.#kindOfTarget(child) : undefined
    // Names that are not UTF-8 come with replacement characters, by which nothing can be opened.
    return entry.name.includes('\ufffd') ? this.#stat(child)?.kind : entry.kind
  }

  /** Of a link's target; undefined where there is none, and where it is a directory that leads back here. */
  #kindOfTarget(link: Key): DirEntry['kind'] | undefined {
    const node = (stat: DirStat | undefined) => stat && `${stat.device}:${stat.inode}`
    try {
      const target = this.#stat(link)
      if (target?.kind !== 'directory') return target?.kind
      for (let above = link.parent; ; above = above.parent) {
        if (node(this.#stat(above)) === node(target)) return undefined
        if (above.segments.length === 0) return 'directory'
      }
    } catch {
      return undefined
    }
  }

  #readdir(directory: Key): DirEntry[] {
    return this.#attempt(directory, () => this.#fs.readdir(this.path(directory))) ?? []
  }

  #stat(key: Key): DirStat | undefined {
    return this.#attempt(key, () => this.#fs.stat(this.path(key), this.#options.followSymlinks))
  }

  #attempt<T>(key: Key, call: () => T): T | undefined {
    try {
      return call()
    } catch (error) {
      if (isAbsent(error)) return undefined
      if (errno(error) === 'ELOOP') throw ioError('a link is in the way', key, error)
      throw toKvError(error, key)
    }
  }
}
