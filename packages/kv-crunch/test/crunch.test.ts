import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KvRo } from '@fata/kv'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openCrunched } from '../src/index.ts'
import { main } from '../src/node/cli.ts'
import { CrunchError, crunch } from '../src/node.ts'
import { temporaryDirectory, texts, writeTree } from './places.ts'

const place = temporaryDirectory()
afterAll(() => place.remove())
afterEach(() => vi.unstubAllEnvs())

let root: string
let serial = 0
beforeEach(() => {
  vi.stubEnv('SOURCE_DATE_EPOCH', '')
  root = join(place.path, `tree${++serial}`)
  mkdirSync(root)
})

async function problems(): Promise<string[]> {
  const error = await crunch(root).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(CrunchError)
  return (error as CrunchError).problems.map(({ path, problem }) => `${path.slice(root.length + 1)}: ${problem}`)
}

/** The store of a directory, by way of a module. */
async function connect(options = {}): Promise<KvRo> {
  const module = join(place.path, `module${++serial}.ts`)
  const { code, assets } = await crunch(root, { ...options, typescript: true })
  writeFileSync(module, code)
  writeTree(place.path, Object.fromEntries(assets.map(({ name, bytes }) => [name, bytes])))
  const { connect } = (await import(/* @vite-ignore */ module)) as { connect: () => KvRo }
  return connect()
}

const FILES = {
  'b.html': '<p>b</p>',
  'a/z.css': 'z',
  'a/b/c.js': 'x'.repeat(5000),
  'a!': 'sorts after what is in a',
  '.hidden': 'hidden',
  empty: '',
  'quote"\\ü\u2028😀.txt': 'name',
}

describe('the module of a directory', () => {
  it('is the same for the same files, whenever they were written and in which order', async () => {
    writeTree(root, FILES)
    const first = await crunch(root, { compress: true })
    rmSync(root, { recursive: true })
    writeTree(root, Object.fromEntries(Object.entries(FILES).reverse()))
    for (const name of Object.keys(FILES)) utimesSync(join(root, name), serial, serial)
    expect((await crunch(root, { compress: true })).code).toBe(first.code)
    const keys = [...first.code.matchAll(/key: "([^"]*)/g)].map(([, key]) => key)
    expect(keys).toEqual(['.hidden', 'a/b/c.js', 'a/z.css', 'a!', 'b.html', 'empty', 'quote\\'])
    expect(/^[ -~\n]*$/.test(first.code)).toBe(true)
    expect([first.files, first.bytes]).toEqual([7, Object.values(FILES).join('').length])
  })

  it.each([{}, { compress: true }, { assets: 'assets', assetMinBytes: 10 }])('has the files, %j', async (options) => {
    writeTree(root, FILES)
    const kv = await connect(options)
    expect(await texts(kv)).toEqual(Object.fromEntries(Object.entries(FILES).map(([name, text]) => [`/${name}`, text])))
    const digest = createHash('sha256').update(FILES['a/b/c.js']).digest()
    expect(await kv.digest('/a/b/c.js')).toEqual(new Uint8Array(digest))
  })

  it('has one time: as told, of SOURCE_DATE_EPOCH, or 0', async () => {
    writeTree(root, { v: 'v' })
    expect(await (await connect()).lastModified('/v')).toBe(0)
    vi.stubEnv('SOURCE_DATE_EPOCH', '1700000000')
    expect(await (await connect()).lastModified('/v')).toBe(1_700_000_000_000)
    expect(await (await connect({ lastModified: 5 })).lastModified('/v')).toBe(5)
    vi.stubEnv('SOURCE_DATE_EPOCH', 'yesterday')
    await expect(crunch(root)).rejects.toThrow(RangeError)
    await expect(crunch(root, { lastModified: -1 })).rejects.toThrow(RangeError)
  })

  it('has those with the wanted extensions, compressed where that is shorter, the large ones beside it', async () => {
    const noise = createHash('sha512').update('noise').digest()
    writeTree(root, { 'a.html': 'a'.repeat(1000), 'b.css': noise, 'c.txt': 'c', 'd.html': 'a'.repeat(1000) })
    const { code } = await crunch(root, { ext: ['.html', '.css'], compress: true })
    expect(code.match(/(base64|deflate): /g)).toEqual(['deflate: ', 'base64: ', 'deflate: '])
    const { code: small, assets } = await crunch(root, { assets: 'x y', assetMinBytes: 1000 })
    expect(assets).toHaveLength(1)
    expect(assets[0]?.name).toMatch(/^x y\/[0-9a-f]{20}\.html$/)
    expect(small.match(/new URL\("\.\/x%20y\/[0-9a-f]{20}\.html", import\.meta\.url\)/g)).toHaveLength(2)
  })

  it('is not made too large', async () => {
    writeTree(root, { a: 'x'.repeat(60), b: 'x'.repeat(60) })
    await expect(crunch(root, { maxBytes: 100 })).rejects.toMatchObject({ problems: [{ path: join(root, 'b') }] })
  })
})

describe('refused, with the file named', () => {
  it('are links that lead out, nowhere or in circles; others are followed', async () => {
    writeTree(root, { 'd/v': 'v' })
    for (const [target, name] of [
      ['/etc/hostname', 'absolute'],
      ['../..', 'up'],
      [`../tree${serial}x`, 'beside'],
      ['missing', 'missing'],
      ['self', 'self'],
      ['.', 'circle'],
      ['..', 'd/circle'],
    ] as const)
      symlinkSync(target, join(root, name))
    mkdirSync(`${root}x`)
    expect(await problems()).toEqual([
      'absolute: a link that leads out of the directory',
      'beside: a link that leads out of the directory',
      'circle: a link that leads in a circle',
      'd/circle: a link that leads in a circle',
      'missing: a link that leads nowhere',
      'self: a link that leads nowhere',
      'up: a link that leads out of the directory',
    ])
    for (const name of ['absolute', 'up', 'beside', 'missing', 'self', 'circle', 'd/circle']) rmSync(join(root, name))
    symlinkSync('d/v', join(root, 'w'))
    symlinkSync('d', join(root, 'e'))
    expect(await texts(await connect())).toEqual({ '/d/v': 'v', '/e/v': 'v', '/w': 'v' })
  })

  it.skipIf(process.platform !== 'linux')('are names that are not UTF-8, and what is no file', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/latin`), Buffer.of(0xe9)]), 'x')
    const { createServer } = await import('node:net')
    const server = createServer()
    await new Promise<void>((listening) => server.listen(join(root, 'socket'), listening))
    expect(await problems()).toEqual(['latin\ufffd: its name is not UTF-8', 'socket: neither a file nor a directory'])
    await new Promise((closed) => server.close(closed))
  })

  it('is a directory that is none', async () => {
    await expect(crunch(join(root, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
    writeTree(root, { v: 'v' })
    await expect(crunch(join(root, 'v'))).rejects.toMatchObject({ code: 'ENOTDIR' })
  })
})

describe('a module that somebody has changed', () => {
  const file = { key: 'v', size: 1, sha256: createHash('sha256').update('v').digest('base64') }
  const read = (fields: object) => openCrunched({ lastModified: 0, files: [{ ...file, ...fields }] }).get('/v')

  it.each([
    [{}, 'KV_CORRUPT'],
    [{ base64: 'dnY=' }, 'KV_CORRUPT'],
    [{ deflate: 'dnY=' }, 'KV_CORRUPT'],
    [{ asset: new URL('data:,other') }, 'KV_CORRUPT'],
    [{ asset: new URL('file:///missing') }, 'KV_IO'],
  ])('says so: %j', async (fields, code) => {
    await expect(read(fields)).rejects.toMatchObject({ code, key: expect.objectContaining({ segments: ['v'] }) })
  })

  it('says so when it is opened', () => {
    for (const [keys, code] of [
      [['a', 'a/b'], 'KV_CORRUPT'],
      [['a', '/a'], 'KV_CORRUPT'],
      [['..'], 'KV_KEY_INVALID'],
    ] as const) {
      const files = keys.map((key) => ({ ...file, key }))
      expect(() => openCrunched({ lastModified: 0, files })).toThrow(expect.objectContaining({ code }))
    }
  })

  it('is read again after a failure, and an abort leaves it to others', async () => {
    const asset = new URL(`file://${join(root, 'late')}`)
    const kv = openCrunched({ lastModified: 0, files: [{ ...file, asset }] })
    await expect(kv.get('/v')).rejects.toMatchObject({ code: 'KV_IO' })
    writeTree(root, { late: 'v' })
    const controller = new AbortController()
    const aborted = kv.get('/v', { signal: controller.signal })
    const other = kv.get('/v')
    controller.abort('stop')
    await expect(aborted).rejects.toBe('stop')
    expect(await other).toEqual(new TextEncoder().encode('v'))
  })
})

describe('kv-crunch', () => {
  const run = async (...args: string[]) => {
    const lines: string[] = []
    const status = await main(args, { out: (line) => lines.push(line), error: (line) => lines.push(line) })
    return { status, said: lines.join('\n') }
  }

  it('writes a module, and large files beside it', async () => {
    writeTree(root, { 'a.html': 'a', 'b.bin': new Uint8Array(70_000), 'c.txt': 'c' })
    const out = join(place.path, `out${serial}`, 'site.ts')
    expect(await run(root, '-o', out, '--ext', '.html,.bin', '--compress', '--asset')).toEqual({
      status: 0,
      said: `${out}: 2 files, 70001 bytes, 1 beside it`,
    })
    expect(readdirSync(join(out, '..'))).toEqual(['site.ts', 'site.ts.assets'])
    const { connect } = (await import(/* @vite-ignore */ out)) as { connect: () => KvRo }
    expect((await connect().get('/b.bin'))?.length).toBe(70_000)
    const script = out.replace(/ts$/, 'mjs')
    expect((await run(root, '--output', script)).status).toBe(0)
    expect(readFileSync(script, 'utf8')).not.toContain('KvRo')
  })

  it('says what is wrong, with status 1 where it is a file, 2 where it is an argument', async () => {
    symlinkSync('/etc/hostname', join(root, 'out'))
    const out = join(place.path, 'out.ts')
    expect(await run(root, '-o', out)).toEqual({
      status: 1,
      said: `kv-crunch: ${JSON.stringify(join(root, 'out'))}: a link that leads out of the directory`,
    })
    expect(await run(join(root, 'missing'), '-o', out)).toMatchObject({ status: 1 })
    expect(await run(root, '-o', join(root, 'in.ts'))).toMatchObject({ status: 1 })
    for (const args of [[], [root], [root, '-o', 'x.txt'], [root, 'b', '-o', out], [root, '-o', out, '--what']]) {
      expect(await run(...args)).toMatchObject({ status: 2, said: expect.stringMatching(/^kv-crunch: /) })
    }
    expect(await run('--help')).toMatchObject({ status: 0, said: expect.stringContaining('Usage: kv-crunch DIR') })
  })
})
