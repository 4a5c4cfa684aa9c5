import { type KvBatch, type KvOp, walk } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import { seededRandom } from '@fata/runtime'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EtcdFetch, openEtcd } from '../src/index.ts'
import { type Cluster, cannotRun, startCluster } from './cluster.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const WRITERS = 4
const BATCHES = 100
const SEED = Number(process.env['SEED'] ?? 1)

/** Few keys, so that nearly every batch meets another. */
const KEY_SETS = [
  {
    what: 'that lie above and below each other',
    keys: ['/a', '/a/b', '/a/b/c', '/a/d', '/e', '/e/a', '/e/b', '/f/g/h'],
  },
  { what: 'whose values move', keys: ['/a', '/b'] },
]

interface Committed {
  readonly revision: number
  readonly ops: readonly KvOp[]
}

describe.skipIf(cannotRun('kv-etcd by many writers'))('batches of many writers', () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster()
  }, 60_000)
  afterAll(() => cluster?.stop())

  /** A `fetch` that remembers the revision of the last transaction that happened. */
  function listening(): { fetch: EtcdFetch; last: { revision: number | undefined } } {
    const last = { revision: undefined as number | undefined }
    return {
      last,
      fetch: async (url, init) => {
        const response = await fetch(url, init)
        const text = await response.text()
        const { succeeded, header } = JSON.parse(text) as { succeeded?: boolean; header?: { revision: string } }
        const writes = /request_(put|delete_range)/.test(init.body)
        if (url.endsWith('/txn') && writes && succeeded) last.revision = Number(header?.revision)
        return { status: response.status, body: null, text: async () => text }
      },
    }
  }

  it.each(KEY_SETS)(
    `come to what they do one after the other, of keys $what, seed ${SEED}`,
    { timeout: 120_000 },
    async ({ keys }) => {
      const random = seededRandom(SEED)
      const below = (n: number) => random.uint32() % n
      const pick = () => keys[below(keys.length)]!
      const operation = (): KvOp => {
        const kind = below(6)
        if (kind === 0) return { op: 'remove', key: pick() }
        return kind < 3
          ? { op: 'rename', source: pick(), dest: pick() }
          : { op: 'set', key: pick(), value: bytes(`${random.uint32()}`) }
      }
      const committed: Committed[] = []
      const codes = new Map<string, number>()
      const writer = async (): Promise<void> => {
        const { fetch, last } = listening()
        const kv = await openEtcd(cluster.urls, { fetch, prefix: String(keys.length) })
        for (let n = 0; n < BATCHES; n++) {
          // What makes room lets more of the rest succeed.
          const room: KvOp[] = below(2) === 0 ? [{ op: 'remove', key: pick() }] : []
          const ops = [...room, ...Array.from({ length: 1 + below(3) }, operation)]
          last.revision = undefined
          await kv.batch(ops).then(
            () => {
              if (last.revision !== undefined) committed.push({ revision: last.revision, ops })
            },
            ({ code }: { code: string }) => void codes.set(code, (codes.get(code) ?? 0) + 1),
          )
        }
        await kv.disconnect()
      }
      await Promise.all(Array.from({ length: WRITERS }, writer))
      console.log(`${committed.length} batches committed, ${[...codes].join(' ')}`)
      expect(committed.length).toBeGreaterThan(WRITERS * BATCHES * 0.15)
      expect(codes.get('KV_IO') ?? 0).toBe(0)

      const model = createMem()
      committed.sort((a, b) => a.revision - b.revision)
      for (const { revision, ops } of committed) {
        await model.batch(ops).catch((error: Error) => {
          throw new Error(`revision ${revision}: ${error.message}: ${JSON.stringify(ops)}`)
        })
      }
      const kv = await openEtcd(cluster.urls, { prefix: String(keys.length) })
      expect(await contents(kv)).toEqual(await contents(model))
      await kv.disconnect()
    },
  )
})

async function contents(kv: KvBatch): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const key of walk(kv)) found[key.toString()] = new TextDecoder().decode(await kv.get(key))
  return found
}
