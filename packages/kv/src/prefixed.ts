import { errorCode } from './codes.ts'
import { createGate, type Gate } from './gate.ts'
import { Key, type KeyLike, KvError, toKey } from './key.ts'
import { rebase } from './overlay.ts'
import type { KvBatch, KvChange, KvCheck, KvOp, KvRo, KvRw, KvSnapshot, KvWatch } from './store.ts'

/** A view that offers what the store below it offers. */
export type Prefixed<S extends KvRo> = KvRo &
  (S extends KvRw ? KvRw : unknown) &
  (S extends KvBatch ? KvBatch : unknown) &
  (S extends KvWatch ? KvWatch : unknown) &
  (S extends KvSnapshot ? KvSnapshot : unknown)

/**
 * The store below `prefix` as a store of its own: the prefix is its root, which always exists. Keys may be as much shorter
 * as the prefix is long. Disconnecting the view leaves the store open. Throws KvError KV_KEY_INVALID.
 */
export function prefixed<S extends KvRo>(kv: S, prefix: KeyLike): Prefixed<S> {
  return view(kv, new Place(toKey(prefix)), createGate()) as Prefixed<S>
}

function view(kv: KvRo, place: Place, gate: Gate): KvRo {
  return {
    ...reading(kv, place, gate),
    ...(offers<KvRw>(kv, 'set') ? writing(kv, place, gate) : {}),
    ...(offers<KvBatch>(kv, 'batch') ? batching(kv, place, gate) : {}),
    ...(offers<KvWatch>(kv, 'watch') ? watching(kv, place, gate) : {}),
    ...(offers<KvSnapshot>(kv, 'snapshot') ? snapshots(kv, place, gate) : {}),
  }
}

function offers<T>(kv: KvRo, method: string): kv is KvRo & T {
  return typeof (kv as object as Record<string, unknown>)[method] === 'function'
}

function reading(kv: KvRo, place: Place, gate: Gate): KvRo {
  /** A read of a value: of the root there is none. */
  const value = <T>(key: KeyLike, signal: AbortSignal | undefined, read: (key: Key) => Promise<T>): Promise<T> =>
    gate.run(async () => {
      signal?.throwIfAborted()
      const inner = toKey(key)
      if (isRoot(inner)) throw new KvError('KV_VALUE_EXPECTED', { key: inner })
      return place.within(() => read(place.down(inner)))
    })
  return {
    capabilities: kv.capabilities,
    exists: (key, o) =>
      gate.run(async () => {
        o?.signal?.throwIfAborted()
        const inner = toKey(key)
        return isRoot(inner) ? 'dictionary' : place.within(() => kv.exists(place.down(inner), o))
      }),
    list: (key, o) =>
      gate.run(async () => {
        const inner = toKey(key)
        const listing = place
          .within(() => kv.list(place.down(inner), o))
          .catch((error: unknown) => {
            if (isRoot(inner) && errorCode(error) === 'KV_NOT_FOUND') return []
            throw error
          })
        return (await listing).map(([found, kind]) => [place.up(found), kind])
      }),
    get: (key, o) => value(key, o?.signal, (below) => kv.get(below, o)),
    getPartial: (key, offset, length, o) => value(key, o?.signal, (below) => kv.getPartial(below, offset, length, o)),
    size: (key, o) => value(key, o?.signal, (below) => kv.size(below, o)),
    lastModified: (key, o) => value(key, o?.signal, (below) => kv.lastModified(below, o)),
    digest: (key, o) => value(key, o?.signal, (below) => kv.digest(below, o)),
    disconnect: () => gate.close(),
    [Symbol.asyncDispose]: () => gate.close(),
  }
}

type Writing = Omit<KvRw, keyof KvRo>

function writing(kv: KvRw, place: Place, gate: Gate): Writing {
  const write = (key: KeyLike, code: 'KV_VALUE_EXPECTED' | 'KV_ALREADY_PRESENT', go: (key: Key) => Promise<void>) =>
    gate.run(async () => {
      const inner = toKey(key)
      if (isRoot(inner)) throw new KvError(code, { key: inner })
      return place.within(() => go(place.down(inner)))
    })
  return {
    set: (key, value, o) => write(key, 'KV_VALUE_EXPECTED', (below) => kv.set(below, value, o)),
    setPartial: (key, offset, value, o) =>
      write(key, 'KV_VALUE_EXPECTED', (below) => kv.setPartial(below, offset, value, o)),
    allocate: (key, size, o) => write(key, 'KV_ALREADY_PRESENT', (below) => kv.allocate(below, size, o)),
    remove: (key, o) => gate.run(() => place.within(async () => kv.remove(place.down(toKey(key)), o))),
    rename: (source, dest, o) =>
      gate.run(async () => {
        o?.signal?.throwIfAborted()
        const [from, to] = [toKey(source), toKey(dest)]
        if (!isRoot(from)) return place.within(() => kv.rename(place.down(from), place.down(to), o))
        if (!isRoot(to)) throw new KvError('KV_RENAME_SOURCE_PREFIX', { key: from })
      }),
  }
}

function batching(kv: KvBatch, place: Place, gate: Gate): Pick<KvBatch, 'batch'> {
  return {
    batch: (ops, o) =>
      gate.run(async () => {
        o?.signal?.throwIfAborted()
        const checks = o?.checks?.map((check) => checkBelow(check, place))
        const below = ops.flatMap((op) => opBelow(op, place))
        return place.within(() => kv.batch(below, checks ? { ...o, checks } : o))
      }),
  }
}

/**
 * The root of the view exists even where the store has nothing at the prefix; the store's own root then stands for it,
 * which refuses the same operations with the same codes, in their order among the others.
 */
function checkBelow(check: KvCheck, place: Place): KvCheck {
  const key = toKey(check.key)
  return { key: isRoot(key) ? Key.root : place.down(key), digest: check.digest }
}

function opBelow(op: KvOp, place: Place): KvOp[] {
  if (op.op === 'remove') return [{ op: 'remove', key: place.down(toKey(op.key)) }]
  if (op.op === 'set') {
    const key = toKey(op.key)
    return [{ op: 'set', key: isRoot(key) ? Key.root : place.down(key), value: op.value }]
  }
  const [source, dest] = [toKey(op.source), toKey(op.dest)]
  if (isRoot(source) && isRoot(dest)) return []
  return [{ op: 'rename', source: isRoot(source) ? Key.root : place.down(source), dest: place.down(dest) }]
}

function watching(kv: KvRo & KvWatch, place: Place, gate: Gate): KvWatch {
  return {
    watch(prefix, { signal }) {
      const below = place.down(toKey(prefix))
      if (gate.closed) return refused()
      return place.events(kv.watch(below, { signal: AbortSignal.any([signal, gate.signal]) }))
    },
  }
}

// biome-ignore lint/correctness/useYield: an iteration that fails at its first step
async function* refused(): AsyncGenerator<KvChange> {
  throw new KvError('KV_CLOSED')
}

function snapshots(kv: KvRo & KvSnapshot, place: Place, gate: Gate): KvSnapshot {
  return {
    snapshot: () =>
      gate.run(async () => {
        const snapshot = await kv.snapshot()
        return view(
          snapshot,
          place,
          createGate(() => snapshot.disconnect()),
        )
      }),
  }
}

function isRoot(key: Key): boolean {
  return key.segments.length === 0
}

/** Translates keys and the keys in errors between the view and the store below. */
class Place {
  readonly #prefix: Key

  constructor(prefix: Key) {
    this.#prefix = prefix
  }

  down(key: Key): Key {
    return this.#prefix.join(key)
  }

  up(key: Key): Key {
    return key.startsWith(this.#prefix) ? rebase(key, this.#prefix, Key.root) : Key.root
  }

  async within<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw this.#translate(error)
    }
  }

  #translate(error: unknown): unknown {
    const code = errorCode(error)
    const { key, limit } = error as KvError
    if (!code || !key) return error
    return new KvError(code, { key: this.up(key), limit, cause: error })
  }

  async *events(events: AsyncIterable<KvChange>): AsyncGenerator<KvChange> {
    for await (const event of events) {
      if (event.type === 'lagged') yield event
      else yield { type: 'batch', changes: event.changes.map(({ op, key }) => ({ op, key: this.up(key) })) }
    }
  }
}
