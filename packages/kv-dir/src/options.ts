import { systemClock } from '@fata/runtime'

export interface DirOptions {
  /** Milliseconds since 1970, for lastModified; default the system's clock. */
  readonly now?: (() => number) | undefined
  /** Makes the directory, and those above it, when it is missing. Default false. */
  readonly create?: boolean | undefined
  /** Bytes of one value, also for reading. Default 1 GiB. */
  readonly maxValueBytes?: number | undefined
  /** Operations in one batch, and values that one batch, rename or removal may touch. Default 10 000. */
  readonly maxBatchOps?: number | undefined
  /** Bytes of values in one batch, moved ones included. Default 256 MiB. */
  readonly maxBatchBytes?: number | undefined
  /** Writes that wait for their turn; one more rejects with KV_TOO_LARGE. Default 65 536. */
  readonly maxQueuedWrites?: number | undefined
  /** Digests that are remembered. Default 4096. */
  readonly maxDigests?: number | undefined
}

export interface DirReadOptions {
  /** Links are followed wherever they lead; else they are not listed, and reading them rejects with KV_IO. Default false. */
  readonly followSymlinks?: boolean | undefined
  /** Bytes of one value. Default 1 GiB. */
  readonly maxValueBytes?: number | undefined
  /** Digests that are remembered. Default 4096. */
  readonly maxDigests?: number | undefined
}

type Limit = 'maxValueBytes' | 'maxBatchOps' | 'maxBatchBytes' | 'maxQueuedWrites' | 'maxDigests'

export const defaults: Readonly<Record<Limit, number>> = Object.freeze({
  maxValueBytes: 1024 * 1024 * 1024,
  maxBatchOps: 10_000,
  maxBatchBytes: 256 * 1024 * 1024,
  maxQueuedWrites: 65_536,
  maxDigests: 4096,
})

export interface ResolvedOptions extends Readonly<Record<Limit, number>> {
  readonly now: () => number
  readonly create: boolean
  readonly followSymlinks: boolean
}

/** Throws RangeError, TypeError. */
export function resolveOptions(options: DirOptions & DirReadOptions): ResolvedOptions {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as Limit[]) {
    const value = options[name] ?? defaults[name]
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be an integer above 0`)
    limits[name] = value
  }
  const now = options.now ?? systemClock().wallTime
  if (typeof now !== 'function') throw new TypeError('now must be a function')
  const { create = false, followSymlinks = false } = options
  if (typeof create !== 'boolean') throw new TypeError('create must be a boolean')
  if (typeof followSymlinks !== 'boolean') throw new TypeError('followSymlinks must be a boolean')
  return { ...limits, now, create, followSymlinks }
}
