// Runs the crash tests of every store that has them, for longer than CI does.
// Usage: npm run crash -- [--rounds=2000] [--seed=1] [--only=kv-dir]
//   rounds  processes that are killed, per store; simulations and faults run rounds / 25 times as long as in CI
//   seed    of everything random; a failing run prints the one that repeats it
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { packages } from './packages.mjs'

const KINDS = ['crash', 'kill', 'faults']
const KILLS_IN_CI = 25

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})
const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed)) {
  console.error('crash: --rounds and --seed take whole numbers')
  process.exit(2)
}
const tests = packages()
  .filter(({ name }) => values.only === undefined || name === values.only)
  .flatMap(({ dir }) => KINDS.map((kind) => join(dir, 'test', `${kind}.test.ts`)))
  .filter((path) => existsSync(path))
if (tests.length === 0) {
  console.error(`crash: no crash tests in ${values.only}`)
  process.exit(2)
}
const env = {
  ...process.env,
  CRASH_KILLS: String(rounds),
  CRASH_ROUNDS: String(Math.ceil(rounds / KILLS_IN_CI)),
  CRASH_SEED: String(seed),
}
// One file after the other: what is killed should have the machine for itself.
const { status } = spawnSync('npx', ['vitest', 'run', '--no-file-parallelism', ...tests], { env, stdio: 'inherit' })
process.exitCode = status ?? 1
