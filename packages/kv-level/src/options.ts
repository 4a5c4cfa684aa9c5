import type { KvCapabilities } from '@fata/kv'
import { systemClock } from '@fata/runtime'

export interface LevelOptions {
  /** Milliseconds since 1970, for lastModified; default the system's clock. */
  readonly now?: (() => number) | undefined
  /**
   * What a resolved write survives, which only you can know: the engine is asked to sync every write, and some do not. Default
   * `none` for engines that keep nothing, else `process-crash`.
   */
  readonly durability?: KvCapabilities['durability'] | undefined
  /** Bytes of one value. Default 64 MiB. */
  readonly maxValueBytes?: number | undefined
  /** Operations in one batch, and values that one batch, rename or removal may touch. Default 65 536. */
  readonly maxBatchOps?: number | undefined
  /** Bytes of values in one batch, moved ones included. Default 64 MiB. */
  readonly maxBatchBytes?: number | undefined
  /** Writes that wait for their turn; one more rejects with KV_TOO_LARGE. Default 65 536. */
  readonly maxQueuedWrites?: number | undefined
}

type Limit = 'maxValueBytes' | 'maxBatchOps' | 'maxBatchBytes' | 'maxQueuedWrites'

export const defaults: Readonly<Record<Limit, number>> = Object.freeze({
  maxValueBytes: 64 * 1024 * 1024,
  maxBatchOps: 65_536,
  maxBatchBytes: 64 * 1024 * 1024,
  maxQueuedWrites: 65_536,
})

const DURABILITIES = ['none', 'process-crash', 'power-loss', 'replicated'] as const

export interface ResolvedOptions extends Readonly<Record<Limit, number>> {
  readonly now: () => number
  readonly durability: KvCapabilities['durability'] | undefined
}

/** Throws RangeError, TypeError. */
export function resolveOptions(options: LevelOptions): ResolvedOptions {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as Limit[]) {
    const value = options[name] ?? defaults[name]
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be an integer above 0`)
    limits[name] = value
  }
  const now = options.now ?? systemClock().wallTime
  if (typeof now !== 'function') throw new TypeError('now must be a function')
  const { durability } = options
  if (durability !== undefined && !DURABILITIES.includes(durability)) {
    throw new TypeError(`durability must be one of ${DURABILITIES.join(', ')}`)
  }
  return { ...limits, now, durability }
}
