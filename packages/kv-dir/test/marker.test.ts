import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { temporaryDirectory } from './places.ts'

it('is there while a writer is, and gone with it', async () => {
  const place = temporaryDirectory()
  const kv = await openDir(place.path)
  expect(readdirSync(join(place.path, '.kv'))).toEqual(['open'])
  await kv.disconnect()
  expect(readdirSync(join(place.path, '.kv'))).toEqual([])
  place.remove()
})
