import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bareScript,
  OTHER,
  OTHER_MAC,
  OWN,
  OWN_MAC,
  PEER,
  PEER_MAC,
  probe,
  reply,
  request,
  type Script,
  script,
} from './support/script.ts'

const PROBE = 'to all: who-has 10.0.0.2 tell 0.0.0.0'

/** Runs the probe for PEER to its end; the times of its packets and of its result, from its beginning. */
function times(s: Script): number[] {
  const start = s.now
  s.core.startProbe(s.now, PEER)
  return s.passes(100_000 - (s.now - start)).map((line) => Number.parseInt(line, 10))
}

describe('probing (RFC 5227 §2.1)', () => {
  it('sends three probes and finds the address free two seconds after the last', () => {
    const s = bareScript()
    s.core.startProbe(s.now, PEER)
    expect(s.outputs()).toEqual([])
    const lines = s.passes(60_000).map((line) => line.replace(/^\d+: /, ''))
    expect(lines).toEqual([PROBE, PROBE, PROBE, '10.0.0.2 is free'])
    expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('waits and spaces at random, within the bounds of RFC 5227 §1.1', () => {
    const firsts = new Set<number>()
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [first, second, third, result] = times(bareScript({}, seed)) as [number, number, number, number]
        firsts.add(first)
        expect(first).toBeGreaterThanOrEqual(0)
        expect(first).toBeLessThanOrEqual(1000)
        for (const gap of [second - first, third - second]) {
          expect(gap).toBeGreaterThanOrEqual(1000)
          expect(gap).toBeLessThanOrEqual(2000)
        }
        expect(result - third).toBe(2000)
      }),
    )
    expect(firsts.size).toBeGreaterThan(50)
  })

  it.each([
    ['a reply', reply(OTHER_MAC, PEER)],
    ['a request of the owner', request(OTHER_MAC, PEER, OTHER)],
    ['an announcement', request(OTHER_MAC, PEER, PEER)],
    ['a probe of another', probe(OTHER_MAC, PEER)],
  ])('ends with the first sign of somebody else: %s', (_name, packet) => {
    for (const after of [0, 1500, 3999]) {
      const s = bareScript()
      s.core.startProbe(s.now, PEER)
      s.passes(after)
      s.arrives(packet)
      expect(s.outputs()).toEqual(['10.0.0.2 is used by 02:00:00:00:00:03'])
      expect(s.passes(60_000)).toEqual([])
    }
  })

  it('is not disturbed by its own echo, nor by what is about other addresses', () => {
    const s = script()
    s.core.startProbe(s.now, PEER)
    s.passes(1500)
    s.arrives(probe(OWN_MAC, PEER))
    s.arrives(probe(OTHER_MAC, OTHER))
    s.arrives(request(OTHER_MAC, OTHER, PEER))
    s.arrives(reply(OTHER_MAC, OTHER))
    expect(s.passes(60_000).at(-1)).toMatch(/10\.0\.0\.2 is free$/)
  })

  it('of an address in use here is contested by a claim, and not by a probe, which is answered', () => {
    const s = script()
    s.core.startProbe(s.now, OWN)
    s.arrives(probe(PEER_MAC, OWN))
    expect(s.outputs()).toEqual(['to 02:00:00:00:00:02: 0.0.0.0 hear that 10.0.0.1 is-at 02:00:00:00:00:01'])
    s.arrives(reply(PEER_MAC, OWN))
    expect(s.outputs()).toContain('10.0.0.1 is used by 02:00:00:00:00:02')
  })

  it('stops without a result when it is cancelled', () => {
    const s = bareScript()
    s.core.startProbe(s.now, PEER)
    s.passes(1500)
    s.core.cancelProbe(PEER)
    expect(s.passes(60_000)).toEqual([])
  })

  it('is one probe for all who ask', () => {
    const s = bareScript()
    s.core.startProbe(s.now, PEER)
    s.core.startProbe(s.now, PEER)
    expect(s.passes(60_000)).toHaveLength(4)
  })

  it('is limited to one a minute after ten conflicts, until an address is free', () => {
    const s = bareScript()
    for (let i = 0; i < 10; i++) {
      s.core.startProbe(s.now, PEER)
      s.arrives(reply(OTHER_MAC, PEER))
    }
    expect(s.outputs()).toHaveLength(10)
    const [first, , , result] = times(s) as [number, number, number, number]
    expect(first).toBeGreaterThanOrEqual(60_000)
    expect(first).toBeLessThanOrEqual(61_000)
    expect(result).toBeLessThan(68_000)
    expect(times(s)[0]).toBeLessThanOrEqual(1000)
  })

  it('counts conflicts over addresses in use as well', () => {
    const s = script()
    for (let i = 0; i < 9; i++) s.arrives(request(PEER_MAC, OWN, OWN))
    s.core.startProbe(s.now, PEER)
    s.arrives(reply(OTHER_MAC, PEER))
    s.outputs()
    s.core.startProbe(s.now, PEER)
    expect(s.passes(59_999)).toEqual([])
    expect(s.passes(1001)).toHaveLength(1)
  })
})
