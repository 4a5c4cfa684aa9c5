import { seededRandom } from '@fata/runtime'
import { dropReassembly } from '../../../src/core/close.ts'
import type { TcpFlow } from '../../../src/index.ts'
import { checkInvariants, connectionsOf } from '../invariants.ts'
import { Pair, pattern } from '../pair.ts'
import { makeHostile } from './hostility.ts'
import { Dice, drawLink, drawScenario, type Reading, type Scenario } from './scenario.ts'

/** Virtual time in which everything must have arrived, and then have come to rest. */
const LONGEST_MS = 4 * 3_600_000
const CHANGES = 6

/** Writes everything in pieces of any size, with pauses, and ends. */
async function write(pair: Pair, flow: TcpFlow, bytes: Uint8Array, dice: Dice): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const n = 1 + dice.below(dice.of([10, 2000, 50_000]))
    await flow.write(bytes.slice(at, at + n))
    at += n
    if (dice.oneIn(20)) await sleep(pair, dice.upTo(3000))
  }
  await flow.shutdown()
}

/** Reads to the end and compares. */
async function read(pair: Pair, flow: TcpFlow, expected: Uint8Array, how: Reading, dice: Dice): Promise<void> {
  let at = 0
  for (;;) {
    if (how === 'sleepy' && dice.oneIn(10)) await sleep(pair, dice.upTo(20_000))
    const most = how === 'dripping' ? 1 + dice.below(400) : Number.POSITIVE_INFINITY
    const chunk = await flow.read({ most, borrow: dice.oneIn(2) })
    if (chunk === null) break
    for (const byte of chunk) if (byte !== expected[at++]) throw new Error(`byte ${at - 1} differs`)
    if (how === 'dripping') await sleep(pair, dice.upTo(20))
  }
  if (at !== expected.length) throw new Error(`${at} of ${expected.length} bytes have arrived`)
}

function sleep(pair: Pair, ms: number): Promise<void> {
  return new Promise((resolve) => void pair.clock.schedule(pair.clock.now() + ms, resolve))
}

/** The path becomes another one a few times, goes away for a while, and time jumps. */
async function disturb(pair: Pair, { links, pair: options }: Scenario, dice: Dice): Promise<void> {
  for (let i = 0; i < CHANGES; i++) {
    await sleep(pair, dice.upTo(dice.of([200, 5000, 60_000])))
    const link = dice.of(links)
    if (dice.oneIn(3)) drawLink(dice, link)
    if (dice.oneIn(6)) {
      link.loss = 1
      await sleep(pair, dice.upTo(20_000))
      link.loss = 0
    }
    // Segments of the old size do not fit any more, and the IP layer knows.
    if (dice.oneIn(6)) pair.aIp.mtuNow = pair.bIp.mtuNow = Math.min(options.mtu!, dice.of([256, 576, 1280]))
    // The thread was busy: what is due comes late, all at once.
    if (dice.oneIn(6)) pair.clock.advance(dice.upTo(3000))
  }
  for (const link of links) {
    link.loss = Math.min(link.loss ?? 0, 0.1)
    delete link.alter
    delete link.follow
  }
}

/** What a receiver holds out of order it may throw away. */
function renege(pair: Pair): void {
  for (const c of [...connectionsOf(pair.a), ...connectionsOf(pair.b)]) dropReassembly(c)
}

/** One whole run. Throws where bytes differ, something hangs or is left behind, or an invariant does not hold at some step. */
export async function simulate(seed: number): Promise<void> {
  const dice = new Dice(seededRandom(seed))
  const scenario = drawScenario(seed, dice)
  if (scenario.hostile) for (const link of scenario.links) makeHostile(link, dice)
  const pair = new Pair(scenario.pair)
  const [east, west] = scenario.bytes.map((length, i) => pattern(length, seed + i)) as [Uint8Array, Uint8Array]
  const whole = async (): Promise<void> => {
    const listener = pair.b.listen({ port: 80 })
    const [client, server] = await Promise.all([
      pair.a.connect({ address: pair.bIp.address, port: 80 }),
      listener.accept(),
    ])
    await Promise.all([
      disturb(pair, scenario, dice),
      write(pair, client, east, dice),
      write(pair, server, west, dice),
      read(pair, server, east, scenario.reading[1], dice),
      read(pair, client, west, scenario.reading[0], dice),
    ])
    await Promise.all([client.close(), server.close(), listener.close()])
  }
  await watch(pair, scenario, whole(), dice)
  await pair.clock.run(() => false, pair.clock.now() + LONGEST_MS)
  pair.expectEmpty()
}

/** Runs until `work` is done, looking at both ends between all steps. */
async function watch(pair: Pair, scenario: Scenario, work: Promise<void>, dice: Dice): Promise<void> {
  const outcome: { ended: boolean; error: unknown } = { ended: false, error: undefined }
  work
    .catch((error: unknown) => {
      outcome.error = error
    })
    .finally(() => {
      outcome.ended = true
    })
  const step = (): boolean => {
    if (scenario.reneges && dice.oneIn(200)) renege(pair)
    checkInvariants(pair.a)
    checkInvariants(pair.b)
    return outcome.ended
  }
  const done = await pair.clock.run(step, pair.clock.now() + LONGEST_MS)
  if (outcome.error !== undefined) throw outcome.error
  if (!done) throw new Error(`still under way after ${LONGEST_MS} ms of virtual time`)
}
