import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { KvBatch } from '@fata/kv'
import { survivesKills } from '@fata/kv/crash'
import { openDir } from '@fata/kv-dir'
import { buildSync } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import { openGit } from '../src/index.ts'
import { cannotRun, git, temporaryDirectory } from './real-git.ts'

const rounds = Number(process.env['CRASH_KILLS'] ?? 25)
/** git reads the whole repository, which grows with every round: so often, however many rounds there are. */
const roundsPerFsck = Math.ceil(rounds / 25)

const folder = temporaryDirectory()
const program = join(folder.path, 'child.mjs')
const repository = join(folder.path, 'repository.git')
buildSync({
  entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@fata/source'],
  // Asked for by what the child does not do: remotes and packs.
  external: ['isomorphic-git'],
  outfile: program,
})
afterAll(() => folder.remove())

let opened = 0

/** The store below recovers first; then what is there must be whole to git as well. */
async function connect(): Promise<KvBatch> {
  const below = await openDir(repository)
  if (opened++ % roundsPerFsck === 0 && existsSync(join(repository, 'HEAD'))) {
    expect(git(repository, 'fsck', '--strict', '--no-dangling')).toBe('')
  }
  const kv = await openGit(below)
  const disconnect = kv.disconnect.bind(kv)
  return Object.assign(kv, {
    async disconnect() {
      await disconnect()
      await below.disconnect()
    },
  })
}

describe.skipIf(cannotRun('kill -9 of kv-git over kv-dir'))('kv-git over kv-dir', () => {
  survivesKills({
    describe,
    it,
    rounds,
    seed: Number(process.env['CRASH_SEED'] ?? 1),
    start: (from) => fork(program, [repository, String(from)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    connect,
  })
})
