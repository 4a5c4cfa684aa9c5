import type { Key, KvNet } from '@fata/kv'
import { decoded, type EngineOp } from './engine.ts'
import type { State } from './state.ts'
import { dictionaryKey, encodeValue, FORMAT, valueKey } from './wire.ts'

/** What the engine is to be told, and what this makes of dictionaries. */
export interface Changes {
  readonly ops: readonly EngineOp[]
  readonly made: ReadonlySet<string>
  readonly removed: ReadonlySet<string>
  /** Bytes of values written, moved ones included. */
  readonly bytes: number
}

/** `time`: of a write where it is not earlier than that of the value before; `given` is taken as it is. */
export async function changesOf(net: KvNet, state: State, time: number, given?: number): Promise<Changes> {
  const ops: EngineOp[] = []
  let bytes = 0
  const sources = net.sets.flatMap((set) => ('from' in set ? [set.from] : []))
  const before = await state.records([...net.sets.map(({ key }) => key), ...sources])
  const put: EngineOp[] = net.sets.map((set) => {
    const old = before.get(valueKey(set.key))
    const value = 'from' in set ? decoded(before.get(valueKey(set.from))!, set.from).value : set.value
    bytes += value.length
    const lastModified = given ?? Math.max(time, old ? decoded(old, set.key).lastModified : 0)
    return { type: 'put', key: valueKey(set.key), value: encodeValue(value, lastModified) }
  })
  for (const key of net.removes) ops.push({ type: 'del', key: valueKey(key) })
  const needed = dictionariesAbove(net.sets.map(({ key }) => key))
  const removed = await emptied(net.removes, needed, state)
  const made = new Set<string>()
  for (const [engineKey, key] of needed) if ((await state.kind(key)) !== 'dictionary') made.add(engineKey)
  for (const key of removed) ops.push({ type: 'del', key })
  for (const key of made) ops.push({ type: 'put', key, value: Uint8Array.of(FORMAT) })
  return { ops: [...ops, ...put], made, removed, bytes }
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
