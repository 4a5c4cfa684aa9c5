import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { type KvRo, walk } from '@fata/kv'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DirFile, DirFs } from '../src/fs.ts'
import { openDir, openDirReadOnly } from '../src/index.ts'
import { nodeFs } from '../src/node-fs.ts'
import { openDirReadOnlyOn } from '../src/open.ts'
import { isRoot, temporaryDirectory } from './places.ts'

const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)
let place: ReturnType<typeof temporaryDirectory>
let root: string

beforeEach(() => {
  place = temporaryDirectory()
  root = place.path
})
afterEach(() => place.remove())

async function all(kv: KvRo): Promise<string[]> {
  const found: string[] = []
  for await (const key of walk(kv)) found.push(String(key))
  return found
}

/** The system's file system, with the bytes that were read counted, and its clock out of the way. */
function counted() {
  const counts = { bytes: 0, settled: true }
  const count = (n: number) => {
    counts.bytes += n
    return n
  }
  const fs: DirFs = {
    ...nodeFs,
    open(path, follow) {
      const file = nodeFs.open(path, follow)
      return {
        ...file,
        stat: () => ({ ...file.stat(), settled: counts.settled }),
        readNow: (into, position) => count(file.readNow(into, position)),
        read: async (into, position) => count(await file.read(into, position)),
      } satisfies DirFile
    },
  }
  const host = { fs, lock: () => Promise.reject(new Error('no lock')), pid: 1, windows: false }
  return { counts, open: (path: string) => openDirReadOnlyOn(host, path, {}) }
}

describe('openDirReadOnly', () => {
  it('serves an ordinary directory, dotfiles and all, and hides what belongs to a store', async () => {
    mkdirSync(join(root, '.well-known'))
    writeFileSync(join(root, '.well-known', 'security.txt'), 'Contact: me')
    writeFileSync(join(root, '.htaccess'), '')
    writeFileSync(join(root, 'index.html'), '<p>')
    mkdirSync(join(root, '.kv'))
    writeFileSync(join(root, '.kv', 'journal'), 'secret')
    writeFileSync(join(root, '.kv~12-3'), 'half a value')
    const kv = await openDirReadOnly(root)
    expect(await all(kv)).toEqual(['/.htaccess', '/.well-known/security.txt', '/index.html'])
    for (const key of ['/.kv/journal', '/.kv', '/.kv~12-3', '/.KV/journal']) {
      expect(await kv.get(key)).toBeUndefined()
      expect(await kv.exists(key)).toBeUndefined()
    }
  })

  it('writes nothing and takes no lock', async () => {
    writeFileSync(join(root, 'a'), 'a')
    chmodSync(root, 0o555)
    const before = [readdirSync(root), statSync(root).mtimeMs]
    const [first, second] = [await openDirReadOnly(root), await openDirReadOnly(root)]
    for (const kv of [first, second]) {
      expect(text(await kv.get('/a'))).toBe('a')
      await kv.digest('/a')
      await kv.disconnect()
    }
    expect([readdirSync(root), statSync(root).mtimeMs]).toEqual(before)
    chmodSync(root, 0o755)
  })

  it('reads beside a writer, and sees what it does', async () => {
    const writer = await openDir(root)
    const reader = await openDirReadOnly(root)
    await writer.set('/v', new TextEncoder().encode('new'))
    expect(text(await reader.get('/v'))).toBe('new')
    expect(await all(reader)).toEqual(['/v'])
    await writer.disconnect()
  })

  it('reads ranges of a file of 50 MiB without reading the rest', async () => {
    const size = 50 * 1024 * 1024
    const fd = openSync(join(root, 'large'), 'w')
    ftruncateSync(fd, size)
    writeSync(fd, 'begin', 0)
    writeSync(fd, 'middle', size / 2)
    writeSync(fd, 'end', size - 3)
    closeSync(fd)
    const { counts, open } = counted()
    const kv = await open(root)
    expect(await kv.size('/large')).toBe(size)
    expect(text(await kv.getPartial('/large', 0, 5))).toBe('begin')
    expect(text(await kv.getPartial('/large', size / 2, 6))).toBe('middle')
    expect(text(await kv.getPartial('/large', size - 3, 100))).toBe('end')
    expect(await kv.getPartial('/large', size, 100)).toHaveLength(0)
    expect(counts.bytes).toBe(14)
    const chunk = await kv.getPartial('/large', size - 2_000_000, 2_000_000)
    expect(text(chunk?.subarray(-3))).toBe('end')
    expect(counts.bytes).toBe(2_000_014)
  })

  it('refuses to take more into memory than it may', async () => {
    writeFileSync(join(root, 'large'), '')
    truncateSync(join(root, 'large'), 10_000)
    const kv = await openDirReadOnly(root, { maxValueBytes: 9999 })
    await expect(kv.get('/large')).rejects.toMatchObject({ code: 'KV_TOO_LARGE', limit: 9999 })
    await expect(kv.getPartial('/large', 0, 10_000)).rejects.toMatchObject({ code: 'KV_TOO_LARGE' })
    expect(await kv.getPartial('/large', 1, 2 ** 50)).toHaveLength(9999)
    expect(await kv.digest('/large')).toEqual(
      new Uint8Array(createHash('sha256').update(Buffer.alloc(10_000)).digest()),
    )
  })

  it('remembers a digest for as long as the file is the same, once a change would show', async () => {
    const path = join(root, 'v')
    const sha = (value: string) => new Uint8Array(createHash('sha256').update(value).digest())
    writeFileSync(path, 'first')
    const { counts, open } = counted()
    const kv = await open(root)
    counts.settled = false
    for (let i = 0; i < 2; i++) expect(await kv.digest('/v')).toEqual(sha('first'))
    expect(counts.bytes).toBe(10)
    counts.settled = true
    for (let i = 0; i < 3; i++) expect(await kv.digest('/v')).toEqual(sha('first'))
    expect(counts.bytes).toBe(15)
    writeFileSync(path, 'other')
    utimesSync(path, 1, 1)
    expect(await kv.digest('/v')).toEqual(sha('other'))
    appendFileSync(path, '!')
    expect(await kv.digest('/v')).toEqual(sha('other!'))
  })

  it('follows links where that is asked for, except in circles', async () => {
    const outside = temporaryDirectory()
    writeFileSync(join(outside.path, 'page'), 'page')
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd', 'x'), 'x')
    symlinkSync(outside.path, join(root, 'linked'))
    symlinkSync(join(outside.path, 'page'), join(root, 'page'))
    symlinkSync('..', join(root, 'd', 'up'))
    symlinkSync('.', join(root, 'd', 'self'))
    symlinkSync('nowhere', join(root, 'dangling'))
    const kv = await openDirReadOnly(root, { followSymlinks: true })
    expect(await all(kv)).toEqual(['/d/x', '/linked/page', '/page'])
    expect(text(await kv.get('/linked/page'))).toBe('page')
    expect(await kv.get('/dangling')).toBeUndefined()
    expect(await all(await openDirReadOnly(root))).toEqual(['/d/x'])
    outside.remove()
  })

  it('lists beside what it may not read', async () => {
    if (isRoot) return console.log('not tried: what may not be read; root may read everything')
    mkdirSync(join(root, 'closed'))
    writeFileSync(join(root, 'closed', 'x'), 'x')
    writeFileSync(join(root, 'private'), 'x')
    chmodSync(join(root, 'closed'), 0)
    chmodSync(join(root, 'private'), 0)
    const kv = await openDirReadOnly(root)
    expect((await kv.list('/')).map(String)).toEqual(['/closed,dictionary', '/private,value'])
    await expect(kv.get('/private')).rejects.toMatchObject({ code: 'KV_IO', cause: { code: 'EACCES' } })
    await expect(kv.list('/closed')).rejects.toMatchObject({ code: 'KV_IO' })
    chmodSync(join(root, 'closed'), 0o755)
  })

  it('takes names that Windows reads otherwise for nothing there', async () => {
    const names = ['a\\b', 'C:', 'nul', 'con.txt', 'x.', 'x ', 'a*', 'plain']
    for (const name of names) writeFileSync(join(root, name), name)
    const kv = await openDirReadOnlyOn(
      { fs: nodeFs, lock: () => Promise.reject(new Error('no lock')), pid: 1, windows: true },
      root,
      {},
    )
    expect(await all(kv)).toEqual(['/plain'])
    for (const name of names.slice(0, -1)) expect(await kv.get(name)).toBeUndefined()
  })

  it.each([{ maxValueBytes: 0 }, { maxDigests: 1.5 }])('refuses %j', async (options) => {
    await expect(openDirReadOnly(root, options)).rejects.toThrow(RangeError)
  })

  it('refuses an answer to followSymlinks that is neither yes nor no', async () => {
    await expect(openDirReadOnly(root, { followSymlinks: 'yes' as unknown as boolean })).rejects.toThrow(TypeError)
  })
})
