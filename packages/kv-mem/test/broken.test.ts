import { KvError, prefixed } from '@fata/kv'
import { type KvPlaceRequest, type KvSuiteOptions, type KvSupports, suite } from '@fata/kv/conformance'
import { describe, expect, it } from 'vitest'
import { createMem } from '../src/index.ts'
import { type Fault, type FaultState, faults, type Store } from './faults.ts'

const supports: KvSupports = {
  write: true,
  remove: true,
  batch: true,
  watch: true,
  snapshot: true,
  reopen: true,
  exclusive: true,
}
const limits = { maxValueBytes: 8 * 1024 * 1024, maxBatchOps: 5000, maxQueuedChanges: 2000 }

/** One store in memory that can be reopened, with one writer at a time: everything that the suite can ask for. */
async function healthyPlace({ now, content }: KvPlaceRequest, exclusive: boolean, fault: Fault) {
  const kv = createMem({ ...limits, ...(fault.options?.lagAfter ? { maxQueuedChanges: 10_000_000 } : {}), now })
  const state: FaultState = { now, notes: new Map() }
  if (fault.supports?.write === false) for (const [key, value] of content) await kv.set(key, value)
  let writers = 0
  const connect = async (): Promise<Store> => {
    if (exclusive && writers > 0) throw new KvError('KV_LOCKED')
    writers++
    const view = prefixed(kv, '/')
    const close = view.disconnect
    let open = true
    view.disconnect = async () => {
      await close()
      if (open) writers--
      open = false
    }
    return { ...view, ...fault.wrap?.(view, state) }
  }
  return { connect }
}

/** The rules of the suite as functions, by id. */
function rules(fault: Fault, exclusive = true): Map<string, () => Promise<void>> {
  const collected = new Map<string, () => Promise<void>>()
  const badPlaces = [
    { name: 'nowhere', connect: () => Promise.reject(new KvError('KV_IO', { cause: new Error('no such place') })) },
  ]
  const options: KvSuiteOptions = {
    describe: (_, body) => body(),
    it: (name, body) => collected.set(name.split(' ')[0]!, body),
    badPlaces,
    effort: 0.1,
    lagAfter: 3000,
    ...fault.options,
    supports: { ...supports, ...fault.supports },
    create: (request) => healthyPlace(request, exclusive, fault),
  }
  suite(options)
  return collected
}

const undenied = [...rules({}).keys()]
const all = [...undenied, 'K11', 'C12', 'D1', 'D2', 'D3', 'D4', 'D5', 'D6', 'D7']
/** These rules are about connections beside each other. */
const SHARED = ['C5', 'C12']
/** Faults of one rule are told apart by a word after its id. */
const ruleOf = (fault: string) => fault.split(' ')[0]!

describe('the conformance suite', () => {
  it.each(undenied)('%s: is kept by a store that does everything right', (id) => rules({}).get(id)!())

  it('has a broken store for every rule', () => {
    expect([...new Set(Object.keys(faults).map(ruleOf))].sort()).toEqual(all.sort())
  })

  it.each(Object.entries(faults))('%s: catches the store that breaks it', async (name, fault) => {
    const id = ruleOf(name)
    const rule = rules(fault, !SHARED.includes(id)).get(id)
    expect(rule, `the suite has no rule ${id}`).toBeDefined()
    await expect(rule!()).rejects.toThrow()
  })

  it('refuses a skip that names no rule', () => {
    expect(() => rules({ options: { skip: [{ name: 'Q1', reason: 'there is none' }] } })).toThrow(RangeError)
  })

  it('names the reason of a skip', () => {
    const names: string[] = []
    suite({
      describe: (_, body) => body(),
      it: (name) => names.push(name),
      supports,
      create: () => Promise.reject(new Error('not run')),
      skip: [{ name: 'K5', reason: 'short keys' }],
    })
    expect(names.filter((name) => name.includes('short keys'))).toHaveLength(1)
  })
})
