import type { Clock } from './clock.ts'
import { type Logger, silentLogger } from './logger.ts'
import type { Random } from './random.ts'
import { systemClock } from './system-clock.ts'
import { systemRandom } from './system-random.ts'

/** What every layer is handed instead of reaching for globals. */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

/** The platform's clock and randomness; silent unless a logger is given. */
export function systemRuntime(log: Logger = silentLogger): Runtime {
  return { clock: systemClock(), random: systemRandom(), log }
}
