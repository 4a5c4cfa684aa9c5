import { copy, type Key, type KvBatch, type KvRo, layered, prefixed, readOnly, transact, walk } from '@fata/kv'
import { describe, expect, it } from 'vitest'
import { createMem } from '../src/index.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

async function mem(content: Record<string, string> = {}) {
  const kv = createMem()
  for (const [key, value] of Object.entries(content)) await kv.set(key, bytes(value))
  return kv
}

async function all(kv: KvRo, key?: string): Promise<string[]> {
  const found: string[] = []
  for await (const value of walk(kv, key)) found.push(`${value}=${text(await kv.get(value))}`)
  return found
}

describe('walk', () => {
  it('visits values in key order, across pages', async () => {
    const kv = await mem({ '/a!': '1', '/a/b': '2', '/z': '3' })
    expect(await all(kv)).toEqual(['/a/b=2', '/a!=1', '/z=3'])
    await kv.batch(Array.from({ length: 2500 }, (_, i) => ({ op: 'set', key: `/many/${i}`, value: bytes('x') })))
    expect(await all(kv, '/many')).toHaveLength(2500)
  })

  it('of a value is the value, of nothing is nothing', async () => {
    const kv = await mem({ '/a': '1' })
    expect(await all(kv, '/a')).toEqual(['/a=1'])
    expect(await all(kv, '/none')).toEqual([])
  })

  it('survives what disappears under it', async () => {
    const kv = await mem({ '/a/x': '1', '/b/x': '2', '/c/x': '3', '/d': '4' })
    const found: string[] = []
    for await (const key of walk(kv)) {
      found.push(key.toString())
      await kv.remove('/b')
      await kv.remove('/c')
      await kv.set('/c', bytes('value'))
    }
    expect(found).toEqual(['/a/x', '/d'])
  })
})

describe('copy', () => {
  it('copies a subtree to another place, in batches or without', async () => {
    const source = await mem({ '/a/x': '1', '/a/y/z': '2', '/b': '3' })
    const dest = await mem({ '/kept': 'kept' })
    expect(await copy(source, dest, { from: '/a', to: '/new' })).toBe(2)
    expect(await all(dest)).toEqual(['/kept=kept', '/new/x=1', '/new/y/z=2'])
    const { batch: _, ...plain } = prefixed(dest, '/plain') as KvBatch
    expect(await copy(source, plain)).toBe(3)
    expect(await all(dest, '/plain')).toEqual(['/plain/a/x=1', '/plain/a/y/z=2', '/plain/b=3'])
  })

  it('keeps batches within the limits of the destination', async () => {
    const source = await mem(Object.fromEntries(Array.from({ length: 700 }, (_, i) => [`/${i}`, 'x'.repeat(100)])))
    const dest = createMem({ maxBatchOps: 100, maxBatchBytes: 1000 })
    expect(await copy(source, dest)).toBe(700)
    expect(await all(dest)).toHaveLength(700)
  })

  it('stops at an abort', async () => {
    const source = await mem({ '/a': '1' })
    await expect(copy(source, createMem(), { signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
  })
})

describe('layered', () => {
  it('shows the upper value, and both dictionaries as one', async () => {
    const kv = layered(
      await mem({ '/a': 'upper', '/d/x': 'upper' }),
      await mem({ '/a': 'lower', '/d/x': 'lower', '/d/y': 'lower' }),
    )
    expect(await all(kv)).toEqual(['/a=upper', '/d/x=upper', '/d/y=lower'])
    expect((await kv.list('/d', { limit: 1, after: 'x' })).map(String)).toEqual(['/d/y,value'])
  })

  it('hides what lies below an upper value, and a lower value below a dictionary', async () => {
    const kv = layered(
      await mem({ '/a': 'value', '/d/x': 'x' }),
      await mem({ '/a/b/c': 'hidden', '/d': 'hidden' }),
      await mem({ '/d/z': 'hidden too' }),
    )
    expect(await all(kv)).toEqual(['/a=value', '/d/x=x'])
    expect(await kv.exists('/a/b')).toBeUndefined()
    expect(await kv.get('/a/b/c')).toBeUndefined()
    await expect(kv.list('/a/b')).rejects.toMatchObject({ code: 'KV_NOT_FOUND' })
  })

  it('writes into the upper store, and marks there what is removed from the lower one', async () => {
    const lower = await mem({ '/a': 'lower', '/d/x': 'x', '/d/y': 'y', '/e/z': 'z' })
    const upper = await mem({ '/a': 'upper' })
    const kv = layered(upper, readOnly(lower))
    await kv.batch([
      { op: 'remove', key: '/a' },
      { op: 'rename', source: '/d/x', dest: '/moved' },
      { op: 'set', key: '/e/z', value: bytes('changed') },
    ])
    expect(await all(kv)).toEqual(['/d/y=y', '/e/z=changed', '/moved=x'])
    expect(await all(upper)).toEqual(['/.layered/removed/a=', '/.layered/removed/d/x=', '/e/z=changed', '/moved=x'])
    await kv.remove('/d')
    await kv.remove('/e/z')
    expect(await kv.exists('/d')).toBeUndefined()
    expect((await kv.list('/')).map(String)).toEqual(['/moved,value'])
    await kv.set('/d', bytes('a value in the place of a dictionary'))
    expect(await all(layered(readOnly(upper), lower))).toEqual(['/d=a value in the place of a dictionary', '/moved=x'])
    expect(await all(lower)).toHaveLength(4)
  })

  it('brings nothing to light that was hidden', async () => {
    const kv = layered(await mem({ '/a': 'value' }), await mem({ '/a/b/c': 'hidden' }))
    await kv.remove('/a')
    expect(await all(kv)).toEqual([])
  })

  it('pages past what is removed', async () => {
    const many = Object.fromEntries(Array.from({ length: 2500 }, (_, i) => [`/d/${10_000 + i}`, 'x']))
    const kv = layered(createMem(), await mem(many))
    await kv.batch(
      Object.keys(many)
        .slice(0, 2400)
        .map((key) => ({ op: 'remove', key })),
    )
    expect(await kv.list('/d')).toHaveLength(100)
    expect((await kv.list('/d', { limit: 3 })).map(String)).toEqual([
      '/d/12400,value',
      '/d/12401,value',
      '/d/12402,value',
    ])
    expect(await kv.exists('/d')).toBe('dictionary')
  })

  it('keeps its own names to itself, and stays readable where the upper store cannot write', async () => {
    const upper = await mem()
    const kv = layered(upper, await mem({ '/a': '1' }))
    for (const call of [kv.get('/.layered/removed/a'), kv.set('/.layered', bytes('x')), kv.rename('/a', '/.layered/x')])
      await expect(call).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
    expect('set' in layered(readOnly(upper), upper)).toBe(false)
    expect(await all(layered(await mem({ '/only': '1' })))).toEqual(['/only=1'])
  })

  it('refuses stores with different digests, and none', async () => {
    const one = readOnly(await mem())
    const other: KvRo = { ...one, capabilities: { ...one.capabilities, digest: 'git-sha1' } }
    expect(() => layered(one, other)).toThrow(TypeError)
    expect(() => layered(...([] as unknown as [KvRo]))).toThrow(TypeError)
  })
})

describe('prefixed', () => {
  it('cannot reach what is outside', async () => {
    const kv = await mem({ '/in/a': '1', '/out': '2' })
    const view = prefixed(kv, '/in')
    await view.remove('/')
    expect(await all(kv)).toEqual(['/out=2'])
    expect(await view.exists('/')).toBe('dictionary')
    expect(await view.list('/')).toEqual([])
  })

  it('speaks of its own keys in errors, with the error below as the cause', async () => {
    const view = prefixed(await mem({ '/in/a': '1' }), '/in')
    const error = await view.list('/a').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'KV_DICTIONARY_EXPECTED', cause: { code: 'KV_DICTIONARY_EXPECTED' } })
    expect(String((error as { key: Key }).key)).toBe('/a')
  })

  it('offers what the store offers, and no more', async () => {
    const view = prefixed(readOnly(await mem()), '/in')
    expect(Object.keys(view).filter((name) => ['set', 'batch', 'watch', 'snapshot'].includes(name))).toEqual([])
  })
})

describe('transact', () => {
  it('reads its own writes, and commits them as one batch', async () => {
    const kv = await mem({ '/a': '1', '/d/x': 'x' })
    const result = await transact(kv, async (tx) => {
      tx.set('/a', bytes('2'))
      tx.rename('/d', '/e')
      tx.remove('/none')
      expect(text(await tx.get('/a'))).toBe('2')
      expect(text(await tx.get('/e/x'))).toBe('x')
      expect(await tx.exists('/d')).toBeUndefined()
      expect(await tx.exists('/e')).toBe('dictionary')
      expect(text(await kv.get('/a'))).toBe('1')
      return 'done'
    })
    expect(result).toBe('done')
    expect(await all(kv)).toEqual(['/a=2', '/e/x=x'])
  })

  it('runs again when what it read has changed, and when what it missed has come', async () => {
    for (const meddled of ['/read', '/missed']) {
      const kv = await mem({ '/read': '1' })
      let runs = 0
      await transact(kv, async (tx) => {
        const seen = [text(await tx.get('/read')), await tx.exists('/missed')].join()
        if (runs++ === 0) await kv.set(meddled, bytes('meddled'))
        tx.set('/out', bytes(seen))
      })
      expect(runs).toBe(2)
      expect(text(await kv.get('/out'))).toBe(meddled === '/read' ? 'meddled,' : '1,value')
    }
  })

  it('runs again when a value changes between two of its reads', async () => {
    const kv = await mem({ '/v': '1' })
    let runs = 0
    const seen = await transact(kv, async (tx) => {
      const first = text(await tx.get('/v'))
      if (runs++ === 0) await kv.set('/v', bytes('2'))
      return [first, text(await tx.get('/v'))]
    })
    expect(seen).toEqual(['2', '2'])
    expect(runs).toBe(2)
  })

  it('gives up after the retries', async () => {
    const kv = await mem({ '/v': '0' })
    let runs = 0
    const meddling = transact(
      kv,
      async (tx) => {
        await tx.get('/v')
        await kv.set('/v', bytes(`${++runs}`))
      },
      { retries: 3 },
    )
    await expect(meddling).rejects.toMatchObject({ code: 'KV_CHECK_FAILED' })
    expect(runs).toBe(4)
  })

  it('rejects with what the function threw, and with the rules of the store, without a retry', async () => {
    const kv = await mem({ '/v': 'v' })
    let runs = 0
    await expect(
      transact(kv, () => {
        runs++
        throw new Error('mine')
      }),
    ).rejects.toThrow('mine')
    await expect(
      transact(kv, (tx) => {
        runs++
        tx.set('/v/below', bytes('x'))
      }),
    ).rejects.toMatchObject({ code: 'KV_DICTIONARY_EXPECTED' })
    expect(runs).toBe(2)
    expect(await all(kv)).toEqual(['/v=v'])
  })

  it('takes no write after its end, and stops at an abort', async () => {
    const kv = await mem()
    const escaped = await transact(kv, (tx) => tx)
    expect(() => escaped.set('/late', bytes('x'))).toThrow(TypeError)
    await expect(transact(kv, () => {}, { signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
  })
})
