import { errorCode } from '../codes.ts'
import { digestOf } from '../digest.ts'
import type { KvBatch, KvCapabilities, KvCheck, KvRo } from '../store.ts'
import { type ModelOp, randomBatch, randomKey } from './model.ts'
import { pick, type Random } from './random.ts'

/** One call of a store, as data, so that it can be printed, repeated and left out. */
export type Command =
  | ModelOp
  | { op: 'setPartial'; key: string; offset: number; value: Uint8Array }
  | { op: 'allocate'; key: string; size: number }
  | { op: 'batch'; ops: readonly ModelOp[]; checks: ReadonlyArray<{ key: string; value: Uint8Array | null }> }
  | { op: 'exists' | 'get' | 'size' | 'digest'; key: string }
  | { op: 'getPartial'; key: string; offset: number; length: number }
  | { op: 'list'; key: string; after: string | undefined; limit: number | undefined }

/** Writes are called together, without waiting; a read is alone, or what it sees would be up to the store. */
export type Step = readonly Command[]

export interface CommandFeatures {
  readonly remove: boolean
  readonly batch: boolean
}

export function randomStep(random: Random, features: CommandFeatures): Step {
  if (random(5) < 2) return [randomRead(random)]
  return Array.from({ length: random(3) === 0 ? 2 + random(6) : 1 }, () => randomWrite(random, features))
}

function randomWrite(random: Random, { remove, batch }: CommandFeatures): Command {
  const key = randomKey(random)
  const value = randomValue(random)
  switch (random(6)) {
    case 0:
      return { op: 'setPartial', key, offset: random(8), value }
    case 1:
      return { op: 'allocate', key, size: random(5) }
    case 2:
    case 3:
      if (batch) return { op: 'batch', ops: randomBatch(random, remove), checks: randomChecks(random) }
      return { op: 'set', key, value }
    default:
      return randomBatch(random, remove)[0]!
  }
}

function randomChecks(random: Random): Array<{ key: string; value: Uint8Array | null }> {
  if (random(3) > 0) return []
  return [{ key: randomKey(random), value: random(2) === 0 ? null : randomValue(random) }]
}

/** Few and short ones, so that checks hold now and then. */
function randomValue(random: Random): Uint8Array {
  return Uint8Array.from({ length: random(3) }, () => random(2))
}

function randomRead(random: Random): Command {
  const key = randomKey(random)
  switch (random(8)) {
    case 0:
      return { op: 'getPartial', key, offset: random(4), length: random(4) }
    case 1:
    case 2: {
      const after = random(3) === 0 ? pick(random, ['a', 'aa', 'b', '~']) : undefined
      return { op: 'list', key, after, limit: random(3) === 0 ? random(3) : undefined }
    }
    default:
      return { op: pick(random, ['exists', 'get', 'size', 'digest'] as const), key }
  }
}

/** What the call comes to: its result, or code and key of its error. Digests are those by `algorithm`. */
export async function outcomeOf(kv: KvBatch, command: Command, algorithm: KvCapabilities['digest']): Promise<unknown> {
  try {
    return await call(kv, command, algorithm)
  } catch (error) {
    const code = errorCode(error)
    if (!code) throw error
    const { key } = error as { key?: unknown }
    return { code, key: key === undefined ? undefined : String(key) }
  }
}

function call(kv: KvBatch, command: Command, algorithm: KvCapabilities['digest']): Promise<unknown> {
  switch (command.op) {
    case 'set':
      return kv.set(command.key, command.value)
    case 'remove':
      return kv.remove(command.key)
    case 'rename':
      return kv.rename(command.source, command.dest)
    case 'setPartial':
      return kv.setPartial(command.key, command.offset, command.value)
    case 'allocate':
      return kv.allocate(command.key, command.size)
    case 'batch':
      return kv.batch(command.ops, { checks: command.checks.map((check) => checkOf(kv, check)) })
    case 'getPartial':
      return kv.getPartial(command.key, command.offset, command.length)
    case 'list':
      return listing(kv, command)
    case 'digest':
      return digest(kv, command.key, algorithm)
    default:
      return kv[command.op](command.key)
  }
}

function checkOf(kv: KvRo, { key, value }: { key: string; value: Uint8Array | null }): KvCheck {
  return { key, digest: value && digestOf(kv.capabilities.digest, value) }
}

async function listing(kv: KvRo, { key, after, limit }: Extract<Command, { op: 'list' }>): Promise<string[]> {
  return (await kv.list(key, { after, limit })).map(([child, kind]) => `${child} ${kind}`)
}

/** A store may have digests of dictionaries, as git has: they are left alone. */
async function digest(kv: KvRo, key: string, algorithm: KvCapabilities['digest']): Promise<unknown> {
  if ((await kv.exists(key)) === 'dictionary') return 'a dictionary'
  const found = await kv.digest(key)
  if (kv.capabilities.digest === algorithm) return found
  return digestOf(algorithm, (await kv.get(key)) ?? new Uint8Array(0))
}

export function describeStep(step: Step): string {
  return step.map((command) => JSON.stringify(command, brief)).join(' beside ')
}

function brief(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Array.from(value).join(' ') : value
}
