import { describe, it } from 'vitest'
import { simulate } from './support/sim/simulate.ts'

/** How many, and which is the first: `npm run sim -- --seeds 10000 --seed 1`. */
const SEEDS = Number(process.env['FATA_SIM_SEEDS'] ?? 500)
const FIRST = Number(process.env['FATA_SIM_SEED'] ?? 1)
const BATCH = 50

describe('two ends over any path, with invariants checked at every step', () => {
  for (let first = FIRST; first < FIRST + SEEDS; first += BATCH) {
    const last = Math.min(first + BATCH, FIRST + SEEDS) - 1
    it(`seeds ${first}..${last}`, { timeout: 600_000 }, async () => {
      for (let seed = first; seed <= last; seed++) {
        await simulate(seed).catch((cause: unknown) => {
          throw new Error(`replay with npm run sim -- --seeds 1 --seed ${seed}: ${String(cause)}`, { cause })
        })
      }
    })
  }
})
