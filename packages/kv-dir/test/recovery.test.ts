import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Key } from '@fata/kv'
import { describe, expect, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { openDirOn } from '../src/open.ts'
import { encodeJournal } from '../src/wire.ts'
import { contents } from './crash-sim.ts'
import { temporaryDirectory } from './places.ts'
import { createRandom, type SimCall, SimDisk } from './sim-fs.ts'
import { createSimHost } from './sim-host.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const batchOf = (...keys: string[]) => keys.map((key) => ({ op: 'set', key, value: bytes(key) }) as const)

/** A store on a simulated disk in which the calls that `fails` names fail. */
async function failing(fails: (call: SimCall) => string | undefined) {
  const disk = new SimDisk()
  let armed = false
  const kv = await openDirOn(createSimHost(disk, { onCall: (call) => (armed ? fails(call) : undefined) }), '/', {})
  await kv.batch(batchOf('/v', '/d/x'))
  return {
    kv,
    disk,
    arm: () => {
      armed = true
    },
    disarm: () => {
      armed = false
    },
    reopened: async () => contents(await openDirOn(createSimHost(disk.kill()), '/', {})),
  }
}

const START = `/d/x=${bytes('/d/x').join(' ')}\n/v=${bytes('/v').join(' ')}`

describe('a failed sync is final', () => {
  const everyWrite = (kv: Awaited<ReturnType<typeof failing>>['kv']) => [
    kv.set('/v', bytes('new')),
    kv.setPartial('/v', 0, bytes('n')),
    kv.allocate('/new', 1),
    kv.remove('/v'),
    kv.rename('/v', '/w'),
    kv.batch(batchOf('/a', '/b')),
  ]

  it('of a value: it is not set, and every later write is refused', async () => {
    const { kv, arm, disarm, disk, reopened } = await failing(({ name }) => (name === 'sync' ? 'EIO' : undefined))
    arm()
    await expect(kv.set('/v', bytes('new'))).rejects.toMatchObject({ code: 'KV_IO', cause: { code: 'EIO' } })
    disarm()
    for (const write of everyWrite(kv))
      await expect(write).rejects.toMatchObject({ code: 'KV_IO', cause: { code: 'EIO' } })
    expect(await contents(kv)).toBe(START)
    await kv.disconnect()
    expect([...disk.root.entries.keys()].sort()).toEqual(['.kv', 'd', 'v'])
    expect(await reopened()).toBe(START)
  })

  it('of a directory: the outcome is unknown', async () => {
    const { kv, arm } = await failing(({ name }) => (name === 'syncDir' ? 'EIO' : undefined))
    arm()
    await expect(kv.set('/v', bytes('new'))).rejects.toMatchObject({ code: 'KV_OUTCOME_UNKNOWN' })
    await expect(kv.set('/v', bytes('new'))).rejects.toMatchObject({ code: 'KV_IO' })
  })

  it('of the journal: the outcome is unknown until the next opening', async () => {
    const { kv, arm, reopened } = await failing(({ name, path }) =>
      name === 'sync' && path.endsWith('journal') ? 'EIO' : undefined,
    )
    arm()
    await expect(kv.batch(batchOf('/a', '/b'))).rejects.toMatchObject({ code: 'KV_OUTCOME_UNKNOWN' })
    expect(await contents(kv)).toBe(START)
    expect(await reopened()).toContain('/a=')
  })

  it('in the middle of a batch: nobody reads the part that is done, the next opening does the rest', async () => {
    let renames = 0
    const { kv, arm, reopened } = await failing(({ name }) =>
      name === 'rename' && ++renames === 2 ? 'EIO' : undefined,
    )
    arm()
    await expect(kv.batch(batchOf('/a', '/b', '/c'))).rejects.toMatchObject({ code: 'KV_OUTCOME_UNKNOWN' })
    await expect(kv.get('/a')).rejects.toMatchObject({ code: 'KV_IO' })
    await expect(kv.list('/')).rejects.toMatchObject({ code: 'KV_IO' })
    await kv.disconnect()
    expect((await reopened()).split('\n').map((line) => line[1])).toEqual(['a', 'b', 'c', 'd', 'v'])
  })

  it('of one value in a group: none of the group is set', async () => {
    let syncs = 0
    const { kv, arm, reopened } = await failing(({ name }) => (name === 'sync' && ++syncs === 2 ? 'EIO' : undefined))
    arm()
    const outcomes = await Promise.allSettled([
      kv.set('/a', bytes('a')),
      kv.set('/b', bytes('b')),
      kv.set('/c', bytes('c')),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(await reopened()).toBe(START)
  })
})

describe('a full disk', () => {
  const isValue = ({ name, path }: SimCall) => name === 'write' && path.includes('.kv~')

  it.each([
    ['in the value of a set', isValue, '/v'],
    [
      'in the temporary file of a set',
      ({ name, path }: SimCall) => name === 'create' && path.includes('.kv~'),
      '/n/e/w',
    ],
    ['in a directory', ({ name }: SimCall) => name === 'mkdir', '/n/e/w'],
  ])('%s leaves the old value and the store open', async (_, where, key) => {
    const { kv, arm, disarm } = await failing((call) => (where(call) ? 'ENOSPC' : undefined))
    arm()
    await expect(kv.set(key, bytes('new'))).rejects.toMatchObject({ code: 'KV_NO_SPACE', cause: { code: 'ENOSPC' } })
    await expect(kv.batch([...batchOf(key), ...batchOf('/z')])).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
    expect(await contents(kv)).toBe(START)
    disarm()
    await kv.set(key, bytes('new'))
    expect(await kv.get(key)).toEqual(bytes('new'))
  })

  it('in the journal undoes the batch', async () => {
    const { kv, arm, disarm, reopened } = await failing(({ name, path }) =>
      name === 'write' && path.endsWith('journal') ? 'ENOSPC' : undefined,
    )
    arm()
    await expect(kv.batch(batchOf('/a', '/b'))).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
    expect(await contents(kv)).toBe(START)
    disarm()
    await kv.batch(batchOf('/c', '/e'))
    expect(await reopened()).not.toContain('/a=')
  })

  it('shows as a short write first, which is no success', async () => {
    let writes = 0
    const { kv, arm } = await failing((call) => (isValue(call) ? (++writes === 1 ? 'LIE' : 'ENOSPC') : undefined))
    arm()
    await expect(kv.set('/v', bytes('longer'))).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
    expect(await kv.get('/v')).toEqual(bytes('/v'))
  })

  it('at the opening keeps the journal for the next one', async () => {
    const disk = new SimDisk()
    const points: SimDisk[] = []
    const onCall = ({ name }: SimCall) => void (name === 'rename' && points.push(disk.kill()))
    const kv = await openDirOn(createSimHost(disk, { onCall }), '/', {})
    await kv.batch(batchOf('/a', '/b'))
    const crashed = points[1]!
    const full = createSimHost(crashed, {
      onCall: ({ name, path }) => (name === 'write' && path.includes('.kv~') ? 'ENOSPC' : undefined),
    })
    await expect(openDirOn(full, '/', {})).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
    expect(await contents(await openDirOn(createSimHost(crashed), '/', {}))).toBe(await contents(kv))
  })
})

describe('the journal at opening', () => {
  const journal = Buffer.concat(
    encodeJournal({
      removes: [Key.of('gone')],
      sets: [{ key: Key.of('d', 'new'), value: bytes('from the journal'), lastModified: 1_600_000_000_000 }],
    }),
  )

  function crashed(bytesOfJournal: Uint8Array) {
    const place = temporaryDirectory()
    mkdirSync(join(place.path, '.kv'))
    mkdirSync(join(place.path, 'd'))
    writeFileSync(join(place.path, 'gone'), 'old')
    writeFileSync(join(place.path, '.kv', 'open'), '')
    writeFileSync(join(place.path, '.kv', 'journal'), bytesOfJournal)
    writeFileSync(join(place.path, 'd', '.kv~1-1'), 'left by a crash')
    return place
  }

  it('is applied when it is whole', async () => {
    const { path, remove } = crashed(journal)
    const kv = await openDir(path)
    expect(await kv.exists('/gone')).toBeUndefined()
    expect(await kv.get('/d/new')).toEqual(bytes('from the journal'))
    expect(await kv.lastModified('/d/new')).toBe(1_600_000_000_000)
    await kv.disconnect()
    expect(readdirSync(join(path, '.kv'))).toEqual([])
    expect(readdirSync(join(path, 'd'))).toEqual(['new'])
    remove()
  })

  it('is discarded when it is torn or damaged, wherever', { timeout: 60_000 }, async () => {
    const random = createRandom(Number(process.env.CRASH_SEED ?? 1))
    const cut = Array.from(journal, (_, end) => journal.subarray(0, end))
    const flipped = Array.from(journal, (_, at) => {
      const copy = Buffer.from(journal)
      copy[at]! ^= 1 << random(8)
      return copy
    })
    for (const damaged of [...cut, ...flipped, Buffer.alloc(journal.length)]) {
      const { path, remove } = crashed(damaged)
      const kv = await openDir(path)
      expect(await contents(kv)).toBe(`/gone=${bytes('old').join(' ')}`)
      await kv.batch(batchOf('/a', '/b'))
      await kv.disconnect()
      expect(readFileSync(join(path, 'a'), 'utf8')).toBe('/a')
      expect(readdirSync(join(path, '.kv'))).toEqual([])
      remove()
    }
  })
})
