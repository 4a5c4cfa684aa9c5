import { describe, expect, it } from 'vitest'
import { simulate } from './crash-sim.ts'

/** How much more of everything. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 1)
const firstSeed = Number(process.env.CRASH_SEED ?? 1)
const WORKLOADS = 24
const workload = { steps: 12, samples: 4 }

/** Every sync that the store does: what an earlier process has left, what comes behind the first block, the first block. */
const SYNCS = ['commit', 'entries', 'open']
const MUTANT_SEEDS = Array.from({ length: 24 }, (_, i) => i + 1)

describe('simulated power loss', () => {
  const seen = new Set<string>()

  it('leaves every write whole or undone, and every acknowledged one there', { timeout: 60_000 * rounds }, async () => {
    let states = 0
    for (let seed = firstSeed; seed < firstSeed + WORKLOADS * rounds; seed++) {
      const report = await simulate({ ...workload, seed })
      states += report.states
      for (const sync of report.syncs) seen.add(sync)
      expect(report.bad.slice(0, 3), `CRASH_SEED=${seed}`).toEqual([])
    }
    const last = firstSeed + WORKLOADS * rounds - 1
    console.log(`${states} states after a crash, CRASH_SEED ${firstSeed} to ${last}: none bad`)
    expect(states).toBeGreaterThan(5000 * rounds)
  })

  it('has a mutant for every sync that makes something durable', () => {
    expect([...seen].sort()).toEqual(SYNCS)
  })

  it.each(SYNCS)('is seen when this sync is left out: %s', { timeout: 60_000 }, async (omitted) => {
    for (const seed of MUTANT_SEEDS) {
      const { bad } = await simulate({ ...workload, seed, omitted, untilBad: true })
      if (bad.length > 0) return
    }
    throw new Error(`nothing was lost without it, seeds ${MUTANT_SEEDS.at(0)} to ${MUTANT_SEEDS.at(-1)}`)
  })
})
