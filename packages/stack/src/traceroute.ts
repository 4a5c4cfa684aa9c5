import { type IpAddress, ipEquals } from '@fata/addr'
import type { DirectStack } from './interface.ts'
import type { PingOutcome } from './ping.ts'

/** How a way is looked for. */
export interface TracerouteOptions {
  /** First and last distance to try, 1..255. Default 1 and 30. */
  readonly firstHop?: number | undefined
  readonly maxHops?: number | undefined
  /** Requests for each distance. Default 3. */
  readonly probes?: number | undefined
  /** How long to wait for each answer. Default 2000. */
  readonly timeoutMs?: number | undefined
  /** Bytes of data in each request. Default 32. */
  readonly size?: number | undefined
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
}

/** Who is at one distance. */
export interface Hop {
  /** Time to live or hop limit of the requests. */
  readonly hop: number
  /** One for each request: `'time-exceeded'` comes from a router on the way, `'reply'` from the destination. */
  readonly outcomes: readonly PingOutcome[]
}

/**
 * The routers on the way to a host, the nearest first, found by echo requests that get no farther than each. Ends with the destination, with a
 * router that says it cannot be reached, or after `maxHops`. Throws as `DirectStack.ping`.
 */
export async function* traceroute(
  stack: Pick<DirectStack, 'ping'>,
  dst: IpAddress,
  options: TracerouteOptions = {},
): AsyncGenerator<Hop, void> {
  const { firstHop = 1, maxHops = 30, probes = 3, timeoutMs = 2000, size = 32, signal } = options
  if (!(firstHop >= 1 && firstHop <= maxHops && maxHops <= 255))
    throw new RangeError(`no distances: ${firstHop}..${maxHops}`)
  for (let hop = firstHop; hop <= maxHops; hop++) {
    const outcomes: PingOutcome[] = []
    for (let i = 0; i < probes; i++) outcomes.push(await stack.ping(dst, { ttl: hop, timeoutMs, size, signal }))
    yield { hop, outcomes }
    if (outcomes.some((outcome) => isEnd(outcome, dst))) return
  }
}

function isEnd(outcome: PingOutcome, dst: IpAddress): boolean {
  if (outcome.kind === 'timeout' || outcome.kind === 'time-exceeded') return false
  return outcome.kind === 'reply' || outcome.kind.endsWith('unreachable') || ipEquals(outcome.from, dst)
}
