import {
  checkLimits,
  checkRange,
  copyValue,
  digestOf,
  equalBytes,
  type Gate,
  type Key,
  type KeyLike,
  type KeyTree,
  type KvAllocateOptions,
  type KvBatch,
  type KvBatchOptions,
  type KvCapabilities,
  KvError,
  type KvIndexedSource,
  type KvOp,
  type KvOptions,
  type KvRo,
  type OwnedOp,
  ownOps,
  planBatch,
  toKey,
  writePart,
} from '@fata/kv'
import type { Appender } from './appender.ts'
import type { TarValue } from './archive.ts'
import type { NewEntry } from './core/layout.ts'
import type { ResolvedOptions } from './options.ts'
import { Pending } from './pending.ts'
import { WriteQueue } from './write-queue.ts'

/** So much is appended at once, of writes that wait. */
const TOGETHER_BYTES = 4 * 1024 * 1024
const TOGETHER_WRITES = 512

export interface WriterDeps {
  readonly tree: KeyTree<TarValue>
  readonly appender: Appender
  readonly gate: Gate
  readonly read: KvIndexedSource<TarValue>['read']
  readonly capabilities: KvCapabilities
}

/** What writing adds to reading. */
export type WriteMethods = Omit<KvBatch, keyof KvRo>

/** The writes of a store: each is planned on what those before it come to, then appended together with others that wait. */
export class Writer {
  readonly #deps: WriterDeps
  readonly #options: ResolvedOptions
  readonly #queue: WriteQueue<Pending>
  /** Of the last write, in milliseconds, whole seconds. */
  #time = Number.NEGATIVE_INFINITY

  constructor(deps: WriterDeps, options: ResolvedOptions) {
    this.#deps = deps
    this.#options = options
    this.#queue = new WriteQueue({
      maxQueued: options.maxQueuedWrites,
      begin: () => new Pending(deps.tree, options.maxEntries),
      isFull: ({ bytes }, writes) => bytes >= TOGETHER_BYTES || writes >= TOGETHER_WRITES,
      commit: (pending) => this.#commit(pending.entries()),
    })
  }

  methods(): WriteMethods {
    return {
      set: (key, value, options) => this.#enter(options, () => this.#set(key, value, options)),
      setPartial: (key, offset, value, options) =>
        this.#enter(options, () => this.#setPartial(key, offset, value, options)),
      remove: (key, options) => this.#enter(options, () => refuse(toKey(key))),
      rename: (source, dest, options) =>
        this.#enter(options, () => {
          toKey(dest)
          return refuse(toKey(source))
        }),
      allocate: (key, size, options) => this.#enter(options, () => this.#allocate(key, size, options)),
      batch: (ops, options) => this.#enter(options, () => this.#batch(ops, options)),
    }
  }

  #enter(options: KvOptions | undefined, work: () => Promise<void>): Promise<void> {
    return this.#deps.gate.run(async () => {
      options?.signal?.throwIfAborted()
      return work()
    })
  }

  #set(key: KeyLike, value: Uint8Array, options: KvOptions | undefined): Promise<void> {
    const op = { op: 'set', key: toKey(key), value: copyValue(value) } as const
    this.#refuseLarge(op.value.length, op.key)
    return this.#queue.run((pending) => this.#plan(pending, [op]), options?.signal)
  }

  #setPartial(key: KeyLike, offset: number, value: Uint8Array, options: KvOptions | undefined): Promise<void> {
    const parsed = toKey(key)
    const part = copyValue(value)
    checkRange('offset', offset, parsed)
    return this.#queue.run(async (pending) => {
      const old = (await this.#bytes(pending, parsed)) ?? new Uint8Array(0)
      if (offset <= old.length) this.#refuseLarge(offset + part.length, parsed)
      this.#plan(pending, [{ op: 'set', key: parsed, value: writePart(old, offset, part, parsed) }])
    }, options?.signal)
  }

  #allocate(key: KeyLike, size: number, options: KvAllocateOptions | undefined): Promise<void> {
    const parsed = toKey(key)
    const { lastModified, signal } = options ?? {}
    checkRange('size', size, parsed)
    if (lastModified !== undefined) checkRange('lastModified', lastModified, parsed)
    this.#refuseLarge(size, parsed)
    return this.#queue.run((pending) => {
      if (pending.kind(parsed)) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
      this.#plan(pending, [{ op: 'set', key: parsed, value: new Uint8Array(size) }], lastModified)
    }, signal)
  }

  #batch(ops: readonly KvOp[], options: KvBatchOptions | undefined): Promise<void> {
    const owned = ownOps(ops)
    checkLimits(owned, this.#deps.capabilities)
    for (const op of owned) if (op.op !== 'set') return refuse(op.op === 'remove' ? op.key : op.source)
    const checks = (options?.checks ?? []).map(({ key, digest }) => ({
      key: toKey(key),
      digest: digest && copyValue(digest),
    }))
    return this.#queue.run(async (pending) => {
      for (const { key, digest } of checks) await this.#check(pending, key, digest)
      this.#plan(pending, owned)
    }, options?.signal)
  }

  async #check(pending: Pending, key: Key, digest: Uint8Array | null): Promise<void> {
    const bytes = pending.kind(key) === 'value' && digest ? await this.#bytes(pending, key) : undefined
    const holds = digest ? bytes && equalBytes(digestOf('sha256', bytes), digest) : pending.kind(key) === undefined
    if (!holds) throw new KvError('KV_CHECK_FAILED', { key })
  }

  #plan(pending: Pending, ops: readonly OwnedOp[], lastModified?: number): void {
    this.#time = Math.max(this.#time, wholeSeconds(this.#options.now()))
    const entries = planBatch(ops, pending).sets.map((set): NewEntry => {
      if ('from' in set) throw new TypeError('nothing moves in an archive')
      // Rounded up: what was read with milliseconds is kept without them.
      const time = Math.max(this.#time, wholeSeconds(pending.lastModified(set.key) + 999))
      return { ...set, lastModified: lastModified === undefined ? time : wholeSeconds(lastModified) }
    })
    pending.put(entries)
  }

  async #commit(entries: readonly NewEntry[]): Promise<void> {
    if (entries.length === 0) return
    const offsets = await this.#deps.appender.append(entries)
    for (const [i, { key, value, lastModified }] of entries.entries()) {
      this.#deps.tree.set(key, { offset: offsets[i]!, size: value.length, lastModified, digest: undefined })
    }
  }

  /** As they will be. Throws KvError KV_VALUE_EXPECTED, KV_TOO_LARGE. */
  async #bytes(pending: Pending, key: Key): Promise<Uint8Array | undefined> {
    if (pending.kind(key) === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    const added = pending.added(key)
    const there = this.#deps.tree.value(key)
    if (added || !there) return added
    this.#refuseLarge(there.size, key)
    return this.#deps.read(there, 0, there.size, key, undefined)
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.#deps.capabilities
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }
}

async function refuse(key: Key): Promise<void> {
  throw new KvError('KV_NOT_SUPPORTED', { key, message: 'an archive only grows: nothing is removed or renamed' })
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000
}
