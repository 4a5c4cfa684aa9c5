import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { readOnly } from '@fata/kv'
import { openDir } from '@fata/kv-dir'
import { createMem } from '@fata/kv-mem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openGit } from '../src/index.ts'
import { cloneFrom, fetchFrom, pushTo } from '../src/remote.ts'
import { cannotRun, type GitServer, git, serveGit, temporaryDirectory } from './real-git.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

describe.skipIf(cannotRun('remotes of kv-git'))('a remote', { timeout: 60_000 }, () => {
  let place: ReturnType<typeof temporaryDirectory>
  let server: GitServer
  let bare: string
  let url: string

  beforeEach(async () => {
    place = temporaryDirectory()
    bare = join(place.path, 'served', 'project.git')
    mkdirSync(bare, { recursive: true })
    git(bare, 'init', '-q', '--bare')
    server = await serveGit(join(place.path, 'served'))
    url = `${server.url}/project.git`
  })
  afterEach(async () => {
    await server.stop()
    place.remove()
  })

  /** A clone of real git, with some commits that are in the remote. */
  function seed(commits = 3): string {
    const work = join(place.path, 'work')
    git(place.path, 'clone', '-q', bare, work)
    git(work, 'checkout', '-q', '-b', 'main')
    for (let i = 0; i < commits; i++) {
      execFileSync('sh', ['-c', `mkdir -p dir && echo ${i} > dir/file && echo ${i} > f${i}`], { cwd: work })
      git(work, 'add', '.')
      git(work, 'commit', '-q', '-m', `commit ${i}`)
    }
    git(work, 'push', '-q', 'origin', 'main')
    git(bare, 'gc', '-q')
    return work
  }

  it('gets what was written here, in good order', async () => {
    const store = createMem()
    const kv = await openGit(store)
    for (let i = 0; i < 20; i++) await kv.set(`/d${i % 3}/v${i}`, bytes(`value ${i}`))
    await kv.batch([{ op: 'rename', source: '/d0', dest: '/moved' }], { message: 'move' })
    await pushTo(store, url, 'main')
    expect(git(bare, 'rev-parse', 'main')).toBe(await kv.commit())
    expect(git(bare, 'log', '-1', '--format=%s by %an <%ae>', 'main')).toBe('move by fata <fata@localhost>')
    expect(git(bare, 'show', 'main:moved/v3')).toBe('value 3')
    git(bare, 'fsck', '--strict', '--full')
  })

  it('is cloned, read from its packs, changed, and pushed to again', async () => {
    seed()
    const store = createMem()
    await cloneFrom(store, url)
    const kv = await openGit(store)
    expect(kv.branchName).toBe('main')
    expect(text(await kv.get('/dir/file'))).toBe('2\n')
    expect((await kv.list('/')).map(([key]) => `${key}`)).toEqual(['/dir', '/f0', '/f1', '/f2'])
    const messages: string[] = []
    for await (const { message } of kv.log()) messages.push(message)
    expect(messages).toEqual(['commit 2\n', 'commit 1\n', 'commit 0\n'])
    await kv.set('/dir/file', bytes('here'))
    await pushTo(store, url, 'main')
    expect(git(bare, 'show', 'main:dir/file')).toBe('here')
    await expect(cloneFrom(store, url)).rejects.toMatchObject({ code: 'KV_ALREADY_PRESENT' })
  })

  it('refuses a push over commits that are not here; fetching and merging them makes it good', async () => {
    const work = seed()
    const store = createMem()
    await cloneFrom(store, url)
    const kv = await openGit(store)
    await kv.set('/here', bytes('here'))
    execFileSync('sh', ['-c', 'echo there > there'], { cwd: work })
    git(work, 'add', '.')
    git(work, 'commit', '-q', '-m', 'there')
    git(work, 'push', '-q', 'origin', 'main')
    await expect(pushTo(store, url, 'main')).rejects.toMatchObject({ code: 'KV_CHECK_FAILED' })
    expect(await fetchFrom(store, url)).toBe(git(work, 'rev-parse', 'main'))
    expect(await kv.merge('origin/main')).toMatchObject({ status: 'merged' })
    expect(text(await kv.get('/there'))).toBe('there\n')
    await pushTo(store, url, 'main')
    expect(git(bare, 'show', 'main:here')).toBe('here')
    expect(git(bare, 'rev-list', '--merges', '--count', 'main')).toBe('1')
    git(bare, 'fsck', '--strict')
  })

  it('goes into a directory that git itself goes on with', async () => {
    seed()
    const path = join(place.path, 'here.git')
    const store = await openDir(path, { create: true })
    await cloneFrom(store, url)
    const kv = await openGit(store)
    await kv.set('/new', bytes('new'))
    await store.disconnect()
    git(path, 'fsck', '--strict')
    expect(git(path, 'log', '--format=%s', 'main').split('\n')).toHaveLength(4)
    git(path, 'push', '-q', bare, 'main')
    expect(git(bare, 'show', 'main:new')).toBe('new')
  })

  it('is fetched in part, where so many commits are enough', async () => {
    seed(5)
    const store = createMem()
    await cloneFrom(store, url, { depth: 2, branch: 'main' })
    const kv = await openGit(store)
    let commits = 0
    for await (const _ of kv.log()) commits++
    expect(commits).toBe(2)
    expect(await kv.lastModified('/f0')).toBeGreaterThan(0)
    await kv.set('/new', bytes('new'))
    await pushTo(store, url, 'main')
    expect(git(bare, 'rev-list', '--count', 'main')).toBe('6')
  })

  it('wants a password', async () => {
    seed()
    const guarded = await serveGit(join(place.path, 'served'), 'secret')
    const target = `${guarded.url}/project.git`
    try {
      const auth = { username: 'ada', password: 'secret' }
      await expect(cloneFrom(createMem(), target)).rejects.toMatchObject({ code: 'KV_IO' })
      const wrong = cloneFrom(createMem(), target, { auth: { ...auth, password: 'x' } })
      await expect(wrong).rejects.toMatchObject({ code: 'KV_IO', cause: expect.any(Error) })
      const store = createMem()
      await cloneFrom(store, target, { auth })
      expect(text(await (await openGit(store)).get('/f0'))).toBe('0\n')
    } finally {
      await guarded.stop()
    }
  })

  it('that is none rejects, and leaves the store as it was', async () => {
    seed()
    const store = createMem()
    const kv = await openGit(store)
    await kv.set('/v', bytes('v'))
    const before = await kv.commit()
    await expect(fetchFrom(store, `${server.url}/none.git`)).rejects.toMatchObject({ code: 'KV_IO' })
    await expect(fetchFrom(store, 'http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'KV_IO' })
    await expect(pushTo(store, url, 'nowhere')).rejects.toMatchObject({ code: 'KV_NOT_FOUND' })
    await expect(fetchFrom(store, 'file:///etc')).rejects.toThrow(RangeError)
    const signal = AbortSignal.abort('enough')
    await expect(fetchFrom(store, url, { signal })).rejects.toBe('enough')
    expect(await kv.commit()).toBe(before)
    expect(text(await readOnly(kv).get('/v'))).toBe('v')
  })
})
