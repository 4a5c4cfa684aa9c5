import { createGate, type Gate } from './gate.ts'
import { type Key, type KeyLike, KvError, toKey } from './key.ts'
import { Merged } from './layered/merged.ts'
import { refuseOwn } from './layered/removed.ts'
import { Writer } from './layered/writer.ts'
import type { KvBatch, KvCapabilities, KvKind, KvOptions, KvRo } from './store.ts'

/** A view that can be written where the store on top has batches. */
export type Layered<S extends KvRo> = S extends KvBatch ? KvBatch : KvRo

/**
 * The stores one over the other, the first on top, as one store: a value hides what the stores below have at and below its
 * key, a dictionary hides a value and shows its children together with those of the dictionaries below.
 *
 * When the top store has `batch`, so has the view: writes go there, and what is removed from the stores below is marked there,
 * in the dictionary `.layered`, which is not in the view (KV_KEY_INVALID). The stores below are never written. Nobody else may
 * write the top store meanwhile. Disconnecting the view leaves the stores open.
 *
 * Throws TypeError without a store, or when their digests differ.
 */
export function layered<S extends KvRo>(...stores: readonly [S, ...KvRo[]]): Layered<S> {
  const [top, next, ...others] = stores
  if (!top) throw new TypeError('layered needs a store')
  const below = next ? (others.length > 0 ? layered(next, ...others) : next) : nothing(top.capabilities)
  return view(top, below) as unknown as Layered<S>
}

function isBatch(kv: KvRo): kv is KvBatch {
  return 'batch' in kv
}

function view(top: KvRo, below: KvRo): KvRo | KvBatch {
  const gate = createGate()
  const merged = new Merged(top, below)
  const capabilities = capabilitiesOf(top, below)
  const writer = isBatch(top) ? new Writer({ top, below, merged, capabilities }) : undefined
  /** Looks several times, at several stores: again in turn with the writes when one has come in between. */
  const read = <T>(key: KeyLike, o: KvOptions | undefined, look: (key: Key) => Promise<T>): Promise<T> =>
    gate.run(async () => {
      o?.signal?.throwIfAborted()
      const parsed = refuseOwn(toKey(key))
      const before = writer?.epoch
      const outcome = await settled(look(parsed))
      const isSteady = !writer || (before !== undefined && writer.epoch === before)
      return isSteady ? outcome() : writer.turn(() => look(parsed))
    })
  const value = <T>(key: KeyLike, o: KvOptions | undefined, absent: (key: Key) => T, look: (kv: KvRo) => Promise<T>) =>
    read(key, o, async (parsed) => {
      const found = await merged.find(parsed, o)
      return found ? look(found.kv) : absent(parsed)
    })
  const reading: KvRo = {
    capabilities,
    exists: (key, o) => read(key, o, async (parsed) => (await merged.find(parsed, o))?.kind),
    get: (key, o) => value<Uint8Array | undefined>(key, o, nothingThere, (kv) => kv.get(key, o)),
    getPartial: (key, offset, length, o) =>
      value<Uint8Array | undefined>(key, o, nothingThere, (kv) => kv.getPartial(key, offset, length, o)),
    list: (key, o) => read(key, o, (parsed) => merged.list(parsed, o)),
    size: (key, o) => value(key, o, missing, (kv) => kv.size(key, o)),
    lastModified: (key, o) => value(key, o, missing, (kv) => kv.lastModified(key, o)),
    digest: (key, o) => value(key, o, missing, (kv) => kv.digest(key, o)),
    disconnect: () => gate.close(),
    [Symbol.asyncDispose]: () => gate.close(),
  }
  return writer ? { ...reading, ...writing(writer, gate) } : reading
}

function writing(writer: Writer, gate: Gate): Omit<KvBatch, keyof KvRo> {
  const write = (o: KvOptions | undefined, work: () => Promise<void>): Promise<void> =>
    gate.run(async () => {
      o?.signal?.throwIfAborted()
      return work()
    })
  return {
    set: (key, value, o) => write(o, () => writer.batch([{ op: 'set', key, value }], o)),
    setPartial: (key, offset, value, o) => write(o, () => writer.setPartial(key, offset, value, o)),
    allocate: (key, size, o) => write(o, () => writer.allocate(key, size, o)),
    remove: (key, o) => write(o, () => writer.batch([{ op: 'remove', key }], o)),
    rename: (source, dest, o) => write(o, () => writer.batch([{ op: 'rename', source, dest }], o)),
    batch: (ops, o) => write(o, () => writer.batch(ops, o)),
  }
}

const nothingThere = (): undefined => undefined

function missing(key: Key): never {
  throw new KvError('KV_NOT_FOUND', { key })
}

/** The outcome of the operation, to be had later. */
async function settled<T>(operation: Promise<T>): Promise<() => T> {
  try {
    const value = await operation
    return () => value
  } catch (error) {
    return () => {
      throw error
    }
  }
}

/** An empty store. */
function nothing(capabilities: KvCapabilities): KvRo {
  const kindOf = (key: KeyLike): KvKind | undefined => (toKey(key).segments.length === 0 ? 'dictionary' : undefined)
  const none = async (key: KeyLike): Promise<never> => {
    throw new KvError(kindOf(key) ? 'KV_VALUE_EXPECTED' : 'KV_NOT_FOUND', { key: toKey(key) })
  }
  return {
    capabilities,
    exists: async (key) => kindOf(key),
    get: async () => undefined,
    getPartial: async () => undefined,
    list: async (key) => (kindOf(key) ? [] : none(key)),
    size: none,
    lastModified: none,
    digest: none,
    disconnect: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

const LEVELS = ['none', 'process-crash', 'power-loss', 'replicated'] as const

/** Writes go to the top one only: what they survive is its affair. */
function capabilitiesOf(upper: KvRo, lower: KvRo): KvCapabilities {
  const [top, below] = [upper.capabilities, lower.capabilities]
  if (top.digest !== below.digest) throw new TypeError('the stores must have one digest algorithm')
  const least = Math.min(LEVELS.indexOf(top.durability), LEVELS.indexOf(below.durability))
  return {
    ...top,
    durability: isBatch(upper) ? top.durability : LEVELS[least]!,
    lastModifiedResolutionMs: Math.max(top.lastModifiedResolutionMs, below.lastModifiedResolutionMs),
    keyNames: top.keyNames === 'folding' || below.keyNames === 'folding' ? 'folding' : 'exact',
  }
}
