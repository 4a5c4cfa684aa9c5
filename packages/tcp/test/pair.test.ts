import { readAll } from '@fata/flow'
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
