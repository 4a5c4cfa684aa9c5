import { fork } from 'node:child_process'
import { join } from 'node:path'
import { survivesKills } from '@fata/kv/crash'
import { buildSync } from 'esbuild'
import { afterAll, describe, it } from 'vitest'
import { openTarFile } from '../src/file.ts'
import { temporaryDirectory } from './places.ts'

const folder = temporaryDirectory()
const program = join(folder.path, 'child.mjs')
const store = join(folder.path, 'store.tar')
buildSync({
  entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@fata/source'],
  outfile: program,
})
afterAll(() => folder.remove())

describe('kv-tar', () => {
  survivesKills({
    describe,
    it,
    rounds: Number(process.env['CRASH_KILLS'] ?? 25),
    seed: Number(process.env['CRASH_SEED'] ?? 1),
    start: (from) => fork(program, [store, String(from)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    connect: () => openTarFile(store, { create: true }),
  })
})
