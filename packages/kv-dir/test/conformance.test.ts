import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type KvPlaceRequest, type KvSuiteOptions, type KvSupports, suite } from '@fata/kv/conformance'
import { afterAll, describe, it } from 'vitest'
import { openDir, openDirReadOnly } from '../src/index.ts'
import { openDirOn } from '../src/open.ts'
import { isRoot, openHandles, temporaryDirectory } from './places.ts'
import { SimDisk } from './sim-fs.ts'
import { createSimHost } from './sim-host.ts'

const supports: KvSupports = {
  write: true,
  remove: true,
  batch: true,
  watch: false,
  snapshot: false,
  reopen: true,
  exclusive: true,
}
const limits = { maxValueBytes: 8 * 1024 * 1024, maxBatchOps: 1000, maxBatchBytes: 16 * 1024 * 1024 }

const outside = temporaryDirectory()
const unreadable = join(outside.path, 'unreadable')
mkdirSync(unreadable)
chmodSync(unreadable, 0)
afterAll(() => {
  chmodSync(unreadable, 0o700)
  outside.remove()
})
if (isRoot) console.log('not tried: a directory that may not be read; root may read everything')

function badPlaces(open: (path: string) => Promise<unknown>): NonNullable<KvSuiteOptions['badPlaces']> {
  const file = join(outside.path, 'file')
  writeFileSync(file, 'a file')
  const places = ['', '/dev/null', file, join(outside.path, 'missing'), join(file, 'below'), 'a\0b']
  if (!isRoot) places.push(unreadable)
  return places.map((path) => ({ name: JSON.stringify(path), connect: () => open(path) }))
}

describe('kv-dir', () => {
  suite({
    describe,
    it,
    supports,
    effort: 0.05,
    badPlaces: badPlaces((path) => openDir(path)),
    openHandles,
    create: async ({ now }) => {
      const { path, remove } = temporaryDirectory()
      return { connect: () => openDir(path, { ...limits, now }), dispose: async () => remove() }
    },
  })
})

describe('kv-dir, read only', () => {
  suite({
    describe,
    it,
    supports: { ...supports, write: false, remove: false, batch: false, exclusive: false },
    badPlaces: badPlaces((path) => openDirReadOnly(path)),
    openHandles,
    create: async ({ content }: KvPlaceRequest) => {
      const { path, remove } = temporaryDirectory()
      for (const [key, value] of content) {
        mkdirSync(dirname(path + key), { recursive: true })
        writeFileSync(path + key, value)
      }
      return { connect: () => openDirReadOnly(path), dispose: async () => remove() }
    },
  })
})

describe.each([{ folding: false }, { folding: true }])('kv-dir on a simulated disk, %j', ({ folding }) => {
  suite({
    describe,
    it,
    supports,
    effort: folding ? 0.1 : 0.5,
    create: async ({ now }) => {
      const host = createSimHost(new SimDisk(), { folding })
      return { connect: () => openDirOn(host, '/', { ...limits, now }) }
    },
  })
})
