import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDir } from '@fata/kv-dir'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openGit } from '../src/index.ts'
import { cannotRun, git, temporaryDirectory } from './real-git.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

describe.skipIf(cannotRun('repositories of git'))('git', { timeout: 60_000 }, () => {
  let place: ReturnType<typeof temporaryDirectory>
  beforeEach(() => {
    place = temporaryDirectory()
  })
  afterEach(() => place.remove())

  const shell = (cwd: string, command: string) => execFileSync('sh', ['-c', command], { cwd })

  it('finds what was written here in good order, whatever the names', async () => {
    const path = join(place.path, 'repository.git')
    const store = await openDir(path, { create: true })
    const kv = await openGit(store)
    const names = [
      'foo',
      'foo.c',
      'foo-bar',
      'foo0',
      'é',
      'e\u0301',
      '😀',
      '\uffee',
      'a b',
      '-',
      'CON',
      'x ',
      '~',
      ':x',
    ]
    for (const name of names) await kv.set(`/names/${name}`, bytes(name))
    await kv.rename('/names/foo', '/names/foo!/deep')
    await kv.batch([{ op: 'set', key: '/empty', value: new Uint8Array(0) }], { message: 'Ein Grund: ü\n\nmehr' })
    await kv.set('/large', new Uint8Array(300_000))
    const other = await kv.branch('other/branch', { from: (await kv.commit())! })
    await other.remove('/names')
    await kv.set('/more', bytes('more'))
    expect(await kv.merge('other/branch')).toMatchObject({ status: 'merged' })
    await kv.remove('/')
    await store.disconnect()
    expect(git(path, 'fsck', '--strict', '--full', '--no-dangling')).toBe('')
    expect(git(path, 'rev-list', '--count', 'main')).toBe(`${names.length + 7}`)
    const listed = git(path, 'ls-tree', '-r', '-z', '--name-only', 'other/branch~1').split('\0')
    expect(listed.filter((name) => name.startsWith('names/'))).toHaveLength(names.length)
    expect(git(path, 'log', '-1', '--format=%B', 'main~4')).toContain('Ein Grund: ü\n\nmehr')
    expect(git(path, 'ls-tree', 'main')).toBe('')
  })

  it('made repositories that are read from packs, with deltas, tags, packed refs, links and submodules', async () => {
    const work = join(place.path, 'work')
    mkdirSync(work)
    git(work, 'init', '-q')
    const digests = new Map<string, string>()
    for (let i = 0; i < 20; i++) {
      shell(work, `mkdir -p d/e; seq ${i} 5000 > d/e/numbers; echo ${i} > d/v${i}; chmod 755 d/v${i}; ln -sf v0 d/link`)
      git(work, 'add', '.')
      git(work, 'commit', '-q', '-m', `commit ${i}`)
      digests.set(
        git(work, 'rev-parse', 'HEAD'),
        createHash('sha256').update(shell(work, 'cat d/e/numbers')).digest('hex'),
      )
    }
    git(work, 'update-index', '--add', '--cacheinfo', `160000,${git(work, 'rev-parse', 'HEAD')},d/submodule`)
    git(work, 'commit', '-q', '-m', 'submodule')
    git(work, 'tag', '-a', 'v1', '-m', 'one', 'HEAD~5')
    git(work, 'gc', '-q', '--aggressive')
    git(work, 'pack-refs', '--all')
    const store = await openDir(join(work, '.git'))
    const kv = await openGit(store)
    expect(kv.branchName).toBe('main')
    let commits = 0
    for await (const { id } of kv.log()) {
      const numbers = await (await kv.at(id)).get('/d/e/numbers')
      const expected = digests.get(id)
      if (expected) expect(createHash('sha256').update(numbers!).digest('hex')).toBe(expected)
      commits++
    }
    expect(commits).toBe(21)
    expect(text(await (await kv.at('v1')).get('/d/v15'))).toBe('15\n')
    expect(await (await kv.at('v1')).exists('/d/v16')).toBeUndefined()
    expect((await kv.list('/d')).map(([key]) => key.basename)).not.toContain('link')
    await expect(kv.get('/d/link')).rejects.toMatchObject({ code: 'KV_IO' })
    await expect(kv.set('/d/submodule', bytes('x'))).rejects.toMatchObject({ code: 'KV_IO' })
    expect(await kv.lastModified('/d/v0')).toBe(
      1000 * Number(git(work, 'log', '--format=%at', '--reverse').split('\n')[0]),
    )

    // What cannot be seen stays, and modes too.
    await kv.batch([
      { op: 'set', key: '/d/v1', value: bytes('changed') },
      { op: 'rename', source: '/d/v2', dest: '/moved' },
    ])
    await store.disconnect()
    git(work, 'fsck', '--strict')
    const tree = git(work, 'ls-tree', '-r', 'main').split('\n')
    const modeOf = (name: string) => tree.find((line) => line.endsWith(`\t${name}`))?.split(' ')[0]
    expect(['d/v1', 'moved', 'd/link', 'd/submodule'].map(modeOf)).toEqual(['100755', '100755', '120000', '160000'])
    expect(git(work, 'show', '--stat', '--format=%s', 'main')).toContain('set /d/v1, rename /d/v2 to /moved')
  })

  it('and this can take turns on one branch', async () => {
    const path = join(place.path, 'turns.git')
    const store = await openDir(path, { create: true })
    const kv = await openGit(store)
    await kv.set('/here', bytes('1'))
    const work = join(place.path, 'clone')
    git(place.path, 'clone', '-q', path, work)
    shell(work, 'echo there > there')
    git(work, 'add', '.')
    git(work, 'commit', '-q', '-m', 'there')
    git(work, 'push', '-q', 'origin', 'main')
    expect(text(await kv.get('/there'))).toBe('there\n')
    await kv.set('/here', bytes('2'))
    git(work, 'pull', '-q')
    expect(shell(work, 'cat here there').toString()).toBe('2there\n')
    await store.disconnect()
  })
})
