import { setImmediate } from 'node:timers/promises'
import {
  checkRange,
  type Key,
  type KeyLike,
  type KvCapabilities,
  KvError,
  type KvKind,
  type KvListOptions,
  type KvOptions,
  type KvRo,
  toKey,
} from '@fata/kv'
import type { DigestCache } from './digests.ts'
import { toKvError } from './errors.ts'
import type { DirFile, DirStat } from './fs.ts'
import { hashFile, readRange } from './read.ts'
import type { Found, Tree } from './tree.ts'

/** So many reads may be answered in one turn of the event loop, then I/O gets its turn. */
const READS_PER_TURN = 64

/** Reads a directory. What it asks of the file system it asks within one call, so that no batch comes in between. */
export class Reader implements KvRo {
  readonly capabilities: KvCapabilities
  protected readonly tree: Tree
  protected readonly digests: DigestCache
  protected closed = false
  #reads = 0

  constructor(capabilities: KvCapabilities, tree: Tree, digests: DigestCache) {
    this.capabilities = capabilities
    this.tree = tree
    this.digests = digests
  }

  exists(key: KeyLike, options?: KvOptions): Promise<KvKind | undefined> {
    return this.read(key, options, (parsed) => this.tree.find(parsed)?.kind)
  }

  get(key: KeyLike, options?: KvOptions): Promise<Uint8Array | undefined> {
    return this.read(key, options, (parsed) => this.readValue(parsed, options?.signal))
  }

  getPartial(key: KeyLike, offset: number, length: number, options?: KvOptions): Promise<Uint8Array | undefined> {
    return this.read(key, options, (parsed) => {
      checkRange('offset', offset, parsed)
      checkRange('length', length, parsed)
      return this.#withFile(parsed, (file, { size }) => {
        const there = Math.max(0, Math.min(length, size - offset))
        this.#refuseLarge(there, parsed)
        return readRange(file, offset, there, options?.signal)
      })
    })
  }

  list(key: KeyLike, options?: KvListOptions): Promise<Array<[Key, KvKind]>> {
    return this.read(key, options, (parsed) => {
      if (options?.limit !== undefined) checkRange('limit', options.limit, parsed)
      const page = this.tree.list(parsed, options)
      if (!page) throw new KvError('KV_NOT_FOUND', { key: parsed })
      return page
    })
  }

  size(key: KeyLike, options?: KvOptions): Promise<number> {
    return this.read(key, options, (parsed) => this.#value(parsed).stat.size)
  }

  lastModified(key: KeyLike, options?: KvOptions): Promise<number> {
    return this.read(key, options, (parsed) => this.#value(parsed).stat.modifiedMs)
  }

  digest(key: KeyLike, options?: KvOptions): Promise<Uint8Array> {
    return this.read(key, options, async (parsed) => {
      const digest = await this.digestOf(parsed, options?.signal)
      if (!digest) throw new KvError('KV_NOT_FOUND', { key: parsed })
      return new Uint8Array(digest)
    })
  }

  async disconnect(): Promise<void> {
    this.closed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.disconnect()
  }

  /** Calls `look` once the store is in a state to be seen, and at once then. */
  protected async read<T>(
    key: KeyLike,
    options: KvOptions | undefined,
    look: (key: Key) => T | Promise<T>,
  ): Promise<T> {
    this.refuse(options)
    const parsed = toKey(key)
    this.admit(parsed)
    if (++this.#reads % READS_PER_TURN === 0) await setImmediate()
    for (let halfDone = this.halfDone(); halfDone; halfDone = this.halfDone()) await halfDone
    return look(parsed)
  }

  /** Throws for keys that this store does not take. */
  protected admit(_key: Key): void {}

  /** Pending while a batch is visible in part; undefined otherwise. */
  protected halfDone(): Promise<void> | undefined {
    return undefined
  }

  protected refuse(options: KvOptions | undefined): void {
    if (this.closed) throw new KvError('KV_CLOSED')
    options?.signal?.throwIfAborted()
  }

  protected readValue(key: Key, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#withFile(key, (file, { size }) => {
      this.#refuseLarge(size, key)
      return readRange(file, 0, size, signal)
    })
  }

  /** Not a copy; undefined when nothing is bound to the key. */
  protected digestOf(key: Key, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    return this.#withFile(key, async (file, before) => {
      const path = this.tree.path(key)
      const cached = this.digests.get(path, before.identity)
      if (cached) return cached
      const digest = await hashFile(file, before.size, signal)
      const after = file.stat()
      if (after.settled && after.identity === before.identity) this.digests.set(path, after.identity, digest)
      return digest
    })
  }

  async #withFile<T>(key: Key, use: (file: DirFile, stat: DirStat) => Promise<T>): Promise<T | undefined> {
    const opened = this.tree.open(key)
    if (!opened) return undefined
    try {
      return await use(opened.file, opened.stat)
    } catch (error) {
      throw toKvError(error, key)
    } finally {
      opened.file.close()
    }
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.capabilities
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }

  #value(key: Key): Found {
    const found = this.tree.find(key)
    if (!found) throw new KvError('KV_NOT_FOUND', { key })
    if (found.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    return found
  }
}
