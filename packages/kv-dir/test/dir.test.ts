import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { KvError, KvOp } from '@fata/kv'
import { describe, expect, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { openDirOn } from '../src/open.ts'
import { temporaryDirectory } from './places.ts'
import { type SimCall, SimDisk } from './sim-fs.ts'
import { createSimHost } from './sim-host.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: KvError) => error.code,
  )

describe('writes', () => {
  async function simulated(options = {}) {
    const calls: SimCall[] = []
    const kv = await openDirOn(createSimHost(new SimDisk(), { onCall: (call) => void calls.push(call) }), '/', options)
    calls.length = 0
    return {
      kv,
      syncs: () =>
        calls
          .filter(({ name }) => name.startsWith('sync'))
          .map(({ name, path }) => `${name} ${path.replace(/\d+-\d+/, '')}`),
    }
  }

  it('that follow each other without waiting share the syncs of directories', async () => {
    const { kv, syncs } = await simulated()
    await Promise.all(['a', 'b', 'c'].map((name) => kv.set(`/${name}`, bytes(name))))
    expect(syncs()).toEqual(['sync /.kv~', 'sync /.kv~', 'sync /.kv~', 'syncDir /'])
  })

  it('that are in each other way do not', async () => {
    const { kv, syncs } = await simulated()
    const outcomes = await Promise.allSettled([
      kv.set('/a', bytes('1')),
      kv.set('/a', bytes('2')),
      kv.set('/a/b', bytes('3')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(syncs()).toHaveLength(4)
    expect(await kv.get('/a')).toEqual(bytes('2'))
  })

  it('of one value need no journal', async () => {
    const { kv, syncs } = await simulated()
    await kv.batch([{ op: 'set', key: '/a', value: bytes('a') }])
    await kv.remove('/a')
    expect(syncs()).toEqual(['sync /.kv~', 'syncDir /', 'syncDir /'])
  })

  it('are aborted while they wait', async () => {
    const { kv } = await simulated()
    const controller = new AbortController()
    const first = kv.set('/a', bytes('first'))
    const second = kv.set('/a', bytes('second'), { signal: controller.signal })
    const third = kv.remove('/a', { signal: controller.signal })
    controller.abort('stop')
    expect(await Promise.allSettled([first, second, third])).toEqual([
      { status: 'fulfilled', value: undefined },
      { status: 'rejected', reason: 'stop' },
      { status: 'rejected', reason: 'stop' },
    ])
    expect(await kv.get('/a')).toEqual(bytes('first'))
  })

  it('are refused when too many wait', async () => {
    const { kv } = await simulated({ maxQueuedWrites: 3 })
    const codes = await Promise.all(Array.from({ length: 5 }, (_, i) => code(kv.set(`/${i}`, bytes('x')))))
    expect(codes).toEqual([undefined, undefined, undefined, 'KV_TOO_LARGE', 'KV_TOO_LARGE'])
  })

  it('move no more than the limits allow', async () => {
    const { kv } = await simulated({ maxBatchOps: 3, maxBatchBytes: 10 })
    for (let i = 0; i < 4; i++) await kv.set(`/many/${i}`, bytes('x'))
    await kv.set('/large', bytes('longer than ten'))
    expect(await code(kv.rename('/many', '/moved'))).toBe('KV_TOO_LARGE')
    expect(await code(kv.rename('/large', '/moved'))).toBe('KV_TOO_LARGE')
    await kv.remove('/many')
    expect((await kv.list('/')).map(String)).toEqual(['/large,value'])
  })

  it('refuse names that are the own ones of the store, in every case', async () => {
    const { kv } = await simulated()
    for (const name of ['/.kv', '/.kv/journal', '/d/.kv~1-1', '/.KVx', '/d/.kV']) {
      expect(await code(kv.set(name, bytes('x')))).toBe('KV_KEY_INVALID')
      expect(await code(kv.get(name))).toBe('KV_KEY_INVALID')
      expect(await code(kv.rename('/a', name))).toBe('KV_KEY_INVALID')
    }
  })

  it('refuse one file for two names, where the file system folds them', async () => {
    const kv = await openDirOn(createSimHost(new SimDisk(), { folding: true }), '/', {})
    expect(kv.capabilities.keyNames).toBe('folding')
    await kv.set('/Dir/a', bytes('a'))
    const set = (key: string): KvOp => ({ op: 'set', key, value: bytes('x') })
    expect(await code(kv.set('/dir/b', bytes('b')))).toBe('KV_KEY_INVALID')
    expect(await code(kv.set('/Dir/A', bytes('b')))).toBe('KV_KEY_INVALID')
    expect(await code(kv.batch([set('/X'), set('/x/y')]))).toBe('KV_KEY_INVALID')
    const together = await Promise.all(['/N', '/n'].map((key) => code(kv.set(key, bytes(key)))))
    expect(together).toEqual([undefined, 'KV_KEY_INVALID'])
    expect(await kv.get('/dir/a')).toBeUndefined()
    expect(await kv.exists('/dir')).toBeUndefined()
    expect((await kv.list('/')).map(String)).toEqual(['/Dir,dictionary', '/N,value'])
  })
})

describe('openDir', () => {
  it('makes the directory where that is asked for', async () => {
    const { path, remove } = temporaryDirectory()
    const deep = join(path, 'a', 'b')
    expect(await code(openDir(deep))).toBe('KV_IO')
    expect(existsSync(join(path, 'a'))).toBe(false)
    const kv = await openDir(deep, { create: true })
    await kv.set('/v', bytes('v'))
    await kv.disconnect()
    expect(readdirSync(deep).sort()).toEqual(['.kv', 'v'])
    remove()
  })

  it('keeps the times of values in the files', async () => {
    const { path, remove } = temporaryDirectory()
    const kv = await openDir(path, { now: () => 1_500_000_000_123.9 })
    await kv.set('/v', bytes('v'))
    expect(await kv.lastModified('/v')).toBe(1_500_000_000_123)
    expect(Math.round(statSync(join(path, 'v')).mtimeMs)).toBe(1_500_000_000_123)
    await kv.disconnect()
    remove()
  })

  it('is not there for Windows', async () => {
    expect(await code(openDirOn({ ...createSimHost(new SimDisk()), windows: true }, '/', {}))).toBe('KV_NOT_SUPPORTED')
  })

  it.each([{ maxValueBytes: -1 }, { maxBatchOps: 0 }, { maxBatchBytes: 1.5 }, { maxQueuedWrites: Number.NaN }])(
    'refuses %j',
    async (options) => {
      await expect(openDir('/', options)).rejects.toThrow(RangeError)
    },
  )

  it.each([{ now: 1 }, { create: 'yes' }])('refuses %j', async (options) => {
    await expect(openDir('/', options as object)).rejects.toThrow(TypeError)
  })
})
