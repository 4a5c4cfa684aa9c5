import { readAll } from '@fata/flow'
import { randomBelow, seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { type LinkOptions, OFFLOAD, Pair, type PairOptions, pattern, sendAll } from './support/pair.ts'

/** Both ends send at once; every byte must arrive, and nothing stay behind. */
async function exchange(options: PairOptions, bytes = 200_000): Promise<Pair> {
  const pair = new Pair(options)
  const { client, server } = await pair.connect()
  const [east, west] = [pattern(bytes, pair.seed), pattern(bytes >>> 1, pair.seed + 7)]
  const work = Promise.all([
    sendAll(client, east),
    sendAll(server, west, 700),
    readAll(server).then((all) => expect(Buffer.compare(all, east), `seed ${pair.seed}`).toBe(0)),
    readAll(client).then((all) => expect(Buffer.compare(all, west), `seed ${pair.seed}`).toBe(0)),
  ])
  await pair.settle(work)
  await pair.settle(Promise.all([client.close(), server.close()]))
  await pair.end()
  return pair
}

const LINKS: Record<string, LinkOptions> = {
  'a good link': { latencyMs: 1 },
  loss: { latencyMs: 10, loss: 0.03 },
  'heavy loss': { latencyMs: 5, loss: 0.2 },
  reordering: { latencyMs: 5, jitterMs: 5 },
  duplication: { latencyMs: 5, duplicate: 0.2 },
  corruption: { latencyMs: 5, corrupt: 0.05 },
  'a slow link with a short queue': { latencyMs: 20, rate: 100, queueBytes: 20_000 },
  'everything at once': {
    latencyMs: 8,
    jitterMs: 6,
    loss: 0.05,
    duplicate: 0.05,
    corrupt: 0.02,
    rate: 500,
    queueBytes: 50_000,
  },
}

const SEEDS = Number(process.env['FATA_TCP_SEEDS'] ?? 5)

describe.each(Object.entries(LINKS))('over %s', (_, link) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    it(`carries everything both ways, seed ${seed}`, () => exchange({ seed, link }, 100_000))
    it(`with segmentation offload, seed ${seed}`, () =>
      exchange({ seed, link: { loss: 0, ...link }, offload: OFFLOAD, v6: seed % 2 === 0 }, 100_000))
    it(`without any option, seed ${seed}`, () =>
      exchange({ seed, link, a: { timestamps: false, sack: false, windowScale: false } }, 60_000))
  }
})

/** Both ends write, read, end and give up as it comes; whatever arrives must be a beginning of what was written. */
async function misbehave(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const pick = (n: number): number => randomBelow(random, n)
  const link = { latencyMs: 1 + pick(20), jitterMs: pick(10), loss: pick(3) * 0.03, duplicate: pick(2) * 0.05 }
  const small = { receiveBufferBytes: 3000, receiveBufferMaxBytes: 3000, userTimeoutMs: 20_000 }
  const pair = new Pair({
    seed,
    link,
    v6: pick(2) === 0,
    ...(pick(2) === 0 ? { offload: OFFLOAD } : {}),
    ...(pick(3) === 0 ? { a: small } : {}),
    b: { userTimeoutMs: 20_000 },
  })
  const { client, server } = await pair.connect()
  const ends = [client, server].map((flow, i) => ({ flow, out: pattern(400_000, seed + i), sent: 0, got: 0 }))
  const ignore = (promise: Promise<unknown>): void => void promise.catch(() => {})
  for (let step = 0; step < 40; step++) {
    const i = pick(2)
    const end = ends[i]!
    const peer = ends[1 - i]!
    switch (pick(12)) {
      case 0:
        if (pick(3) === 0) ignore(end.flow.shutdown())
        break
      case 1:
        if (pick(8) === 0) ignore(end.flow.close())
        break
      case 2:
        if (pick(20) === 0) end.flow.abort()
        break
      case 3:
        await pair.clock.run(() => false, pair.clock.now() + pick(pick(3) === 0 ? 30_000 : 100))
        break
      case 4:
      case 5:
      case 6: {
        const n = 1 + pick(pick(3) === 0 ? 20_000 : 300)
        ignore(end.flow.write(end.out.slice(end.sent, end.sent + n)))
        end.sent += n
        break
      }
      default:
        ignore(
          end.flow.read().then((chunk) => {
            if (chunk === null) return
            const expected = peer.out.subarray(end.got, end.got + chunk.length)
            expect(Buffer.compare(chunk, expected), `seed ${seed}, byte ${end.got}`).toBe(0)
            end.got += chunk.length
          }),
        )
    }
  }
  const closed = Promise.all(ends.map(({ flow }) => flow.close()))
  await pair.clock.run(() => false, pair.clock.now() + 200_000)
  for (const { flow } of ends) flow.abort()
  await pair.settle(closed)
  await pair.end()
}

it('however the ends behave, nothing is left', async () => {
  for (let seed = 1; seed <= SEEDS * 10; seed++) {
    await misbehave(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
  }
})
