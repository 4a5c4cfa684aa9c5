import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileLock, type Lock, socketLock } from '../src/lock.ts'

let place: string
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'kv-lock-'))
})
afterEach(() => rmSync(place, { recursive: true }))

const own = () => join(place, 'own')
const target = () => ({ name: `test of locks ${place}`, directory: own(), prefix: 'lock' })

const locks: Array<[string, Lock]> = [['lock files', fileLock]]
if (process.platform === 'linux') locks.push(['an abstract socket', socketLock])
else console.log('not tried: abstract sockets; there are none but on Linux')

describe.each(locks)('a lock by %s', (_, lock) => {
  const take = () => lock(target())

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
  const take = () => fileLock(target())

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

  it('are told by their prefix', async () => {
    mkdirSync(own())
    writeFileSync(join(own(), 'lock-is-no-lock'), '')
    const release = await take()
    await (await fileLock({ ...target(), prefix: 'other.lock' }))()
    await release()
    expect(readdirSync(own())).toEqual(['lock-is-no-lock'])
  })
})

/** When a process started, as this system says it. */
const PRINT_START = `
  const { readFileSync } = require('node:fs'), { execFileSync } = require('node:child_process'), pid = process.argv[1]
  try { const s = readFileSync('/proc/' + pid + '/stat', 'latin1'); console.log(s.slice(s.lastIndexOf(')')).split(' ')[20]) }
  catch { console.log(execFileSync('ps', ['-o', 'lstart=', '-p', pid], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).replace(/\\W+/g, '')) }`
