import type { Key, KvNet } from '@fata/kv'
import { decoded, type EngineOp } from './engine.ts'
import type { State } from './state.ts'
import { dictionaryKey, encodeHead, encodeValue, FORMAT, HEAD_KEY, valueKey } from './wire.ts'

/** What the engine is to be told. */
export interface Changes {
  readonly ops: readonly EngineOp[]
  /** The latest time of a value then. */
  readonly latest: number
  /** Bytes of values written, moved ones included. */
  readonly bytes: number
}

export interface Times {
  /** Of this write, where it is not earlier than that of the value before. */
  readonly now: number
  /** No value has a later one. */
  readonly latest: number
  /** Taken as it is, in place of `now`. */
  readonly given: number | undefined
}

export async function changesOf(net: KvNet, state: State, times: Times): Promise<Changes> {
  const needed = dictionariesAbove(net.sets.map(({ key }) => key))
  const removed = await emptied(net.removes, needed, state)
  const made: string[] = []
  for (const [engineKey, key] of needed) if ((await state.kind(key)) !== 'dictionary') made.push(engineKey)
  const { puts, latest, bytes } = await putsOf(net, state, times)
  const ops: EngineOp[] = []
  for (const key of net.removes) ops.push({ type: 'del', key: valueKey(key) })
  for (const key of removed) ops.push({ type: 'del', key })
  for (const key of made) ops.push({ type: 'put', key, value: Uint8Array.of(FORMAT) })
  if (latest > times.latest) ops.push({ type: 'put', key: HEAD_KEY, value: encodeHead(latest) })
  return { ops: [...ops, ...puts], latest, bytes }
}

/** Reads what is moved; and what is replaced only when it may have a later time. */
async function putsOf({ sets }: KvNet, state: State, { now, latest, given }: Times) {
  const sources = sets.flatMap((set) => ('from' in set ? [set.from] : []))
  const replaced = given === undefined && latest > now ? sets.map(({ key }) => key) : []
  const before = await state.records([...sources, ...replaced])
  const puts: EngineOp[] = []
  let bytes = 0
  let newest = latest
  for (const set of sets) {
    const old = before.get(valueKey(set.key))
    const value = 'from' in set ? decoded(before.get(valueKey(set.from))!, set.from).value : set.value
    const lastModified = given ?? Math.max(now, old ? decoded(old, set.key).lastModified : 0)
    newest = Math.max(newest, lastModified)
    bytes += value.length
    puts.push({ type: 'put', key: valueKey(set.key), value: encodeValue(value, lastModified) })
  }
  return { puts, latest: newest, bytes }
}

/** The dictionaries that must exist for the values to lie in them, by engine key. */
function dictionariesAbove(keys: readonly Key[]): Map<string, Key> {
  const above = new Map<string, Key>()
  for (const key of keys) {
    for (let at = key.parent; at.segments.length > 0; at = at.parent) {
      const engineKey = dictionaryKey(at)
      if (above.has(engineKey)) break
      above.set(engineKey, at)
    }
  }
  return above
}

/** The dictionaries that are gone with the removed values, the deepest first. */
async function emptied(
  removes: readonly Key[],
  needed: ReadonlyMap<string, Key>,
  state: State,
): Promise<ReadonlySet<string>> {
  const gone = new Set(removes.map(valueKey))
  const empty = new Set<string>()
  const parents = [...dictionariesAbove(removes)].sort(([, a], [, b]) => b.segments.length - a.segments.length)
  for (const [engineKey, key] of parents) {
    if (needed.has(engineKey) || (await state.hasOtherChild(key, gone))) continue
    empty.add(engineKey)
    gone.add(engineKey)
  }
  return empty
}
