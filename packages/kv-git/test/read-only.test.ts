import { join } from 'node:path'
import { errorCode, type KvRo } from '@fata/kv'
import { openDirReadOnly } from '@fata/kv-dir'
import { createMem } from '@fata/kv-mem'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openGit, openGitReadOnly } from '../src/index.ts'
import { cannotRun, git, temporaryDirectory } from './real-git.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

describe('a repository that is only read', () => {
  it('is the branch of HEAD, and follows it', async () => {
    const store = createMem()
    const written = await openGit(store)
    const kv = await openGitReadOnly(store)
    expect(kv.branchName).toBe('main')
    expect(await kv.commit()).toBeUndefined()
    expect(await kv.list('/')).toEqual([])
    await written.batch([{ op: 'set', key: '/a', value: bytes('1') }], { message: 'One' })
    const first = await kv.commit()
    expect(first).toBe(await written.commit())
    const snapshot = await kv.snapshot()
    await written.batch([{ op: 'set', key: '/a', value: bytes('2') }], { message: 'Two' })
    expect(text(await kv.get('/a'))).toBe('2')
    expect(text(await snapshot.get('/a'))).toBe('1')
    expect(text(await (await kv.at(first!)).get('/a'))).toBe('1')
    const messages: string[] = []
    for await (const { message } of kv.log()) messages.push(message.trim())
    expect(messages).toEqual(['Two', 'One'])
  })

  it('is another branch where one is named', async () => {
    const store = createMem()
    const main = await openGit(store)
    await main.set('/a', bytes('main'))
    await (await main.branch('draft')).set('/a', bytes('draft'))
    const kv = await openGitReadOnly(store, { branch: 'draft' })
    expect(text(await kv.get('/a'))).toBe('draft')
    expect(await kv.branches()).toEqual(['draft', 'main'])
    await kv.disconnect()
    expect(errorCode(await kv.get('/a').catch((error: unknown) => error))).toBe('KV_CLOSED')
    expect(text(await main.get('/a'))).toBe('main')
  })

  it('refuses what makes no sense', async () => {
    await expect(openGitReadOnly(createMem(), { branch: '..' })).rejects.toThrow(RangeError)
    await expect(openGitReadOnly(createMem(), { maxCachedCommits: 0 })).rejects.toThrow(RangeError)
  })
})

describe.skipIf(cannotRun('a detached HEAD'))('a repository of git with a detached HEAD', () => {
  it('is read at that commit', async () => {
    const place = temporaryDirectory()
    onTestFinished(() => place.remove())
    git(place.path, 'init', '-q')
    for (const n of [1, 2]) git(place.path, 'commit', '-q', '--allow-empty', '-m', `${n}`)
    git(place.path, 'checkout', '-q', '--detach', 'HEAD~1')
    const store: KvRo = await openDirReadOnly(join(place.path, '.git'))
    const kv = await openGitReadOnly(store)
    expect(kv.branchName).toBeUndefined()
    expect(await kv.commit()).toBe(git(place.path, 'rev-parse', 'HEAD'))
    const main = await openGitReadOnly(store, { branch: 'main' })
    expect(await main.commit()).toBe(git(place.path, 'rev-parse', 'main'))
  })
})
