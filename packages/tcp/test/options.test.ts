import { describe, expect, it } from 'vitest'
import { NewReno } from '../src/core/congestion/newreno.ts'
import type { TcpFlowOptions } from '../src/index.ts'
import { Script } from './support/script.ts'

async function established(options: TcpFlowOptions = {}) {
  const t = new Script()
  const flow = await t.connect({}, options)
  return { t, flow }
}

describe('what can be chosen for each flow', () => {
  it('cork: full segments only, until it is taken away', async () => {
    const { t, flow } = await established({ cork: true, noDelay: true })
    await flow.write(new Uint8Array(1460 + 100))
    await t.settle()
    t.expectSends({ seq: 1, length: 1460 })
    await flow.write(new Uint8Array(50))
    await t.settle()
    t.expectSends()
    flow.configure({ cork: false })
    await t.settle()
    t.expectSends({ seq: 1461, length: 150, psh: true })
    await t.end()
  })

  it('cork: nothing waits longer than a timeout, nor behind the end', async () => {
    const { t, flow } = await established({ cork: true })
    await flow.write(new Uint8Array(10))
    await t.settle()
    t.expectSends()
    await t.advance(200)
    t.expectSends({ seq: 1, length: 10 })
    await t.arrives({ seq: 1, ack: 11 })
    await flow.write(new Uint8Array(10))
    await flow.shutdown()
    t.expectSends({ seq: 11, length: 10, fin: true })
    await t.end()
  })

  it('quickAck: every segment is acknowledged at once', async () => {
    const { t, flow } = await established({ quickAck: true })
    await flow.write(new Uint8Array(1))
    await t.settle()
    t.take()
    for (let i = 0; i < 20; i++) await t.arrives({ seq: 1 + i, ack: 2, data: 'x' })
    expect(t.take().map((s) => s.ack)).toEqual(Array.from({ length: 20 }, (_, i) => 2 + i))
    await t.end()
  })

  it('maxSegmentBytes: bounds what is told and what is sent', async () => {
    const t = new Script()
    const promise = t.connectStart({ maxSegmentBytes: 1000 })
    t.expectSends({ syn: true, mss: 1000 })
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460 })
    const flow = await promise
    t.take()
    await flow.write(new Uint8Array(2000))
    await t.settle()
    t.expectSends({ length: 1000 }, { length: 1000 })
    flow.configure({ maxSegmentBytes: 500 })
    expect(flow.info()).toMatchObject({ mss: 500, cwnd: 5000 })
    await t.end()
  })

  it('windowClampBytes, receiveBufferBytes: bound the offered window and its scale', async () => {
    const t = new Script({ windowScale: true })
    void t.connectStart({ receiveBufferBytes: 300_000, windowClampBytes: 100_000 })
    t.expectSends({ syn: true, window: 65535, windowScale: 1 })
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460, windowScale: 0 })
    t.expectSends({ window: 50_000 })
    await t.end()
  })

  it('receiveBufferBytes: does not grow', async () => {
    const { t, flow } = await established({ receiveBufferBytes: 4000 })
    for (let at = 1; at < 40_000; at += 1000) {
      await t.arrives({ seq: at, ack: 1, data: 1000 })
      await flow.read()
      await t.advance(1)
    }
    expect(flow.info().receiveWindow).toBeLessThanOrEqual(4000)
    await t.end()
  })

  it('sendBufferBytes, unsentBytes: say when a writer waits', async () => {
    for (const options of [{ sendBufferBytes: 15_000 }, { unsentBytes: 100 }]) {
      const { t, flow } = await established(options)
      let done = false
      await flow.write(new Uint8Array(14_600))
      await t.settle()
      void flow.write(new Uint8Array(2920)).then(() => {
        done = true
      })
      await t.settle()
      expect(done).toBe(false)
      await t.arrives({ seq: 1, ack: 14_601 })
      expect(done).toBe(true)
      await t.end()
    }
  })

  it('paceBytesPerSecond: spreads segments over time', async () => {
    const { t, flow } = await established({ paceBytesPerSecond: 146_000 })
    expect(flow.info().paceBytesPerSecond).toBe(146_000)
    await flow.write(new Uint8Array(14_600))
    await t.settle()
    const at: number[] = []
    for (let ms = 0; ms < 100; ms++) {
      for (const s of t.take()) at.push(...Array.from({ length: s.length / 1460 }, () => ms))
      await t.advance(1)
    }
    expect(at).toHaveLength(10)
    expect(at[9]! - at[2]!).toBeGreaterThanOrEqual(69)
    expect(Math.max(...at.slice(1).map((x, i) => x - at[i]!))).toBeLessThanOrEqual(11)
    await t.end()
  })

  it('lingerMs 0: close is abort', async () => {
    const { t, flow } = await established({ lingerMs: 0 })
    await flow.write(new Uint8Array(10))
    await t.settle()
    t.take()
    await flow.close()
    await t.settle()
    t.expectSends({ rst: true, seq: 11 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('lingerMs: a peer who does not acknowledge in time is reset', async () => {
    const { t, flow } = await established({ lingerMs: 5000 })
    await flow.write(new Uint8Array(10))
    const closed = flow.close()
    await t.advance(4999)
    expect(t.states()).toEqual(['FIN-WAIT-1'])
    t.take()
    await t.advance(1)
    t.expectSends({ rst: true })
    await closed
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('congestion: by name, or what a function makes; the window goes over', async () => {
    const { t, flow } = await established({ congestion: 'cubic' })
    expect(flow.info().congestion).toBe('cubic')
    flow.configure({ congestion: (segments) => Object.assign(new NewReno(segments), { name: 'mine' }) })
    expect(flow.info()).toMatchObject({ congestion: 'mine', cwnd: 14_600 })
    await flow.write(new Uint8Array(14_600))
    await t.settle()
    await t.arrives({ seq: 1, ack: 14_601 })
    expect(flow.info().cwnd).toBe(29_200)
    expect(() => flow.configure({ congestion: 'vegas' as 'cubic' })).toThrow(RangeError)
    await t.end()
  })

  it('nonsense throws', async () => {
    const { t, flow } = await established()
    for (const options of [
      { maxSegmentBytes: 47 },
      { receiveBufferBytes: 0 },
      { windowClampBytes: 0 },
      { sendBufferBytes: 0 },
      { unsentBytes: 0 },
      { paceBytesPerSecond: 0 },
      { lingerMs: -1 },
      { ttl: 256 },
    ])
      expect(() => flow.configure(options), JSON.stringify(options)).toThrow(RangeError)
    await t.end()
  })
})

describe('what is known of a flow', () => {
  it('counts segments as Linux does', async () => {
    const { t, flow } = await established({ noDelay: true })
    expect(flow.info()).toMatchObject({ deliveredSegments: 1, unackedSegments: 0, congestionState: 'open', busyMs: 0 })
    await flow.write(new Uint8Array(5840))
    await t.settle()
    expect(flow.info().unackedSegments).toBe(4)
    await t.advance(50)
    await t.arrives({ seq: 1, ack: 2921, data: 'x' })
    await t.advance(10)
    expect(flow.info()).toMatchObject({
      deliveredSegments: 3,
      unackedSegments: 2,
      bytesReceived: 1,
      sinceTextInMs: 10,
      sinceTextOutMs: 60,
      sinceHeardMs: 10,
      busyMs: 60,
      rttMs: 50,
    })
    for (let i = 0; i < 3; i++) await t.arrives({ seq: 2, ack: 2921 })
    expect(flow.info()).toMatchObject({ congestionState: 'recovery', lostSegments: 1, resentSegments: 1 })
    await t.advance(1000)
    expect(flow.info()).toMatchObject({ congestionState: 'loss', backoff: 2, retransmits: 3 })
    await t.arrives({ seq: 2, ack: 5841 })
    await t.advance(100)
    expect(flow.info()).toMatchObject({ deliveredSegments: 5, unackedSegments: 0, retransmittedBytes: 3 * 1460 })
    await t.end()
  })

  it('tells what the sender waits for', async () => {
    const { t, flow } = await established({ sendBufferBytes: 1000 })
    void flow.write(new Uint8Array(5840))
    await t.settle()
    await t.advance(100)
    expect(flow.info()).toMatchObject({ busyMs: 100, bufferLimitedMs: 100, windowLimitedMs: 0 })
    await t.arrives({ seq: 1, ack: 5841, window: 0 })
    await t.advance(1000)
    void flow.write(new Uint8Array(100))
    await t.advance(300)
    expect(flow.info()).toMatchObject({ busyMs: 400, bufferLimitedMs: 100, windowLimitedMs: 300, probes: 1 })
    await t.end()
  })
})
