import {
  Key,
  type KeyLike,
  type KvBatch,
  type KvBatchOptions,
  type KvChange,
  KvError,
  type KvKind,
  type KvOp,
  type KvOptions,
  type KvSnapshot,
  type KvWatch,
  toKey,
} from '@fata/kv'
import type { KvSuiteOptions, KvSupports } from '@fata/kv/conformance'

export type Store = KvBatch & KvWatch & KvSnapshot
type Part = Partial<Store>

/** One thing that a store does wrong, so that one rule must notice. */
export interface Fault {
  /** Replaces methods of a store that does everything right. */
  readonly wrap?: (kv: Store, state: FaultState) => Part
  readonly supports?: Partial<KvSupports>
  readonly options?: Partial<KvSuiteOptions>
}

/** Lives as long as the place: shared by all its connections. */
export interface FaultState {
  readonly now: () => number
  readonly notes: Map<string, unknown>
}

const text = (key: KeyLike): string => toKey(key).toString()
const empty = (): Uint8Array => new Uint8Array(0)
const isRoot = (key: KeyLike): boolean => text(key) === '/'
const refuse = async (code: ConstructorParameters<typeof KvError>[0], key?: KeyLike): Promise<never> => {
  throw new KvError(code, { key: key === undefined ? undefined : toKey(key) })
}

/** Keys are changed on the way in. */
function mapped(kv: Store, map: (path: string) => string): Part {
  return {
    get: async (key, o) => kv.get(map(text(key)), o),
    set: async (key, value, o) => kv.set(map(text(key)), value, o),
  }
}

/** Operations one by one. */
async function oneByOne(kv: Store, ops: readonly KvOp[], o?: KvOptions): Promise<void> {
  for (const op of ops) {
    if (op.op === 'set') await kv.set(op.key, op.value, o)
    else if (op.op === 'remove') await kv.remove(op.key, o)
    else await kv.rename(op.source, op.dest, o)
  }
}

const splitBatch = (kv: Store): Part => ({ batch: (ops, o) => oneByOne(kv, ops, o) })

/** `list` with its result changed. */
function listed(kv: Store, change: (found: Array<[Key, KvKind]>, key: Key) => Array<[Key, KvKind]>): Part {
  return { list: async (key, o) => change(await kv.list(key, o), toKey(key)) }
}

/** `rename` that does something else in one case. */
function renamed(kv: Store, wrong: (source: Key, dest: Key) => Promise<boolean>): Part {
  return {
    rename: async (source, dest, o) => {
      if (!(await wrong(toKey(source), toKey(dest)))) await kv.rename(source, dest, o)
    },
  }
}

async function* changes(
  events: AsyncIterable<KvChange>,
  change: (event: Extract<KvChange, { type: 'batch' }>) => KvChange[],
): AsyncGenerator<KvChange> {
  for await (const event of events) {
    if (event.type === 'lagged') yield event
    else yield* change(event)
  }
}

function watched(kv: Store, change: Parameters<typeof changes>[1]): Part {
  return { watch: (prefix, o) => changes(kv.watch(prefix, o), change) }
}

const keyFaults: Record<string, Fault> = {
  K1: { wrap: (kv) => ({ get: async (key, o) => (String(key).includes('//') ? undefined : kv.get(key, o)) }) },
  K2: {
    wrap: (kv) =>
      listed(kv, (found) =>
        found.map(([key, kind]) => [Object.assign(Key.of(...key.segments), { toString: () => key.basename }), kind]),
      ),
  },
  K3: { wrap: (kv) => listed(kv, (found) => found.map(([key, kind]) => [Key.of(key.basename), kind])) },
  K4: {
    wrap: (kv) => ({
      exists: (key, o) =>
        Promise.resolve()
          .then(() => kv.exists(key, o))
          .catch(() => undefined),
    }),
  },
  K5: {
    wrap: (kv) => ({
      set: async (key, v, o) => (text(key).length > 1000 ? refuse('KV_KEY_INVALID') : kv.set(key, v, o)),
    }),
  },
  K6: { wrap: (kv) => listed(kv, (found) => found.sort(([a], [b]) => (a.basename < b.basename ? -1 : 1))) },
  K7: {
    wrap: (kv) =>
      listed(kv, (found) => {
        const path = ([key, kind]: [Key, KvKind]) => key + (kind === 'dictionary' ? '/' : '')
        return found.sort((a, b) => (path(a) < path(b) ? -1 : 1))
      }),
  },
  K8: { wrap: (kv) => mapped(kv, (path) => path.replaceAll(':', '\\')) },
  K9: { wrap: (kv) => mapped(kv, (path) => path.normalize('NFC')) },
  K10: { wrap: (kv) => mapped(kv, (path) => path.toLowerCase()) },
  K11: {
    supports: { write: false, remove: false, batch: false },
    wrap: (kv) => listed(kv, (found) => found.filter(([key]) => key.basename !== '__proto__')),
  },
}

const valueFaults: Record<string, Fault> = {
  V1: { wrap: (kv) => ({ set: async (key, value, o) => kv.set(key, value.toReversed(), o) }) },
  V2: {
    wrap: (kv) => ({
      get: async (key, o) => {
        const value = await kv.get(key, o)
        return value?.length ? value : undefined
      },
    }),
  },
  V3: {
    wrap: (kv) => ({
      set: async (key, value, o) => kv.set(key, new TextEncoder().encode(new TextDecoder().decode(value)), o),
    }),
  },
  V4: { wrap: (kv) => ({ get: async (key, o) => (await kv.get(key, o))?.subarray(0, 65_536) }) },
  'V4 append': {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) => {
        if (offset + value.length <= kv.capabilities.maxValueBytes) await kv.setPartial(key, offset, value, o)
      },
    }),
  },
  V5: {
    wrap: (kv) => ({
      batch: async (ops, o) => {
        await Promise.resolve()
        await kv.batch(ops, o)
      },
    }),
  },
  V6: {
    wrap: (kv) => ({
      set: async (key, value, o) => {
        await Promise.resolve()
        await kv.set(key, value, o)
      },
    }),
  },
  V7: {
    wrap: (kv, { notes }) => ({
      get: async (key, o) => {
        if (!notes.has(text(key))) notes.set(text(key), await kv.get(key, o))
        return notes.get(text(key)) as Uint8Array
      },
    }),
  },
  V8: { wrap: (kv) => ({ set: async (key, value, o) => kv.set(key, new Uint8Array(value.buffer), o) }) },
  V9: {
    wrap: (kv) => ({
      getPartial: async (key, offset, length, o) => {
        const part = await kv.getPartial(key, offset, length, o)
        return part && Buffer.from(part)
      },
    }),
  },
}

const kindFaults: Record<string, Fault> = {
  A1: { wrap: (kv) => ({ get: async (key, o) => (await kv.get(key, o)) ?? empty() }) },
  A2: { wrap: (kv) => ({ exists: async (key, o) => (await kv.exists(key, o)) ?? 'value' }) },
  A3: {
    wrap: (kv) => ({
      exists: async (key, o) =>
        (await kv.exists(toKey(key).parent)) === 'value' ? refuse('KV_DICTIONARY_EXPECTED', key) : kv.exists(key, o),
    }),
  },
  A4: { wrap: (kv) => ({ size: async (key, o) => ((await kv.exists(key)) ? kv.size(key, o) : 0) }) },
  A5: {
    wrap: (kv) => ({
      list: async (key, o) => {
        const found = await kv.list(key, o)
        return found.length > 0 ? found : refuse('KV_NOT_FOUND', key)
      },
    }),
  },
  T1: { wrap: (kv) => ({ get: async (key, o) => kv.get(key, o).catch(() => undefined) }) },
  T2: { wrap: (kv) => ({ list: async (key, o) => kv.list(key, o).catch(() => []) }) },
  T3: {
    wrap: (kv) => ({
      set: async (key, value, o) => {
        const above = toKey(key).parent
        if ((await kv.exists(above)) === 'value') await kv.remove(above)
        await kv.set(key, value, o)
      },
    }),
  },
  T4: {
    wrap: (kv) => ({
      set: async (key, value, o) => {
        if ((await kv.exists(key)) === 'dictionary' && !isRoot(key)) await kv.remove(key)
        await kv.set(key, value, o)
      },
    }),
  },
  T5: { wrap: (kv) => ({ set: async (key, value, o) => (isRoot(key) ? undefined : kv.set(key, value, o)) }) },
  T6: { wrap: (kv) => ({ size: async (key, o) => ((await kv.exists(key)) === 'dictionary' ? 0 : kv.size(key, o)) }) },
  T7: {
    wrap: (kv) => ({
      set: async (key, value, o) =>
        (await kv.exists(toKey(key).parent)) ? kv.set(key, value, o) : refuse('KV_NOT_FOUND', key),
    }),
  },
  T8: {
    wrap: (kv, { notes }) => ({
      remove: async (key, o) => {
        notes.set(text(toKey(key).parent), 'dictionary')
        await kv.remove(key, o)
      },
      exists: async (key, o) => (await kv.exists(key, o)) ?? (notes.get(text(key)) as KvKind | undefined),
    }),
  },
}

const listFaults: Record<string, Fault> = {
  L1: { wrap: (kv) => listed(kv, (found) => found.reverse()) },
  L2: {
    wrap: (kv) => ({
      list: async (key, o) => {
        const found = await kv.list(key, o)
        const deeper = found.filter(([, kind]) => kind === 'dictionary').map(([child]) => kv.list(child))
        return [...found, ...(await Promise.all(deeper)).flat()]
      },
    }),
  },
  L3: {
    wrap: (kv) => ({ list: async (key, o) => (await kv.list(key, { ...o, limit: undefined })).slice(1, o?.limit) }),
  },
  L4: { wrap: (kv) => listed(kv, (found) => found.slice(0, 1000)) },
  L5: {
    wrap: (kv) => listed(kv, (found, key) => (found.length > 0 ? [...found, [key.child('~tmp'), 'value']] : found)),
  },
  L6: { wrap: splitBatch },
  P1: {
    wrap: (kv) => ({
      getPartial: async (key, offset, length, o) => {
        const part = await kv.getPartial(key, offset, length, o)
        const padded = part && new Uint8Array(length)
        padded?.set(part!)
        return padded
      },
    }),
  },
  P2: {
    wrap: (kv) => ({
      getPartial: async (key, offset, length, o) =>
        offset >= (await kv.size(key)) ? refuse('KV_RANGE', key) : kv.getPartial(key, offset, length, o),
    }),
  },
  P3: {
    wrap: (kv) => ({
      getPartial: async (key, offset, length, o) => kv.getPartial(key, Math.max(0, offset) || 0, length, o),
    }),
  },
  P4: {
    wrap: (kv) => ({
      getPartial: async (key, offset, length, o) =>
        toKey(key).segments.length > 1 ? undefined : kv.getPartial(key, offset, length, o),
    }),
  },
  P5: {
    wrap: (kv) => ({ getPartial: async (key, offset, length, o) => kv.getPartial(key, offset % 65_536, length, o) }),
  },
}

const writeFaults: Record<string, Fault> = {
  W1: {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) => {
        await kv.setPartial(key, offset, value, o)
        await kv.set(key, (await kv.get(key))!.subarray(0, offset + value.length))
      },
    }),
  },
  W2: {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) =>
        offset > 0 && offset === (await kv.size(key)) ? refuse('KV_RANGE', key) : kv.setPartial(key, offset, value, o),
    }),
  },
  W3: {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) => {
        const size = (await kv.exists(key)) ? await kv.size(key) : 0
        await kv.setPartial(key, Math.min(size, offset), value, o)
      },
    }),
  },
  W4: {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) =>
        (await kv.exists(key)) ? kv.setPartial(key, offset, value, o) : refuse('KV_NOT_FOUND', key),
    }),
  },
  W5: {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) =>
        (await kv.exists(key)) === 'dictionary' ? undefined : kv.setPartial(key, offset, value, o),
    }),
  },
  W6: {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) => {
        await kv.setPartial(key, offset, value.subarray(0, value.length / 2), o)
        await kv.setPartial(key, offset, value, o)
      },
    }),
  },
  R1: { wrap: () => ({ remove: async () => {} }) },
  R2: {
    wrap: (kv) => ({ remove: async (key, o) => ((await kv.exists(key)) === 'value' ? kv.remove(key, o) : undefined) }),
  },
  R3: {
    wrap: (kv) => ({
      remove: async (key, o) => ((await kv.exists(key)) ? kv.remove(key, o) : refuse('KV_NOT_FOUND', key)),
    }),
  },
  R4: {
    wrap: (kv, { notes }) => ({
      remove: async (key, o) => {
        if (notes.has(text(key))) await refuse('KV_NOT_FOUND', key)
        notes.set(text(key), true)
        await kv.remove(key, o)
      },
    }),
  },
  R5: {
    wrap: (kv) => ({ remove: async (key, o) => (isRoot(key) ? refuse('KV_VALUE_EXPECTED', key) : kv.remove(key, o)) }),
  },
  R6: {
    wrap: (kv) => ({
      remove: async (key, o) => {
        for (const [sibling] of await kv.list(toKey(key).parent))
          if (text(sibling).startsWith(text(key))) await kv.remove(sibling, o)
      },
    }),
  },
  R7: {
    wrap: (kv, { notes }) => ({
      remove: async (key, o) => {
        notes.set(text(key), true)
        await kv.remove(key, o)
      },
      set: async (key, value, o) => (notes.has(text(key)) ? refuse('KV_ALREADY_PRESENT', key) : kv.set(key, value, o)),
    }),
  },
}

const renameFaults: Record<string, Fault> = {
  N1: {
    wrap: (kv) =>
      renamed(kv, async (source, dest) => {
        await kv.set(dest, (await kv.get(source))!)
        return true
      }),
  },
  N2: {
    wrap: (kv) =>
      renamed(kv, async (_, dest) => (await kv.exists(dest)) === 'value' && refuse('KV_ALREADY_PRESENT', dest)),
  },
  N3: {
    wrap: (kv) =>
      renamed(
        kv,
        async (_, dest) =>
          !isRoot(dest) && (await kv.exists(dest)) === 'dictionary' && refuse('KV_VALUE_EXPECTED', dest),
      ),
  },
  N4: {
    wrap: (kv) =>
      renamed(kv, async (source) => (await kv.exists(source)) === 'dictionary' && refuse('KV_VALUE_EXPECTED', source)),
  },
  N5: {
    wrap: (kv) =>
      renamed(kv, async (source, dest) => {
        if ((await kv.exists(dest)) === 'dictionary') await kv.remove(dest.child(source.basename))
        return false
      }),
  },
  N6: {
    wrap: (kv) =>
      renamed(kv, async (source, dest) => {
        if ((await kv.exists(source)) === 'dictionary' && (await kv.exists(dest)) === 'value') await kv.remove(dest)
        return false
      }),
  },
  N7: { wrap: (kv) => renamed(kv, async (source, dest) => dest.startsWith(source) && !(await kv.exists(dest))) },
  N8: {
    wrap: (kv) =>
      renamed(
        kv,
        async (source, dest) => text(dest).startsWith(text(source)) && refuse('KV_RENAME_SOURCE_PREFIX', source),
      ),
  },
  N9: { wrap: (kv) => renamed(kv, async (source) => !(await kv.exists(source))) },
  N10: {
    wrap: (kv) =>
      renamed(kv, async (source, dest) => {
        if (source.equals(dest)) await kv.remove(dest)
        return source.equals(dest)
      }),
  },
  N11: {
    wrap: (kv) =>
      renamed(kv, async (_, dest) => {
        if ((await kv.exists(dest.parent)) === 'value') await kv.remove(dest.parent)
        return false
      }),
  },
  N12: {
    wrap: (kv) => ({
      digest: async (key, o) =>
        (await kv.digest(key, o)).map((byte, i) => byte ^ text(key).charCodeAt(i % text(key).length)),
    }),
  },
}

const metaFaults: Record<string, Fault> = {
  Z1: {
    wrap: (kv) => ({
      allocate: async (key, size, o) => {
        await kv.allocate(key, size, o)
        await kv.set(key, new Uint8Array(size).fill(1))
      },
    }),
  },
  Z2: { wrap: (kv) => ({ allocate: async (key, size, o) => kv.allocate(key, size, { signal: o?.signal }) }) },
  Z3: {
    wrap: (kv) => ({
      allocate: async (key, size, o) => {
        if ((await kv.exists(key)) === 'value') await kv.remove(key)
        await kv.allocate(key, size, o)
      },
    }),
  },
  Z4: {
    wrap: (kv, { notes }) => ({
      allocate: async (key, size, o) => {
        notes.set(text(key), true)
        await kv.allocate(key, size, o)
      },
      setPartial: async (key, offset, value, o) =>
        notes.has(text(key)) ? refuse('KV_NOT_SUPPORTED', key) : kv.setPartial(key, offset, value, o),
    }),
  },
  M1: { wrap: (kv) => ({ lastModified: async (key, o) => (await kv.lastModified(key, o)) / 1000 }) },
  M2: {
    wrap: (kv, { now, notes }) => ({
      set: async (key, value, o) => {
        notes.set(text(key), now())
        await kv.set(key, value, o)
      },
      lastModified: async (key) => notes.get(text(key)) as number,
    }),
  },
  M3: { wrap: (_, { now }) => ({ lastModified: async () => now() }) },
  M4: { wrap: (kv) => ({ digest: async (key) => new Uint8Array(32).fill(await kv.size(key)) }) },
  M5: {
    wrap: (kv, { notes }) => ({
      size: async (key, o) => {
        const size = Math.max(await kv.size(key, o), (notes.get('size') as number) ?? 0)
        notes.set('size', size)
        return size
      },
    }),
  },
  M6: {
    wrap: (kv, { notes }) => {
      const connections = ((notes.get('connections') as number) ?? 0) + 1
      notes.set('connections', connections)
      return { lastModified: async (key, o) => (await kv.lastModified(key, o)) + connections }
    },
  },
}

const ignoringChecks = (kv: Store): Part => ({ batch: async (ops, o) => kv.batch(ops, { ...o, checks: undefined }) })

function reordered(kv: Store, order: (ops: readonly KvOp[]) => readonly KvOp[]): Part {
  return { batch: async (ops: readonly KvOp[], o?: KvBatchOptions) => kv.batch(order(ops), o) }
}

const batchFaults: Record<string, Fault> = {
  B1: { wrap: (kv) => ({ batch: async (ops, o) => (ops.length === 0 ? refuse('KV_RANGE') : kv.batch(ops, o)) }) },
  B2: {
    wrap: (kv) =>
      reordered(kv, (ops) => [...ops.filter(({ op }) => op === 'rename'), ...ops.filter(({ op }) => op !== 'rename')]),
  },
  B3: { wrap: (kv) => reordered(kv, (ops) => ops.toReversed()) },
  B4: {
    wrap: (kv) =>
      reordered(kv, (ops) => [...ops.filter(({ op }) => op === 'set'), ...ops.filter(({ op }) => op !== 'set')]),
  },
  B5: { wrap: splitBatch },
  B6: { wrap: (kv) => reordered(kv, (ops) => ops.slice(0, 3)) },
  B7: { wrap: splitBatch },
  B8: { wrap: ignoringChecks },
  'B8 order': {
    wrap: (kv) => ({
      set: async (key, value, o) => {
        const copy = value.slice()
        for (let turn = 0; turn < 20; turn++) await Promise.resolve()
        await kv.set(key, copy, o)
      },
    }),
  },
  B9: { wrap: ignoringChecks },
  B10: { wrap: (kv) => reordered(kv, (ops) => ops.slice(0, kv.capabilities.maxBatchOps)) },
  B11: {
    wrap: (kv) =>
      renamed(kv, async (source) => {
        await kv.remove(source.child('3'))
        return false
      }),
  },
  B12: {
    wrap: (kv) => ({
      batch: async (ops, o) => {
        await kv.batch(ops, o)
        o?.signal?.throwIfAborted()
        await Promise.resolve()
        o?.signal?.throwIfAborted()
      },
    }),
  },
}

const lifeFaults: Record<string, Fault> = {
  C1: {
    wrap: (kv, { notes }) => ({
      disconnect: async () => {
        if (notes.has('closed')) await refuse('KV_CLOSED')
        notes.set('closed', true)
        await kv.disconnect()
      },
    }),
  },
  C2: { wrap: (kv) => ({ exists: async (key, o) => kv.exists(key, o).catch(() => undefined) }) },
  C3: {
    wrap: (kv) => ({
      set: async (key, value, o) => {
        await kv.set(key, value, o)
        for (let turn = 0; turn < 100; turn++) await Promise.resolve()
      },
    }),
  },
  C4: { wrap: (kv) => ({ disconnect: async () => kv.remove('/').then(() => kv.disconnect()) }) },
  C5: {},
  C6: { options: { badPlaces: [{ name: 'nowhere', connect: () => refuse('KV_NOT_FOUND') }] } },
  C7: {
    wrap: (kv, { notes }) => ({
      set: async (key, value, o) => {
        const turn = ((notes.get('turn') as number) ?? 0) + 1
        notes.set('turn', turn)
        for (let wait = turn; wait < 200; wait++) await Promise.resolve()
        await kv.set(key, value, o)
      },
    }),
  },
  'C7 partial': {
    wrap: (kv) => ({
      setPartial: async (key, offset, value, o) => {
        const copy = value.slice()
        for (let turn = 0; turn < 20; turn++) await Promise.resolve()
        await kv.setPartial(key, offset, copy, o)
      },
    }),
  },
  C8: { wrap: (kv) => ({ get: async (key, o) => kv.get(text(key).slice(0, -1), o) }) },
  C9: {
    wrap: (kv) => ({
      set: async (key, value, o) =>
        kv.set(key, value, o).catch((error: KvError) => {
          throw new KvError(error.code, { key: error.key, message: `cannot set ${new TextDecoder().decode(value)}` })
        }),
    }),
  },
  C10: { wrap: (kv) => ({ remove: async (key) => kv.remove(key) }) },
  C11: { wrap: (kv) => ({ get: async (key, o) => kv.get(key ?? '/', o) }) },
  C12: {
    supports: { exclusive: false },
    wrap: (kv) => {
      const seen = new Map<string, Promise<Uint8Array | undefined>>()
      return {
        get: async (key, o) => {
          const path = text(key)
          if (!seen.has(path)) seen.set(path, kv.get(key, o))
          return seen.get(path)
        },
      }
    },
  },
}

const watchFaults: Record<string, Fault> = {
  X1: { wrap: (kv) => watched(kv, (event) => (event.changes.some(({ op }) => op === 'remove') ? [] : [event])) },
  X2: { wrap: (kv) => watched(kv, ({ changes }) => changes.map((change) => ({ type: 'batch', changes: [change] }))) },
  X3: { wrap: (kv) => ({ watch: (_, o) => kv.watch('/', o) }) },
  X4: {
    wrap: (kv) => ({
      watch: async function* (prefix, o) {
        yield* kv.watch(prefix, o)
        yield { type: 'lagged' }
      },
    }),
  },
  X5: {
    wrap: (kv) => ({ watch: (prefix, o) => changes(kv.watch(prefix, o), (event) => [event]) }),
    options: { lagAfter: 1000 },
  },
  S1: { wrap: (kv) => ({ snapshot: async () => ({ ...view(kv), disconnect: async () => {} }) }) },
  'S2 closed': {
    wrap: (kv) => ({ snapshot: async () => ({ ...view(await kv.snapshot()), disconnect: async () => {} }) }),
  },
  S2: {
    wrap: (kv) => ({
      snapshot: async () => {
        const snapshot = await kv.snapshot()
        return { ...view(snapshot), disconnect: () => kv.disconnect() }
      },
    }),
  },
}

function view(kv: Awaited<ReturnType<Store['snapshot']>>): typeof kv {
  return {
    capabilities: kv.capabilities,
    exists: (key, o) => kv.exists(key, o),
    get: (key, o) => kv.get(key, o),
    getPartial: (key, offset, length, o) => kv.getPartial(key, offset, length, o),
    list: (key, o) => kv.list(key, o),
    size: (key, o) => kv.size(key, o),
    lastModified: (key, o) => kv.lastModified(key, o),
    digest: (key, o) => kv.digest(key, o),
    disconnect: () => kv.disconnect(),
    [Symbol.asyncDispose]: () => kv.disconnect(),
  }
}

/** A store that has what it is said not to have. */
const deniedFaults: Record<string, Fault> = {
  D1: { supports: { write: false, remove: false, batch: false } },
  D2: { supports: { remove: false } },
  'D2 batch': {
    supports: { remove: false },
    wrap: (kv) => ({
      capabilities: { ...kv.capabilities, appendOnly: true },
      remove: async (key) => refuse('KV_NOT_SUPPORTED', key),
      rename: async (key) => refuse('KV_NOT_SUPPORTED', key),
      batch: async (ops, o) => {
        for (const op of ops) await (op.op === 'set' ? kv.batch([op], o) : refuse('KV_NOT_SUPPORTED'))
      },
    }),
  },
  D3: { supports: { batch: false } },
  D4: { supports: { watch: false } },
  D5: { supports: { snapshot: false } },
  D6: { supports: { reopen: false } },
  D7: { supports: { exclusive: false } },
}

/** For every rule of the suite, by its id, a store that breaks it; a word after the id tells several apart. */
export const faults: Readonly<Record<string, Fault>> = {
  ...keyFaults,
  ...valueFaults,
  ...kindFaults,
  ...listFaults,
  ...writeFaults,
  ...renameFaults,
  ...metaFaults,
  ...batchFaults,
  ...lifeFaults,
  ...watchFaults,
  ...deniedFaults,
}
