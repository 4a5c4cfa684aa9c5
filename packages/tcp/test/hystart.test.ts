import { describe, expect, it } from 'vitest'
import { createAckSample } from '../src/core/congestion/congestion.ts'
import { Cubic } from '../src/core/congestion/cubic.ts'

const MSS = 1000

/** Acknowledges a window in segments, with these round trips; returns by how much the window has grown. */
function round(c: Cubic, una: { at: number }, rttMs: (i: number) => number): number {
  const before = c.cwnd
  const next = una.at + before
  for (let i = 0; una.at < next; i++) {
    una.at += MSS
    c.onAck({
      ...createAckSample(),
      acked: MSS,
      delivered: MSS,
      una: una.at,
      next: una.at + c.cwnd,
      mss: MSS,
      rttMs: rttMs(i),
      srttMs: 50,
      limited: true,
    })
  }
  return c.cwnd - before
}

function started(): Cubic {
  const c = new Cubic(10)
  c.onEstablished(MSS, false)
  return c
}

describe('HyStart++ (RFC 9406)', () => {
  it('§4.2: doubles while round trips stay as they are', () => {
    const c = started()
    const una = { at: 0 }
    for (const growth of [10, 20, 40, 80]) expect(round(c, una, () => 50)).toBe(growth * MSS)
  })

  it('§4.2: goes on by a fourth when they have grown by an eighth, for five rounds', () => {
    const c = started()
    const una = { at: 0 }
    round(c, una, () => 50)
    round(c, una, () => 50)
    // 50 + 50 / 8 = 56.25: noticed with the eighth sample of the round.
    const growth = round(c, una, () => 57)
    expect(growth).toBeLessThan(20 * MSS)
    expect(growth).toBeGreaterThan(10 * MSS)
    expect(c.ssthresh).toBe(0x7fffffff)
    for (let i = 0; i < 5 && c.ssthresh === 0x7fffffff; i++) {
      const cwnd = c.cwnd
      const more = round(c, una, () => 60)
      if (c.ssthresh === 0x7fffffff) expect(more / cwnd).toBeCloseTo(0.25, 1)
    }
    expect(c.ssthresh).toBeLessThan(0x7fffffff)
    expect(c.ssthresh).toBeGreaterThan(100 * MSS)
  })

  it('§4.2: and doubles again if they get shorter', () => {
    const c = started()
    const una = { at: 0 }
    round(c, una, () => 50)
    round(c, una, () => 50)
    round(c, una, () => 57)
    round(c, una, () => 50)
    const cwnd = c.cwnd
    expect(round(c, una, () => 50) / cwnd).toBeCloseTo(1, 1)
  })

  it('§4.2: fewer than eight samples say nothing', () => {
    const c = started()
    const una = { at: 0 }
    round(c, una, () => 50)
    expect(round(c, una, (i) => (i < 7 ? 90 : Number.NaN))).toBe(20 * MSS)
  })

  it('§4.2: the threshold lies between 4 and 16 ms', () => {
    for (const [base, less, more] of [
      [2, 5, 7],
      [400, 415, 417],
    ] as const) {
      for (const [rtt, doubles] of [
        [less, true],
        [more, false],
      ] as const) {
        const c = started()
        const una = { at: 0 }
        round(c, una, () => base)
        expect(round(c, una, () => rtt) === 20 * MSS, `${base} to ${rtt}`).toBe(doubles)
      }
    }
  })

  it('ends with the first loss', () => {
    const c = started()
    const una = { at: 0 }
    round(c, una, () => 50)
    c.onLoss(20 * MSS, MSS, 0, false)
    c.ssthresh = 40 * MSS
    expect(round(c, una, () => 90)).toBe(14 * MSS)
  })
})

describe('ABE (RFC 8511)', () => {
  it('§3: a mark reduces less than a loss', () => {
    const [marked, lost] = [started(), started()]
    marked.onLoss(100 * MSS, MSS, 0, true)
    lost.onLoss(100 * MSS, MSS, 0, false)
    expect([marked.cwnd, lost.cwnd]).toEqual([85 * MSS, 70 * MSS])
  })
})
