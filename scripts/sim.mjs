// Whole networks of two TCPs in virtual time, more of them than CI runs.
// Usage: npm run sim -- [--seeds 10000] [--seed 1]   (first seed)
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
})
const [seeds, seed] = [Number(values.seeds), Number(values.seed)]
if (!Number.isSafeInteger(seeds) || seeds < 1 || !Number.isSafeInteger(seed) || seed < 0) {
  console.error('sim: --seeds and --seed take whole numbers')
  process.exit(2)
}
const { status } = spawnSync('npx', ['vitest', 'run', 'packages/tcp/test/sim.test.ts'], {
  stdio: 'inherit',
  env: { ...process.env, FATA_SIM_SEEDS: String(seeds), FATA_SIM_SEED: String(seed) },
})
process.exitCode = status ?? 1
