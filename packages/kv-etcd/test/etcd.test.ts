import { setTimeout as wait } from 'node:timers/promises'
import { type KvBatch, type KvChange, type KvOp, type KvSnapshot, type KvWatch, transact } from '@fata/kv'
import { createVirtualClock } from '@fata/runtime'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type EtcdFetch, type EtcdOptions, openEtcd } from '../src/index.ts'
import { type Cluster, cannotRun, freePorts, startCluster } from './cluster.ts'
import { startProxy, type TcpProxy } from './proxy.ts'

type Store = KvBatch & KvWatch & KvSnapshot

const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)
const bytes = (value: string) => new TextEncoder().encode(value)
const base64 = (value: string) => Buffer.from(value).toString('base64')
const set = (key: string, value = 'x'): KvOp => ({ op: 'set', key, value: bytes(value) })

describe.skipIf(cannotRun('kv-etcd'))('kv-etcd', () => {
  let cluster: Cluster
  let prefixes = 0

  beforeAll(async () => {
    cluster = await startCluster()
  }, 60_000)
  afterAll(() => cluster?.stop())

  async function open(options: EtcdOptions = {}, endpoints: string | string[] = cluster.urls): Promise<Store> {
    const kv = await openEtcd(endpoints, { prefix: `test ${prefixes++}`, ...options })
    onTestFinished(() => kv.disconnect())
    return kv
  }

  async function proxied(options: EtcdOptions = {}): Promise<{ kv: Store; proxy: TcpProxy }> {
    const proxy = await startProxy(cluster.urls[0]!)
    onTestFinished(() => proxy.stop())
    return { proxy, kv: await open(options, proxy.url) }
  }

  /** What etcd is asked, beside the store. */
  async function ask(path: string, body: object): Promise<Record<string, unknown>> {
    const response = await fetch(cluster.urls[0] + path, { method: 'POST', body: JSON.stringify(body) })
    return (await response.json()) as Record<string, unknown>
  }

  /** Forgets everything but the newest revision. */
  async function compact(): Promise<void> {
    const { header } = (await ask('/v3/kv/range', { key: 'AA==' })) as { header: { revision: string } }
    await ask('/v3/kv/compaction', { revision: header.revision, physical: true })
  }

  /** A `fetch` that tells what passes. */
  function counting(): { fetch: EtcdFetch; paths: string[] } {
    const paths: string[] = []
    return {
      paths,
      fetch: (url, init) => {
        paths.push(new URL(url).pathname)
        return fetch(url, init)
      },
    }
  }

  describe('requests', () => {
    it('are one for a set, a removal, a read, a batch of sets', async () => {
      const { fetch, paths } = counting()
      const kv = await open({ fetch })
      paths.length = 0
      await kv.set('/a/b/c', bytes('1'))
      await kv.batch([set('/a/d'), set('/a/e'), set('/f')])
      await kv.remove('/a')
      await kv.get('/f')
      await kv.exists('/f')
      expect(paths).toEqual([...Array(3).fill('/v3/kv/txn'), ...Array(2).fill('/v3/kv/range')])
    })

    it('carry sets that wait together, the last of every key', async () => {
      const { fetch, paths } = counting()
      const kv = await open({ fetch })
      const events = kv.watch('/', { signal: AbortSignal.timeout(20_000) })[Symbol.asyncIterator]()
      paths.length = 0
      await Promise.all(['a', 'b', 'a', 'c'].map((name, i) => kv.set(name, bytes(`${i}`))))
      expect(paths.filter((path) => path === '/v3/kv/txn')).toHaveLength(1)
      expect(text(await kv.get('a'))).toBe('2')
      const { changes } = (await events.next()).value as Extract<KvChange, { type: 'batch' }>
      expect(changes.map(({ key }) => `${key}`)).toEqual(['/a', '/b', '/c'])
    })

    it('are none for what is too large', async () => {
      const { fetch, paths } = counting()
      const kv = await open({ fetch })
      paths.length = 0
      const many = Array.from({ length: 129 }, (_, i) => set(`/${i}`))
      await expect(kv.batch(many)).rejects.toMatchObject({ code: 'KV_TOO_LARGE', limit: 128 })
      const { maxValueBytes } = kv.capabilities
      const large = new Uint8Array(maxValueBytes + 1)
      await expect(kv.set('/large', large)).rejects.toMatchObject({ code: 'KV_TOO_LARGE', limit: maxValueBytes })
      const checks = many.map((_, i) => ({ key: `/${i}`, digest: null }))
      await expect(kv.batch([], { checks })).rejects.toMatchObject({ code: 'KV_TOO_LARGE' })
      expect(paths).toEqual([])
    })

    it('as large as promised are accepted by etcd', async () => {
      const kv = await open()
      const { maxValueBytes, maxBatchOps } = kv.capabilities
      const deep = Array.from({ length: 512 }, () => 'k').join('/')
      await kv.set(deep, new Uint8Array(maxValueBytes))
      expect(await kv.size(deep)).toBe(maxValueBytes)
      await kv.remove('/k')
      const each = Math.floor(maxValueBytes / maxBatchOps)
      const ops = Array.from({ length: maxBatchOps }, (_, i): KvOp => {
        return { op: 'set', key: `/dir ${i}/${'n'.repeat(100)}`, value: new Uint8Array(each) }
      })
      await kv.batch(ops)
      expect(await kv.list('/')).toHaveLength(maxBatchOps)
      await kv.remove('/')
      expect(await kv.list('/')).toEqual([])
    })
  })

  describe('batches', () => {
    it('replace a dictionary of more values than operations, by ranges around what they set', async () => {
      const kv = await open()
      for (let part = 0; part < 3; part++) {
        await kv.batch(Array.from({ length: 100 }, (_, i) => set(`/d/${part}/${i}`)))
      }
      await kv.set('/d!', bytes('beside'))
      await kv.batch([{ op: 'remove', key: '/d' }, set('/d/1/50', 'new'), set('/d/0', 'value'), set('/d/9/9', 'last')])
      expect((await kv.list('/d')).map(String)).toEqual(['/d/0,value', '/d/1,dictionary', '/d/9,dictionary'])
      expect((await kv.list('/d/1')).map(String)).toEqual(['/d/1/50,value'])
      expect(text(await kv.get('/d/1/50'))).toBe('new')
      expect(text(await kv.get('/d!'))).toBe('beside')
    })

    it('leave alone what is moved away and back', async () => {
      const kv = await open()
      await kv.batch([set('/d/a', '1'), set('/d/b', '2')])
      const there: KvOp = { op: 'rename', source: '/d', dest: '/e' }
      await kv.batch([there, { op: 'rename', source: '/e', dest: '/d' }, { op: 'remove', key: '/d/b' }])
      expect((await kv.list('/d')).map(String)).toEqual(['/d/a,value'])
    })

    it('of two stores come one after the other, whatever they read', { timeout: 60_000 }, async () => {
      const prefix = `test ${prefixes++}`
      const stores = await Promise.all([open({ prefix }), open({ prefix })])
      await stores[0]!.batch([set('/from/token', 'token')])
      // Whoever comes second finds the dictionary gone, or the other's in its place.
      for (let round = 0; round < 30; round++) {
        const moves = await Promise.allSettled([
          stores[0]!.batch([{ op: 'rename', source: '/from', dest: '/left' }]),
          stores[1]!.batch([{ op: 'rename', source: '/from', dest: '/right' }]),
        ])
        expect(moves.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        const winner = (await stores[0]!.list('/'))[0]![0]
        expect(['left', 'right']).toContain(winner.basename)
        await stores[round % 2]!.rename(`/${winner.basename}`, '/from')
      }
    })

    it('never make a value of a dictionary, or the other way round, while others write', async () => {
      const prefix = `test ${prefixes++}`
      const stores = await Promise.all([open({ prefix }), open({ prefix })])
      for (let round = 0; round < 30; round++) {
        const results = await Promise.allSettled([
          stores[0]!.batch([set(`/${round}`), set(`/other ${round}`)]),
          stores[1]!.batch([set(`/${round}/below`), { op: 'remove', key: '/none' }]),
        ])
        expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      }
    })
  })

  describe('what is lost on the way', () => {
    it('is KV_OUTCOME_UNKNOWN for a write that etcd did, and its repetition with a check is safe', async () => {
      const { kv, proxy } = await proxied({ timeoutMs: 1000 })
      await kv.set('/v', bytes('old'))
      const checks = [{ key: '/v', digest: await kv.digest('/v') }]
      const beside = await open({ prefix: `test ${prefixes - 1}` })
      proxy.swallow = true
      await expect(kv.set('/v', bytes('new'))).rejects.toMatchObject({ code: 'KV_OUTCOME_UNKNOWN' })
      expect(text(await beside.get('/v'))).toBe('new')
      proxy.swallow = false
      await expect(kv.batch([set('/v', 'new')], { checks })).rejects.toMatchObject({ code: 'KV_CHECK_FAILED' })
      expect(text(await kv.get('/v'))).toBe('new')
    })

    it('is asked for again where that is safe', async () => {
      const { kv, proxy } = await proxied({ timeoutMs: 300, retryMs: 200 })
      await kv.set('/v', bytes('v'))
      proxy.swallow = true
      const reading = kv.get('/v')
      await wait(400)
      proxy.swallow = false
      expect(text(await reading)).toBe('v')
    })

    it('is sent to the next member when one is not there', async () => {
      const [unused] = await freePorts(1)
      const kv = await open({}, [`http://127.0.0.1:${unused}`, ...cluster.urls])
      await kv.set('/v', bytes('v'))
      expect(text(await kv.get('/v'))).toBe('v')
    })

    it('ends when the signal aborts a read', async () => {
      const { kv, proxy } = await proxied()
      proxy.swallow = true
      const controller = new AbortController()
      const reading = kv.get('/v', { signal: controller.signal })
      controller.abort('enough')
      await expect(reading).rejects.toBe('enough')
    })
  })

  describe('watch', () => {
    /** The next events, as texts. */
    function follow(kv: Store, prefix = '/'): { next: () => Promise<string> } {
      const events = kv.watch(prefix, { signal: AbortSignal.timeout(25_000) })[Symbol.asyncIterator]()
      return {
        async next() {
          const { value } = (await events.next()) as { value: KvChange | undefined }
          return value?.type === 'batch' ? value.changes.map(({ op, key }) => `${op} ${key}`).join() : `${value?.type}`
        },
      }
    }

    it('brings what others write, and goes on after a cut where it was', async () => {
      const { kv, proxy } = await proxied()
      const other = await open({ prefix: `test ${prefixes - 1}` })
      const { next } = follow(kv)
      await other.set('/a', bytes('1'))
      expect(await next()).toBe('set /a')
      for (let round = 0; round < 5; round++) {
        proxy.cut()
        await other.batch([set(`/b${round}`), { op: 'remove', key: '/a' }, set('/c')])
        await other.set('/a', bytes('again'))
        expect(await next()).toBe(`remove /a,set /b${round},set /c`)
        expect(await next()).toBe('set /a')
      }
    })

    it('says lagged when etcd has forgotten what came meanwhile', async () => {
      const { kv, proxy } = await proxied()
      const other = await open({ prefix: `test ${prefixes - 1}` })
      const { next } = follow(kv)
      await other.set('/a', bytes('1'))
      expect(await next()).toBe('set /a')
      proxy.closed = true
      proxy.cut()
      await other.set('/lost', bytes('1'))
      await other.set('/a', bytes('2'))
      await compact()
      proxy.closed = false
      expect(await next()).toBe('lagged')
      await other.set('/b', bytes('3'))
      // The revision that etcd kept comes again.
      const after = await next()
      expect(after === 'set /a' ? await next() : after).toBe('set /b')
    })

    it('asks again when it hears nothing for too long', async () => {
      const clock = createVirtualClock()
      const { kv, proxy } = await proxied({ clock })
      const { next } = follow(kv)
      await kv.set('/a', bytes('1'))
      expect(await next()).toBe('set /a')
      const before = proxy.connections
      for (const end = Date.now() + 10_000; proxy.connections === before && Date.now() < end; await wait(20)) {
        clock.advance(31_000)
      }
      expect(proxy.connections).toBeGreaterThan(before)
    })

    it('leaves no connection behind when its reader leaves', async () => {
      const seen: AbortSignal[] = []
      const kv = await open({
        fetch: (url, init) => {
          if (url.endsWith('/watch')) seen.push(init.signal)
          return fetch(url, init)
        },
      })
      await kv.set('/v', bytes('v'))
      for (let i = 0; i < 2; i++) {
        const events = kv.watch('/', { signal: new AbortController().signal })
        await kv.set('/v', bytes(`${i}`))
        for await (const event of events) {
          expect(event.type).toBe('batch')
          break
        }
      }
      expect(seen).toHaveLength(2)
      expect(seen.map(({ aborted }) => aborted)).toEqual([true, true])
    })
  })

  describe('snapshots', () => {
    it('reject once etcd has compacted their revision away', async () => {
      const kv = await open()
      await kv.set('/v', bytes('old'))
      const snapshot = await kv.snapshot()
      await kv.set('/v', bytes('new'))
      expect(text(await snapshot.get('/v'))).toBe('old')
      await compact()
      await expect(snapshot.get('/v')).rejects.toMatchObject({ code: 'KV_IO', message: /compacted/ })
      await expect(snapshot.list('/')).rejects.toMatchObject({ code: 'KV_IO' })
      expect(text(await kv.get('/v'))).toBe('new')
    })

    it('list thousands of keys of one instant, skipping what lies deep', async () => {
      const { fetch, paths } = counting()
      const kv = await open({ fetch })
      for (let part = 0; part < 30; part++) {
        await kv.batch(Array.from({ length: 100 }, (_, i) => set(`/d/${part % 2}/${part}-${i}`)))
      }
      const snapshot = await kv.snapshot()
      // What a removal of so many values asks for, it asks for at one revision too.
      await kv.batch([{ op: 'remove', key: '/d/0' }, set('/d/2')])
      paths.length = 0
      expect((await snapshot.list('/d')).map(String)).toEqual(['/d/0,dictionary', '/d/1,dictionary'])
      expect(paths.length).toBeLessThanOrEqual(3)
      expect(await snapshot.list('/d/0')).toHaveLength(1500)
    })
  })

  describe('what no store wrote', () => {
    it('is KV_CORRUPT as a value, and no key where it is none', async () => {
      const kv = await open({ prefix: 'foreign' })
      await ask('/v3/kv/put', { key: base64('foreign/v/short'), value: base64('x') })
      await ask('/v3/kv/put', { key: base64('foreign/v/version'), value: base64('\x02 another version') })
      for (const name of ['a//b', '..', 'x\0\0y', '\xff']) {
        await ask('/v3/kv/put', { key: Buffer.from(`foreign/v/${name}`, 'latin1').toString('base64'), value: '' })
      }
      await expect(kv.get('/short')).rejects.toMatchObject({ code: 'KV_CORRUPT' })
      await expect(kv.size('/version')).rejects.toMatchObject({ code: 'KV_CORRUPT' })
      expect((await kv.list('/')).map(([key]) => `${key}`)).toEqual(['/short', '/version'])
      await kv.set('/short', bytes('good'))
      expect(text(await kv.get('/short'))).toBe('good')
    })

    it('outside the prefix is not touched', async () => {
      const kv = await open({ prefix: 'edge' })
      const around = ['edge/u', 'edge/v', 'edge/v.', 'edge/v0', 'edge/w']
      for (const key of around) await ask('/v3/kv/put', { key: base64(key), value: '' })
      await kv.set('/v', bytes('v'))
      await kv.remove('/')
      expect(await kv.list('/')).toEqual([])
      const { count } = await ask('/v3/kv/range', { key: base64('edge/'), range_end: base64('edge0') })
      expect(count).toBe(`${around.length}`)
    })
  })

  it('gives transactions that conflict another run, through one store and through two', async () => {
    const prefix = `test ${prefixes++}`
    const stores = await Promise.all([open({ prefix }), open({ prefix })])
    const count = (kv: Store) => async (): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        await transact(kv, async (tx) => tx.set('/n', bytes(`${Number(text(await tx.get('/n')) ?? 0) + 1}`)), {
          retries: 1000,
        })
      }
    }
    await Promise.all([...stores, ...stores].map((kv) => count(kv)()))
    expect(text(await stores[0]!.get('/n'))).toBe('40')
  })

  it('refuses options that make no sense', async () => {
    const refused: Array<[string | string[], object]> = [
      ['', {}],
      [[], {}],
      ['ftp://127.0.0.1:2379', {}],
      ['http://user:secret@127.0.0.1:2379', {}],
      [cluster.urls, { timeoutMs: 0 }],
      [cluster.urls, { maxRequestBytes: 1000 }],
      [cluster.urls, { prefix: 'x'.repeat(300) }],
    ]
    for (const [endpoints, options] of refused) await expect(openEtcd(endpoints, options)).rejects.toThrow(RangeError)
    for (const options of [{ prefix: 7 }, { fetch: 'fetch' }, { auth: { user: 'me' } }, { now: 5 }]) {
      await expect(openEtcd(cluster.urls, options as object)).rejects.toThrow(TypeError)
    }
  })
})
