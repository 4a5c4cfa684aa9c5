import { suite } from '@fata/flow/conformance'
import { describe, it } from 'vitest'
import { OFFLOAD, Pair, type PairOptions } from './support/pair.ts'

const WAYS: Record<string, PairOptions> = {
  'a good link': {},
  'ends that are packed whenever nothing happens': { a: { parkAfterMs: 0 }, b: { parkAfterMs: 0 } },
  'IPv6 and segmentation offload': { v6: true, offload: OFFLOAD },
  'a link that loses and reorders': { link: { latencyMs: 3, loss: 0.05, jitterMs: 3 } },
}

for (const [name, options] of Object.entries(WAYS)) {
  suite({
    describe: (section, body) => describe(`${section}, over ${name}`, body),
    it,
    create: async () => {
      const pair = new Pair(options)
      const { client, server } = await pair.connect()
      return {
        a: client,
        b: server,
        run: (done) => pair.clock.run(done, pair.clock.now() + 120_000),
        dispose: () => pair.end(),
      }
    },
  })
}
