import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KvRo } from '@fata/kv'
import { suite } from '@fata/kv/conformance'
import { afterAll, describe, it } from 'vitest'
import { type CrunchOptions, crunch } from '../src/node.ts'
import { temporaryDirectory, writeTree } from './places.ts'

const place = temporaryDirectory()
afterAll(() => place.remove())
let serial = 0

const ways: Array<[string, CrunchOptions]> = [
  ['in base64', {}],
  ['compressed', { compress: true }],
  ['beside the module', { assets: 'assets', assetMinBytes: 0 }],
]

describe.each(ways)('a directory as a module, %s', (_, options) => {
  suite({
    describe,
    it,
    supports: {
      write: false,
      remove: false,
      batch: false,
      watch: false,
      snapshot: false,
      reopen: true,
      exclusive: false,
    },
    create: async ({ content }) => {
      const root = join(place.path, String(++serial))
      const files = Object.fromEntries([...content].map(([key, value]) => [`files${key}`, value]))
      writeTree(root, files)
      if (content.size === 0) writeTree(join(root, 'files'), {})
      const { code, assets } = await crunch(join(root, 'files'), { ...options, typescript: true })
      const module = join(root, 'module.ts')
      writeFileSync(module, code)
      writeTree(root, Object.fromEntries(assets.map(({ name, bytes }) => [name, bytes])))
      const { connect } = (await import(/* @vite-ignore */ module)) as { connect: () => KvRo }
      return { connect: async () => connect() }
    },
  })
})
