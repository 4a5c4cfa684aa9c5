import { createVirtualRuntime, randomBelow } from '@fata/runtime'
import { createSoakNetwork, disturb, heal, type SoakNetwork } from './network.ts'
import { serve, type Talks, talk } from './talks.ts'

/** Talks under way at once; on average one begins in as many milliseconds, and something happens to the network. */
const MOST_TALKS = 200
const TALK_MS = 2000
const DISTURB_MS = 60_000
/** Virtual time between two questions whether it is enough. */
const SLICE_MS = 1000
/** Longer than any talk, timeout or TIME-WAIT lasts. */
const LONGEST_MS = 6 * 3_600_000
const QUIET_MS = 3_600_000

/** How far a run has come. */
export interface SoakProgress extends Readonly<Talks> {
  readonly virtualMs: number
  readonly talking: number
  /** Connections in any state, at all hosts. */
  readonly open: number
}

export interface SoakOptions {
  readonly seed: number
  /** Asked now and then, in virtual time order: is it enough? */
  readonly isEnough: (progress: SoakProgress) => boolean
  /** Called when everything has ended and nothing is closed yet: the tables must be empty. */
  readonly onQuiet?: (progress: SoakProgress) => void
}

export interface SoakResult {
  readonly progress: SoakProgress
  /** What was left where nothing should be: one line each. */
  readonly left: readonly string[]
}

/**
 * Hosts that talk of all kinds of things over a network that gets worse and better, until it is enough. Rejects, with the seed, where
 * anything fails that the network is not to blame for: bytes that differ, a talk that does not end, an error that is none of the
 * interface's.
 */
export async function soak({ seed, isEnough, onQuiet }: SoakOptions): Promise<SoakResult> {
  const runtime = createVirtualRuntime(seed)
  const { clock, random } = runtime
  const network = await createSoakNetwork(runtime)
  for (const { stack } of network.hosts) serve(stack)
  const talks: Talks = { connections: 0, bytes: 0, pings: 0, datagrams: 0, failures: 0 }
  let talking = 0
  let bug: unknown
  let goesOn = true

  const repeat = (meanMs: number, act: () => void): void => {
    const next = (): void =>
      void clock.schedule(clock.now() + randomBelow(random, 2 * meanMs), () => {
        if (!goesOn) return
        act()
        next()
      })
    next()
  }
  const pick = <T>(of: readonly T[]): T => of[randomBelow(random, of.length)]!
  repeat(TALK_MS, () => {
    if (talking >= MOST_TALKS) return
    const from = pick(network.hosts)
    const to = pick(network.hosts.filter((host) => host !== from))
    talking++
    talk(from.stack, pick(to.addresses).address, runtime, talks)
      .catch((error: unknown) => {
        bug ??= error
      })
      .finally(() => talking--)
  })
  repeat(DISTURB_MS, () => disturb(network, runtime))

  const progress = (): SoakProgress => ({
    ...talks,
    virtualMs: clock.now(),
    talking,
    open: network.hosts.reduce((sum, { stack }) => sum + stack.tcp.connections().length, 0),
  })
  try {
    for (let until = clock.now(); bug === undefined && !isEnough(progress()); until += SLICE_MS)
      await clock.run(() => bug !== undefined, until)
    goesOn = false
    heal(network)
    await clock.run(() => bug !== undefined || talking === 0, clock.now() + LONGEST_MS)
    if (bug !== undefined) throw bug
    if (talking > 0) throw new Error(`${talking} talks have not ended`)
    await clock.run(() => bug !== undefined, clock.now() + QUIET_MS)
    if (bug !== undefined) throw bug
  } catch (cause) {
    throw new Error(`seed ${seed}, at ${clock.now()} ms of virtual time`, { cause })
  }
  const end = progress()
  const left = leftOvers(network)
  onQuiet?.(end)
  await clock.settle(Promise.all(network.hosts.map(({ stack }) => stack.close())))
  await network.lan.close()
  // Frames on their way, and what was to be said at once.
  await clock.run(() => false, clock.now() + SLICE_MS)
  if (clock.nextAt() !== Number.POSITIVE_INFINITY) left.push(`a timer that nobody needs, due at ${clock.nextAt()} ms`)
  return { progress: end, left }
}

function leftOvers({ hosts }: SoakNetwork): string[] {
  return hosts.flatMap(({ stack }, i) => {
    const { unreadBytes, queuedBytes, parked } = stack.tcp.stats
    const gauges = Object.entries({ connections: stack.tcp.connections().length, unreadBytes, queuedBytes, parked })
    return gauges.filter(([, count]) => count !== 0).map(([name, count]) => `host ${i + 1}: ${name} ${count}`)
  })
}
