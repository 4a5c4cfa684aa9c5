import { execFile, execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type FaultReport, survivesFaults } from '@fata/kv/crash'
import { buildSync } from 'esbuild'
import { afterAll, describe, it } from 'vitest'
import { openClassicLevel } from '../src/classic.ts'
import { temporaryDirectory } from './places.ts'

const place = temporaryDirectory()
// Below node_modules, where the engine is found by its name.
const folder = join(import.meta.dirname, `../../../node_modules/.cache/kv-level-faults-${process.pid}`)
const program = join(folder, 'child.mjs')
buildSync({
  entryPoints: [join(import.meta.dirname, 'faults-child.ts')],
  bundle: true,
  platform: 'node',
  format: 'esm',
  conditions: ['@fata/source'],
  external: ['classic-level'],
  outfile: program,
})
afterAll(() => {
  rmSync(folder, { recursive: true })
  place.remove()
})

function hasLibfiu(): boolean {
  try {
    execFileSync('sh', ['-c', 'command -v fiu-run'])
    return true
  } catch {
    return false
  }
}

const isThere = hasLibfiu() || process.env['FATA_REQUIRE_ALL'] === '1'
if (!isThere) console.log('not tried: a kernel whose syncs fail; there is no fiu-run')

/** Every tenth call fails. */
async function run(round: number): Promise<FaultReport> {
  const fault = 'enable_random name=posix/io/sync/*,probability=0.1'
  const args = ['-x', '-f', '', '-c', fault, process.execPath, program, join(place.path, `store${round}`)]
  const { stdout } = await promisify(execFile)('fiu-run', args)
  return JSON.parse(stdout) as FaultReport
}

describe.skipIf(!isThere)('kv-level over classic-level', () => {
  survivesFaults({
    describe,
    it,
    name: 'syncs that fail',
    rounds: Number(process.env['CRASH_ROUNDS'] ?? 1) * 10,
    run,
    connect: (round) => openClassicLevel(join(place.path, `store${round}`)),
  })
})
