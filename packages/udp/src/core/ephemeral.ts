import { type Random, randomBelow } from '@fata/runtime'

/** Random picks before the search in order, whose result an observer could narrow down. */
const RANDOM_TRIES = 64

/** A free port of `first..last` by RFC 6056 §3.3.2, ended by §3.3.1, which finds the last free one; undefined where all are in use. */
export function ephemeralPort(
  random: Random,
  first: number,
  last: number,
  isUsed: (port: number) => boolean,
): number | undefined {
  const count = last - first + 1
  for (let i = 0; i < RANDOM_TRIES; i++) {
    const port = first + randomBelow(random, count)
    if (!isUsed(port)) return port
  }
  const start = randomBelow(random, count)
  for (let i = 0; i < count; i++) {
    const port = first + ((start + i) % count)
    if (!isUsed(port)) return port
  }
  return undefined
}
