import { type Random, randomBelow } from '@fata/runtime'

/** RFC 8415 §15. Times are milliseconds; 0 is no limit. */
export interface Retransmission {
  readonly irt: number
  readonly mrt: number
  readonly mrc: number
}

/** RFC 8415 §7.6 */
export const SOLICIT: Retransmission = { irt: 1000, mrt: 3_600_000, mrc: 0 }
export const REQUEST: Retransmission = { irt: 1000, mrt: 30_000, mrc: 10 }
export const RENEW: Retransmission = { irt: 10_000, mrt: 600_000, mrc: 0 }
export const REBIND: Retransmission = { irt: 10_000, mrt: 600_000, mrc: 0 }
export const INFORMATION_REQUEST: Retransmission = { irt: 1000, mrt: 3_600_000, mrc: 0 }
export const RELEASE: Retransmission = { irt: 1000, mrt: 0, mrc: 4 }
export const DECLINE: Retransmission = { irt: 1000, mrt: 0, mrc: 4 }
/** SOL_MAX_DELAY, INF_MAX_DELAY */
export const MAX_DELAY_MS = 1000

/** A message that waits for its answer. */
export interface Exchange {
  readonly xid: number
  readonly startedAt: number
  /** Transmissions. */
  readonly tries: number
  /** RT of the last one. */
  readonly timeoutMs: number
  readonly retryAt: number
}

/** The first transmission. With `longer` its RT is strictly above IRT, as for a Solicit (§18.2.1). */
export function begin(now: number, { irt }: Retransmission, random: Random, longer = false): Exchange {
  const timeoutMs = irt + (longer ? 1 + randomBelow(random, irt / 10) : spread(irt, random))
  return { xid: random.uint32() >>> 8, startedAt: now, tries: 1, timeoutMs, retryAt: now + timeoutMs }
}

/** One more transmission; undefined where MRC allows none. */
export function again(now: number, e: Exchange, { mrt, mrc }: Retransmission, random: Random): Exchange | undefined {
  if (mrc !== 0 && e.tries >= mrc) return undefined
  const doubled = 2 * e.timeoutMs + spread(e.timeoutMs, random)
  const timeoutMs = mrt !== 0 && doubled > mrt ? mrt + spread(mrt, random) : doubled
  return { ...e, tries: e.tries + 1, timeoutMs, retryAt: now + timeoutMs }
}

/** RAND * `ms`: up to a tenth more or less. */
function spread(ms: number, random: Random): number {
  const tenth = Math.floor(ms / 10)
  return randomBelow(random, 2 * tenth + 1) - tenth
}
