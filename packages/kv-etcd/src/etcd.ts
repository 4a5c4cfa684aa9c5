import {
  checkLimits,
  checkRange,
  copyValue,
  digestOf,
  type Key,
  type KeyLike,
  type KvAllocateOptions,
  type KvBatch,
  type KvBatchOptions,
  type KvCapabilities,
  type KvChange,
  KvError,
  type KvOp,
  type KvOptions,
  type KvRo,
  type KvSnapshot,
  type KvWatch,
  type OwnedOp,
  ownOps,
  toKey,
  writePart,
} from '@fata/kv'
import type { Client } from './client.ts'
import type { ResolvedOptions } from './options.ts'
import { WriteQueue } from './queue.ts'
import { Reader } from './reader.ts'
import type { Watcher } from './watch.ts'
import { isRoot, type KeySpace } from './wire.ts'
import { verify, type Write, type Writer } from './writer.ts'

export interface EtcdDeps {
  readonly client: Client
  readonly space: KeySpace
  readonly capabilities: KvCapabilities
  readonly writer: Writer
  readonly watcher: Watcher
}

/** One of any number of writers of its keys. */
export class Etcd extends Reader implements KvBatch, KvWatch, KvSnapshot {
  readonly #deps: EtcdDeps
  readonly #options: ResolvedOptions
  readonly #queue: WriteQueue
  #time = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(deps: EtcdDeps, options: ResolvedOptions) {
    super(deps.capabilities, deps.client, deps.space)
    this.#deps = deps
    this.#options = options
    this.#queue = new WriteQueue({
      maxQueued: options.maxQueuedWrites,
      // Each set has a condition of its own, and one for every dictionary above it that no other set has.
      maxTogether: Math.ceil(options.maxBatchOps / 2),
      maxBytesTogether: deps.capabilities.maxBatchBytes / 2,
      setAll: (sets) => deps.writer.setAll(sets, this.#tick()),
    })
  }

  async set(key: KeyLike, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    const set = { op: 'set' as const, key: parsed, value: copyValue(value) }
    this.#refuseLarge(set.value.length, parsed)
    const alone = async (): Promise<void> => {
      if (!isRoot(parsed) && (await this.#deps.writer.setAll([set], this.#tick(), parsed))) return
      await this.#write([set], { signal: options?.signal, key: parsed })
    }
    await (isRoot(parsed) ? this.#queue.run(alone, options?.signal) : this.#queue.set(set, alone, options?.signal))
  }

  async setPartial(key: KeyLike, offset: number, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    const part = copyValue(value)
    checkRange('offset', offset, parsed)
    const write = (): Promise<void> =>
      this.#write([{ op: 'set', key: parsed, value: part }], {
        signal: options?.signal,
        key: parsed,
        prepare: async (state) => {
          const old = (await state.value(parsed)) ?? new Uint8Array(0)
          if ((await state.kind(parsed)) === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
          if (offset <= old.length) this.#refuseLarge(offset + part.length, parsed)
          return [{ op: 'set', key: parsed, value: writePart(old, offset, part, parsed) }]
        },
      })
    await this.#queue.run(write, options?.signal)
  }

  async allocate(key: KeyLike, size: number, options?: KvAllocateOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    const { lastModified, signal } = options ?? {}
    checkRange('size', size, parsed)
    if (lastModified !== undefined) checkRange('lastModified', lastModified, parsed)
    this.#refuseLarge(size, parsed)
    const set: OwnedOp = { op: 'set', key: parsed, value: new Uint8Array(size) }
    const write = (): Promise<void> =>
      this.#write([set], {
        signal,
        key: parsed,
        lastModified,
        prepare: async (state) => {
          if ((await state.kind(parsed)) !== undefined) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
          return [set]
        },
      })
    await this.#queue.run(write, signal)
  }

  async remove(key: KeyLike, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    await this.#queue.run(() => this.#deps.writer.removeTree(parsed), options?.signal)
  }

  async rename(source: KeyLike, dest: KeyLike, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const ops = ownOps([{ op: 'rename', source, dest }])
    await this.#queue.run(() => this.#write(ops, { signal: options?.signal, key: toKey(source) }), options?.signal)
  }

  async batch(ops: readonly KvOp[], options?: KvBatchOptions): Promise<void> {
    this.refuse(options)
    const owned = ownOps(ops)
    const checks = (options?.checks ?? []).map(({ key, digest }) => ({
      key: toKey(key),
      digest: digest && copyValue(digest),
    }))
    checkLimits(owned, this.capabilities)
    const { maxBatchOps } = this.capabilities
    if (checks.length > maxBatchOps) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many checks in a batch', limit: maxBatchOps })
    }
    const prepare: Write['prepare'] = async (state) => {
      for (const check of checks) await verify(state, check, (value) => digestOf('sha256', value))
      return owned
    }
    const read = checks.map(({ key }) => key)
    const write = async (): Promise<void> => {
      const sets = checks.length === 0 ? independentSets(owned) : undefined
      if (sets && (await this.#deps.writer.setAll(sets, this.#tick()))) return
      await this.#write(owned, { signal: options?.signal, prepare, read })
    }
    await this.#queue.run(write, options?.signal)
  }

  watch(prefix: KeyLike, options: { readonly signal: AbortSignal }): AsyncIterable<KvChange> {
    return this.#deps.watcher.watch(toKey(prefix), options.signal)
  }

  async snapshot(): Promise<KvRo> {
    this.refuse(undefined)
    const { header } = await this.client.range({ ...this.space.one(this.#anyKey), keys_only: true })
    return new Reader(this.capabilities, this.client, this.space, header.revision)
  }

  override disconnect(): Promise<void> {
    this.closed = true
    this.#deps.watcher.close()
    this.#closing ??= this.#queue.idle()
    return this.#closing
  }

  readonly #anyKey: Key = toKey('/')

  #write(
    ops: readonly OwnedOp[],
    options: Partial<Omit<Write, 'lastModified'>> & { lastModified?: number | undefined },
  ): Promise<void> {
    const { signal, key, read = [], prepare = async () => ops } = options
    const lastModified = options.lastModified ?? this.#tick()
    return this.#deps.writer.write({ intent: ops, read, prepare, lastModified, signal, key })
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.capabilities
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }

  /** The clock, but never backwards. */
  #tick(): number {
    this.#time = Math.max(this.#time, Math.floor(this.#options.now()))
    return this.#time
  }
}

/** Of sets only, of which none lies below another, the last of every key. */
function independentSets(ops: readonly OwnedOp[]): Array<{ key: Key; value: Uint8Array }> | undefined {
  const sets = new Map<string, { key: Key; value: Uint8Array }>()
  for (const op of ops) {
    if (op.op !== 'set' || isRoot(op.key)) return undefined
    sets.set(op.key.toString(), op)
  }
  for (const { key } of sets.values()) {
    for (let above = key.parent; !isRoot(above); above = above.parent) if (sets.has(above.toString())) return undefined
  }
  return sets.size > 0 ? [...sets.values()] : undefined
}
