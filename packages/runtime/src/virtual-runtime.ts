import { type Logger, silentLogger } from './logger.ts'
import type { Runtime } from './runtime.ts'
import { seededRandom } from './seeded-random.ts'
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts'

/** A runtime in which a run depends on its seed alone. */
export interface VirtualRuntime extends Runtime {
  readonly clock: VirtualClock
  readonly seed: number
}

/** Virtual time from 0, randomness from `seed`. */
export function createVirtualRuntime(seed = 1, log: Logger = silentLogger): VirtualRuntime {
  return { clock: createVirtualClock(), random: seededRandom(seed), log, seed }
}
