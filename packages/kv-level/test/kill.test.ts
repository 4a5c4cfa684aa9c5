import { fork } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { survivesKills } from '@fata/kv/crash'
import { buildSync } from 'esbuild'
import { afterAll, describe, it } from 'vitest'
import { openClassicLevel } from '../src/classic.ts'
import { temporaryDirectory } from './places.ts'

// Below node_modules, where the engine is found by its name.
const folder = join(import.meta.dirname, `../../../node_modules/.cache/kv-level-${process.pid}`)
const program = join(folder, 'child.mjs')
mkdirSync(folder, { recursive: true })
buildSync({
  entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@fata/source'],
  external: ['classic-level'],
  outfile: program,
})
const { path, remove } = temporaryDirectory()
afterAll(() => {
  rmSync(folder, { recursive: true })
  remove()
})

describe('kv-level over classic-level', () => {
  survivesKills({
    describe,
    it,
    rounds: Number(process.env['CRASH_KILLS'] ?? 25),
    seed: Number(process.env['CRASH_SEED'] ?? 1),
    start: (from) => fork(program, [path, String(from)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    connect: () => openClassicLevel(path),
  })
})
