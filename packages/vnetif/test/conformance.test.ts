import { suite } from '@fata/net/conformance'
import { createVirtualRuntime } from '@fata/runtime'
import { describe, it } from 'vitest'
import { createPair, createSwitch, type PortOptions } from '../src/index.ts'

const FAR: PortOptions = { tx: { latencyMs: 20, bitsPerSecond: 100e6 }, rx: { latencyMs: 30, jitterMs: 5 } }
const KINDS: readonly [string, PortOptions, PortOptions][] = [
  ['no offload', {}, {}],
  ['offload', { offload: true }, { offload: true }],
  ['offload at the near end', { offload: true }, {}],
  ['offload at the far end', {}, { offload: true }],
  ['checksum offload only', { offload: { checksum: true, tso4: false, tso6: false } }, { offload: true }],
  ['offload to checksums only', { offload: true }, { offload: { checksum: true, tso4: false, tso6: false } }],
  ['far apart', FAR, FAR],
  ['far apart, offload', { ...FAR, offload: true }, { ...FAR, offload: true }],
  ['offload over an impaired link', { offload: true }, { offload: true, rx: { latencyMs: 10 } }],
  ['jumbo frames', { mtu: 9000, offload: true }, { mtu: 9000 }],
]

describe.each(KINDS)('%s', (_name, near, far) => {
  describe('on a switch', () => {
    suite({
      describe,
      it,
      create() {
        const { clock, random } = createVirtualRuntime()
        const network = createSwitch({ clock, random })
        return { a: network.port(near), b: network.port(far), settle: async () => clock.advance(1000) }
      },
    })
  })

  describe('on a switch with a bystander without offload', () => {
    suite({
      describe,
      it,
      create() {
        const { clock, random } = createVirtualRuntime()
        const network = createSwitch({ clock, random })
        network.port({ mtu: 65535 })
        return { a: network.port(near), b: network.port(far), settle: async () => clock.advance(1000) }
      },
    })
  })

  for (const medium of ['ip', 'ethernet'] as const) {
    describe(`as a pair of medium '${medium}'`, () => {
      suite({
        describe,
        it,
        create() {
          const { clock, random } = createVirtualRuntime()
          const { a, b } = createPair({ clock, random }, { medium, a: near, b: far })
          return { a, b, settle: async () => clock.advance(1000) }
        },
      })
    })
  }
})
