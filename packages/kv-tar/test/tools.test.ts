import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type KvOp, type KvRo, walk } from '@fata/kv'
import { extract, pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWith } from '../../../test/support/requirements.ts'
import { openTarFile, openTarFileReadOnly } from '../src/file.ts'
import { bytesSource, openTarReadOnly } from '../src/index.ts'
import { bytes, temporaryDirectory, texts } from './places.ts'

const place = temporaryDirectory()
const tree = join(place.path, 'tree')
const MODIFIED = 1_700_000_000
const LONG = `${'long'.repeat(50)}.txt`
const DEEP = `${'some/where/'.repeat(20)}${'x'.repeat(120)}`

/** What is in the tree, by path. */
const FILES: Record<string, string> = {
  'a.txt': 'hello',
  empty: '',
  block: 'x'.repeat(512),
  large: 'y'.repeat(70_000),
  'dir/with space/ü.txt': 'umlaut',
  '😀/日本語': 'names',
  [LONG]: 'a long name',
  [DEEP]: 'a long path',
}
/** For v7, which knows names of 100 bytes only. */
const SHORT = Object.keys(FILES).filter((name) => bytes(name).length < 100)

const isRoot = process.getuid?.() === 0

beforeAll(() => {
  for (const [name, text] of Object.entries(FILES)) {
    const path = join(tree, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
    utimesSync(path, MODIFIED, MODIFIED)
  }
})
afterAll(() => place.remove())

function run(tool: string, ...args: string[]): string {
  return execFileSync(tool, args, { cwd: tree, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
}

function expected(names: readonly string[] = Object.keys(FILES)): Record<string, string> {
  return Object.fromEntries(names.map((name) => [`/${name}`, FILES[name]!]))
}

async function expectFiles(kv: KvRo, names?: readonly string[]): Promise<void> {
  expect(await texts(kv)).toEqual(expected(names))
  for await (const key of walk(kv)) expect(await kv.lastModified(key), String(key)).toBe(MODIFIED * 1000)
  await kv.disconnect()
}

describeWith(['tar'], 'archives of GNU tar', () => {
  it.each(['v7', 'oldgnu', 'gnu', 'ustar', 'pax'])('%s', async (format) => {
    const file = join(place.path, `${format}.tar`)
    const names =
      format === 'v7'
        ? SHORT
        : format === 'ustar'
          ? Object.keys(FILES).filter((n) => n !== LONG && n !== DEEP)
          : undefined
    run('tar', `--format=${format}`, '-cf', file, ...(names ?? ['.']))
    await expectFiles(await openTarFileReadOnly(file), names)
  })

  it('with the bytes of a value appended and updated, the last one counts', async () => {
    const file = join(place.path, 'updated.tar')
    const later = join(place.path, 'later')
    mkdirSync(later)
    writeFileSync(join(later, 'a.txt'), 'changed')
    run('tar', '-cf', file, 'a.txt', 'empty')
    run('tar', '-rf', file, '-C', later, 'a.txt')
    expect(await texts(await openTarFileReadOnly(file))).toEqual({ '/a.txt': 'changed', '/empty': '' })
  })

  it('with links, devices, pipes, sparse files, a label and a listing of directories', async () => {
    const odd = join(place.path, 'odd')
    mkdirSync(join(odd, 'd'), { recursive: true })
    writeFileSync(join(odd, 'v'), 'value')
    linkSync(join(odd, 'v'), join(odd, 'w'))
    symlinkSync('/etc/passwd', join(odd, 'link'))
    symlinkSync(`../${'x'.repeat(150)}`, join(odd, 'to far'))
    execFileSync('mkfifo', [join(odd, 'pipe')])
    writeFileSync(join(odd, 'sparse'), 'start')
    truncateSync(join(odd, 'sparse'), 40_000_000)
    for (const format of ['gnu', 'pax', 'oldgnu']) {
      const file = join(place.path, `odd-${format}.tar`)
      run(
        'tar',
        `--format=${format}`,
        '-PS',
        '-V',
        'label',
        '-cf',
        file,
        '-C',
        odd,
        '--sort=name',
        '.',
        '../tree/a.txt',
      )
      const kv = await openTarFileReadOnly(file)
      const values = await texts(kv)
      expect(values['/v'] ?? values['/w']).toBe('value')
      expect(Object.keys(values)).toHaveLength(1)
      expect(kv.skipped).toEqual({ 'hard-link': 1, 'symbolic-link': 2, fifo: 1, sparse: 1, traversal: 1 })
      await kv.disconnect()
    }
  })

  it('with a file so sparse that its map needs blocks of its own', async () => {
    const file = join(place.path, 'holes.tar')
    const holes = join(place.path, 'holes')
    mkdirSync(holes)
    writeFileSync(join(holes, 'z'), 'after it')
    const path = join(holes, 'a')
    writeFileSync(path, '')
    execFileSync('sh', [
      '-c',
      'for i in $(seq 60); do printf x | dd of="$0" bs=1 seek=$((i * 100000)) conv=notrunc status=none; done',
      path,
    ])
    for (const format of ['oldgnu', 'pax']) {
      run('tar', `--format=${format}`, '-S', '-cf', file, '-C', holes, 'a', 'z')
      const skipped: string[] = []
      const kv = await openTarFileReadOnly(file, {
        onSkipped: ({ name, reason }) => skipped.push(`${name}: ${reason}`),
      })
      expect([await texts(kv), skipped]).toEqual([{ '/z': 'after it' }, ['a: sparse']])
      await kv.disconnect()
    }
  })

  it('with names that lead out of the tree', async () => {
    const file = join(place.path, 'out.tar')
    run('tar', '-P', '-cf', file, join(tree, 'a.txt'), '../tree/empty', 'dir/../block')
    const kv = await openTarFileReadOnly(file)
    expect([await texts(kv), kv.skipped]).toEqual([{}, { absolute: 1, traversal: 2 }])
    await kv.disconnect()
  })

  it.skipIf(!isRoot)('with devices', async () => {
    const file = join(place.path, 'devices.tar')
    run('tar', '-cf', file, '-C', '/dev', 'null', '-C', tree, 'a.txt')
    const kv = await openTarFileReadOnly(file)
    expect([await texts(kv), kv.skipped]).toEqual([expected(['a.txt']), { device: 1 }])
    await kv.disconnect()
  })

  it('that are compressed are refused by name', async () => {
    const file = join(place.path, 'tree.tar.gz')
    run('tar', '-czf', file, 'a.txt')
    await expect(openTarFileReadOnly(file)).rejects.toMatchObject({
      code: 'KV_CORRUPT',
      message: expect.stringContaining('gzip'),
    })
  })
})

describeWith(['bsdtar'], 'archives of bsdtar', () => {
  it.each(['ustar', 'pax', 'gnutar', 'v7'])('%s', async (format) => {
    const file = join(place.path, `bsd-${format}.tar`)
    const names =
      format === 'v7'
        ? SHORT
        : format === 'ustar'
          ? Object.keys(FILES).filter((n) => n !== LONG && n !== DEEP)
          : Object.keys(FILES)
    run('bsdtar', '--format', format, '-cf', file, ...names)
    await expectFiles(await openTarFileReadOnly(file), names)
  })
})

describe('archives of tar-stream', () => {
  it('with names of every length', async () => {
    const packed = pack()
    for (const [name, text] of Object.entries(FILES)) packed.entry({ name, mtime: new Date(MODIFIED * 1000) }, text)
    packed.finalize()
    const chunks: Buffer[] = []
    for await (const chunk of packed) chunks.push(chunk as Buffer)
    await expectFiles(await openTarReadOnly(bytesSource(Buffer.concat(chunks))))
  })
})

describeWith(['tar', 'bsdtar'], 'what the store appends', () => {
  const file = join(place.path, 'written.tar')
  beforeAll(async () => {
    const kv = await openTarFile(file, { create: true, now: () => MODIFIED * 1000 })
    await kv.set('/a.txt', bytes('overwritten later'))
    const ops = Object.entries(FILES).map(([name, text]): KvOp => ({ op: 'set', key: name, value: bytes(text) }))
    await kv.batch(ops)
    await kv.disconnect()
  })

  it('is read by itself', async () => expectFiles(await openTarFileReadOnly(file)))

  it('is read by GNU tar', () => {
    expectListed(run('tar', '--quoting-style=literal', '-tf', file))
    expectExtracted('tar', 'gnu-out')
  })

  it('is read by bsdtar', () => {
    expectListed(run('bsdtar', '-tf', file))
    expectExtracted('bsdtar', 'bsd-out')
  })

  function expectListed(names: string): void {
    expect(names.trim().split('\n').sort()).toEqual(['a.txt', ...Object.keys(FILES)].sort())
  }

  function expectExtracted(tool: string, name: string): void {
    const out = join(place.path, name)
    mkdirSync(out)
    run(tool, '-xf', file, '-C', out)
    for (const [path, text] of Object.entries(FILES)) expect(readFileSync(join(out, path), 'utf8'), path).toBe(text)
  }

  it('is read by tar-stream', async () => {
    const found: Record<string, string> = {}
    const reading = extract()
    reading.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk as Buffer))
      stream.on('end', () => {
        found[`/${header.name}`] = Buffer.concat(chunks).toString()
        next()
      })
    })
    await pipeline([readFileSync(file)], reading)
    expect(found).toEqual(expected())
  })

  it('goes on after what others have appended, and they after it', async () => {
    const shared = join(place.path, 'shared.tar')
    run('tar', '-cf', shared, 'a.txt')
    const kv = await openTarFile(shared)
    await kv.set('/own', bytes('own'))
    await kv.disconnect()
    run('tar', '-rf', shared, 'empty')
    run('bsdtar', '-rf', shared, 'dir/with space/ü.txt')
    const again = await openTarFile(shared)
    await again.set('/last', bytes('last'))
    expect(await texts(again)).toEqual({
      ...expected(['a.txt', 'empty', 'dir/with space/ü.txt']),
      '/own': 'own',
      '/last': 'last',
    })
    await again.disconnect()
    expect(run('tar', '-tf', shared).split('\n')).toHaveLength(6)
  })
})
