import { ipv4 } from '@fata/addr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PathMtus } from '../../src/core/path-mtu.ts'

const DST = ipv4('192.0.2.1')
const LINK = 1500

function cache(limits: Partial<{ maxPathMtus: number; minPathMtu: number; pathMtuLifetimeMs: number }> = {}): PathMtus {
  return new PathMtus({ maxPathMtus: 8, minPathMtu: 552, pathMtuLifetimeMs: 600_000, ...limits })
}

describe('path MTUs (RFC 1191 §3)', () => {
  it('know nothing at first', () => {
    const p = cache()
    expect([p.limit(DST), p.mustFragment(DST), p.deadline()]).toEqual([
      Number.POSITIVE_INFINITY,
      false,
      Number.POSITIVE_INFINITY,
    ])
  })

  it('fall, and never rise by a message', () => {
    const p = cache()
    expect(p.tooBig(0, DST, 1400, 1500, 20, LINK)).toBe(true)
    expect(p.limit(DST)).toBe(1400)
    expect(p.tooBig(0, DST, 1450, 1500, 20, LINK)).toBe(false)
    expect(p.tooBig(0, DST, 1400, 1500, 20, LINK)).toBe(false)
    expect(p.tooBig(0, DST, 1000, 1400, 20, LINK)).toBe(true)
    expect(p.limit(DST)).toBe(1000)
    expect(p.limit(ipv4('192.0.2.2'))).toBe(Number.POSITIVE_INFINITY)
  })

  it.each([
    ['what would have passed', 1500, 1500],
    ['more than the packet had', 1400, 1000],
    ['less than any link takes', 67, 1500],
    ["more than our own link's", 1500, 9000],
  ])('do not believe %s', (_, mtu, length) => {
    const p = cache()
    expect(p.tooBig(0, DST, mtu, length, 20, LINK)).toBe(false)
    expect(p.size).toBe(0)
  })

  it('stop at the floor, and let packets be fragmented there', () => {
    const p = cache()
    expect(p.tooBig(0, DST, 296, 1500, 20, LINK)).toBe(true)
    expect([p.limit(DST), p.mustFragment(DST)]).toEqual([552, true])
    expect(p.tooBig(0, DST, 68, 552, 20, LINK)).toBe(false)
    const exact = cache()
    exact.tooBig(0, DST, 552, 1500, 20, LINK)
    expect([exact.limit(DST), exact.mustFragment(DST)]).toEqual([552, false])
    expect(exact.tooBig(0, DST, 500, 552, 20, LINK)).toBe(true)
    expect(exact.mustFragment(DST)).toBe(true)
    const low = cache({ minPathMtu: 68 })
    low.tooBig(0, DST, 296, 1500, 20, LINK)
    expect([low.limit(DST), low.mustFragment(DST)]).toEqual([296, false])
  })

  it('go down the plateaus where the router does not say (RFC 1191 §5)', () => {
    const p = cache({ minPathMtu: 68 })
    const seen: number[] = []
    for (let i = 0; i < 20; i++) {
      const length = Math.min(p.limit(DST), 65_535)
      if (!p.tooBig(i, DST, 0, length - 1, 20, 65_535)) break
      seen.push(p.limit(DST))
    }
    expect(seen).toEqual([32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68])
  })

  it('mind routers that count the header twice', () => {
    const p = cache()
    // A packet of 1500 bytes, said to have had 1520; without the correction the next plateau would be 1492, as it is.
    p.tooBig(0, DST, 0, 1520, 20, LINK)
    expect(p.limit(DST)).toBe(1492)
    // 1492 bytes, said to have had 1512.
    p.tooBig(0, DST, 0, 1512, 20, LINK)
    expect(p.limit(DST)).toBe(1006)
  })

  it('are forgotten ten minutes after they fell', () => {
    const p = cache()
    p.tooBig(1_000, DST, 1400, 1500, 20, LINK)
    p.tooBig(5_000, ipv4('192.0.2.2'), 1400, 1500, 20, LINK)
    p.tooBig(9_000, DST, 1300, 1400, 20, LINK)
    expect(p.deadline()).toBe(605_000)
    p.timeout(605_000)
    expect([p.limit(DST), p.limit(ipv4('192.0.2.2'))]).toEqual([1300, Number.POSITIVE_INFINITY])
    p.timeout(609_000)
    expect([p.size, p.deadline()]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('may be kept for ever', () => {
    const p = cache({ pathMtuLifetimeMs: Number.POSITIVE_INFINITY })
    p.tooBig(0, DST, 1400, 1500, 20, LINK)
    p.timeout(1e15)
    expect([p.limit(DST), p.deadline()]).toEqual([1400, Number.POSITIVE_INFINITY])
  })

  it('have a bound', () => {
    const p = cache()
    for (let i = 0; i < 20; i++) p.tooBig(i, ipv4(`192.0.2.${i}`), 1400, 1500, 20, LINK)
    expect(p.size).toBe(8)
    expect(p.limit(ipv4('192.0.2.11'))).toBe(Number.POSITIVE_INFINITY)
    expect(p.limit(ipv4('192.0.2.12'))).toBe(1400)
  })

  it('never exceed the link, never fall below the floor or rise, whatever is said', () => {
    const messages = fc.array(fc.tuple(fc.nat(2000), fc.nat(2000)), { maxLength: 30 })
    fc.assert(
      fc.property(messages, (list) => {
        const p = cache()
        let last = LINK
        for (const [mtu, length] of list) {
          p.tooBig(0, DST, mtu, length, 20, LINK)
          const limit = Math.min(p.limit(DST), LINK)
          expect(limit).toBeLessThanOrEqual(last)
          expect(limit).toBeGreaterThanOrEqual(552)
          last = limit
        }
      }),
    )
  })
})
