import { describe, expect, it } from 'vitest'
import { Script } from './support/script.ts'

const MSS = 1000

/** `n` segments in flight for a round trip of 100 ms, with SACK. */
async function flying(n: number) {
  const t = new Script({ sack: true, initialWindowSegments: n })
  const promise = t.connectStart()
  await t.advance(100)
  await t.arrives({ syn: true, seq: 0, ack: 1, mss: MSS, sackPermitted: true })
  const flow = await promise
  t.take()
  await flow.write(new Uint8Array(100 * MSS))
  await t.settle()
  expect(t.take()).toHaveLength(n)
  await t.advance(100)
  return { t, flow }
}

describe('proportional rate reduction (RFC 6937)', () => {
  it('§3.1: sends one segment for every two that arrive, until the window is halved', async () => {
    const { t, flow } = await flying(20)
    const sent: number[] = []
    for (let i = 1; i <= 19; i++) {
      await t.arrives({ seq: 1, ack: 1, sack: [[1 + MSS, 1 + MSS * (i + 1)]] })
      sent.push(...t.take().map((s) => (s.seq - 1) / MSS))
    }
    // The first two let new segments go (RFC 3042); the third shows the loss of segment 0, which goes at once.
    expect(sent.slice(0, 3)).toEqual([20, 21, 0])
    expect(sent.length - 3).toBeGreaterThanOrEqual(7)
    expect(sent.length - 3).toBeLessThanOrEqual(9)
    expect(flow.info()).toMatchObject({ recovery: 'fast', ssthresh: 10 * MSS })
    expect(Math.abs(flow.info().inFlightBytes / MSS - 10)).toBeLessThan(1.5)
    await t.end()
  })

  it('§3.1: at the end the window is ssthresh', async () => {
    const { t, flow } = await flying(20)
    for (let i = 1; i <= 19; i++) await t.arrives({ seq: 1, ack: 1, sack: [[1 + MSS, 1 + MSS * (i + 1)]] })
    const highest = Math.max(...t.take().map((s) => s.seq + s.length))
    await t.arrives({ seq: 1, ack: highest })
    expect(flow.info()).toMatchObject({ recovery: 'none', cwnd: 10 * MSS, ssthresh: 10 * MSS })
    await t.end()
  })

  it('§3.1, SSRB: where losses have emptied the pipe, it grows again by what arrives and one segment', async () => {
    const { t, flow } = await flying(20)
    // Only the last three of twenty arrive.
    await t.arrives({ seq: 1, ack: 1, sack: [[1 + 17 * MSS, 1 + 20 * MSS]] })
    expect(flow.info()).toMatchObject({ lostSegments: 17, recovery: 'fast' })
    expect(t.take().length).toBe(3)
    await t.arrives({ seq: 1, ack: 1 + MSS, sack: [[1 + 17 * MSS, 1 + 20 * MSS]] })
    expect(t.take().length).toBe(2)
    expect(flow.info().inFlightBytes).toBeLessThanOrEqual(flow.info().ssthresh)
    await t.end()
  })
})

describe('congestion window validation (RFC 7661)', () => {
  it('§4.3: in slow start the window grows while half of it is used, and no further', async () => {
    const t = new Script({ initialWindowSegments: 10 })
    const flow = await t.accept({ mss: MSS })
    for (let at = 1; at < 40_000; at += 6 * MSS) {
      await flow.write(new Uint8Array(6 * MSS))
      await t.settle()
      await t.arrives({ seq: 1, ack: at + 6 * MSS })
    }
    expect(flow.info().cwnd).toBe(16 * MSS)
    await t.end()
  })

  it('§4.3: in congestion avoidance only where all of it is used', async () => {
    const t = new Script({ initialWindowSegments: 10 })
    const flow = await t.accept({ mss: MSS })
    await flow.write(new Uint8Array(10 * MSS))
    await t.settle()
    await t.advance(200)
    await t.arrives({ seq: 1, ack: 1 + 10 * MSS })
    const { cwnd, ssthresh } = flow.info()
    expect(cwnd).toBeGreaterThanOrEqual(ssthresh)
    for (let i = 1; i <= 40; i++) {
      await flow.write(new Uint8Array(2 * MSS))
      await t.settle()
      await t.arrives({ seq: 1, ack: 1 + (10 + 2 * i) * MSS })
    }
    expect(flow.info().cwnd).toBe(cwnd)
    await t.end()
  })

  it('RFC 5681 §4.1: after an idle time it begins anew, unless that is switched off', async () => {
    for (const [restartAfterIdle, segments] of [
      [true, 10],
      [false, 20],
    ] as const) {
      const t = new Script({ restartAfterIdle })
      const flow = await t.accept({ mss: MSS })
      await flow.write(new Uint8Array(10 * MSS))
      await t.settle()
      await t.arrives({ seq: 1, ack: 1 + 10 * MSS })
      await t.advance(10_000)
      t.take()
      await flow.write(new Uint8Array(50 * MSS))
      await t.settle()
      expect(t.take()).toHaveLength(segments)
      await t.end()
    }
  })
})
