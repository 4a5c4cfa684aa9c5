import { type Key, type KeyLike, KvError, toKey } from '../key.ts'
import type { OwnedOp } from '../overlay.ts'
import { checkRange, equalBytes, writePart } from '../partial.ts'
import { checkLimits, copyValue, type KvNet, ownOps, planBatchAsync } from '../plan.ts'
import type {
  KvAllocateOptions,
  KvBatch,
  KvBatchOptions,
  KvCapabilities,
  KvCheck,
  KvOp,
  KvOptions,
  KvRo,
} from '../store.ts'
import { walk } from '../walk.ts'
import type { Merged } from './merged.ts'
import { markOf, refuseOwn } from './removed.ts'

/** Writes that wait for their turn. */
const MAX_QUEUED = 65_536

export interface WriterDeps {
  readonly top: KvBatch
  readonly below: KvRo
  readonly merged: Merged
  readonly capabilities: KvCapabilities
}

/** Writes into the top store, one write after the other; what is removed below is marked there, by the same batch. */
export class Writer {
  readonly #deps: WriterDeps
  #last: Promise<unknown> = Promise.resolve()
  #queued = 0
  /** Even while no write is under way. */
  #epoch = 0

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  /** Changes whenever what is stored may have changed; undefined while it is changing. */
  get epoch(): number | undefined {
    return this.#epoch % 2 === 0 ? this.#epoch : undefined
  }

  /** Runs `work` when the writes before it have ended. Rejects with KvError KV_TOO_LARGE when too many wait. */
  async turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#queued >= MAX_QUEUED) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many writes wait', limit: MAX_QUEUED })
    }
    this.#queued++
    const run = this.#last.then(work)
    this.#last = run.catch(() => undefined)
    try {
      return await run
    } finally {
      this.#queued--
    }
  }

  async batch(ops: readonly KvOp[], o: KvBatchOptions | undefined): Promise<void> {
    const owned = ownOps(ops)
    for (const op of owned) for (const key of op.op === 'rename' ? [op.source, op.dest] : [op.key]) refuseOwn(key)
    checkLimits(owned, this.#deps.capabilities)
    const checks = (o?.checks ?? []).map(({ key, digest }) => ({ key: refuseOwn(toKey(key)), digest }))
    await this.turn(async () => {
      o?.signal?.throwIfAborted()
      for (const check of checks) await this.#check(check, o)
      await this.#apply(owned, o)
    })
  }

  async setPartial(key: KeyLike, offset: number, value: Uint8Array, o: KvOptions | undefined): Promise<void> {
    const parsed = refuseOwn(toKey(key))
    const part = copyValue(value)
    checkRange('offset', offset, parsed)
    await this.turn(async () => {
      o?.signal?.throwIfAborted()
      const found = await this.#deps.merged.find(parsed, o)
      if (found?.kind === 'dictionary') throw new KvError('KV_VALUE_EXPECTED', { key: parsed })
      const old = (await found?.kv.get(parsed, o)) ?? new Uint8Array(0)
      if (offset <= old.length) this.#refuseLarge(offset + part.length, parsed)
      await this.#apply([{ op: 'set', key: parsed, value: writePart(old, offset, part, parsed) }], o)
    })
  }

  async allocate(key: KeyLike, size: number, o: KvAllocateOptions | undefined): Promise<void> {
    const parsed = refuseOwn(toKey(key))
    checkRange('size', size, parsed)
    this.#refuseLarge(size, parsed)
    await this.turn(async () => {
      o?.signal?.throwIfAborted()
      if (await this.#deps.merged.find(parsed, o)) throw new KvError('KV_ALREADY_PRESENT', { key: parsed })
      await this.#plan([{ op: 'set', key: parsed, value: new Uint8Array(0) }])
      await this.#write(() => this.#deps.top.allocate(parsed, size, o))
    })
  }

  #refuseLarge(bytes: number, key: Key): void {
    const { maxValueBytes } = this.#deps.capabilities
    if (bytes > maxValueBytes) throw new KvError('KV_TOO_LARGE', { key, limit: maxValueBytes })
  }

  async #check({ key, digest }: KvCheck & { readonly key: Key }, o: KvOptions | undefined): Promise<void> {
    const found = await this.#deps.merged.find(key, o)
    const holds =
      digest === null ? !found : found?.kind === 'value' && equalBytes(await found.kv.digest(key, o), digest)
    if (!holds) throw new KvError('KV_CHECK_FAILED', { key })
  }

  #plan(ops: readonly OwnedOp[]): Promise<KvNet> {
    const { merged } = this.#deps
    return planBatchAsync(ops, {
      kind: async (key) => (await merged.find(key, undefined))?.kind,
      values: (key) => merged.values(key),
    })
  }

  async #apply(ops: readonly OwnedOp[], o: KvBatchOptions | undefined): Promise<void> {
    const { top, merged } = this.#deps
    const net = await this.#plan(ops)
    const out: KvOp[] = []
    for (const key of net.removes) {
      out.push({ op: 'remove', key })
      for (const mark of await this.#marksFor(key)) out.push({ op: 'set', key: mark, value: new Uint8Array(0) })
    }
    for (const set of net.sets) {
      const value = 'from' in set ? await (await merged.find(set.from, o))?.kv.get(set.from, o) : set.value
      if (!value) throw new KvError('KV_NOT_FOUND', { key: set.key })
      out.push({ op: 'set', key: set.key, value })
    }
    if (out.length > 0) await this.#write(() => top.batch(out, { signal: o?.signal, message: o?.message }))
  }

  /** Of all values that the store below has at and below the key, be they hidden: nothing is to come to light. */
  async #marksFor(key: Key): Promise<Key[]> {
    const marks: Key[] = []
    for await (const value of walk(this.#deps.below, key)) marks.push(markOf(value))
    return marks
  }

  async #write(work: () => Promise<void>): Promise<void> {
    this.#epoch++
    try {
      await work()
    } finally {
      this.#epoch++
    }
  }
}
