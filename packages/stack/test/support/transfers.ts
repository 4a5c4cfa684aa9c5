import { seededRandom } from '@fata/runtime'
import type { Impairments } from '@fata/vnetif'
import { expect, it } from 'vitest'
import { twoStacks } from './network.ts'
import { checkStream, sendStream } from './stream.ts'

const LENGTH = 10 * 1024 * 1024
const SEEDS = 100
const BATCH = 10
/** A single seed to replay, with both families. */
const replay = process.env['FATA_SEED']

/** Impairments drawn from a seed: each of them alone, together, and none. */
export function impairmentsOf(seed: number): Impairments {
  const random = seededRandom(seed)
  const upTo = (max: number): number => (random.uint32() % 1000) * (max / 1000)
  return {
    loss: seed % 4 === 0 ? 0 : upTo(0.1),
    reorder: seed % 3 === 0 ? 0 : upTo(0.1),
    reorderMs: 1 + upTo(20),
    duplicate: seed % 5 === 0 ? 0 : upTo(0.05),
    corrupt: seed % 2 === 0 ? 0 : upTo(0.05),
    latencyMs: 1 + upTo(30),
    bitsPerSecond: seed % 7 === 0 ? 100e6 : Number.POSITIVE_INFINITY,
    trailingBytes: seed % 6 === 0 ? 10 : 0,
  }
}

async function transfer(seed: number, family: 4 | 6): Promise<void> {
  const network = await twoStacks(seed, { impairments: impairmentsOf(seed), offload: seed % 8 === 1 })
  const { runtime, a, b } = network
  const listener = b.tcp.listen({ port: 5001 })
  const whole = async (): Promise<void> => {
    const [client, server] = await Promise.all([
      a.tcp.connect({ address: network.address(family), port: 5001 }),
      listener.accept(),
    ])
    const [, count] = await Promise.all([sendStream(client, seed, LENGTH), checkStream(server, seed, LENGTH)])
    expect(count).toBe(LENGTH)
    await Promise.all([client.close(), server.close()])
    await listener.close()
  }
  await runtime.clock.settle(whole())
  // TIME-WAIT and what else ends by itself.
  await runtime.clock.run(() => false, runtime.clock.now() + 600_000)
  expect(a.tcp.connections()).toEqual([])
  expect(b.tcp.connections()).toEqual([])
  await network.close()
}

/** Tests of 10 MiB over links that lose, reorder, duplicate and corrupt: the bytes are equal, and nothing is left behind. */
export function testTransfers(family: 4 | 6, firstSeed: number): void {
  const seeds = replay === undefined ? Array.from({ length: SEEDS }, (_, i) => firstSeed + i) : [Number(replay)]
  for (let i = 0; i < seeds.length; i += BATCH) {
    const batch = seeds.slice(i, i + BATCH)
    it(`seeds ${batch[0]}..${batch.at(-1)}`, { timeout: 300_000 }, async () => {
      for (const seed of batch) {
        await transfer(seed, family).catch((cause: unknown) => {
          throw new Error(`replay with FATA_SEED=${seed} (IPv${family})`, { cause })
        })
      }
    })
  }
}
