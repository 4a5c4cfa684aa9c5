import {
  equalBytes,
  type Key,
  type KvCapabilities,
  type KvCheck,
  KvError,
  type OwnedOp,
  planBatchAsync,
  toKey,
} from '@fata/kv'
import type { RequestOp } from './api.ts'
import type { Client } from './client.ts'
import { Compacted } from './failure.ts'
import { type Intent, State, type StateDeps } from './state.ts'
import { deletions, fit, goneKeys, type Put, putOp, settable, type TxnLimits } from './txn.ts'
import type { KeySpace } from './wire.ts'

/** A batch that others overtake so often gives up. */
const MAX_CONFLICTS = 100

export interface WriterDeps {
  readonly client: Client
  readonly space: KeySpace
  readonly capabilities: KvCapabilities
  readonly limits: TxnLimits
  /** Rejects with the signal's reason. */
  readonly pause: (n: number, signal: AbortSignal | undefined) => Promise<void>
}

export interface Write {
  /** Keys to ask for, besides those of the operations. */
  readonly read: readonly Key[]
  /** Keys that `prepare` may come up with operations for. */
  readonly intent: readonly OwnedOp[]
  /** Looks at the state and says what to do; what it has seen of values must hold at the commit. */
  readonly prepare: (state: State) => Promise<readonly OwnedOp[]>
  readonly lastModified: number
  readonly signal: AbortSignal | undefined
  /** For the error. */
  readonly key?: Key | undefined
}

/** Turns writes into transactions, one at a time. */
export class Writer {
  readonly #deps: WriterDeps

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  /** In one transaction without reading before; false when the rules forbid one of them, or it does not fit. */
  async setAll(puts: readonly Put[], lastModified: number, key?: Key): Promise<boolean> {
    const { client, space, limits } = this.#deps
    const compare = settable(
      space,
      puts.map((put) => put.key),
    )
    if (compare.length > limits.maxOps) return false
    const success = puts.map((put) => putOp(space, put, lastModified))
    const txn = fit(success, [compare], limits)
    return txn !== undefined && client.commit(txn, key)
  }

  /** All below the key, and the key. */
  async removeTree(key: Key): Promise<void> {
    const { client, space } = this.#deps
    await client.commit({ success: [{ request_delete_range: space.tree(key) }] }, key)
  }

  /** Looks, decides and commits on the condition that what was seen still holds; again if it does not. */
  async write(write: Write): Promise<void> {
    const { pause } = this.#deps
    for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
      write.signal?.throwIfAborted()
      try {
        if (await this.#attempt(write)) return
      } catch (error) {
        if (!(error instanceof Compacted)) throw error
      }
      if (conflicts > 2) await pause(Math.min(conflicts - 3, 3), write.signal)
    }
    throw new KvError('KV_IO', {
      key: write.key,
      message: 'others change the same keys all the time',
      cause: new Error(`${MAX_CONFLICTS} conflicts`),
    })
  }

  async #attempt({ read, intent, prepare, lastModified, signal, key }: Write): Promise<boolean> {
    const { client, space, limits } = this.#deps
    const deps: StateDeps = { client, space, maxOps: limits.maxOps }
    const state = await State.read(deps, intentOf(intent, read), { signal, key })
    const success = await this.#operations(state, await prepare(state), lastModified)
    // What was read at one revision was true then: nothing is left to ask.
    if (success.length === 0) return true
    const txn = fit(success, [state.precise(), state.broad()], limits)
    if (!txn) throw tooLarge(success.length, limits)
    signal?.throwIfAborted()
    return client.commit(txn, key)
  }

  async #operations(state: State, ops: readonly OwnedOp[], lastModified: number): Promise<RequestOp[]> {
    const { space, capabilities, limits } = this.#deps
    const before = new Map<Key, readonly Key[]>()
    const net = await planBatchAsync(ops, {
      kind: (key) => state.kind(key),
      values: async (key) => {
        const values = await state.values(key)
        before.set(key, values)
        return values
      },
    })
    if (net.sets.length > limits.maxOps) throw tooLarge(net.sets.length, limits)
    const sources = net.sets.flatMap((set) => ('from' in set ? [set.from] : []))
    const moved = await state.valuesOf(sources, capabilities.maxBatchBytes)
    const puts = net.sets.map((set): Put => ({ key: set.key, value: 'from' in set ? moved.shift()! : set.value }))
    return [...deletions(space, net, goneKeys(ops, before, net)), ...puts.map((put) => putOp(space, put, lastModified))]
  }
}

/** Whether the check holds in the state. Throws KvError KV_CHECK_FAILED. */
export async function verify(
  state: State,
  { key, digest }: KvCheck,
  digestOf: (value: Uint8Array) => Uint8Array,
): Promise<void> {
  const parsed = toKey(key)
  if (digest === null) {
    if ((await state.kind(parsed)) === undefined) return
  } else {
    const value = await state.value(parsed)
    if (value && equalBytes(digestOf(value), digest)) return
  }
  throw new KvError('KV_CHECK_FAILED', { key: parsed })
}

function intentOf(ops: readonly OwnedOp[], read: readonly Key[]): Intent {
  const touched = ops.flatMap((op) => (op.op === 'rename' ? [op.source, ...insideOf(op)] : [op.key]))
  const dests = ops.flatMap((op) => (op.op === 'rename' ? [op.dest] : []))
  return { touched, dests, read }
}

/** Where a rename onto a dictionary goes; nowhere when that key is too long. */
function insideOf({ source, dest }: { readonly source: Key; readonly dest: Key }): Key[] {
  try {
    return source.segments.length > 0 ? [dest.child(source.basename)] : []
  } catch {
    return []
  }
}

function tooLarge(ops: number, { maxOps, maxBytes }: TxnLimits): KvError {
  return ops > maxOps
    ? new KvError('KV_TOO_LARGE', { message: 'a batch touches too many values', limit: maxOps })
    : new KvError('KV_TOO_LARGE', { message: 'a batch has too many bytes', limit: maxBytes })
}
