import { type Random, randomBelow } from '@fata/runtime'

/** RFC 2131 §4.1 */
const FIRST_DELAY_MS = 4000
const LONGEST_DELAY_MS = 64_000
const SPREAD_MS = 1000

/** How long to wait after the n-th transmission, n from 1: 4, 8, 16, 32, 64, 64, ... seconds, each up to a second more or less. */
export function retransmissionDelay(n: number, random: Random): number {
  const delay = Math.min(FIRST_DELAY_MS * 2 ** (n - 1), LONGEST_DELAY_MS)
  return delay - SPREAD_MS + randomBelow(random, 2 * SPREAD_MS + 1)
}
