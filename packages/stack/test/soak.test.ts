import { expect, it } from 'vitest'
import { soak } from './support/soak/soak.ts'

const HOUR = 3_600_000
/** A single seed to replay; `npm run soak` goes on for as long as one likes. */
const replay = process.env['FATA_SEED']

it.each(replay === undefined ? [1, 2] : [Number(replay)])(
  'mixed traffic over a network that comes and goes leaves nothing behind: seed %i',
  { timeout: 120_000 },
  async (seed) => {
    const { progress, left } = await soak({ seed, isEnough: ({ virtualMs }) => virtualMs > HOUR / 12 })
    expect(left).toEqual([])
    expect(progress.connections).toBeGreaterThan(30)
    expect(progress.pings).toBeGreaterThan(3)
    expect(progress.datagrams).toBeGreaterThan(3)
  },
)
