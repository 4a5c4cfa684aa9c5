import { describe, expect, it } from 'vitest'
import { fuzz } from './support/fuzz/fuzz.ts'

const FRAMES = 2_000
/** A single seed to replay; `npm run fuzz` throws many more frames. */
const replay = process.env['FATA_SEED']

describe('a whole stack under altered frames', () => {
  it.each(replay === undefined ? [1, 2, 3, 4] : [Number(replay)])(
    'throws nothing, keeps its bounds and answers afterwards: seed %i',
    async (seed) => {
      const { holdings, leftConnections, pings } = await fuzz({ frames: FRAMES, seed })
      expect(pings).toEqual(['reply', 'reply'])
      expect(leftConnections).toBe(0)
      expect(holdings.arpEntries).toBeLessThanOrEqual(1024)
    },
  )
})
