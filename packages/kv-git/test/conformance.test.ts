import type { KvBatch } from '@fata/kv'
import { type KvSupports, sequences, suite } from '@fata/kv/conformance'
import { openDir } from '@fata/kv-dir'
import { createMem } from '@fata/kv-mem'
import { describe, it } from 'vitest'
import { type GitOptions, openGit } from '../src/index.ts'
import { temporaryDirectory } from './real-git.ts'

const MIB = 1024 * 1024
const supports: KvSupports = {
  write: true,
  remove: true,
  batch: true,
  watch: false,
  snapshot: true,
  reopen: true,
  exclusive: false,
}
const limits = { maxBatchOps: 1000, maxBatchBytes: 16 * MIB }

const mem = () => createMem({ maxValueBytes: 8 * MIB, maxBatchOps: 200, maxBatchBytes: 9 * MIB })

/** A store of its own, which is closed with the branch. */
async function openOwning(below: KvBatch, options: GitOptions): Promise<KvBatch> {
  const git = await openGit(below, options)
  const close = git.disconnect.bind(git)
  git.disconnect = () => close().then(() => below.disconnect())
  return git
}

describe('kv-git over kv-mem', () => {
  suite({
    describe,
    it,
    supports,
    effort: 0.2,
    create: async ({ now }) => {
      const store = mem()
      return { connect: () => openGit(store, { ...limits, now }) }
    },
  })
})

describe('kv-git over kv-mem', () => {
  sequences({
    describe,
    it,
    supports,
    sequences: 150,
    model: () => createMem(),
    create: async ({ now }) => {
      const store = mem()
      return { connect: () => openGit(store, { now }) }
    },
  })
})

describe('kv-git over kv-dir', () => {
  suite({
    describe,
    it,
    supports: { ...supports, exclusive: true },
    effort: 0.05,
    create: async ({ now }) => {
      const { path, remove } = temporaryDirectory()
      return {
        connect: async () => openOwning(await openDir(path, { maxValueBytes: 8 * MIB }), { ...limits, now }),
        dispose: async () => remove(),
      }
    },
  })
})

describe('a commit of kv-git', () => {
  suite({
    describe,
    it,
    supports: { ...supports, write: false, remove: false, batch: false, snapshot: false },
    skip: [{ name: 'K11', reason: 'no tree of git may hold .git' }],
    create: async ({ now, content }) => {
      const git = await openGit(createMem(), { now })
      await git.batch([...content].map(([key, value]) => ({ op: 'set', key, value })))
      const commit = await git.commit()
      return { connect: () => (commit ? git.at(commit) : git.snapshot()) }
    },
  })
})
