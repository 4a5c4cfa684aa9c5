import { readAll } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import { type Congestion, createAckSample } from '../src/core/congestion/congestion.ts'
import { Cubic } from '../src/core/congestion/cubic.ts'
import { NewReno } from '../src/core/congestion/newreno.ts'
import { Pair, type PairOptions, pattern, sendAll } from './support/pair.ts'

const MSS = 1000

/** Acknowledges `acked` bytes while the window is the limit. */
function ack(c: Congestion, acked: number, now: number, rttMs: number): void {
  c.onAck({ ...createAckSample(), acked, delivered: acked, mss: MSS, now, srttMs: rttMs, limited: true })
}

/** Acknowledges a window per round trip for `rounds`, from `now` on; returns the window after each. */
function grow(c: Cubic | NewReno, rounds: number, now: number, rttMs: number): number[] {
  return Array.from({ length: rounds }, (_, i) => {
    const end = now + i * rttMs
    for (let left = c.cwnd; left > 0; left -= 2 * MSS) ack(c, Math.min(left, 2 * MSS), end, rttMs)
    return c.cwnd
  })
}

describe('NewReno', () => {
  it('doubles per round trip in slow start, then adds one segment', () => {
    const c = new NewReno(10)
    c.onEstablished(MSS, false)
    expect(grow(c, 3, 0, 100)).toEqual([20_000, 40_000, 80_000])
    c.onLoss(80_000, MSS, 0, false)
    expect([c.cwnd, c.ssthresh]).toEqual([40_000, 40_000])
    expect(grow(c, 3, 300, 100)).toEqual([41_000, 42_000, 43_000])
  })

  it('never falls below what the RFC allows', () => {
    const c = new NewReno(10)
    c.onEstablished(MSS, true)
    expect(c.cwnd).toBe(MSS)
    c.onLoss(MSS, MSS, 0, false)
    expect(c.cwnd).toBe(2 * MSS)
    c.onTimeout(MSS, MSS, 0, false)
    expect([c.cwnd, c.ssthresh]).toEqual([MSS, 2 * MSS])
  })
})

describe('CUBIC (RFC 9438)', () => {
  it('§4.6: falls to seven tenths', () => {
    const c = new Cubic(10)
    c.onEstablished(MSS, false)
    c.cwnd = 100_000
    c.onLoss(100_000, MSS, 0, false)
    expect([c.cwnd, c.ssthresh]).toEqual([70_000, 70_000])
  })

  it('§4.2: is back at the old window after K seconds, and on a plateau there', () => {
    const c = new Cubic(10)
    c.onEstablished(MSS, false)
    c.cwnd = 1_000_000
    c.onLoss(1_000_000, MSS, 0, false)
    // K = cbrt(300 / 0.4) = 9.09 s
    const windows = grow(c, 120, 0, 100)
    expect(windows[88]! / 1_000_000).toBeCloseTo(1, 2)
    expect(windows[45]! - windows[40]!).toBeLessThan(windows[5]! - windows[0]!)
    expect(windows[92]! - windows[86]!).toBeLessThan(3 * MSS)
    expect(windows[119]!).toBeGreaterThan(1_005_000)
  })

  it('§4.3: on a short way is no slower than Reno', () => {
    const c = new Cubic(10)
    c.onEstablished(MSS, false)
    c.cwnd = 20_000
    c.onLoss(20_000, MSS, 0, false)
    const windows = grow(c, 100, 0, 1)
    expect(windows[99]!).toBeGreaterThan(14_000 + 0.5 * 100 * MSS)
  })

  it('§4.7: makes room where the window had not reached the old one again', () => {
    const c = new Cubic(10)
    c.onEstablished(MSS, false)
    c.cwnd = 1_000_000
    c.onLoss(1_000_000, MSS, 0, false)
    c.onLoss(700_000, MSS, 0, false)
    const windows = grow(c, 200, 0, 100)
    // The plateau is at 700000 * 1.7 / 2.
    const slowest = windows.findIndex((w, i) => i > 20 && windows[i + 1]! - w < 300)
    expect(windows[slowest]! / 595_000).toBeCloseTo(1, 1)
  })

  it('takes a needless reduction back', () => {
    const c = new Cubic(10)
    c.onEstablished(MSS, false)
    c.cwnd = 50_000
    c.onTimeout(50_000, MSS, 0, false)
    c.onUndo()
    expect([c.cwnd, c.ssthresh]).toEqual([50_000, 0x7fffffff])
    c.onUndo()
    expect(c.cwnd).toBe(50_000)
  })

  it('does not grow for time in which it was not the limit', () => {
    const c = new Cubic(10)
    c.onEstablished(MSS, false)
    c.cwnd = 1_000_000
    c.onLoss(1_000_000, MSS, 0, false)
    const before = grow(c, 10, 0, 100)[9]!
    const after = grow(c, 1, 60_000, 100)[0]!
    expect(after).toBeLessThan(before * 1.05)
  })
})

describe('rates', () => {
  /** Mbit/s of 4 MB over a way. */
  async function rate(options: PairOptions): Promise<number> {
    const pair = new Pair(options)
    const { client, server } = await pair.connect()
    const bytes = pattern(4_000_000)
    const began = pair.clock.now()
    await pair.settle(Promise.all([sendAll(client, bytes), readAll(server)]))
    const mbits = (bytes.length * 8) / (pair.clock.now() - began) / 1000
    await pair.settle(Promise.all([client.close(), server.close()]))
    await pair.end()
    return mbits
  }

  it.each([
    ['10 Mbit/s, 40 ms, queue of one round trip', { link: { latencyMs: 20, rate: 1250, queueBytes: 50_000 } }, 9],
    ['10 Mbit/s, 40 ms, queue of ten packets', { link: { latencyMs: 20, rate: 1250, queueBytes: 15_000 } }, 6],
    ['nothing lost, 100 ms: buffers grow', { link: { latencyMs: 50 } }, 20],
    ['one in a thousand lost, 20 ms', { link: { latencyMs: 10, loss: 0.001 } }, 8],
    ['one in a hundred lost, 20 ms', { link: { latencyMs: 10, loss: 0.01 } }, 3],
    ['reordering by a third of the round trip', { link: { latencyMs: 10, jitterMs: 3 } }, 40],
  ] as [string, PairOptions, number][])('%s', async (_, options, least) => {
    for (const congestion of ['cubic', 'newreno'] as const)
      expect(await rate({ ...options, a: { congestion } })).toBeGreaterThan(
        congestion === 'cubic' ? least : least * 0.6,
      )
  })

  it('the receive buffer grows only for a reader that keeps pace', async () => {
    const pair = new Pair({ link: { latencyMs: 20 } })
    const { client, server } = await pair.connect()
    void client.write(pattern(8_000_000)).catch(() => {})
    await pair.clock.run(() => false, pair.clock.now() + 1000)
    expect(server.info().unreadBytes).toBeGreaterThan(255 * 1024)
    expect(server.info().unreadBytes).toBeLessThanOrEqual(256 * 1024)
    for (let got = 0; got < 4_000_000; ) got += (await pair.settle(server.read()))!.length
    await pair.clock.run(() => false, pair.clock.now() + 1000)
    expect(server.info().unreadBytes).toBeGreaterThan(512 * 1024)
    client.abort()
    server.abort()
    await pair.end()
  })
})
