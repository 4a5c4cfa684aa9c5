import { sequences } from '@fata/kv/conformance'
import { createMem } from '@fata/kv-mem'
import { describe, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { openDirOn } from '../src/open.ts'
import { temporaryDirectory } from './places.ts'
import { SimDisk } from './sim-fs.ts'
import { createSimHost } from './sim-host.ts'

const common = { describe, it, supports: { remove: true, batch: true, reopen: true }, model: () => createMem() }

describe('kv-dir on a simulated disk', () => {
  sequences({
    ...common,
    create: async ({ now }) => {
      const host = createSimHost(new SimDisk())
      return { connect: () => openDirOn(host, '/', { now }) }
    },
  })
})

describe('kv-dir', () => {
  sequences({
    ...common,
    sequences: 100,
    seed: 2,
    create: async ({ now }) => {
      const { path, remove } = temporaryDirectory()
      return { connect: () => openDir(path, { now }), dispose: async () => remove() }
    },
  })
})
