import 'fake-indexeddb/auto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sequences, suite } from '@fata/kv/conformance'
import { createMem } from '@fata/kv-mem'
import { BrowserLevel } from 'browser-level'
import { MemoryLevel } from 'memory-level'
import { afterAll, describe, it } from 'vitest'
import { openClassicLevel } from '../src/classic.ts'
import { openLevel } from '../src/index.ts'
import { openHandles, temporaryDirectory } from './places.ts'

const supports = {
  write: true,
  remove: true,
  batch: true,
  watch: false,
  snapshot: true,
  reopen: true,
  exclusive: true,
}
const limits = { maxValueBytes: 8 * 1024 * 1024, maxBatchOps: 1000, maxBatchBytes: 16 * 1024 * 1024 }
const outside = temporaryDirectory()
afterAll(() => outside.remove())
const file = join(outside.path, 'file')
writeFileSync(file, 'a file')
let databases = 0

const engines = {
  'classic-level': {
    supports,
    effort: 0.1,
    badPlaces: ['', '/dev/null', file, join(file, 'below'), 'a\0b'].map((path) => ({
      name: JSON.stringify(path),
      connect: () => openClassicLevel(path),
    })),
    openHandles,
    create: async ({ now }: { now: () => number }) => {
      const { path, remove } = temporaryDirectory()
      return { connect: () => openClassicLevel(path, { ...limits, now }), dispose: async () => remove() }
    },
  },
  'memory-level': {
    supports,
    create: async ({ now }: { now: () => number }) => {
      const db = new MemoryLevel()
      return { connect: () => openLevel(db, { ...limits, now }) }
    },
  },
  'a sublevel of memory-level': {
    supports,
    create: async ({ now }: { now: () => number }) => {
      const db = new MemoryLevel().sublevel('store')
      return { connect: () => openLevel(db, { ...limits, now }) }
    },
  },
  'browser-level under fake-indexeddb': {
    supports: { ...supports, snapshot: false },
    effort: 0.1,
    create: async ({ now }: { now: () => number }) => {
      const db = new BrowserLevel(`db${databases++}`)
      return { connect: () => openLevel(db, { ...limits, now }) }
    },
  },
}

describe.each(Object.entries(engines))('kv-level over %s', (name, engine) => {
  suite({ describe, it, ...engine })
  sequences({ describe, it, ...engine, sequences: name === 'memory-level' ? 1000 : 100, model: () => createMem() })
})
