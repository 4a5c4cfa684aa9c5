import { fails } from './conformance/assertions.ts'
import { batching } from './conformance/batching.ts'
import { denied } from './conformance/denied.ts'
import { snapshots, watching } from './conformance/extensions.ts'
import type { FullStore, KvSuiteOptions, Rule, Trial } from './conformance/harness.ts'
import { keys } from './conformance/keys.ts'
import { absent, kinds } from './conformance/kinds.ts'
import { lifecycle } from './conformance/lifecycle.ts'
import { listing } from './conformance/listing.ts'
import { allocation, meta } from './conformance/meta.ts'
import { removal, renaming } from './conformance/moving.ts'
import { partial } from './conformance/partial.ts'
import { createRandom } from './conformance/random.ts'
import { values } from './conformance/values.ts'
import type { KvOp } from './store.ts'

export type { KvPlace, KvPlaceRequest, KvSuiteOptions, KvSupports } from './conformance/harness.ts'
export { type KvSequencesOptions, sequences } from './conformance/sequences.ts'

const SECTIONS = [keys, values, absent, kinds, listing, partial, removal, renaming, allocation, meta, batching]
const ALL_SECTIONS = [...SECTIONS, lifecycle, watching, snapshots, denied]

/** The clock of every store at the beginning: whole seconds, for stores that keep no finer time. */
const START_MS = 1_700_000_000_000

/**
 * Registers every rule that a store with these features has to keep as one test of the injected runner, named by its id.
 * Every test gets a place of its own. Throws RangeError for a skip that names no rule of this store.
 */
export function suite(options: KvSuiteOptions): void {
  const sections = ALL_SECTIONS.map(({ title, rules }) => ({
    title,
    rules: rules.filter((rule) => applies(rule, options)),
  }))
  const reasons = new Map(options.skip?.map(({ name, reason }) => [name, reason]))
  for (const name of reasons.keys()) {
    const known = sections.some(({ rules }) => rules.some((rule) => rule.id === name))
    if (!known) throw new RangeError(`skip names no rule of this store: ${name}`)
  }
  options.describe('key-value store', () => {
    for (const { title, rules } of sections) {
      if (rules.length === 0) continue
      options.describe(title, () => {
        for (const rule of rules) register(rule, options, reasons.get(rule.id))
      })
    }
  })
}

function applies({ needs, lacks }: Rule, { supports, badPlaces }: KvSuiteOptions): boolean {
  const has = (feature: keyof typeof supports | 'badPlaces') =>
    feature === 'badPlaces' ? badPlaces !== undefined : supports[feature]
  return (needs ?? []).every(has) && !(lacks && has(lacks))
}

function register(rule: Rule, options: KvSuiteOptions, reason: string | undefined): void {
  const name = `${rule.id} ${rule.title}`
  if (reason === undefined) options.it(name, () => runRule(rule, options), rule.timeoutMs ?? 30_000)
  else options.it(`${name} [not kept: ${reason}]`, async () => {})
}

async function runRule(rule: Rule, options: KvSuiteOptions): Promise<void> {
  const content = new Map(Object.entries(rule.content ?? {}).map(([path, value]) => [path, toBytes(value)]))
  const clock = { now: START_MS }
  const place = await options.create({ now: () => clock.now, content })
  const open: FullStore[] = []
  const connect = async (): Promise<FullStore> => {
    const kv = (await place.connect()) as FullStore
    open.push(kv)
    return kv
  }
  try {
    const kv = await connect()
    if (options.supports.write) await fill(kv, content, options.supports.batch)
    await rule.run({ ...tools(options), kv, options, clock, connect, reconnect: () => kv.disconnect().then(connect) })
  } finally {
    for (const kv of open) await kv.disconnect()
    await place.dispose?.()
  }
}

function tools({ seed = 1, effort = 1 }: KvSuiteOptions): Pick<Trial, 'random' | 'rounds'> {
  return { random: createRandom(seed), rounds: (n) => Math.max(1, Math.round(n * effort)) }
}

/** Puts the content in. What exceeds the store's limit must be refused, and is left out. */
async function fill(kv: FullStore, content: ReadonlyMap<string, Uint8Array>, batch: boolean): Promise<void> {
  const { maxValueBytes, maxBatchOps, maxBatchBytes } = kv.capabilities
  const fitting = [...content].filter(([, value]) => value.length <= maxValueBytes)
  for (const [key, value] of content) {
    if (value.length > maxValueBytes) await fails('KV_TOO_LARGE', kv.set(key, value), key)
  }
  if (!batch || fitting.length < 20) {
    await Promise.all(fitting.map(([key, value]) => kv.set(key, value)))
    return
  }
  const ops = fitting.map(([key, value]): KvOp => ({ op: 'set', key, value }))
  const longest = Math.max(...fitting.map(([, value]) => value.length))
  const size = Math.max(1, Math.min(500, maxBatchOps, Math.floor(maxBatchBytes / (longest + 1))))
  for (let at = 0; at < ops.length; at += size) await kv.batch(ops.slice(at, at + size))
}

function toBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? new TextEncoder().encode(value) : value
}
