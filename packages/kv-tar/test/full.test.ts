import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { KvOp } from '@fata/kv'
import { afterAll, describe, expect, it } from 'vitest'
import { compactTarFile, openTarFile } from '../src/file.ts'
import { contents, temporaryDirectory } from './places.ts'

const place = temporaryDirectory()
const disk = join(place.path, 'disk')

/** A file system of one MiB; undefined, or why there is none. */
function mountSmall(): string | undefined {
  if (process.platform !== 'linux') return 'there is no tmpfs but on Linux'
  if (process.getuid?.() !== 0) return 'only root may mount'
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk], { stdio: 'pipe' })
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

describe.skipIf(obstacle && process.env['FATA_REQUIRE_ALL'] !== '1')('a real disk that is full', () => {
  it('leaves what is there whole, the store open, and the space free', async () => {
    const file = join(disk, 'store.tar')
    const kv = await openTarFile(file, { create: true })
    await kv.set('/v', new Uint8Array(350_000).fill(1))
    await kv.set('/d/w', new Uint8Array(100_000).fill(2))
    const before = await contents(kv)
    const half = new Uint8Array(400_000)
    const pair = ['/d/w', '/x'].map((key): KvOp => ({ op: 'set', key, value: half }))
    for (let round = 0; round < 3; round++) {
      for (const write of [
        () => kv.set('/v', new Uint8Array(900_000)),
        () => kv.setPartial('/v', 350_000, new Uint8Array(500_000)),
        () => kv.allocate('/z', 900_000),
        () => kv.batch(pair),
        () => compactTarFile(kv, join(disk, 'copy.tar')).then(() => compactTarFile(kv, join(disk, 'another.tar'))),
      ]) {
        await expect(write()).rejects.toMatchObject({ code: 'KV_NO_SPACE' })
        expect(await contents(kv)).toEqual(before)
      }
      execFileSync('rm', ['-f', join(disk, 'copy.tar')])
    }
    await kv.set('/x', new Uint8Array(400_000).fill(3))
    const after = await contents(kv)
    await kv.disconnect()
    const again = await openTarFile(file)
    expect(await contents(again)).toEqual(after)
    await again.disconnect()
  })
})
