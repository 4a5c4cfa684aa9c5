import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { equalBytes, type KvBatch, type KvOp, walk } from '@fata/kv'
import { afterAll, describe, expect, it } from 'vitest'
import { openClassicLevel } from '../src/classic.ts'
import { temporaryDirectory } from './places.ts'

const place = temporaryDirectory()
const disk = join(place.path, 'disk')

/** A file system of eight MiB; undefined, or why there is none. */
function mountSmall(): string | undefined {
  if (process.platform !== 'linux') return 'there is no tmpfs but on Linux'
  if (process.getuid?.() !== 0) return 'only root may mount'
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'none', disk], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr ?? error).trim()
  }
}

const obstacle = mountSmall()
if (obstacle) {
  place.remove()
  console.log(`not tried: a real disk that is full; ${obstacle}`)
}

afterAll(() => {
  execFileSync('umount', [disk])
  place.remove()
})

const pattern = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff)

async function expectWhole(kv: KvBatch): Promise<void> {
  const found: string[] = []
  for await (const key of walk(kv)) found.push(String(key))
  expect(found).toEqual(['/d/w', '/v'])
  expect(equalBytes((await kv.get('/v'))!, pattern(350_000, 1))).toBe(true)
  expect(equalBytes((await kv.get('/d/w'))!, pattern(100_000, 2))).toBe(true)
}

describe.skipIf(obstacle && process.env['FATA_REQUIRE_ALL'] !== '1')('a real disk that is full', () => {
  it('leaves old values whole; the store refuses to write until it is opened with room again', async () => {
    const path = join(disk, 'db')
    const filler = join(disk, 'filler')
    const open = () => openClassicLevel(path)
    const first = await open()
    await first.set('/v', pattern(350_000, 1))
    await first.set('/d/w', pattern(100_000, 2))
    await first.disconnect()
    const large = pattern(3_000_000, 3)
    const pair: KvOp[] = [
      { op: 'set', key: '/d/w', value: large },
      { op: 'set', key: '/x', value: large },
    ]
    const writes: Array<(kv: KvBatch) => Promise<void>> = [
      (kv) => kv.set('/v', large),
      (kv) => kv.setPartial('/v', 350_000, large),
      (kv) => kv.allocate('/z', 3_000_000),
      (kv) => kv.batch(pair),
    ]
    for (const write of writes) {
      const kv = await open()
      fill(filler, 2_000_000)
      await expect(write(kv)).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
      await expectWhole(kv)
      await expect(kv.set('/small', pattern(1, 1))).rejects.toMatchObject({ code: 'KV_IO' })
      await kv.disconnect()
      rmSync(filler)
      const again = await open()
      await expectWhole(again)
      await again.disconnect()
    }
    fill(filler, 0)
    await expect(open()).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
    rmSync(filler)
    const kv = await open()
    await expectWhole(kv)
    await kv.set('/v', pattern(500_000, 6))
    expect(await kv.size('/v')).toBe(500_000)
    await kv.disconnect()
  })
})

/** Leaves so many bytes free. */
function fill(path: string, free: number): void {
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(path, new Uint8Array(bavail * bsize - free))
}
