import { describe, expect, it } from 'vitest'
import { createMem } from '../src/index.ts'

describe('createMem', () => {
  it('bounds the bytes of all values together', async () => {
    const kv = createMem({ maxBytes: 10 })
    await kv.set('/a', new Uint8Array(6))
    await expect(kv.set('/b', new Uint8Array(5))).rejects.toMatchObject({ code: 'KV_NO_SPACE', limit: 10 })
    expect(await kv.exists('/b')).toBeUndefined()
    await kv.set('/a', new Uint8Array(2))
    await kv.set('/b', new Uint8Array(8))
    await expect(kv.setPartial('/b', 8, new Uint8Array(1))).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
    await kv.rename('/b', '/c/d')
    await kv.remove('/c')
    await kv.allocate('/e', 8)
    expect(await kv.size('/e')).toBe(8)
  })

  it('keeps a snapshot through many writes in dictionaries that it shares', async () => {
    const kv = createMem()
    await kv.batch(Array.from({ length: 100 }, (_, i) => ({ op: 'set', key: `/d/${i}/v`, value: Uint8Array.of(i) })))
    const before = await kv.snapshot()
    for (let i = 0; i < 100; i++) await kv.set(`/d/${i}/v`, Uint8Array.of(255))
    const middle = await kv.snapshot()
    await kv.remove('/d')
    expect(await before.get('/d/7/v')).toEqual(Uint8Array.of(7))
    expect(await middle.get('/d/7/v')).toEqual(Uint8Array.of(255))
    expect(await before.list('/d')).toHaveLength(100)
    expect(await kv.exists('/d')).toBeUndefined()
  })

  it('keeps the time of a value that was allocated in the future', async () => {
    const kv = createMem({ now: () => 1000 })
    await kv.allocate('/v', 1, { lastModified: 5000 })
    await kv.set('/v', Uint8Array.of(1))
    expect(await kv.lastModified('/v')).toBe(5000)
  })

  it.each([
    { maxBytes: 0 },
    { maxValueBytes: -1 },
    { maxBatchOps: 1.5 },
    { maxBatchBytes: Number.NaN },
    { maxQueuedChanges: Number.POSITIVE_INFINITY },
  ])('refuses %j', (options) => {
    expect(() => createMem(options)).toThrow(RangeError)
  })

  it('refuses a clock that is none', () => {
    expect(() => createMem({ now: 7 as unknown as () => number })).toThrow(TypeError)
  })
})
