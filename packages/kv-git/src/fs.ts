import { errorCode, Key, type KvOptions, type KvRo, type KvRw } from '@fata/kv'

/** A file system of promises, as isomorphic-git takes it. */
export interface StoreFs {
  readonly promises: {
    readFile(path: string, options?: string | { encoding?: string }): Promise<Uint8Array | string>
    writeFile(path: string, data: Uint8Array | string): Promise<void>
    unlink(path: string): Promise<void>
    readdir(path: string): Promise<string[]>
    mkdir(path: string): Promise<void>
    rmdir(path: string): Promise<void>
    stat(path: string): Promise<StoreStat>
    lstat(path: string): Promise<StoreStat>
    readlink(path: string): Promise<string>
    symlink(target: string, path: string): Promise<void>
  }
}

export interface StoreStat {
  readonly type: 'file' | 'dir'
  readonly mode: number
  readonly size: number
  readonly ino: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  readonly uid: number
  readonly gid: number
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}

/**
 * The store as a file system: every file is written whole and durably, which isomorphic-git by itself does not do. Directories
 * without files exist as long as the object. Fails with Node's codes where git asks whether something is there.
 */
export function createStoreFs(store: KvRo & Partial<KvRw>, options: KvOptions = {}): StoreFs {
  const made = new Set<string>()
  const writable = (): KvRw => {
    if (!store.set) throw failure('EROFS', 'the store is read-only')
    return store as KvRw
  }

  async function kindOf(path: string): Promise<'file' | 'dir'> {
    const key = Key.parse(path)
    const kind = await store.exists(key, options)
    if (kind === 'value') return 'file'
    if (kind === 'dictionary' || made.has(key.toString())) return 'dir'
    throw failure('ENOENT', path)
  }

  async function stat(path: string): Promise<StoreStat> {
    const type = await kindOf(path)
    const size = type === 'file' ? await store.size(path, options) : 0
    const mtimeMs = type === 'file' ? await store.lastModified(path, options) : 0
    return {
      ...{ type, size, mtimeMs, ctimeMs: mtimeMs, ino: 0, uid: 0, gid: 0 },
      mode: type === 'file' ? 0o100644 : 0o40000,
      isFile: () => type === 'file',
      isDirectory: () => type === 'dir',
      isSymbolicLink: () => false,
    }
  }

  return {
    promises: {
      async readFile(path, encoding) {
        const value = await store.get(path, options).catch((error: unknown) => {
          throw errorCode(error) === 'KV_VALUE_EXPECTED' ? failure('EISDIR', path) : error
        })
        if (!value) throw failure('ENOENT', path)
        const name = typeof encoding === 'string' ? encoding : encoding?.encoding
        return name === undefined ? value : new TextDecoder().decode(value)
      },
      async writeFile(path, data) {
        await writable().set(path, typeof data === 'string' ? new TextEncoder().encode(data) : data, options)
      },
      async unlink(path) {
        if ((await kindOf(path)) === 'dir') throw failure('EISDIR', path)
        await writable().remove(path, options)
      },
      async readdir(path) {
        if ((await kindOf(path)) === 'file') throw failure('ENOTDIR', path)
        if ((await store.exists(path, options)) === undefined) return []
        return (await store.list(path, options)).map(([key]) => key.basename)
      },
      async mkdir(path) {
        const key = Key.parse(path)
        if ((await store.exists(key, options)) !== undefined || made.has(key.toString())) throw failure('EEXIST', path)
        if (key.parent.segments.length > 0) await kindOf(key.parent.toString())
        made.add(key.toString())
      },
      async rmdir(path) {
        const key = Key.parse(path)
        if ((await store.exists(key, options)) !== undefined) throw failure('ENOTEMPTY', path)
        if (!made.delete(key.toString())) throw failure('ENOENT', path)
      },
      stat,
      lstat: stat,
      async readlink(path) {
        throw failure('EINVAL', path)
      },
      async symlink(_, path) {
        throw failure('EPERM', path)
      },
    },
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
