import { type KvBatch, type KvError, type KvOp, walk } from '@fata/kv'
import { MemoryLevel } from 'memory-level'
import { describe, expect, it } from 'vitest'
import { openClassicLevel } from '../src/classic.ts'
import { openLevel } from '../src/index.ts'
import { temporaryDirectory } from './places.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const set = (key: string, value = key): KvOp => ({ op: 'set', key, value: bytes(value) })
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: KvError) => error.code,
  )

async function keys(kv: KvBatch): Promise<string[]> {
  const found: string[] = []
  for await (const key of walk(kv)) found.push(String(key))
  return found
}

type Batch = readonly object[]

/** An engine that counts its writes, and fails those that it is told to. */
class Faulty extends MemoryLevel {
  writes: number[] = []
  failure: unknown
  afterwards = false

  async _batch(ops: Batch, options: object): Promise<void> {
    this.writes.push(ops.length)
    const inherited = super['_batch' as 'batch'] as unknown as (ops: Batch, options: object) => Promise<void>
    if (this.failure === undefined || this.afterwards) await inherited.call(this, ops, options)
    if (this.failure !== undefined) throw this.failure
  }
}

async function opened(options = {}) {
  const db = new Faulty()
  const kv = await openLevel(db, options)
  db.writes = []
  return { db, kv }
}

describe('writes', () => {
  it('that wait together become one write of the engine', async () => {
    const { db, kv } = await opened()
    await Promise.all([
      kv.set('/a', bytes('a')),
      kv.batch([set('/b'), set('/d/c')]),
      kv.remove('/a'),
      kv.rename('/b', '/d'),
    ])
    expect(db.writes).toHaveLength(1)
    expect(await keys(kv)).toEqual(['/d/b', '/d/c'])
  })

  it('do not suffer from one among them that is refused, or aborted', async () => {
    const { kv } = await opened()
    const controller = new AbortController()
    const outcomes = Promise.allSettled([
      kv.set('/a', bytes('a')),
      kv.set('/a/below', bytes('x')),
      kv.set('/b', bytes('b'), { signal: controller.signal }),
      kv.set('/c', bytes('c')),
    ])
    controller.abort('stop')
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect(await keys(kv)).toEqual(['/a', '/c'])
  })

  it('that come to nothing are none', async () => {
    const { db, kv } = await opened()
    await kv.batch([set('/a'), { op: 'remove', key: '/a' }])
    await kv.remove('/none')
    expect(db.writes).toEqual([])
  })

  it('are refused when too many wait', async () => {
    const { kv } = await opened({ maxQueuedWrites: 3 })
    const codes = await Promise.all(Array.from({ length: 5 }, (_, i) => code(kv.set(`/${i}`, bytes('x')))))
    expect(codes).toEqual([undefined, undefined, undefined, 'KV_TOO_LARGE', 'KV_TOO_LARGE'])
  })

  it('move and remove no more than the limits allow', async () => {
    const { kv } = await opened({ maxBatchOps: 3, maxBatchBytes: 10 })
    for (let i = 0; i < 4; i++) await kv.set(`/many/${i}`, bytes('x'))
    await kv.batch([set('/two/a', 'five5'), set('/two/b', 'five5')])
    await kv.set('/two/c', bytes('c'))
    expect(await code(kv.rename('/many', '/moved'))).toBe('KV_TOO_LARGE')
    expect(await code(kv.remove('/many'))).toBe('KV_TOO_LARGE')
    expect(await code(kv.rename('/two', '/moved'))).toBe('KV_TOO_LARGE')
    expect(await keys(kv)).toHaveLength(7)
  })

  it('keep no dictionary that has become empty, however deep, and none that has not', async () => {
    const { db, kv } = await opened()
    await kv.batch([set('/a/b/c/d'), set('/a/b/x'), set('/e/f/g')])
    await kv.batch([
      { op: 'remove', key: '/a/b/c/d' },
      { op: 'rename', source: '/e/f/g', dest: '/a/g' },
    ])
    expect(await kv.exists('/a/b/c')).toBeUndefined()
    expect(await kv.exists('/e')).toBeUndefined()
    expect((await kv.list('/a')).map(String)).toEqual(['/a/b,dictionary', '/a/g,value'])
    await kv.remove('/')
    expect(await db.keys().all()).toEqual(['\0\0fata-kv'])
  })

  it('never go back in time, not for a value from the future either', async () => {
    let now = 5000
    const { kv } = await opened({ now: () => now })
    await kv.allocate('/v', 1, { lastModified: 9000 })
    await kv.set('/v', bytes('1'))
    expect(await kv.lastModified('/v')).toBe(9000)
    await kv.set('/w', bytes('1'))
    now = 1000
    await kv.set('/w', bytes('2'))
    expect(await kv.lastModified('/w')).toBe(5000)
  })
})

describe('an engine that fails to write', () => {
  it('is not trusted again, and may have written', async () => {
    for (const afterwards of [false, true]) {
      const { db, kv } = await opened()
      await kv.set('/v', bytes('old'))
      db.failure = Object.assign(new Error('IO error: fsync'), { code: 'LEVEL_IO_ERROR' })
      db.afterwards = afterwards
      await expect(kv.set('/v', bytes('new'))).rejects.toMatchObject({
        code: 'KV_OUTCOME_UNKNOWN',
        cause: { code: 'LEVEL_IO_ERROR' },
      })
      db.failure = undefined
      for (const write of [
        () => kv.set('/v', bytes('x')),
        () => kv.remove('/v'),
        () => kv.setPartial('/v', 0, bytes('x')),
      ])
        await expect(write()).rejects.toMatchObject({ code: 'KV_IO', cause: { code: 'LEVEL_IO_ERROR' } })
      expect(await kv.get('/v')).toEqual(bytes(afterwards ? 'new' : 'old'))
      await kv.disconnect()
      const again = await openLevel(db)
      await again.set('/v', bytes('goes on'))
      await again.disconnect()
    }
  })

  it.each([
    new Error('IO error: /tmp/000003.log: No space left on device'),
    Object.assign(new Error('full'), { name: 'QuotaExceededError' }),
  ])('for want of space is %s', async (failure) => {
    const { db, kv } = await opened()
    db.failure = failure
    await expect(kv.set('/v', bytes('new'))).rejects.toMatchObject({ code: 'KV_NO_SPACE', cause: failure })
  })

  it('fails all that were written together', async () => {
    const { db, kv } = await opened()
    db.failure = new Error('gone')
    const codes = await Promise.all([code(kv.set('/a', bytes('a'))), code(kv.batch([set('/b'), set('/c')]))])
    expect(codes).toEqual(['KV_OUTCOME_UNKNOWN', 'KV_OUTCOME_UNKNOWN'])
    expect(await keys(kv)).toEqual([])
  })
})

describe('openLevel', () => {
  it('takes one store per database, and gives it back', async () => {
    const db = new MemoryLevel()
    const kv = await openLevel(db)
    expect(await code(openLevel(db))).toBe('KV_LOCKED')
    await kv.disconnect()
    await (await openLevel(db)).disconnect()
  })

  it('refuses a database of somebody else, and leaves it alone', async () => {
    const db = new MemoryLevel()
    await db.put('mine', 'my value')
    expect(await code(openLevel(db))).toBe('KV_CORRUPT')
    await db.open()
    expect(await db.iterator().all()).toEqual([['mine', 'my value']])
  })

  it('refuses a format of later', async () => {
    const db = new MemoryLevel()
    await (await openLevel(db)).disconnect()
    await db.open()
    await db.put('\0\0fata-kv', '\u0002')
    expect(await code(openLevel(db))).toBe('KV_CORRUPT')
  })

  it('finds values that no store wrote', async () => {
    const db = new MemoryLevel()
    const kv = await openLevel(db)
    await db.put('\0v', 'short')
    for (const read of [
      kv.get('/v'),
      kv.size('/v'),
      kv.digest('/v'),
      kv.lastModified('/v'),
      kv.setPartial('/v', 0, bytes('x')),
    ])
      await expect(read).rejects.toMatchObject({ code: 'KV_CORRUPT' })
    expect(await kv.exists('/v')).toBe('value')
    await kv.remove('/v')
    expect(await kv.exists('/v')).toBeUndefined()
  })

  it('refuses an engine that does not order keys by their bytes', async () => {
    await expect(openLevel(new MemoryLevel({ storeEncoding: 'utf8' }))).rejects.toThrow(TypeError)
  })

  it('says what a write survives: what it is told, or what the engine says of itself', async () => {
    expect((await openLevel(new MemoryLevel())).capabilities.durability).toBe('none')
    expect((await openLevel(new MemoryLevel(), { durability: 'replicated' })).capabilities.durability).toBe(
      'replicated',
    )
  })

  it('has closed the store when somebody closes the database', async () => {
    const db = new MemoryLevel()
    const kv = await openLevel(db)
    await db.close()
    expect(await code(kv.get('/v'))).toBe('KV_CLOSED')
    expect(await code(kv.list('/'))).toBe('KV_CLOSED')
    expect(await code(kv.remove('/'))).toBe('KV_CLOSED')
    expect(await code(kv.setPartial('/v', 0, bytes('x')))).toBe('KV_CLOSED')
    await kv.disconnect()
  })

  it.each([{ maxValueBytes: 0 }, { maxBatchOps: 1.5 }, { maxBatchBytes: -1 }, { maxQueuedWrites: Number.NaN }])(
    'refuses %j',
    async (options) => {
      await expect(openLevel(new MemoryLevel(), options)).rejects.toThrow(RangeError)
    },
  )

  it.each([{ now: 1 }, { durability: 'forever' }])('refuses %j', async (options) => {
    await expect(openLevel(new MemoryLevel(), options as object)).rejects.toThrow(TypeError)
  })
})

describe('openClassicLevel', () => {
  it('makes the database, unless it may not', async () => {
    const { path, remove } = temporaryDirectory()
    const deep = `${path}/a/b`
    expect(await code(openClassicLevel(deep, { create: false }))).toBe('KV_IO')
    expect(await code(openClassicLevel(path, { create: false }))).toBe('KV_IO')
    const kv = await openClassicLevel(deep)
    expect(kv.capabilities.durability).toBe('power-loss')
    await kv.set('/v', bytes('v'))
    await kv.disconnect()
    const again = await openClassicLevel(deep, { create: false })
    expect(await again.get('/v')).toEqual(bytes('v'))
    await again.disconnect()
    remove()
  })

  it('lists and reads during a stream of writes, a state of one instant each time', async () => {
    const { path, remove } = temporaryDirectory()
    const kv = await openClassicLevel(path)
    await kv.set('/flip', bytes('x'))
    let done = false
    const writer = (async () => {
      for (let i = 0; i < 60; i++) {
        const isValue = (await kv.exists('/flip')) === 'value'
        await kv.batch([{ op: 'remove', key: '/flip' }, set(isValue ? '/flip/x' : '/flip', 'x')])
      }
      done = true
    })()
    while (!done) {
      expect(await kv.exists('/flip')).toBeDefined()
      const listed = await kv.list('/flip').then(
        (page) => page.length,
        (error: KvError) => error.code,
      )
      expect([1, 'KV_DICTIONARY_EXPECTED']).toContain(listed)
      const got = await kv.get('/flip').then(
        (value) => value?.length,
        (error: KvError) => error.code,
      )
      expect([1, 'KV_VALUE_EXPECTED']).toContain(got)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writer
    await kv.disconnect()
    remove()
  })
})
