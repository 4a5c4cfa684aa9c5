import { setTimeout as wait } from 'node:timers/promises'
import { errorCode, type KvBatch, type KvSnapshot, type KvWatch } from '@fata/kv'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openEtcd } from '../src/index.ts'
import { type Cluster, cannotRun, startCluster } from './cluster.ts'
import { isLinearizable, type Operation } from './linearizable.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

type Store = KvBatch & KvWatch & KvSnapshot

/** Registers, of which the first two are always written together. */
const KEYS = ['/pair/left', '/pair/right', '/alone'] as const
const WRITERS = 3
const READERS = 2

const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)
const bytes = (value: string) => new TextEncoder().encode(value)

/** Clients at work, and what they saw. */
class Workload {
  readonly histories = new Map<string, Operation[]>(KEYS.map((key) => [key, []]))
  readonly codes = new Map<string, number>()
  acknowledged = 0
  torn = 0
  #stopped = false
  readonly #clients: Promise<void>[] = []
  readonly #stores: Store[] = []

  async start(urls: readonly string[], prefix: string): Promise<void> {
    for (let i = 0; i < WRITERS + READERS; i++) {
      // Each begins with another member.
      const order = [...urls.slice(i % urls.length), ...urls.slice(0, i % urls.length)]
      const kv = await openEtcd(order, { prefix, timeoutMs: 1000, attempts: 20 })
      this.#stores.push(kv)
      this.#clients.push(i < WRITERS ? this.#write(kv, i) : this.#read(kv))
    }
  }

  /** When every client has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#clients)
    for (const kv of this.#stores) await kv.disconnect()
  }

  /** So many more writes have been acknowledged. */
  async progress(writes: number): Promise<void> {
    const goal = this.acknowledged + writes
    for (const end = Date.now() + 30_000; this.acknowledged < goal; await wait(20)) {
      if (Date.now() > end) throw new Error('the cluster accepts no writes')
    }
  }

  async #write(kv: Store, id: number): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const value = `${id}-${n}`
      const keys = n % 2 ? KEYS.slice(0, 2) : KEYS.slice(2)
      const start = performance.now()
      const code = await kv.batch(keys.map((key) => ({ op: 'set', key, value: bytes(value) }))).then(
        () => undefined,
        (error: unknown) => errorCode(error) ?? String(error),
      )
      const end = code === undefined ? performance.now() : Number.POSITIVE_INFINITY
      if (code === undefined) this.acknowledged++
      else this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
      if (code !== undefined && code !== 'KV_OUTCOME_UNKNOWN') continue
      for (const key of keys) this.histories.get(key)!.push({ kind: 'write', value, start, end })
    }
  }

  async #read(kv: Store): Promise<void> {
    for (let n = 0; !this.#stopped; n++) {
      const key = KEYS[n % KEYS.length]!
      const start = performance.now()
      try {
        const value = text(await kv.get(key))
        this.histories.get(key)!.push({ kind: 'read', value, start, end: performance.now() })
        const snapshot = await kv.snapshot()
        if (text(await snapshot.get(KEYS[0])) !== text(await snapshot.get(KEYS[1]))) this.torn++
      } catch (error) {
        expect(errorCode(error)).toBe('KV_IO')
      }
    }
  }
}

describe.skipIf(cannotRun('a cluster under faults'))('a cluster of three', () => {
  let cluster: Cluster
  let workload: Workload
  let proxies: TcpProxy[] = []

  beforeAll(async () => {
    cluster = await startCluster({ size: 3 })
  }, 60_000)
  afterAll(() => cluster?.stop())
  afterEach(async () => {
    await workload.stop()
    for (const proxy of proxies) await proxy.stop()
    proxies = []
  })

  /** Ends the workload and judges what its clients saw. */
  async function judge(name: string): Promise<void> {
    await workload.progress(20)
    await workload.stop()
    const sizes = [...workload.histories.values()].map((history) => history.length)
    console.log(`${name}: ${workload.acknowledged} writes, ${sizes} operations, ${[...workload.codes].join(' ')}`)
    expect(workload.torn, 'snapshots that saw a part of a batch').toBe(0)
    for (const [key, history] of workload.histories) expect(isLinearizable(history), key).toBe(true)
    // Without a majority for long enough a write is given up; then it has not happened, or the histories would show it.
    expect(['KV_IO', 'KV_OUTCOME_UNKNOWN']).toEqual(expect.arrayContaining([...workload.codes.keys()]))
  }

  async function begin(urls: readonly string[], prefix: string): Promise<void> {
    workload = new Workload()
    await workload.start(urls, prefix)
    await workload.progress(20)
  }

  it('loses nothing and tears nothing when its leader is killed again and again', { timeout: 120_000 }, async () => {
    await begin(cluster.urls, 'kill')
    for (let round = 0; round < 3; round++) {
      const leader = await cluster.leader()
      await leader.kill()
      await workload.progress(30)
      await leader.start()
      await workload.progress(30)
    }
    await judge('kill -9 of the leader')
  })

  it('goes on without a leader that stands still, and takes it back', { timeout: 120_000 }, async () => {
    await begin(cluster.urls, 'stop')
    const leader = await cluster.leader()
    leader.freeze()
    try {
      await wait(4000)
      await workload.progress(20)
    } finally {
      leader.thaw()
    }
    await judge('SIGSTOP of the leader')
  })

  it('stays one register when connections are cut in the midst of requests', { timeout: 120_000 }, async () => {
    proxies = await Promise.all(cluster.urls.map(startProxy))
    await begin(
      proxies.map(({ url }) => url),
      'cut',
    )
    for (let round = 0; round < 30; round++) {
      proxies[round % 3]!.cut()
      await workload.progress(3)
    }
    await judge('cut connections')
    expect(workload.codes.get('KV_OUTCOME_UNKNOWN')).toBeGreaterThan(0)
  })
})
