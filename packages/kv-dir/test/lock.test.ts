import { spawnSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { fileLock, type Lock, socketLock } from '../src/lock.ts'
import { nodeFs } from '../src/node-fs.ts'
import { temporaryDirectory } from './places.ts'

let place: ReturnType<typeof temporaryDirectory>
beforeEach(() => {
  place = temporaryDirectory()
})
afterEach(() => place.remove())

const locks: Array<[string, Lock]> = [['lock files', fileLock]]
if (process.platform === 'linux') locks.push(['an abstract socket', socketLock])
else console.log('not tried: abstract sockets; there are none but on Linux')

describe.each(locks)('a lock by %s', (_, lock) => {
  const take = () => lock(join(place.path, '.kv'), nodeFs.stat(place.path, true))

  it('is given to one at a time', async () => {
    const release = await take()
    await expect(take()).rejects.toMatchObject({ code: 'KV_LOCKED' })
    await release()
    await (await take())()
  })

  it('is given to one at most of many at the same time', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, take))
    const taken = outcomes.filter(({ status }) => status === 'fulfilled')
    expect(taken.length).toBeLessThanOrEqual(1)
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') await outcome.value()
  })
})

describe('lock files', () => {
  const own = () => join(place.path, '.kv')
  const take = () => fileLock(own(), nodeFs.stat(place.path, true))

  it('of dead processes, also with a number that lives again, are removed', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    await (await take())()
    writeFileSync(join(own(), `lock-${dead}-12345`), '')
    writeFileSync(join(own(), `lock-${process.ppid}-1`), '')
    const release = await take()
    expect(readdirSync(own())).toHaveLength(1)
    await release()
    expect(readdirSync(own())).toEqual([])
  })

  it('of a living process are respected, and the own one is withdrawn', async () => {
    const release = await take()
    const [mine] = readdirSync(own())
    const parent = spawnSync(process.execPath, ['-e', PRINT_START, String(process.ppid)], {
      encoding: 'utf8',
    }).stdout.trim()
    await release()
    writeFileSync(join(own(), `lock-${process.ppid}-${parent}`), '')
    await expect(take()).rejects.toMatchObject({ code: 'KV_LOCKED' })
    expect(readdirSync(own())).not.toContain(mine)
  })
})

/** When a process started, as this system says it. */
const PRINT_START = `
  const { readFileSync } = require('node:fs'), { execFileSync } = require('node:child_process'), pid = process.argv[1]
  try { const s = readFileSync('/proc/' + pid + '/stat', 'latin1'); console.log(s.slice(s.lastIndexOf(')')).split(' ')[20]) }
  catch { console.log(execFileSync('ps', ['-o', 'lstart=', '-p', pid], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).replace(/\\W+/g, '')) }`

describe('the marker', () => {
  it('is there while a writer is, and gone with it', async () => {
    const kv = await openDir(place.path)
    expect(readdirSync(join(place.path, '.kv'))).toEqual(['open'])
    await kv.disconnect()
    expect(readdirSync(join(place.path, '.kv'))).toEqual([])
  })
})
