import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Key, type KvBatch, type KvOp, walk } from '@fata/kv'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDir, openDirReadOnly } from '../src/index.ts'
import { temporaryDirectory } from './places.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
let place: ReturnType<typeof temporaryDirectory>
let root: string
let kv: KvBatch

beforeEach(async () => {
  place = temporaryDirectory()
  root = join(place.path, 'root')
  mkdirSync(root)
  mkdirSync(join(place.path, 'outside'))
  writeFileSync(join(place.path, 'outside', 'secret'), 'secret')
  kv = await openDir(root)
})
afterEach(async () => {
  await kv.disconnect()
  place.remove()
})

/** Everything under the outside directory, as it must stay. */
const outside = () =>
  readdirSync(join(place.path, 'outside')).map(
    (name) => `${name}=${readFileSync(join(place.path, 'outside', name), 'utf8')}`,
  )

describe('nothing leads out of the directory', () => {
  it('no text that could be a path', async () => {
    const bits = fc.constantFrom(
      '..',
      '.',
      '/',
      '//',
      'a',
      '\\',
      '\0',
      '%2e%2e',
      '.kv',
      '~',
      'outside',
      'secret',
      '..\\',
      'C:',
    )
    await fc.assert(
      fc.asyncProperty(fc.array(bits, { maxLength: 8 }), async (parts) => {
        const path = parts.join('')
        await kv.set(path, bytes('x')).catch(() => undefined)
        await kv.remove(path).catch(() => undefined)
        expect(await kv.get(path).catch(() => undefined)).toBeUndefined()
        expect(outside()).toEqual(['secret=secret'])
        expect(readdirSync(place.path).sort()).toEqual(['outside', 'root'])
      }),
      { numRuns: 100 },
    )
  })

  it('no key made by hand', async () => {
    const forged = { segments: ['..', 'outside', 'secret'], toString: () => '/../outside/secret' } as unknown as Key
    await expect(kv.get(forged)).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
    await expect(kv.set(forged, bytes('x'))).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
  })

  it('no link, be it to a file or to a directory, dangling or whole', async () => {
    symlinkSync(join(place.path, 'outside'), join(root, 'dir'))
    symlinkSync(join(place.path, 'outside', 'secret'), join(root, 'file'))
    symlinkSync(join(place.path, 'outside', 'new'), join(root, 'dangling'))
    await kv.set('/v', bytes('v'))
    expect((await kv.list('/')).map(String)).toEqual(['/v,value'])
    const calls = ['/dir/secret', '/file', '/dangling', '/dir'].flatMap((key) => [
      kv.get(key),
      kv.getPartial(key, 0, 1),
      kv.size(key),
      kv.digest(key),
      kv.list(key),
      kv.set(key, bytes('x')),
      kv.set(`${key}/below`, bytes('x')),
      kv.setPartial(key, 0, bytes('x')),
      kv.allocate(key, 1),
      kv.remove(key),
      kv.rename(key, '/w'),
      kv.rename('/v', key),
      kv.batch([{ op: 'set', key: '/z', value: bytes('z') } satisfies KvOp, { op: 'set', key, value: bytes('x') }]),
    ])
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'KV_IO' })
    expect(outside()).toEqual(['secret=secret'])
    expect((await kv.list('/')).map(String)).toEqual(['/v,value'])
  })

  it('no link in place of the own directory', async () => {
    await kv.disconnect()
    const other = join(place.path, 'other')
    mkdirSync(other)
    symlinkSync(join(place.path, 'outside'), join(other, '.kv'))
    await expect(openDir(other)).rejects.toMatchObject({ code: 'KV_IO' })
    expect(outside()).toEqual(['secret=secret'])
  })
})

describe('what is no value', () => {
  it('a pipe: is not listed, does not block, is not replaced', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')])
    await kv.set('/d/v', bytes('v'))
    expect((await kv.list('/')).map(String)).toEqual(['/d,dictionary'])
    await expect(kv.get('/pipe')).rejects.toMatchObject({ code: 'KV_IO' })
    await expect(kv.set('/pipe', bytes('x'))).rejects.toMatchObject({ code: 'KV_IO' })
    const reader = await openDirReadOnly(root, { followSymlinks: true })
    await expect(reader.get('/pipe')).rejects.toMatchObject({ code: 'KV_IO' })
  })

  it('a directory with nothing but a link: is nothing, and nothing replaces it', async () => {
    mkdirSync(join(root, 'd'))
    symlinkSync('nowhere', join(root, 'd', 'link'))
    expect(await kv.exists('/d')).toBeUndefined()
    await expect(kv.set('/d', bytes('x'))).rejects.toMatchObject({ code: 'KV_IO' })
    const pair: KvOp[] = [
      { op: 'set', key: '/a', value: bytes('a') },
      { op: 'set', key: '/d', value: bytes('x') },
    ]
    await expect(kv.batch(pair)).rejects.toMatchObject({ code: 'KV_IO' })
    expect(await kv.exists('/a')).toBeUndefined()
    await kv.set('/d/v', bytes('v'))
    await kv.remove('/d')
    expect(readdirSync(join(root, 'd'))).toEqual(['link'])
  })

  it('empty directories: are nothing, and make room', async () => {
    mkdirSync(join(root, 'd', 'e', 'f'), { recursive: true })
    writeFileSync(join(root, 'd', 'e', '.kv~9-9'), 'left behind')
    expect(await kv.exists('/d')).toBeUndefined()
    await kv.set('/d', bytes('value'))
    expect(await kv.get('/d')).toEqual(bytes('value'))
  })

  it('names that are not UTF-8: are not listed', async () => {
    if (process.platform !== 'linux')
      return console.log('not tried: names that are not UTF-8; they are made on Linux only')
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), 'x')
    await kv.set('/\ufffd', bytes('a real one'))
    expect((await kv.list('/')).map(String)).toEqual(['/\ufffd,value'])
    const found: string[] = []
    for await (const key of walk(kv)) found.push(String(key))
    expect(found).toEqual(['/\ufffd'])
  })
})
