import { type KvBatch, KvError } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import { describe, expect, it } from 'vitest'
import { openGit } from '../src/index.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

type Fault = 'before' | 'after' | 'none'

/** A store whose `n`th batch fails, before it has happened or after it; every later write fails too, as after a crash. */
function faulty(store: KvBatch, n: number, fault: Fault, code: 'KV_IO' | 'KV_OUTCOME_UNKNOWN'): KvBatch {
  let batches = 0
  return {
    ...methods(store),
    async batch(ops, options) {
      batches++
      if (batches > n || (batches === n && fault === 'before')) throw new KvError(code)
      await store.batch(ops, options)
      if (batches === n && fault === 'after') throw new KvError(code)
    },
  }
}

function methods(store: KvBatch): KvBatch {
  const bound = Object.fromEntries(
    ['exists', 'get', 'list', 'size', 'digest', 'lastModified', 'set', 'remove'].map((name) => {
      return [name, (store as never as Record<string, (...args: unknown[]) => unknown>)[name]!.bind(store)]
    }),
  )
  return { ...(bound as never as KvBatch), capabilities: store.capabilities }
}

describe('a crash at any write of the store below', () => {
  const ROUNDS = 6

  /** Sets ten keys to the number of the round, in a batch that the store below takes in several parts. */
  async function run(store: KvBatch): Promise<number> {
    const kv = await openGit(store)
    let acknowledged = 0
    for (let round = 1; round <= ROUNDS; round++) {
      const ops = Array.from({ length: 10 }, (_, i) => {
        return { op: 'set' as const, key: `/d${i % 3}/v${i}`, value: bytes(`${round} ${i}`) }
      })
      try {
        await kv.batch(ops)
        acknowledged = round
      } catch {
        break
      }
    }
    return acknowledged
  }

  it('leaves the last batch or the one before, whole, and a repository that goes on', async () => {
    let states = 0
    for (const fault of ['before', 'after'] as const) {
      for (let n = 1; ; n++) {
        const store = createMem({ maxBatchOps: 4 })
        const acknowledged = await run(faulty(store, n, fault, fault === 'after' ? 'KV_OUTCOME_UNKNOWN' : 'KV_IO'))
        if (acknowledged === ROUNDS) break
        states++
        const kv = await openGit(store)
        const found = new Set<number>()
        for (let i = 0; i < 10; i++) found.add(Number(text(await kv.get(`/d${i % 3}/v${i}`))?.split(' ')[0] ?? 0))
        expect(found.size, `torn after ${fault} ${n}`).toBe(1)
        const [last] = found
        expect(last === acknowledged || (fault === 'after' && last === acknowledged + 1), `${fault} ${n}`).toBe(true)
        let commits = 0
        for await (const _ of kv.log()) commits++
        expect(commits).toBe(last)
        await kv.set('/after', bytes('works'))
        expect(text(await kv.get('/after'))).toBe('works')
      }
    }
    expect(states).toBeGreaterThan(2 * ROUNDS * 3)
  })
})
