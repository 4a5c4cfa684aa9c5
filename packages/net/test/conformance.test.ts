import { mac } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { suite } from '../src/conformance.ts'
import { createCallbackNet } from '../src/index.ts'
import { ALL_OFFLOADS, createReferenceEnds, type Fault } from './reference-net.ts'

for (const medium of ['ethernet', 'ip'] as const) {
  for (const offload of [undefined, ALL_OFFLOADS]) {
    describe(`two ends, medium '${medium}', ${offload ? 'with' : 'without'} offload`, () => {
      suite({ describe, it, create: () => createReferenceEnds({ medium, ...(offload && { offload }) }) })
    })
  }
  describe(`createCallbackNet, medium '${medium}'`, () => {
    suite({
      describe,
      it,
      create(observe) {
        const queue: (readonly Uint8Array[])[] = []
        const { net, receive } = createCallbackNet({
          medium,
          ...(medium === 'ethernet' && { mac: mac('02:00:00:00:00:01') }),
          mtu: 1400,
          send: observe,
        })
        return {
          net,
          inject: (frames) => void queue.push(frames),
          async settle() {
            for (let frames = queue.shift(); frames !== undefined; frames = queue.shift())
              frames.forEach((frame, i) => {
                receive(frame, 0, frame.length, i + 1 < frames.length)
              })
          },
        }
      },
    })
  })
}

/** Runs the suite over a reference with one fault; returns the names of the rules that failed, and of all. */
async function failures(
  fault: Fault | undefined,
  offload = ALL_OFFLOADS,
): Promise<{ failed: string[]; all: string[] }> {
  const rules: { name: string; body: () => Promise<void> }[] = []
  suite({
    describe: (_name, body) => body(),
    it: (name, body) => rules.push({ name, body }),
    create: () => createReferenceEnds({ medium: 'ethernet', offload, fault }),
  })
  const failed: string[] = []
  for (const { name, body } of rules) await body().catch(() => failed.push(name))
  return { failed, all: rules.map(({ name }) => name) }
}

const NONE = { checksum: false, tso4: false, tso6: false }
const FAULTS: readonly [fault: Fault, rule: RegExp, offload?: typeof NONE][] = [
  ['no-mac', /^describes itself/],
  ['lends-too-little', /^lends memory/],
  ['fills-late', /^lends memory/],
  ['sends-size', /^sends as many bytes/],
  ['trusts-fill', /^refuses a fill/],
  ['payload-behind-size', /^sends the ranges of payload/],
  ['keeps-payload', /^has read payload/],
  ['reverses', /^sends frames in the order/],
  ['forgets-header-in-mtu', /^carries the MTU/],
  ['counts-asked-size', /^counts frames and bytes sent/],
  ['truncates', /^delivers what arrives/],
  ['no-batch-end', /^calls batchEnd/],
  ['needs-batch-end', /^takes a listener without/],
  ['keeps-for-listener', /^drops and counts/],
  ['first-listener-stays', /^lets a second listener/],
  ['synchronous', /^never calls a listener/],
  ['locks-while-delivering', /^lets a listener write/],
  ['counts-no-reception', /^counts frames and bytes received/],
  ['writes-when-closed', /^refuses writes/],
  ['rejects-second-close', /^may be closed again/],
  ['close-forgets-sent', /^sends what was written before/],
  ['delivers-when-closed', /^calls no listener after/],
  ['finishes-batch-when-closed', /^may be closed by its listener/],
  ['forgets-partial', /^completes or passes on/],
  ['takes-any-meta', /^completes or passes on/, NONE],
  ['takes-any-meta', /^carries TCP super-frames over IPv4/, NONE],
  ['takes-any-meta', /^carries TCP super-frames over IPv6/, NONE],
  ['takes-any-meta', /^refuses metadata/],
  ['forgets-gso4', /^carries TCP super-frames over IPv4/],
  ['forgets-gso6', /^carries TCP super-frames over IPv6/],
  ['no-super-limit', /^carries super-frames of 65535/],
]

describe('the suite can fail', () => {
  it.each(FAULTS)('on a device with the fault %s: %s', async (fault, rule, offload) => {
    const { failed } = await failures(fault, offload)
    expect(failed.filter((name) => rule.test(name))).toHaveLength(1)
  })

  it('for every rule', async () => {
    const { failed, all } = await failures(undefined)
    expect(failed).toEqual([])
    for (const name of all)
      expect(
        FAULTS.some(([, rule]) => rule.test(name)),
        name,
      ).toBe(true)
  })
})

describe('quiet: false', () => {
  suite({
    describe,
    it,
    supports: { quiet: false },
    create() {
      const ends = createReferenceEnds({ medium: 'ethernet' })
      const chatter = (): void => ends.b.write(60, (buf, off) => (buf.fill(0xff, off, off + 60) ? 60 : 0))
      return {
        ...ends,
        async settle() {
          chatter()
          await ends.settle()
        },
      }
    },
  })
})

describe('skip', () => {
  const quiet = {
    describe: (_name: string, body: () => void) => body(),
    create: () => createReferenceEnds({ medium: 'ip' }),
  }
  const skip = [{ name: 'lets a listener write', reason: 'half duplex' }]

  it('shows the reason', () => {
    const names: string[] = []
    suite({ ...quiet, it: (name) => names.push(name), skip })
    expect(names).toContain('lets a listener write (skipped: half duplex)')
  })

  it("uses the runner's own skip", () => {
    const skipped: string[] = []
    suite({ ...quiet, it: Object.assign(() => {}, { skip: (name: string) => skipped.push(name) }), skip })
    expect(skipped).toEqual(['lets a listener write (skipped: half duplex)'])
  })

  it('refuses a name that is no rule', () => {
    expect(() => suite({ ...quiet, it, skip: [{ name: 'lets a listener wirte', reason: '' }] })).toThrow(TypeError)
  })
})
