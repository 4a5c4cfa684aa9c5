import type { Connection } from './connection.ts'
import { DeliveryRate } from './rate.ts'
import type { Pace } from './records.ts'

/** Spreading what is sent over time, where the congestion control or the application asks for it. */

/** Timers are no finer: what comes due in this time may leave together. */
const QUANTUM_MS = 2
/** A burst of this many segments is always allowed. */
const QUANTUM_SEGMENTS = 2
const BYTES_PER_SECOND = 1000

/** Gives `c` what it needs where it is to be paced, takes it where not. */
export function setPace(c: Connection): void {
  if (c.congestion.pacingRate === undefined) c.rate = undefined
  else c.rate ??= new DeliveryRate()
  const paced = c.chosen.paceBytesPerSecond !== undefined || c.congestion.pacingRate !== undefined
  if (!paced) c.pace = undefined
  else c.pace ??= { credit: Number.POSITIVE_INFINITY, at: 0, wakeAt: Number.POSITIVE_INFINITY }
}

/** Bytes per ms, Infinity where nothing is spread. */
export function paceRate(c: Connection): number {
  const chosen = (c.chosen.paceBytesPerSecond ?? Number.POSITIVE_INFINITY) / BYTES_PER_SECOND
  return Math.min(chosen, c.congestion.pacingRate ?? Number.POSITIVE_INFINITY)
}

/** May text leave now? If not, `wakeAt` says when. */
export function mayLeave(c: Connection, p: Pace, now: number): boolean {
  const rate = paceRate(c)
  if (rate === Number.POSITIVE_INFINITY) return true
  p.credit = Math.min(quantum(c, rate), p.credit + (now - p.at) * rate)
  p.at = now
  if (p.credit > 0) {
    p.wakeAt = Number.POSITIVE_INFINITY
    return true
  }
  p.wakeAt = now + Math.max(1, -p.credit / rate)
  return false
}

/** How much may leave in one piece: a super-segment holds no more than the rate gives in a quantum. */
export function paceLimit(c: Connection): number {
  const rate = paceRate(c)
  return rate === Number.POSITIVE_INFINITY ? rate : quantum(c, rate)
}

function quantum(c: Connection, rate: number): number {
  return Math.max(QUANTUM_SEGMENTS * c.mss, rate * QUANTUM_MS)
}
