import { describe, expect, it } from 'vitest'
import { putSynOptions } from '../src/wire-options.ts'
import { OFFLOAD } from './support/pair.ts'
import { Script } from './support/script.ts'

describe('the manner of BSD', () => {
  it('orders the options of a SYN as FreeBSD does', () => {
    const b = new Uint8Array(40)
    const all = { mss: 1460, windowScale: 6, sackPermitted: true, timestamps: true, tsVal: 1, tsEcr: 0, bsdOrder: true }
    const hex = (length: number): string => Buffer.from(b.subarray(0, length)).toString('hex')
    expect(hex(putSynOptions(b, 0, all))).toBe('020405b4010303060402080a0000000100000000')
    expect(hex(putSynOptions(b, 0, { ...all, windowScale: -1, timestamps: false }))).toBe('020405b404020000')
    expect(hex(putSynOptions(b, 0, { ...all, windowScale: -1, sackPermitted: false }))).toBe(
      '020405b40101080a0000000100000000',
    )
    expect(hex(putSynOptions(b, 0, { ...all, windowScale: -1, timestamps: false, fastOpen: new Uint8Array(4) }))).toBe(
      '020405b40402220600000000',
    )
  })

  it('delays from the beginning, and acknowledges every second segment of any size', async () => {
    const t = new Script({ manner: 'bsd' })
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'a' })
    t.expectSends()
    await t.arrives({ seq: 2, ack: 1, data: 'b' })
    t.expectSends({ ack: 3 })
    await t.arrives({ seq: 3, ack: 1, data: 'c' })
    await t.advance(39)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ ack: 4 })
    await t.end()
  })

  it('offers all the room that there is', async () => {
    const t = new Script({ manner: 'bsd', receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000 })
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 100 }, { seq: 101, ack: 1, data: 100 })
    t.expectSends({ ack: 201, window: 3800 })
    await flow.read()
    await t.arrives({ seq: 201, ack: 1, data: 10 }, { seq: 211, ack: 1, data: 10 })
    t.expectSends({ ack: 221, window: 3980 })
    await t.end()
  })
})

describe('bursts', () => {
  it('are as long as a millisecond takes, two segments at least', async () => {
    const t = new Script({ offload: OFFLOAD, burstSegments: 2, windowScale: true })
    const promise = t.connectStart()
    t.take()
    await t.advance(100)
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1000, windowScale: 10 })
    const flow = await promise
    t.take()
    await t.arrives({ seq: 1, ack: 1, window: 1000 })
    await flow.write(new Uint8Array(9000))
    await t.settle()
    t.expectSends(...[1, 2001, 4001, 6001].map((seq) => ({ seq, length: 2000, psh: true })), {
      seq: 8001,
      length: 1000,
    })
    await t.end()
  })
})

describe('the timeout', () => {
  it('is so much longer than the round trip as G says (RFC 6298 §2)', async () => {
    for (const [rtoGranularityMs, rtoMs] of [
      [1, 300],
      [250, 350],
    ] as const) {
      const t = new Script({ rtoGranularityMs })
      const promise = t.connectStart()
      t.take()
      await t.advance(100)
      await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1000 })
      expect((await promise).info().rtoMs).toBe(rtoMs)
      await t.end()
    }
  })
})
