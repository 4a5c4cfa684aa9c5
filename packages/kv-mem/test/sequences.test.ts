import { errorCode, KvError } from '@fata/kv'
import { type KvSequencesOptions, sequences } from '@fata/kv/conformance'
import { describe, expect, it } from 'vitest'
import { createMem } from '../src/index.ts'
import type { Store } from './faults.ts'

type Part = Partial<Store>
const supports = { remove: true, batch: true, reopen: true }

/** Runs the sequences over a store with some methods replaced. */
async function run(wrong: (kv: Store) => Part, options: Partial<KvSequencesOptions> = {}): Promise<void> {
  let body: (() => Promise<void>) | undefined
  sequences({
    describe: (_, register) => register(),
    it: (_, test) => {
      body = test
    },
    supports,
    model: () => createMem(),
    create: async () => {
      const kv = createMem()
      return { connect: async () => ({ ...methods(kv), ...wrong(kv), disconnect: async () => {} }) }
    },
    ...options,
  })
  await body!()
}

function methods(kv: Store): Store {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(kv))
  const own = Object.fromEntries(names.map((name) => [name, kv[name as 'get']?.bind(kv)]))
  const read = ['exists', 'get', 'getPartial', 'list', 'size', 'digest'].map((name) => [
    name,
    kv[name as 'get'].bind(kv),
  ])
  return { ...own, ...Object.fromEntries(read), capabilities: kv.capabilities } as unknown as Store
}

describe('random sequences', () => {
  it('find no difference between a store and itself', () => run(() => ({})))

  it('find none without removals, and without batches', async () => {
    await run(() => ({}), { supports: { ...supports, remove: false }, sequences: 100 })
    await run(() => ({ batch: () => Promise.reject(new Error('called')) }), {
      supports: { ...supports, batch: false },
      sequences: 100,
    })
  })

  it('reconnect in between', async () => {
    let connections = 0
    await run(
      () => {
        connections++
        return {}
      },
      { sequences: 100 },
    )
    expect(connections).toBeGreaterThan(5)
  })

  it.each<[string, (kv: Store) => Part]>([
    ['a value where there is none', (kv) => ({ get: async (key, o) => (await kv.get(key, o)) ?? new Uint8Array(1) })],
    ['checks that are ignored', (kv) => ({ batch: async (ops, o) => kv.batch(ops, { ...o, checks: undefined }) })],
    [
      'a rename that leaves the source',
      (kv) => ({
        rename: async (source, dest, o) => {
          const value = await kv.get(source).catch(() => undefined)
          await kv.rename(source, dest, o)
          if (value && !(await kv.exists(source))) await kv.set(source, value)
        },
      }),
    ],
    [
      'an error with another key',
      (kv) => ({
        size: async (key, o) =>
          kv.size(key, o).catch((error) => {
            throw new KvError(errorCode(error)!, {})
          }),
      }),
    ],
    [
      'an order of calls that is not kept',
      (kv) => ({
        remove: async (key, o) => {
          for (let turn = 0; turn < 20; turn++) await Promise.resolve()
          await kv.remove(key, o)
        },
      }),
    ],
  ])('find %s, and say how to see it again', async (_, wrong) => {
    const error = await run(wrong).catch((error: Error) => error)
    expect(error).toBeInstanceOf(Error)
    expect((error as Error).message).toMatch(/^sequence \d+ of seed 1: /)
    expect((error as Error).message.split('\n').length, (error as Error).message).toBeLessThan(8)
  })
})
