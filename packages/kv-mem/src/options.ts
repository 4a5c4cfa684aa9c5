import { systemClock } from '@fata/runtime'

export interface MemOptions {
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: (() => number) | undefined
  /** Bytes of all values together; past it writes reject with KV_NO_SPACE. Default 1 GiB. */
  readonly maxBytes?: number | undefined
  /** Bytes of one value. Default 1 GiB. */
  readonly maxValueBytes?: number | undefined
  /** Operations in one batch. Default 65 536. */
  readonly maxBatchOps?: number | undefined
  /** Bytes of values in one batch. Default 1 GiB. */
  readonly maxBatchBytes?: number | undefined
  /** Changes that a watcher may leave unread before they are dropped in favour of `lagged`. Default 65 536. */
  readonly maxQueuedChanges?: number | undefined
}

const GIB = 1024 * 1024 * 1024

export const defaults: Readonly<Record<Limit, number>> = Object.freeze({
  maxBytes: GIB,
  maxValueBytes: GIB,
  maxBatchOps: 65_536,
  maxBatchBytes: GIB,
  maxQueuedChanges: 65_536,
})

type Limit = Exclude<keyof MemOptions, 'now'>

export interface ResolvedOptions extends Readonly<Record<Limit, number>> {
  readonly now: () => number
}

/** Throws RangeError, TypeError. */
export function resolveOptions(options: MemOptions): ResolvedOptions {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as Limit[]) {
    const value = options[name] ?? defaults[name]
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be an integer above 0`)
    limits[name] = value
  }
  const now = options.now ?? systemClock().wallTime
  if (typeof now !== 'function') throw new TypeError('now must be a function')
  return { ...limits, now }
}
