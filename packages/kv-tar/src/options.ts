import { systemClock } from '@fata/runtime'
import type { SkippedEntry } from './core/scan.ts'

export interface TarReadOptions {
  /** Of the opening; what it rejects with then is the signal's reason. */
  readonly signal?: AbortSignal | undefined
  /** Told of each entry that is no value: a link, a device, a name that is no key. */
  readonly onSkipped?: ((entry: SkippedEntry) => void) | undefined
  /** Values; an archive with more is refused with KV_TOO_LARGE. Default 1 000 000. */
  readonly maxEntries?: number | undefined
  /** Bytes of one extended header, such as a long name. Default 1 MiB. */
  readonly maxHeaderBytes?: number | undefined
  /** Bytes of one value; larger ones are read in parts only. Default 1 GiB. */
  readonly maxValueBytes?: number | undefined
}

export interface TarOptions extends TarReadOptions {
  /** Milliseconds since 1970, for lastModified; default the system's clock. */
  readonly now?: (() => number) | undefined
  /** Operations in one batch. Default 10 000. */
  readonly maxBatchOps?: number | undefined
  /** Bytes of values in one batch. Default 256 MiB. */
  readonly maxBatchBytes?: number | undefined
  /** Writes that wait for their turn; one more rejects with KV_TOO_LARGE. Default 65 536. */
  readonly maxQueuedWrites?: number | undefined
}

type Limit = 'maxEntries' | 'maxHeaderBytes' | 'maxValueBytes' | 'maxBatchOps' | 'maxBatchBytes' | 'maxQueuedWrites'

export const defaults: Readonly<Record<Limit, number>> = Object.freeze({
  maxEntries: 1_000_000,
  maxHeaderBytes: 1024 * 1024,
  maxValueBytes: 1024 * 1024 * 1024,
  maxBatchOps: 10_000,
  maxBatchBytes: 256 * 1024 * 1024,
  maxQueuedWrites: 65_536,
})

export interface ResolvedOptions extends Readonly<Record<Limit, number>> {
  readonly now: () => number
  readonly onSkipped: (entry: SkippedEntry) => void
  readonly signal: AbortSignal | undefined
}

/** Throws RangeError, TypeError. */
export function resolveOptions(options: TarOptions): ResolvedOptions {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as Limit[]) {
    const value = options[name] ?? defaults[name]
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be an integer above 0`)
    limits[name] = value
  }
  const { now = systemClock().wallTime, onSkipped = () => {}, signal } = options
  if (typeof now !== 'function') throw new TypeError('now must be a function')
  if (typeof onSkipped !== 'function') throw new TypeError('onSkipped must be a function')
  return { ...limits, now, onSkipped, signal }
}
