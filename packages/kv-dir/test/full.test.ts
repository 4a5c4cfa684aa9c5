import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { equalBytes, type KvBatch, type KvOp, walk } from '@fata/kv'
import { afterAll, describe, expect, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { isRoot, temporaryDirectory } from './places.ts'

const place = temporaryDirectory()
const disk = join(place.path, 'disk')

/** A file system of one MiB; undefined, or why there is none. */
function mountSmall(): string | undefined {
  if (process.platform !== 'linux') return 'there is no tmpfs but on Linux'
  if (!isRoot) return 'only root may mount'
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr ?? error).trim()
  }
}

const obstacle = mountSmall()
// A file whose tests are all skipped runs no hooks.
if (obstacle) {
  place.remove()
  console.log(`not tried: a real disk that is full; ${obstacle}`)
}

afterAll(() => {
  execFileSync('umount', [disk])
  place.remove()
})

describe.skipIf(obstacle && process.env['FATA_REQUIRE_ALL'] !== '1')('a real disk that is full', () => {
  const random = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff)
  const expectWhole = async (kv: KvBatch): Promise<void> => {
    const found: string[] = []
    for await (const key of walk(kv)) found.push(String(key))
    expect(found).toEqual(['/d/w', '/v'])
    expect(equalBytes((await kv.get('/v'))!, random(350_000, 1))).toBe(true)
    expect(equalBytes((await kv.get('/d/w'))!, random(100_000, 2))).toBe(true)
  }

  it('leaves old values whole, the store open, and no garbage', async () => {
    const kv = await openDir(disk)
    await kv.set('/v', random(350_000, 1))
    await kv.set('/d/w', random(100_000, 2))
    const large = random(900_000, 3)
    const pair: KvOp[] = [
      { op: 'set', key: '/d/w', value: random(200_000, 4) },
      { op: 'set', key: '/x', value: random(400_000, 5) },
    ]
    for (let round = 0; round < 3; round++) {
      for (const write of [
        () => kv.set('/v', large),
        () => kv.set('/new/x', large),
        () => kv.allocate('/z', 900_000),
        () => kv.rename('/v', '/moved'),
        () => kv.batch(pair),
      ]) {
        await expect(write()).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
        await expectWhole(kv)
      }
    }
    await kv.remove('/v')
    await kv.set('/v', random(500_000, 6))
    expect(await kv.size('/v')).toBe(500_000)
    await kv.disconnect()
    const again = await openDir(disk)
    expect((await again.list('/')).map(String)).toEqual(['/d,dictionary', '/v,value'])
    await again.disconnect()
  })
})
