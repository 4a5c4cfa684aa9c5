import {
  checkLimits,
  checkRange,
  copyValue,
  equalBytes,
  type Key,
  type KeyLike,
  type KvAllocateOptions,
  type KvBatch,
  type KvBatchOptions,
  type KvCapabilities,
  type KvCheck,
  KvError,
  type KvNet,
  type KvOp,
  type KvOptions,
  type OwnedOp,
  ownOps,
  planBatch,
  toKey,
  writePart,
} from '@fata/kv'
import { type Committer, type SetRequest, TOGETHER } from './commit.ts'
import type { DigestCache } from './digests.ts'
import type { Disk } from './disk.ts'
import { toKvError } from './errors.ts'
import { refuseFoldedTwins, refuseReserved } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { WriteQueue } from './queue.ts'
import { Reader } from './reader.ts'
import type { Tree } from './tree.ts'
import type { JournalRecord, JournalSet } from './wire.ts'

export interface DirDeps {
  readonly disk: Disk
  readonly tree: Tree
  readonly digests: DigestCache
  readonly committer: Committer
  readonly folding: boolean
  /** Called once, when every write has ended. */
  readonly onClosed: () => Promise<void>
}

/** Its time is that of its turn. */
type QueuedSet = Omit<SetRequest, 'lastModified'>

/** The one writer of a directory. */
export class Dir extends Reader implements KvBatch {
  readonly #deps: DirDeps
  readonly #options: ResolvedOptions
  readonly #queue: WriteQueue<QueuedSet>
  #time = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(deps: DirDeps, options: ResolvedOptions) {
    super(capabilitiesOf(deps, options), deps.tree, deps.digests)
    this.#deps = deps
    this.#options = options
    this.#queue = new WriteQueue({
      maxQueued: options.maxQueuedWrites,
      maxTogether: TOGETHER,
      runSets: (queued) => this.#setEach(queued),
    })
  }

  async set(key: KeyLike, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = this.#ownKey(key)
    const owned = copyValue(value)
    this.#refuseLarge(owned.length, parsed)
    const { signal } = options ?? {}
    await new Promise<void>((done, failed) => {
      const queued = { key: parsed, value: owned, signal, done, failed }
      this.#queue.addSet(parsed, queued, signal, () => failed(signal?.reason))
    })
  }

  async setPartial(key: KeyLike, offset: number, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = this.#ownKey(key)
    const part = copyValue(value)
    checkRange('offset', offset, parsed)
    await this.#queue.run(async () => {
      const old = (await this.readValue(parsed, options?.signal)) ?? new Uint8Array(0)
      if (offset <= old.length) this.#refuseLarge(offset + part.length, parsed)
      await this.#setOne(parsed, writePart(old, offset, part, parsed), options?.signal)
    }, options?.signal)
  }

  async allocate(key: KeyLike, size: number, options?: KvAllocateOptions): Promise<void> {
    this.refuse(options)
    const parsed = this.#ownKey(key)
    const { lastModified, signal } = options ?? {}
    checkRange('size', size, parsed)
    if (lastModified !== undefined) checkRange('lastModified', lastModified, parsed)
    this.#refuseLarge(size, parsed)
    await this.#queue.run(async () => {
      if (this.tree.find(parsed)) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
      await this.#setOne(parsed, new Uint8Array(size), signal, lastModified)
    }, signal)
  }

  remove(key: KeyLike, options?: KvOptions): Promise<void> {
    return this.batch([{ op: 'remove', key }], options)
  }

  rename(source: KeyLike, dest: KeyLike, options?: KvOptions): Promise<void> {
    return this.batch([{ op: 'rename', source, dest }], options)
  }

  async batch(ops: readonly KvOp[], options?: KvBatchOptions): Promise<void> {
    const owned = this.#own(ops, options)
    const checks = (options?.checks ?? []).map(({ key, digest }) => ({ key: this.#ownKey(key), digest }))
    await this.#queue.run(() => this.#apply(owned, checks, options?.signal), options?.signal)
  }

  override disconnect(): Promise<void> {
    this.closed = true
    this.#closing ??= this.#queue.idle().then(this.#deps.onClosed)
    return this.#closing
  }

  protected override admit(key: Key): void {
    refuseReserved(key)
  }

  protected override halfDone(): Promise<void> | undefined {
    return this.#deps.committer.halfDone()
  }

  #own(ops: readonly KvOp[], options: KvOptions | undefined): OwnedOp[] {
    this.refuse(options)
    const owned = ownOps(ops)
    checkLimits(owned, this.capabilities)
    for (const op of owned) for (const key of op.op === 'rename' ? [op.source, op.dest] : [op.key]) refuseReserved(key)
    return owned
  }

  #ownKey(key: KeyLike): Key {
    const parsed = toKey(key)
    refuseReserved(parsed)
    return parsed
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.capabilities
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }

  async #setEach(queued: readonly QueuedSet[]): Promise<void> {
    const ready: SetRequest[] = []
    for (const set of queued) {
      try {
        this.#plan([{ op: 'set', key: set.key, value: set.value }])
        ready.push({ ...set, lastModified: this.#timeFor(set.key) })
      } catch (error) {
        set.failed(toKvError(error, set.key))
      }
    }
    await this.#deps.committer.setEach(ready)
  }

  /** Within the queue. */
  #setOne(key: Key, value: Uint8Array, signal: AbortSignal | undefined, lastModified?: number): Promise<void> {
    this.#plan([{ op: 'set', key, value }])
    const time = lastModified ?? this.#timeFor(key)
    return new Promise<void>((done, failed) => {
      void this.#deps.committer.setEach([{ key, value, lastModified: time, signal, done, failed }])
    })
  }

  async #apply(ops: readonly OwnedOp[], checks: readonly KvCheck[], signal: AbortSignal | undefined): Promise<void> {
    for (const { key, digest } of checks) await this.#check(toKey(key), digest, signal)
    const net = this.#plan(ops)
    const record = await this.#record(net, signal)
    const { removes, sets } = record
    const [set] = sets
    if (set && removes.length === 0 && sets.length === 1) return this.#setOne(set.key, set.value, signal)
    if (removes.length === 1 && sets.length === 0) return this.#deps.committer.removeOne(removes[0]!)
    if (removes.length + sets.length > 0) await this.#deps.committer.commit(record, signal)
  }

  async #check(key: Key, digest: Uint8Array | null, signal: AbortSignal | undefined): Promise<void> {
    const there = this.tree.find(key)
    const found = there?.kind === 'value' ? await this.digestOf(key, signal) : undefined
    const holds = digest ? found !== undefined && equalBytes(found, digest) : there === undefined
    if (!holds) throw new KvError('KV_CHECK_FAILED', { key })
  }

  #plan(ops: readonly OwnedOp[]): KvNet {
    this.#deps.disk.check()
    const { tree } = this.#deps
    const net = planBatch(ops, { kind: (key) => tree.find(key)?.kind, values: (key) => tree.values(key) })
    for (const { key } of net.sets) tree.refuseAlias(key)
    if (this.#deps.folding) refuseFoldedTwins(net.sets.map(({ key }) => key))
    return net
  }

  /** With the bytes of values that move. Throws KvError KV_TOO_LARGE before it reads any. */
  async #record(net: KvNet, signal: AbortSignal | undefined): Promise<JournalRecord> {
    const { maxBatchOps, maxBatchBytes } = this.capabilities
    if (net.sets.length > maxBatchOps) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many values in a batch', limit: maxBatchOps })
    }
    const bytes = net.sets.map((set) => ('from' in set ? (this.tree.find(set.from)?.stat.size ?? 0) : set.value.length))
    const isOneSet = net.sets.length === 1 && net.removes.length === 0
    if (!isOneSet && bytes.reduce((sum, size) => sum + size, 0) > maxBatchBytes) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many bytes in a batch', limit: maxBatchBytes })
    }
    const sets: JournalSet[] = []
    for (const set of net.sets) {
      const value = 'from' in set ? await this.readValue(set.from, signal) : set.value
      if (!value) throw new KvError('KV_IO', { key: set.key, message: 'somebody else removed a value' })
      sets.push({ key: set.key, value, lastModified: this.#timeFor(set.key) })
    }
    return { removes: net.removes, sets }
  }

  /** The clock, but never backwards, neither in this store nor for the key. */
  #timeFor(key: Key): number {
    this.#time = Math.max(this.#time, Math.floor(this.#options.now()))
    const found = this.tree.find(key)
    return found?.kind === 'value' ? Math.max(this.#time, found.stat.modifiedMs) : this.#time
  }
}

function capabilitiesOf({ folding }: DirDeps, options: ResolvedOptions): KvCapabilities {
  return Object.freeze({
    durability: 'power-loss',
    digest: 'sha256',
    maxValueBytes: options.maxValueBytes,
    maxBatchOps: options.maxBatchOps,
    maxBatchBytes: options.maxBatchBytes,
    lastModifiedResolutionMs: 1,
    appendOnly: false,
    keyNames: folding ? 'folding' : 'exact',
  })
}
