import type { KvErrorCode } from '../codes.ts'
import { pick, type Random } from './random.ts'

/** An operation as text keys, root `''`, others `/a/b`. */
export type ModelOp =
  | { op: 'set'; key: string; value: Uint8Array }
  | { op: 'remove'; key: string }
  | { op: 'rename'; source: string; dest: string }

/** Path to value: the plainest store there is, against which batches are compared. */
export type Model = ReadonlyMap<string, Uint8Array>

/** The state after the batch, or the code with which it must be refused. */
export function applyToModel(before: Model, ops: readonly ModelOp[]): Model | KvErrorCode {
  const state = new Map(before)
  for (const op of ops) {
    const refused = applyOne(state, op)
    if (refused) return refused
  }
  return state
}

function applyOne(state: Map<string, Uint8Array>, op: ModelOp): KvErrorCode | undefined {
  if (op.op === 'set') return set(state, op.key, op.value)
  if (op.op === 'rename') return rename(state, op.source, op.dest)
  for (const path of below(state, op.key)) state.delete(path)
  return undefined
}

function set(state: Map<string, Uint8Array>, key: string, value: Uint8Array): KvErrorCode | undefined {
  if (kindOf(state, key) === 'dictionary') return 'KV_VALUE_EXPECTED'
  if (isBelowValue(state, key)) return 'KV_DICTIONARY_EXPECTED'
  state.set(key, value)
  return undefined
}

function rename(state: Map<string, Uint8Array>, source: string, dest: string): KvErrorCode | undefined {
  const kind = kindOf(state, source)
  if (!kind) return 'KV_NOT_FOUND'
  if (source === dest) return undefined
  if (dest.startsWith(`${source}/`)) return 'KV_RENAME_SOURCE_PREFIX'
  const there = kindOf(state, dest)
  if (there === 'value' && kind === 'dictionary') return 'KV_VALUE_EXPECTED'
  if (isBelowValue(state, dest)) return 'KV_DICTIONARY_EXPECTED'
  const target = there === 'dictionary' ? dest + source.slice(source.lastIndexOf('/')) : dest
  if (target === source) return undefined
  const taken = kindOf(state, target)
  if (target !== dest && taken && !(taken === 'value' && kind === 'value')) return 'KV_ALREADY_PRESENT'
  const moved = below(state, source).map((path) => [target + path.slice(source.length), state.get(path)!] as const)
  for (const path of below(state, source)) state.delete(path)
  for (const [path, value] of moved) state.set(path, value)
  return undefined
}

function kindOf(state: Model, key: string): 'value' | 'dictionary' | undefined {
  if (state.has(key)) return 'value'
  return key === '' || below(state, key).length > 0 ? 'dictionary' : undefined
}

function below(state: Model, key: string): string[] {
  return [...state.keys()].filter((path) => path === key || path.startsWith(`${key}/`))
}

function isBelowValue(state: Model, key: string): boolean {
  return [...state.keys()].some((path) => key.startsWith(`${path}/`))
}

const NAMES = ['a', 'b', 'c']

export function randomKey(random: Random): string {
  let key = ''
  for (let depth = random(12) === 0 ? 0 : 1 + random(3); depth > 0; depth--) key += `/${pick(random, NAMES)}`
  return key
}

/** Without `removes`: of sets only. */
export function randomBatch(random: Random, removes: boolean): ModelOp[] {
  return Array.from({ length: 1 + random(6) }, (): ModelOp => {
    const which = removes ? random(10) : 0
    if (which < 5) {
      const value = Uint8Array.from({ length: random(6) }, () => random(256))
      return { op: 'set', key: randomKey(random), value }
    }
    if (which < 7) return { op: 'remove', key: randomKey(random) }
    return { op: 'rename', source: randomKey(random), dest: randomKey(random) }
  })
}
