import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copy, type KvRo } from '@fata/kv'
import { crunch } from '@fata/kv-crunch/node'
import { openDirReadOnly } from '@fata/kv-dir'
import { openClassicLevel } from '@fata/kv-level/classic'
import { openTarFile } from '@fata/kv-tar/file'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../src/stores.ts'

const place = mkdtempSync(join(tmpdir(), 'fata-stores-'))
const site = join(place, 'site')
// Where a module finds the package by its name, and git does not look.
const folder = join(import.meta.dirname, `../build/stores-${process.pid}`)
const git = (...args: string[]) =>
  execFileSync('git', ['-C', site, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
    encoding: 'utf8',
  })

beforeAll(async () => {
  mkdirSync(join(site, 'css'), { recursive: true })
  writeFileSync(join(site, 'index.html'), '<h1>Hello</h1>')
  writeFileSync(join(site, 'css', 'site.css'), 'h1 { color: green }')
  const files = await openDirReadOnly(site)
  for (const open of [
    () => openTarFile(join(place, 'site.tar'), { create: true }),
    () => openClassicLevel(join(place, 'db')),
  ]) {
    const kv = await open()
    await copy(files, kv)
    await kv.disconnect()
  }
  const { code } = await crunch(site, {})
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'site.mjs'), code)
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-q', '-m', 'Site')
  git('tag', 'v1')
  writeFileSync(join(site, 'index.html'), '<h1>Changed</h1>')
  git('commit', '-q', '-a', '-m', 'Change')
  git('gc', '-q')
}, 60_000)

afterAll(() => {
  rmSync(place, { recursive: true })
  rmSync(folder, { recursive: true })
})

async function page(kv: KvRo): Promise<string> {
  const style = new TextDecoder().decode(await kv.get('/css/site.css'))
  expect(style).toBe('h1 { color: green }')
  const text = new TextDecoder().decode(await kv.get('/index.html'))
  await kv.disconnect()
  return text
}

describe('openStore', () => {
  it.each([
    ['dir', () => `dir:${site}`, '<h1>Changed</h1>'],
    ['tar', () => `tar:${join(place, 'site.tar')}`, '<h1>Hello</h1>'],
    ['level', () => `level:${join(place, 'db')}`, '<h1>Hello</h1>'],
    ['git', () => `git:${site}`, '<h1>Changed</h1>'],
    ['git at a tag', () => `git:${site}@v1`, '<h1>Hello</h1>'],
    ['git at a branch', () => `git:${site}/.git@main`, '<h1>Changed</h1>'],
    ['crunch', () => `crunch:${join(folder, 'site.mjs')}`, '<h1>Hello</h1>'],
  ])('opens %s', async (_, spec, expected) => {
    expect(await page(await openStore(spec()))).toBe(expected)
  })

  it('opens git where HEAD is at no branch', async () => {
    git('checkout', '-q', '--detach', 'v1')
    try {
      expect(await page(await openStore(`git:${site}`))).toBe('<h1>Hello</h1>')
      expect(await page(await openStore(`git:${site}@main`))).toBe('<h1>Changed</h1>')
    } finally {
      git('checkout', '-q', 'main')
    }
  })

  it('leaves a repository as it is', () => {
    expect(git('status', '--porcelain', '--ignored')).toBe('')
    expect(git('fsck', '--strict')).toBe('')
  })

  it.each([
    ['dir:/none', /cannot serve \/none: ENOENT/],
    ['tar:/none.tar', /cannot serve \/none.tar: ENOENT/],
    ['level:/none', /cannot serve \/none: ENOENT/],
    ['git:/none', /cannot serve \/none: ENOENT/],
    ['etcd:http://127.0.0.1:9/site', /cannot serve http:\/\/127.0.0.1:9\/site: /],
    ['etcd:nonsense', /cannot serve nonsense: Invalid URL/],
    ['crunch:/none.mjs', /cannot serve \/none.mjs: Cannot find module/],
  ])('says why it cannot open %s', { timeout: 60_000 }, async (spec, message) => {
    await expect(openStore(spec)).rejects.toThrow(message)
  })

  it('says that a commit is not there', async () => {
    await expect(openStore(`git:${site}@none`)).rejects.toThrow('there is no branch, tag or commit none')
  })

  it.each(['', 'dir', 'dir:', ':x', 'ftp:x', 'toString:x'])('refuses %j', async (spec) => {
    await expect(openStore(spec)).rejects.toThrow(/--store must be dir:PATH/)
  })
})
