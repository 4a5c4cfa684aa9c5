import { type Random, randomBelow, seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { OFFLOAD } from './support/pair.ts'
import { Script } from './support/script.ts'
import type { Seg } from './support/segments.ts'

const SEEDS = Number(process.env['FATA_TCP_SEEDS'] ?? 2) * 40
const KINDS = ['net-unreachable', 'port-unreachable', 'packet-too-big', 'time-exceeded'] as const

/** A number that is mostly where it matters, sometimes anywhere. */
function near(random: Random, centre: number): number {
  switch (randomBelow(random, 6)) {
    case 0:
      return random.uint32() | 0
    case 1:
      return centre + randomBelow(random, 200_000) - 100_000
    case 2:
      return centre + randomBelow(random, 3000) - 1500
    default:
      return centre
  }
}

/** Any segment, with a bias towards those that get somewhere. */
function anySegment(random: Random, expects: number, sent: number): Seg {
  const chance = (n: number): boolean => randomBelow(random, n) === 0
  const s: { -readonly [K in keyof Seg]: Seg[K] } = {
    seq: near(random, expects),
    syn: chance(12),
    fin: chance(12),
    rst: chance(40),
    psh: chance(3),
    window: chance(4) ? randomBelow(random, 3) : randomBelow(random, 65536),
  }
  if (!chance(8)) s.ack = near(random, sent)
  if (chance(15)) s.urg = randomBelow(random, 65536)
  if (chance(2)) s.data = randomBelow(random, chance(5) ? 20_000 : 1500)
  if (chance(10)) s.ece = true
  if (chance(10)) s.cwr = true
  if (chance(4)) s.ts = [randomBelow(random, 5000), randomBelow(random, 5000)]
  if (chance(4) && s.syn !== true) {
    const blocks = 1 + randomBelow(random, s.ts === undefined ? 4 : 3)
    s.sack = Array.from({ length: blocks }, () => [near(random, sent) | 0, near(random, sent) | 0] as const)
  }
  if (chance(20)) {
    const options = new Uint8Array(4 * randomBelow(random, 11))
    random.fill(options)
    s.options = options
    delete s.sack
  }
  return s
}

/** One connection, opened one way or the other, or not at all, and what a monkey does to it from both sides. */
async function play(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const pick = (n: number): number => randomBelow(random, n)
  const t = new Script({
    seed,
    timestamps: pick(2) === 0,
    sack: pick(2) === 0,
    windowScale: pick(2) === 0,
    congestion: pick(2) === 0 ? 'cubic' : 'newreno',
    ecn: 'accept',
    receiveBufferBytes: [2000, 65_536, 262_144][pick(3)]!,
    peerIss: random.uint32() | 0,
    ...(pick(2) === 0 ? { offload: OFFLOAD } : {}),
  })
  const flows: TcpFlow[] = []
  t.tcp.listen({ port: 80 }, (flow) => {
    flows.push(flow)
  })
  const options = {
    ts: [1, 0],
    sackPermitted: true,
    windowScale: pick(15),
    mss: 200 + pick(1300),
    ece: pick(4) === 0,
    cwr: true,
  } as const
  if (pick(2) === 0) {
    t.connectStart().then(
      (flow) => flows.push(flow),
      () => {},
    )
    await t.arrives({ syn: true, seq: 0, ack: 1, ...options })
  } else {
    await t.arrives({ syn: true, seq: 0, ...options })
    await t.arrives({ seq: 1, ack: 1, ts: [1, 0] })
  }
  for (let step = 0; step < 60; step++) {
    const last = t.history.length === 0 ? undefined : t.see(t.history.at(-1)!)
    const sent = last === undefined ? 1 : last.seq + last.length
    const flow = flows.at(-1)
    const quiet = (promise: Promise<unknown> | undefined): void => void promise?.catch(() => {})
    switch (pick(14)) {
      case 0:
        quiet(flow?.write(new Uint8Array(1 + pick(pick(4) === 0 ? 50_000 : 500)), { urgent: pick(10) === 0 }))
        break
      case 1:
        quiet(flow?.read({ borrow: pick(2) === 0 }))
        break
      case 2:
        if (pick(6) === 0) quiet(flow?.shutdown())
        break
      case 3:
        if (pick(10) === 0) quiet(flow?.close())
        break
      case 4:
        if (pick(20) === 0) flow?.abort()
        break
      case 5:
        await t.advance([1, 50, 500, 5000, 100_000][pick(5)]!)
        break
      case 6:
        flow?.configure({ noDelay: pick(2) === 0, keepalive: pick(2) === 0 && { idleMs: 1000 + pick(5000) } })
        break
      case 7: {
        const packet = t.history.at(-1)
        if (packet !== undefined && pick(3) === 0) {
          t.ip.mtuNow = 500 + pick(1000)
          t.ip.report(KINDS[pick(KINDS.length)]!, packet, { mtu: t.ip.mtuNow + 20 })
        }
        break
      }
      default:
        await t.arrives(...Array.from({ length: 1 + pick(4) }, () => anySegment(random, last?.ack ?? 1, sent)))
    }
    await t.settle()
    for (const flow of flows) expect(flow.info().inFlightBytes).toBeGreaterThanOrEqual(0)
  }
  await t.end()
}

describe('anything may arrive at any time', () => {
  for (let first = 0; first < SEEDS; first += 40) {
    it(`seeds ${first + 1} to ${first + 40}`, { timeout: 120_000 }, async () => {
      for (let seed = first + 1; seed <= first + 40; seed++) {
        await play(seed).catch((error: unknown) => {
          throw new Error(`seed ${seed}`, { cause: error })
        })
      }
    })
  }
})
