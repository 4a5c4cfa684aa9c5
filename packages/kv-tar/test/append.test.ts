import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KvBatch, KvError, KvOp } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { describeWith } from '../../../test/support/requirements.ts'
import { compactTarFile, openTarFile, openTarFileReadOnly } from '../src/file.ts'
import { bytesSource, openTar, openTarReadOnly } from '../src/index.ts'
import { BLOCK } from '../src/wire.ts'
import { bytes, contents, temporaryDirectory, texts } from './places.ts'
import { type SimCall, SimDisk } from './sim-file.ts'

const place = temporaryDirectory()
afterAll(() => place.remove())

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: KvError) => error.code,
  )
const set = (key: string, text: string): KvOp => ({ op: 'set', key, value: bytes(text) })

describe('what is appended', () => {
  it('comes to what the store in memory has, also opened again', async () => {
    const key = fc
      .array(fc.constantFrom('a', 'b', 'x'.repeat(120)), { minLength: 1, maxLength: 3 })
      .map((segments) => `/${segments.join('/')}`)
    const value = fc.uint8Array({ maxLength: 600 })
    type Call = (kv: KvBatch) => Promise<unknown>
    const call: fc.Arbitrary<Call> = fc.oneof(
      fc.tuple(key, value).map(
        ([key, value]): Call =>
          (kv) =>
            kv.set(key, value),
      ),
      fc.tuple(key, fc.nat(8), value).map(
        ([key, at, value]): Call =>
          (kv) =>
            kv.setPartial(key, at, value),
      ),
      fc.tuple(key, fc.nat(2000)).map(
        ([key, size]): Call =>
          (kv) =>
            kv.allocate(key, size),
      ),
      fc.array(fc.record({ op: fc.constant('set' as const), key, value }), { maxLength: 5 }).map(
        (ops): Call =>
          (kv) =>
            kv.batch(ops),
      ),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 12 }), fc.boolean(), async (calls, together) => {
        const model = createMem()
        const disk = new SimDisk()
        const kv = await openTar(disk.open())
        const outcomes = together ? await Promise.all(calls.map((one) => code(one(kv)))) : []
        for (const [i, one] of calls.entries()) {
          const expected = await code(one(model))
          expect(together ? outcomes[i] : await code(one(kv))).toBe(expected)
        }
        const all = await contents(model)
        expect(await contents(kv)).toEqual(all)
        expect(await contents(await openTar(disk.open()))).toEqual(all)
        expect(await contents(await openTarReadOnly(bytesSource(disk.data)))).toEqual(all)
      }),
      { numRuns: 1000 },
    )
  }, 60_000)

  it('of writes that wait is appended by two syncs', async () => {
    const calls: string[] = []
    const kv = await openTar(new SimDisk().open(({ name }) => void calls.push(name)))
    calls.length = 0
    await Promise.all(Array.from({ length: 100 }, (_, i) => kv.set(`/${i}`, bytes('x'))))
    expect(calls.filter((name) => name === 'sync')).toHaveLength(2)
    expect(calls.slice(-2)).toEqual(['write', 'sync'])
  })

  it('keeps whole seconds, of the clock or as given', async () => {
    const disk = new SimDisk()
    const kv = await openTar(disk.open(), { now: () => 1_700_000_000_999 })
    await kv.set('/v', bytes('v'))
    await kv.allocate('/w', 5, { lastModified: 5_500 })
    await kv.allocate('/far', 0, { lastModified: 8 ** 12 * 1000 })
    const again = await openTar(disk.open())
    for (const one of [kv, again]) {
      expect([await one.lastModified('/v'), await one.lastModified('/w')]).toEqual([1_700_000_000_000, 5_000])
      expect(await one.lastModified('/far')).toBe(8 ** 12 * 1000)
    }
  })

  it('is refused for what an archive cannot do, past its bounds, and what is bound there stays', async () => {
    const kv = await openTar(new SimDisk().open(), { maxEntries: 2, maxQueuedWrites: 2 })
    await kv.set('/a', bytes('a'))
    await kv.set('/b', bytes('b'))
    expect(await code(kv.set('/c', bytes('c')))).toBe('KV_TOO_LARGE')
    expect(await code(kv.batch([set('/a', 'changed'), set('/c', 'c')]))).toBe('KV_TOO_LARGE')
    for (const write of [
      kv.remove('/a'),
      kv.remove('/none'),
      kv.rename('/a', '/c'),
      kv.batch([set('/a', 'x'), { op: 'remove', key: '/b' }]),
    ])
      expect(await code(write)).toBe('KV_NOT_SUPPORTED')
    const outcomes = await Promise.all([1, 2, 3].map((n) => code(kv.set('/a', bytes(`${n}`)))))
    expect(outcomes).toEqual([undefined, undefined, 'KV_TOO_LARGE'])
    expect(await texts(kv)).toEqual({ '/a': '2', '/b': 'b' })
  })

  it('is not, when it is aborted before its turn', async () => {
    const kv = await openTar(new SimDisk().open())
    const controller = new AbortController()
    const first = kv.set('/a', bytes('a'), { signal: controller.signal })
    const second = kv.set('/b', bytes('b'))
    controller.abort('stop')
    await expect(first).rejects.toBe('stop')
    await second
    expect(await texts(kv)).toEqual({ '/b': 'b' })
  })
})

describe('a disk that fails', () => {
  /** A store with one value, of which the calls fail as told. */
  async function failing(fail: (call: SimCall, nth: number) => string | undefined) {
    const disk = new SimDisk()
    let armed = false
    let nth = 0
    const kv = await openTar(disk.open((call) => (armed ? fail(call, nth++) : undefined)))
    await kv.set('/v', bytes('old'))
    armed = true
    return { disk, kv, heal: () => (armed = false) }
  }
  const reopened = async (disk: SimDisk) => texts(await openTar(disk.open()))

  it('is no space while nothing has happened, and the space is given back', async () => {
    const { disk, kv, heal } = await failing(({ name }) => (name === 'write' ? 'ENOSPC' : undefined))
    const before = disk.data.length
    expect(await code(kv.set('/v', new Uint8Array(100_000)))).toBe('KV_NO_SPACE')
    expect([disk.data.length, await texts(kv)]).toEqual([before, { '/v': 'old' }])
    heal()
    await kv.set('/v', bytes('new'))
    expect(await reopened(disk)).toEqual({ '/v': 'new' })
  })

  it('at the commit is undone, or the outcome is unknown', async () => {
    const writes = (n: number, until: number) => {
      let seen = 0
      return ({ name }: SimCall) => (name === 'write' && ++seen >= n && seen < until ? 'EIO' : undefined)
    }
    const undone = await failing(writes(2, 3))
    expect(await code(undone.kv.set('/v', bytes('new')))).toBe('KV_IO')
    expect(await reopened(undone.disk)).toEqual({ '/v': 'old' })
    await undone.kv.set('/v', bytes('newer'))
    expect(await reopened(undone.disk)).toEqual({ '/v': 'newer' })

    const unknown = await failing(writes(2, 4))
    expect(await code(unknown.kv.set('/v', bytes('new')))).toBe('KV_OUTCOME_UNKNOWN')
    expect(await code(unknown.kv.set('/v', bytes('newer')))).toBe('KV_IO')
    expect(await texts(unknown.kv)).toEqual({ '/v': 'old' })
  })

  it.each([
    [1, 'KV_IO'],
    [2, 'KV_OUTCOME_UNKNOWN'],
  ])('in sync %s is %s, and no write is taken any more', async (nth, expected) => {
    let syncs = 0
    const { disk, kv } = await failing(({ name }) => (name === 'sync' && ++syncs === nth ? 'EIO' : undefined))
    expect(await code(kv.set('/v', bytes('new')))).toBe(expected)
    expect(await code(kv.set('/v', bytes('newer')))).toBe('KV_IO')
    expect(await texts(kv)).toEqual({ '/v': 'old' })
    expect(await reopened(disk)).toEqual({ '/v': nth === 1 ? 'old' : 'new' })
  })

  it('while it is opened is KV_IO', async () => {
    for (const name of ['sync', 'write']) {
      const opening = openTar(new SimDisk().open((call) => (call.name === name ? 'EIO' : undefined)))
      expect(await code(opening)).toBe('KV_IO')
    }
  })
})

describe('opening to write', () => {
  const open = async (...parts: Uint8Array[]) => {
    const disk = new SimDisk(new Uint8Array(Buffer.concat(parts)))
    return { disk, kv: await openTar(disk.open()) }
  }
  const archive = async (ops: KvOp[]) => {
    const disk = new SimDisk()
    await (await openTar(disk.open())).batch(ops)
    return disk.data
  }

  it('cuts off what was not committed', async () => {
    const old = (await archive([set('/a', 'a')])).subarray(0, 2 * BLOCK)
    const { disk, kv } = await open(old, new Uint8Array(BLOCK), new Uint8Array(5000).fill(7))
    expect([disk.data.length, await texts(kv)]).toEqual([4 * BLOCK, { '/a': 'a' }])
  })

  it('leaves what lies behind a whole end until it is needed', async () => {
    const one = await archive([set('/a', 'a')])
    const two = await archive([set('/b', 'b')])
    const { disk, kv } = await open(one, two)
    expect(disk.data.length).toBe(one.length + two.length)
    await kv.set('/c', bytes('c'))
    expect(await texts(await openTar(disk.open()))).toEqual({ '/a': 'a', '/c': 'c' })
  })

  it('refuses an archive that is damaged, and changes nothing', async () => {
    const damaged = await archive([set('/a', 'a'), set('/b', 'b'), set('/c', 'c')])
    damaged[2 * BLOCK]! ^= 1
    const disk = new SimDisk(damaged.slice())
    await expect(openTar(disk.open())).rejects.toMatchObject({ code: 'KV_CORRUPT', offset: 2 * BLOCK })
    expect(disk.data).toEqual(damaged)
  })
})

describe('an archive in a file', () => {
  it('is made where none is, if that is asked for, and has one writer', async () => {
    const file = join(place.path, 'made.tar')
    expect(await code(openTarFile(file))).toBe('KV_IO')
    expect(existsSync(file)).toBe(false)
    await expect(openTarFile(file, { create: 1 as unknown as boolean })).rejects.toThrow(TypeError)
    const kv = await openTarFile(file, { create: true })
    expect(await code(openTarFile(file))).toBe('KV_LOCKED')
    await kv.set('/v', bytes('v'))
    expect(await texts(await openTarFileReadOnly(file))).toEqual({ '/v': 'v' })
    await kv.disconnect()
    await (await openTarFile(file)).disconnect()
    expect(readdirSync(place.path)).toEqual(['made.tar'])
  })

  it('becomes smaller when it is compacted, in its own place or in another', async () => {
    const file = join(place.path, 'grown.tar')
    const kv = await openTarFile(file, { create: true, now: () => 1_700_000_000_000 })
    for (let i = 0; i < 50; i++) await kv.set('/v', new Uint8Array(1000).fill(i))
    await kv.set('/w', bytes('w'))
    const all = await contents(kv)
    expect(await code(compactTarFile(kv, file))).toBe('KV_LOCKED')
    const copy = join(place.path, 'copy.tar')
    await compactTarFile(kv, copy)
    await kv.disconnect()
    const old = await openTarFileReadOnly(file)
    await compactTarFile(old, file)
    await old.disconnect()
    expect(readFileSync(file)).toEqual(readFileSync(copy))
    expect(statSync(file).size).toBe(7 * BLOCK)
    const again = await openTarFile(file)
    expect([await contents(again), await again.lastModified('/v')]).toEqual([all, 1_700_000_000_000])
    await again.disconnect()
  })

  it('is there still when its compaction fails', async () => {
    const file = join(place.path, 'stays.tar')
    const kv = await openTarFile(file, { create: true })
    await kv.set('/v', bytes('v'))
    await kv.disconnect()
    const before = readFileSync(file)
    await expect(compactTarFile(createMem(), file, { signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
    expect(await code(compactTarFile(kv, file))).toBe('KV_CLOSED')
    expect([readFileSync(file), readdirSync(place.path).filter((name) => name.startsWith('.'))]).toEqual([before, []])
    mkdirSync(join(place.path, 'directory'))
    expect(await code(compactTarFile(createMem(), join(place.path, 'directory')))).toBe('KV_IO')
    expect(await code(compactTarFile(createMem(), join(place.path, 'missing', 'x.tar')))).toBe('KV_IO')
  })
})

describeWith(['tar'], 'an append that is cut off before its commit', () => {
  it('is nothing to GNU tar', async () => {
    const disk = new SimDisk()
    const states: Uint8Array[] = []
    const kv = await openTar(disk.open(({ name }) => void (name === 'sync' && states.push(disk.data))))
    await kv.batch([set('/a', 'a'), set('/b', 'b')])
    await kv.batch([set('/c', 'c'), set('/d', 'd')])
    const listed = states.map((state) => {
      const file = join(place.path, 'cut.tar')
      writeFileSync(file, state)
      return spawnSync('tar', ['-tf', file], { encoding: 'utf8' }).stdout.replaceAll('\n', ' ')
    })
    expect(listed).toEqual(['', '', 'a b ', 'a b ', 'a b c d '])
  })
})
