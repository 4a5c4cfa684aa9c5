import {
  checkLimits,
  checkRange,
  copyValue,
  digestOf,
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
  planBatchAsync,
  toKey,
  writePart,
} from '@fata/kv'
import { type Changes, changesOf } from './changes.ts'
import { decoded, type Engine } from './engine.ts'
import type { ResolvedOptions } from './options.ts'
import { type Write, WriteQueue } from './queue.ts'
import { Reader } from './reader.ts'
import { State } from './state.ts'
import { valueKey } from './wire.ts'

const MAX_JOINED_OPS = 1000
const MAX_JOINED_BYTES = 4 * 1024 * 1024

/** The one writer of an engine. */
export class LevelStore extends Reader implements KvBatch {
  readonly #options: ResolvedOptions
  readonly #state: State
  readonly #queue: WriteQueue
  readonly #onClosed: () => Promise<void>
  #now = 0
  #latest: number
  #closing: Promise<void> | undefined

  /** `latest`: no value has a later time. `onClosed` is called once, when every write has ended. */
  constructor(
    engine: Engine,
    latest: number,
    durability: KvCapabilities['durability'],
    options: ResolvedOptions,
    onClosed: () => Promise<void>,
  ) {
    const { maxValueBytes, maxBatchOps, maxBatchBytes } = options
    const capabilities = Object.freeze({
      durability,
      digest: 'sha256',
      maxValueBytes,
      maxBatchOps,
      maxBatchBytes,
      lastModifiedResolutionMs: 1,
      appendOnly: false,
      keyNames: 'exact',
    } as const)
    super(capabilities, engine)
    this.#latest = latest
    this.#options = options
    this.#onClosed = onClosed
    this.#state = new State(engine)
    this.#queue = new WriteQueue({
      maxQueued: options.maxQueuedWrites,
      maxJoinedOps: Math.min(MAX_JOINED_OPS, maxBatchOps),
      maxJoinedBytes: Math.min(MAX_JOINED_BYTES, maxBatchBytes),
      runWrites: (writes) => this.#runWrites(writes),
    })
  }

  async set(key: KeyLike, value: Uint8Array, options?: KvOptions): Promise<void> {
    await this.batch([{ op: 'set', key, value }], options)
  }

  async remove(key: KeyLike, options?: KvOptions): Promise<void> {
    await this.batch([{ op: 'remove', key }], options)
  }

  async rename(source: KeyLike, dest: KeyLike, options?: KvOptions): Promise<void> {
    await this.batch([{ op: 'rename', source, dest }], options)
  }

  async setPartial(key: KeyLike, offset: number, value: Uint8Array, options?: KvOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    const part = copyValue(value)
    checkRange('offset', offset, parsed)
    await this.#turn(async () => {
      const old = (await this.#before(parsed)) ?? new Uint8Array(0)
      if (offset <= old.length) this.#refuseLarge(offset + part.length, parsed)
      await this.#commit([{ op: 'set', key: parsed, value: writePart(old, offset, part, parsed) }], options?.signal)
    }, options?.signal)
  }

  async allocate(key: KeyLike, size: number, options?: KvAllocateOptions): Promise<void> {
    this.refuse(options)
    const parsed = toKey(key)
    const { lastModified, signal } = options ?? {}
    checkRange('size', size, parsed)
    if (lastModified !== undefined) checkRange('lastModified', lastModified, parsed)
    this.#refuseLarge(size, parsed)
    const op = { op: 'set', key: parsed, value: new Uint8Array(size) } as const
    await this.#turn(async () => {
      await this.#state.prepare([op])
      if (await this.#state.kind(parsed)) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
      await this.#commit([op], signal, lastModified)
    }, signal)
  }

  async batch(ops: readonly KvOp[], options?: KvBatchOptions): Promise<void> {
    this.refuse(options)
    const owned = ownOps(ops)
    checkLimits(owned, this.capabilities)
    const checks = (options?.checks ?? []).map(({ key, digest }) => ({ key: toKey(key), digest }))
    if (checks.length === 0) return this.#queue.write(owned, options?.signal)
    await this.#turn(async () => {
      for (const check of checks) await this.#check(check)
      await this.#commit(owned, options?.signal)
    }, options?.signal)
  }

  override disconnect(): Promise<void> {
    this.closed = true
    this.#closing ??= this.#queue.idle().then(this.#onClosed)
    return this.#closing
  }

  protected override inTurn<T>(read: () => Promise<T>): Promise<T> {
    return this.#queue.turn(read)
  }

  #turn(work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return this.#queue.turn(() => work().finally(() => this.#state.forget()), signal)
  }

  /** The value that is to be changed; undefined for none. */
  async #before(key: Key): Promise<Uint8Array | undefined> {
    await this.#state.prepare([{ op: 'remove', key }])
    if ((await this.#state.kind(key)) === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key })
    const record = (await this.#state.records([key])).get(valueKey(key))
    return record && decoded(record, key).value
  }

  async #check({ key, digest }: KvCheck & { key: Key }): Promise<void> {
    await this.#state.prepare([{ op: 'remove', key }])
    const kind = await this.#state.kind(key)
    const holds = digest === null ? !kind : kind === 'value' && equalBytes(await this.#digest(key), digest)
    if (!holds) throw new KvError('KV_CHECK_FAILED', { key })
  }

  async #digest(key: Key): Promise<Uint8Array> {
    return digestOf('sha256', (await this.#before(key))!)
  }

  /** Joined into one write of the engine, unless one of them is refused: then each by itself. */
  async #runWrites(writes: readonly Write[]): Promise<void> {
    if (writes.length > 1 && (await this.#runJoined(writes))) return
    for (const write of writes) {
      try {
        write.signal?.throwIfAborted()
        await this.#commit(write.ops, write.signal)
        write.done()
      } catch (error) {
        write.failed(error)
      } finally {
        this.#state.forget()
      }
    }
  }

  /** Whether they could be joined: nothing has happened otherwise. */
  async #runJoined(writes: readonly Write[]): Promise<boolean> {
    const plan = await this.#plan(writes.flatMap(({ ops }) => ops)).catch(() => undefined)
    if (!plan || writes.some(({ signal }) => signal?.aborted)) return false
    try {
      await this.#write(plan)
      for (const write of writes) write.done()
    } catch (error) {
      for (const write of writes) write.failed(error)
    } finally {
      this.#state.forget()
    }
    return true
  }

  async #commit(ops: readonly OwnedOp[], signal: AbortSignal | undefined, lastModified?: number): Promise<void> {
    const plan = await this.#plan(ops, lastModified)
    signal?.throwIfAborted()
    await this.#write(plan)
  }

  async #plan(ops: readonly OwnedOp[], lastModified?: number): Promise<Changes> {
    this.engine.check()
    await this.#state.prepare(ops)
    const net = await planBatchAsync(ops, this.#state)
    this.#refuseMany(net)
    const changes = await changesOf(net, this.#state, { now: this.#tick(), latest: this.#latest, given: lastModified })
    const { maxBatchBytes } = this.capabilities
    if (net.sets.length > 1 && changes.bytes > maxBatchBytes) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many bytes in a batch', limit: maxBatchBytes })
    }
    return changes
  }

  async #write({ ops, latest }: Changes): Promise<void> {
    if (ops.length === 0) return
    await this.engine.write(ops)
    this.#state.written(ops)
    this.#latest = latest
  }

  #refuseMany({ removes, sets }: KvNet): void {
    const { maxBatchOps } = this.capabilities
    // A moved value counts once, though it is written in one place and removed in another.
    if (Math.max(removes.length, sets.length) <= maxBatchOps) return
    throw new KvError('KV_TOO_LARGE', { message: 'the batch touches too many values', limit: maxBatchOps })
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.#options
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }

  /** The clock, but never backwards. */
  #tick(): number {
    this.#now = Math.max(this.#now, Math.floor(this.#options.now()))
    return this.#now
  }
}
