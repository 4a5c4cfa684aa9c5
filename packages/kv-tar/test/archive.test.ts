import { createServer } from 'node:http'
import { concatBytes } from '@fata/bytes'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { blobSource, bytesSource, openTar, openTarReadOnly, type TarReadOptions, urlSource } from '../src/index.ts'
import { BLOCK, encode, encodePax, padded, type TarType } from '../src/wire.ts'
import { bytes, contents, texts } from './places.ts'
import { rangeServer, type Served } from './range-server.ts'
import { SimDisk } from './sim-file.ts'

const END = new Uint8Array(2 * BLOCK)

function entry(name: string | Uint8Array, text = '', type: TarType = 'file', size?: number): Uint8Array {
  const body = bytes(text)
  const out = new Uint8Array(BLOCK + padded(body.length))
  const nameBytes = typeof name === 'string' ? bytes(name) : name
  encode(out, 0, { name: nameBytes, type, size: size ?? body.length, mtime: 1_700_000_000 })
  out.set(body, BLOCK)
  return out
}

function pax(records: Record<string, string>, type: 'pax' | 'pax-global' = 'pax'): Uint8Array {
  return entry('header', new TextDecoder().decode(encodePax(records)), type)
}

const open = (archive: Uint8Array, options?: TarReadOptions) => openTarReadOnly(bytesSource(archive), options)
const read = async (...parts: Uint8Array[]) => texts(await open(concatBytes(parts)))

describe('names', () => {
  it('lose dots and doubled slashes', async () => {
    expect(await read(entry('./a'), entry('.//b/./c'), entry('d//e'), END)).toEqual({
      '/a': '',
      '/b/c': '',
      '/d/e': '',
    })
  })

  it('that are no keys are skipped, counted and told', async () => {
    const told: string[] = []
    const archive = concatBytes([
      entry('/absolute'),
      entry('../up'),
      entry('a/../b'),
      entry('a/..'),
      entry(Uint8Array.of(0x61, 0xff)),
      entry('.'),
      pax({ path: 'x'.repeat(256) }),
      entry('too long'),
      pax({ path: 'a\0b' }),
      entry('nul'),
      entry('fine', 'fine'),
      END,
    ])
    const kv = await open(archive, {
      onSkipped: ({ name, reason, offset }) => told.push(`${offset / BLOCK} ${reason} ${name.slice(0, 9)}`),
    })
    expect(await texts(kv)).toEqual({ '/fine': 'fine' })
    expect(kv.skipped).toEqual({ absolute: 1, traversal: 3, name: 4 })
    expect(told.slice(0, 6)).toEqual([
      '0 absolute /absolute',
      '1 traversal ../up',
      '2 traversal a/../b',
      '3 traversal a/..',
      '4 name a\ufffd',
      '5 name .',
    ])
  })

  it('of one kind stay, of the other are conflicts, as when they are extracted', async () => {
    const kv = await open(
      concatBytes([entry('a/b', '1'), entry('a', '2'), entry('a/b/c', '3'), entry('a/b', '4'), END]),
    )
    expect([await texts(kv), kv.skipped]).toEqual([{ '/a/b': '4' }, { conflict: 2 }])
  })

  it('come from the extended header of pax, of GNU, or of all entries', async () => {
    const long = (name: string) => entry('././@LongLink', `${name}\0`, 'gnu-long-name')
    expect(
      await read(
        pax({ path: 'by pax' }),
        entry('1', '1'),
        entry('2', '2'),
        long('by GNU'),
        entry('././@LongLink', 'target\0', 'gnu-long-link'),
        entry('3', '3'),
        pax({ path: 'of all' }, 'pax-global'),
        entry('4', '4'),
        pax({ path: '' }, 'pax-global'),
        entry('5', '5'),
        END,
      ),
    ).toEqual({ '/by pax': '1', '/2': '2', '/by GNU': '3', '/of all': '4', '/5': '5' })
  })
})

describe('sizes and times', () => {
  it('come from the extended header, too', async () => {
    const kv = await open(
      concatBytes([
        pax({ size: '5', mtime: '1600000000.123456789' }),
        entry('v', 'hello', 'file', 0),
        pax({ mtime: '-0.0015' }),
        entry('w'),
        pax({ mtime: '12' }),
        entry('x'),
        END,
      ]),
    )
    expect([await kv.lastModified('/v'), await kv.lastModified('/w'), await kv.lastModified('/x')]).toEqual([
      1_600_000_000_123, -2, 12_000,
    ])
    expect(await texts(kv)).toEqual({ '/v': 'hello', '/w': '', '/x': '' })
  })

  it.each([{ size: '5x' }, { size: '-5' }, { size: '9'.repeat(17) }, { mtime: 'noon' }, { mtime: '1e3' }])(
    'that are no numbers are corrupt: %j',
    async (records) => {
      await expect(read(pax(records as Record<string, string>), entry('v'), END)).rejects.toMatchObject({
        code: 'KV_CORRUPT',
        offset: 2 * BLOCK,
      })
    },
  )

  it('of links say nothing about what follows, but with pax', async () => {
    const link = (name: string) => entry(name, '', 'hard-link', 4000)
    expect(await read(link('l'), entry('a', 'a'), END)).toEqual({ '/a': 'a' })
    const withBody = entry('l', 'body', 'hard-link')
    expect(await read(pax({ linkpath: 'a' }), withBody, entry('a', 'a'), END)).toEqual({ '/a': 'a' })
  })

  it('beyond what a file can have are corrupt', async () => {
    await expect(read(entry('v', '', 'file', Number.MAX_SAFE_INTEGER), END)).rejects.toMatchObject({
      code: 'KV_CORRUPT',
    })
  })
})

describe('the end', () => {
  const whole = concatBytes([entry('a', 'a'), entry('b', 'b')])

  it('is the first block of zeros, or that of the file', async () => {
    const both = { '/a': 'a', '/b': 'b' }
    expect(await read(new Uint8Array(0))).toEqual({})
    expect(await read(END)).toEqual({})
    expect(await read(whole)).toEqual(both)
    expect(await read(whole, new Uint8Array(BLOCK))).toEqual(both)
    expect(await read(whole, END, bytes('whatever'))).toEqual(both)
    // The last block of a value is not always filled up.
    expect(await read(whole.subarray(0, 3 * BLOCK + 1))).toEqual(both)
  })

  it('within an entry is corrupt, and says where', async () => {
    const archive = concatBytes([entry('a', 'x'.repeat(1000)), pax({ path: 'b' }), entry('b', 'b')])
    const fine = [0, 3, 6, 7].map((blocks) => blocks * BLOCK)
    for (let length = 0; length < archive.length; length++) {
      const outcome = await open(archive.subarray(0, length)).then(
        async (kv) => Object.keys(await texts(kv)).length,
        (error) => error,
      )
      const inPadding = (length >= BLOCK + 1000 && length <= 3 * BLOCK) || length >= 6 * BLOCK + 1
      if (fine.slice(0, 2).includes(length) || inPadding) expect(outcome, String(length)).toBeTypeOf('number')
      else expect([outcome.code, outcome.offset <= length], String(length)).toEqual(['KV_CORRUPT', true])
    }
  })
})

describe('flipped bits', () => {
  it('in headers are seen, those in values change nothing else', { timeout: 60_000 }, async () => {
    const parts = [entry('a', 'first'), pax({ path: 'long' }), entry('b', 'second'), entry('c/d', 'third'), END]
    const archive = concatBytes(parts)
    const values = new Set(['first', 'second', 'third'])
    const places: number[] = []
    for (let at = 0; at < archive.length; at++) if (archive[at] !== 0 || at % 37 === 0) places.push(at)
    for (const at of places) {
      for (const bit of [0, 3, 7]) {
        const flipped = archive.slice()
        flipped[at]! ^= 1 << bit
        const outcome = await open(flipped).then(texts, (error: { code: string }) => error.code)
        if (typeof outcome === 'string') expect(outcome).toBe('KV_CORRUPT')
        else {
          const wrong = Object.values(outcome).filter((text) => !values.has(text))
          expect(wrong.length, `bit ${bit} of byte ${at}`).toBeLessThanOrEqual(1)
        }
      }
    }
  })

  it('and cuts never make it hang, or fail otherwise', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(4000), fc.nat(255)), { maxLength: 12 }),
        fc.nat(4096),
        async (changes, length) => {
          const archive = concatBytes([
            entry('a', 'x'.repeat(600)),
            entry('././@LongLink', 'long\0', 'gnu-long-name'),
            entry('b', 'b'),
            pax({ path: 'p', size: '1' }),
            entry('c', 'c'),
            END,
          ]).slice(0, length)
          for (const [at, byte] of changes) if (at < archive.length) archive[at] = byte
          const code = await open(archive).then(
            async (kv) => (await contents(kv)).length >= 0,
            (error: { code: string }) => error.code,
          )
          expect([true, 'KV_CORRUPT', 'KV_TOO_LARGE']).toContain(code)
          const append = await openTar(new SimDisk(archive).open()).then(
            async (kv) => kv.set('/new', bytes('new')).then(() => true),
            (error: { code: string }) => error.code,
          )
          expect([true, 'KV_CORRUPT', 'KV_TOO_LARGE']).toContain(append)
        },
      ),
      { numRuns: 2000 },
    ))
})

describe('limits', () => {
  const many = concatBytes([entry('a', 'aaaa'), entry('b'), entry('c'), entry('a', 'bbbb'), END])

  it('bound values, extended headers and what is read at once', async () => {
    await expect(open(many, { maxEntries: 2 })).rejects.toMatchObject({ code: 'KV_TOO_LARGE', limit: 2 })
    expect(Object.keys(await texts(await open(many, { maxEntries: 3 })))).toHaveLength(3)
    const long = concatBytes([pax({ path: 'x'.repeat(100) }), entry('v'), END])
    await expect(open(long, { maxHeaderBytes: 50 })).rejects.toMatchObject({ code: 'KV_TOO_LARGE', limit: 50 })
    const kv = await open(many, { maxValueBytes: 3 })
    await expect(kv.get('/a')).rejects.toMatchObject({ code: 'KV_TOO_LARGE' })
    expect(await kv.getPartial('/a', 1, 3)).toEqual(bytes('bbb'))
  })

  it('must be numbers above 0', async () => {
    for (const bad of [0, -1, 0.5, Number.NaN])
      await expect(open(many, { maxEntries: bad })).rejects.toThrow(RangeError)
    await expect(open(many, { onSkipped: 1 as unknown as () => void })).rejects.toThrow(TypeError)
    await expect(openTar(new SimDisk().open(), { now: 1 as unknown as () => number })).rejects.toThrow(TypeError)
  })
})

describe('sources', () => {
  const value = bytes('v'.repeat(200_000))
  const archive = concatBytes([entry('a', 'a'), entry('large', new TextDecoder().decode(value)), entry('b', 'b'), END])

  it('are asked for headers only, further ahead where they are close', async () => {
    const small = concatBytes([...Array.from({ length: 1000 }, (_, i) => entry(`s${i}`, 'small')), END])
    const reads = async (bytes: Uint8Array) => {
      let [calls, sum] = [0, 0]
      const source = bytesSource(bytes)
      await openTarReadOnly({
        read: async (offset, length) => {
          calls++
          const part = await source.read(offset, length)
          sum += part.length
          return part
        },
      })
      return { calls, sum }
    }
    const far = await reads(concatBytes(Array.from({ length: 20 }, () => archive.subarray(0, -END.length))))
    expect(far.sum).toBeLessThan(archive.length)
    expect((await reads(small)).calls).toBeLessThan(24)
  })

  it('are closed with the store, after the last read, and when it cannot be opened', async () => {
    const events: string[] = []
    const source = (bytes: Uint8Array) => ({
      read: async (offset: number, length: number) => {
        const part = bytes.slice(offset, offset + length)
        await Promise.resolve()
        events.push('read')
        return part
      },
      close: () => void events.push('closed'),
    })
    const kv = await openTarReadOnly(source(archive))
    events.length = 0
    const reading = kv.get('/large')
    await kv.disconnect()
    expect([events, await reading]).toEqual([['read', 'closed'], value])
    events.length = 0
    await expect(openTarReadOnly(source(bytes('garbage'.repeat(200))))).rejects.toMatchObject({
      code: 'KV_CORRUPT',
      offset: 0,
    })
    expect(events).toEqual(['read', 'closed'])
  })

  it('that fail are KV_IO, and an abort is its reason', async () => {
    const cause = new Error('no answer')
    await expect(openTarReadOnly({ read: () => Promise.reject(cause) })).rejects.toMatchObject({ code: 'KV_IO', cause })
    const controller = new AbortController()
    const opening = openTarReadOnly(
      {
        read: (_, __, signal) =>
          new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('network')))),
      },
      { signal: controller.signal },
    )
    controller.abort('enough')
    await expect(opening).rejects.toThrow('network')
    await expect(openTarReadOnly(bytesSource(archive), { signal: AbortSignal.abort('before') })).rejects.toBe('before')
  })

  it('that have become shorter are corrupt', async () => {
    const shorter = { length: archive.length }
    const kv = await openTarReadOnly({
      read: (offset, length) => archive.slice(offset, Math.min(shorter.length, offset + length)),
    })
    shorter.length = 100_000
    await expect(kv.get('/large')).rejects.toMatchObject({ code: 'KV_CORRUPT', offset: 100_000 })
  })

  it('can be a Blob', async () => {
    const kv = await openTarReadOnly(blobSource(new Blob([new Uint8Array(archive)])))
    expect(await kv.getPartial('/large', 199_999, 5)).toEqual(bytes('v'))
  })
})

describe('an archive on a server', () => {
  const archive = concatBytes([entry('a', 'a'), entry('large', 'v'.repeat(100_000)), entry('b', 'b'), END])
  const served: { current: Served; ranges: string[] } = { current: { bytes: archive, etag: '"1"' }, ranges: [] }
  const server = createServer(
    rangeServer(
      () => served.current,
      (range) => served.ranges.push(range),
    ),
  )
  const plain = createServer((_, response) => response.end(archive))
  const url = async (of: typeof server): Promise<string> => {
    if (!of.listening) await new Promise<void>((listening) => of.listen(0, '127.0.0.1', listening))
    return `http://127.0.0.1:${(of.address() as { port: number }).port}/some.tar`
  }
  afterAll(() => {
    for (const one of [server, plain]) {
      one.closeAllConnections()
      one.close()
    }
  })

  it('is read by ranges, the value alone', async () => {
    const kv = await openTarReadOnly(urlSource(await url(server)))
    served.ranges.length = 0
    expect(await kv.get('/b')).toEqual(bytes('b'))
    expect(await kv.getPartial('/large', 50_000, 10)).toEqual(bytes('v'.repeat(10)))
    const at = archive.length - END.length - BLOCK
    expect(served.ranges).toEqual([
      `bytes=${at}-${at}`,
      `bytes=${2 * BLOCK + BLOCK + 50_000}-${2 * BLOCK + BLOCK + 50_009}`,
    ])
    await kv.disconnect()
  })

  it('must stay the same', async () => {
    const kv = await openTarReadOnly(urlSource(await url(server)))
    served.current = { bytes: archive, etag: '"2"' }
    await expect(kv.get('/b')).rejects.toMatchObject({
      code: 'KV_IO',
      cause: { message: expect.stringContaining('has changed') },
    })
    await kv.disconnect()
  })

  it('must be there, and the server must know ranges', async () => {
    await expect(openTarReadOnly(urlSource(await url(plain)))).rejects.toMatchObject({
      code: 'KV_IO',
      cause: { message: expect.stringContaining('knows no ranges') },
    })
    const fetch = async () => new Response('gone', { status: 404, statusText: 'Not Found' })
    await expect(openTarReadOnly(urlSource('http://x/', { fetch }))).rejects.toMatchObject({
      code: 'KV_IO',
      cause: { message: expect.stringContaining('404') },
    })
    const other = async () => new Response('x', { status: 206, headers: { 'content-range': 'bytes 7-7/9' } })
    await expect(openTarReadOnly(urlSource('http://x/', { fetch: other }))).rejects.toMatchObject({ code: 'KV_IO' })
  })
})
