import { fork } from 'node:child_process'
import { join } from 'node:path'
import { survivesKills } from '@fata/kv/crash'
import { buildSync } from 'esbuild'
import { afterAll, describe, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { temporaryDirectory } from './places.ts'

const folder = temporaryDirectory()
const program = join(folder.path, 'child.mjs')
buildSync({
  entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@fata/source'],
  outfile: program,
})
const store = temporaryDirectory()
afterAll(() => {
  folder.remove()
  store.remove()
})

describe('kv-dir', () => {
  survivesKills({
    describe,
    it,
    rounds: Number(process.env['CRASH_KILLS'] ?? 25),
    seed: Number(process.env['CRASH_SEED'] ?? 1),
    start: (from) => fork(program, [store.path, String(from)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    connect: () => openDir(store.path),
  })
})
