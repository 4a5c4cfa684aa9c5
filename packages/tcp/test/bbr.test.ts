import { readAll } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import { Bbr } from '../src/core/congestion/bbr.ts'
import { createAckSample } from '../src/core/congestion/congestion.ts'
import { MaxFilter } from '../src/core/congestion/max-filter.ts'
import { DeliveryRate } from '../src/core/rate.ts'
import { Pair, pattern, sendAll } from './support/pair.ts'
import { Script } from './support/script.ts'

const MSS = 1000

/** A path of 100 bytes per ms and 50 ms: acknowledges what the control lets into it, a round trip at a time. */
function run(bbr: Bbr, rounds: number, begin: number): { pacing: number[]; cwnd: number[] } {
  const pacing: number[] = []
  const cwnd: number[] = []
  let una = 0
  for (let i = 0; i < rounds; i++) {
    const inFlight = bbr.cwnd
    una += inFlight
    const rttMs = i === 0 ? 50 : 51
    bbr.onAck({
      ...createAckSample(),
      acked: inFlight,
      delivered: inFlight,
      una,
      next: una + bbr.cwnd,
      inFlight: Math.min(bbr.cwnd, bbr.pacingRate * 50),
      mss: MSS,
      now: begin + 60 * i,
      rttMs,
      srttMs: rttMs,
      minRttMs: 50,
      rate: Math.min(100, inFlight / 50),
    })
    pacing.push(bbr.pacingRate)
    cwnd.push(bbr.cwnd)
  }
  return { pacing, cwnd }
}

describe('BBR', () => {
  it('starts fast, drains, then keeps about what the path holds', () => {
    const bbr = new Bbr(10)
    bbr.onEstablished(MSS, false)
    expect(bbr.pacingRate).toBe(Number.POSITIVE_INFINITY)
    const { pacing, cwnd } = run(bbr, 30, 0)
    expect(pacing[0]).toBeCloseTo(2.885 * 20 * 10, -3)
    // 5000 bytes are in flight where the pipe is full: twice of that and three segments.
    expect(cwnd.at(-1)).toBe(13_000)
    const gains = new Set(pacing.slice(12).map((rate) => Math.round(rate) / 100))
    expect([...gains].sort()).toEqual([0.75, 1, 1.25])
  })

  it('looks at the shortest round trip again after 10 s, with four segments', () => {
    const bbr = new Bbr(10)
    bbr.onEstablished(MSS, false)
    const { cwnd } = run(bbr, 230, 0)
    expect(Math.min(...cwnd.slice(20))).toBe(4 * MSS)
    expect(cwnd.filter((w) => w === 4 * MSS).length).toBeLessThan(10)
  })

  it('a loss leaves the window, a timeout brings it down, and both are taken back', () => {
    const bbr = new Bbr(10)
    bbr.onEstablished(MSS, false)
    run(bbr, 30, 0)
    bbr.onLoss()
    expect([bbr.cwnd, bbr.ssthresh]).toEqual([13_000, 13_000])
    bbr.onTimeout(0, MSS, 0, false)
    expect(bbr.cwnd).toBe(MSS)
    bbr.onUndo()
    expect(bbr.cwnd).toBe(13_000)
  })

  it('fills a path that loses one segment in fifty, which CUBIC does not', async () => {
    const rates: Record<string, number> = {}
    for (const congestion of ['bbr', 'cubic'] as const) {
      const options = { congestion, receiveBufferBytes: 1 << 20 }
      const pair = new Pair({
        seed: 3,
        a: options,
        b: options,
        link: { latencyMs: 25, rate: 1250, queueBytes: 200_000, loss: 0.02 },
        back: { latencyMs: 25 },
      })
      const { client, server } = await pair.connect()
      const bytes = pattern(5_000_000)
      const begin = pair.clock.now()
      const [, got] = await pair.settle(Promise.all([sendAll(client, bytes), readAll(server)]))
      expect(Buffer.compare(got, bytes)).toBe(0)
      rates[congestion] = bytes.length / (pair.clock.now() - begin)
      await pair.settle(Promise.all([client.close(), server.close()]))
      await pair.end()
    }
    expect(rates['bbr']).toBeGreaterThan(0.75 * 1250)
    expect(rates['cubic']).toBeLessThan(rates['bbr']!)
  })

  it('paces: segments of one window do not leave together', async () => {
    const t = new Script({ congestion: 'bbr' })
    const flow = await t.accept()
    await flow.write(new Uint8Array(200_000))
    await t.settle()
    expect(t.take()).toHaveLength(10)
    await t.advance(100)
    await t.arrives({ seq: 1, ack: 14_601 })
    expect(flow.info().paceBytesPerSecond).toBeGreaterThan(100_000)
    const first = t.take().length
    expect(first).toBeLessThan(10)
    await t.advance(50)
    expect(t.take().length).toBeGreaterThan(5)
    await t.end()
  })
})

describe('the rate of delivery', () => {
  it('is what arrives in a round trip, by the longer of sending and acknowledging', () => {
    const rate = new DeliveryRate()
    const ack = { ...createAckSample(), minRttMs: 10 }
    for (let i = 0; i < 10; i++) rate.noteSent(1000 * (i + 1), i === 0, i)
    Object.assign(ack, { delivered: 5000, una: 5000, now: 50 })
    rate.sample(ack)
    expect(ack).toMatchObject({ rate: 100, appLimited: false })
    Object.assign(ack, { delivered: 5000, una: 10_000, now: 51 })
    rate.sample(ack)
    expect(ack.rate).toBeCloseTo(10_000 / 51)
  })

  it('says where the application was the limit', () => {
    const rate = new DeliveryRate()
    const ack = createAckSample()
    rate.noteAppLimited(0)
    rate.noteSent(1000, true, 0)
    Object.assign(ack, { delivered: 1000, una: 1000, now: 10, minRttMs: 1 })
    rate.sample(ack)
    expect(ack).toMatchObject({ rate: 100, appLimited: true })
    rate.noteSent(2000, true, 20)
    Object.assign(ack, { delivered: 1000, una: 2000, now: 30 })
    rate.sample(ack)
    expect(ack.appLimited).toBe(false)
  })

  it('the filter forgets after its rounds', () => {
    const filter = new MaxFilter(10)
    filter.add(100, 1)
    for (let round = 2; round <= 11; round++) filter.add(50 + round, round)
    expect(filter.value).toBe(100)
    filter.add(40, 12)
    expect(filter.value).toBe(61)
    filter.add(40, 40)
    expect(filter.value).toBe(40)
  })
})
