import { type Ipv4, ipv4, type Mac } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import {
  bareScript,
  OTHER,
  OTHER_MAC,
  OWN,
  OWN_MAC,
  PEER,
  PEER_MAC,
  reply,
  request,
  type Script,
  script,
} from './support/script.ts'

const ASK_PEER = 'to all: who-has 10.0.0.2 tell 10.0.0.1'
const POLL_PEER = 'to 02:00:00:00:00:02: who-has 10.0.0.2 tell 10.0.0.1'
const PEER_ANSWER = '10.0.0.2 is-at 02:00:00:00:00:02'
const LIFETIME = 1_200_000

/** A core that has asked for PEER and been answered. */
function acquainted(options = {}): Script {
  const s = script(options)
  s.core.query(s.now, PEER)
  s.arrives(reply(PEER_MAC, PEER))
  expect(s.outputs()).toEqual([ASK_PEER, PEER_ANSWER])
  return s
}

describe('a query (RFC 826, RFC 1122 §2.3.2.1)', () => {
  it('is broadcast and ends with the reply', () => {
    const s = script()
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual([ASK_PEER])
    expect(s.core.lookup(PEER)).toBeUndefined()
    expect(s.arrives(reply(PEER_MAC, PEER))).toBeUndefined()
    expect(s.outputs()).toEqual([PEER_ANSWER])
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
  })

  it('is one query for all who ask', () => {
    const s = script()
    for (let i = 0; i < 10; i++) s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual([ASK_PEER])
  })

  it('is repeated each second and fails after five requests', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.outputs()
    expect(s.passes(60_000)).toEqual([
      `1000: ${ASK_PEER}`,
      `2000: ${ASK_PEER}`,
      `3000: ${ASK_PEER}`,
      `4000: ${ASK_PEER}`,
      '5000: 10.0.0.2 failed',
    ])
    expect(s.core.entries().size).toBe(0)
    expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('is answered by a reply to a repetition', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.passes(3500)
    s.arrives(reply(PEER_MAC, PEER))
    expect(s.outputs()).toContain(PEER_ANSWER)
    expect(s.passes(10_000)).toEqual([])
  })

  it('fails at once, without a request, for a second after it has failed', () => {
    const s = script({ tries: 1 })
    s.core.query(s.now, PEER)
    s.passes(1000)
    for (let i = 0; i < 100; i++) s.core.query(s.now, PEER)
    expect(new Set(s.outputs())).toEqual(new Set(['10.0.0.2 failed']))
    s.passes(999)
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual(['10.0.0.2 failed'])
    s.passes(1)
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual([ASK_PEER])
  })

  it('needs no timer for the end of that second', () => {
    const s = script({ tries: 1 })
    s.core.query(s.now, PEER)
    s.passes(1000)
    s.now += 1000
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual([ASK_PEER])
  })

  it('is answered late by somebody who had been given up', () => {
    const s = script({ tries: 1 })
    s.core.query(s.now, PEER)
    s.passes(1500)
    expect(s.arrives(request(PEER_MAC, PEER, PEER))).toBeUndefined()
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
  })

  it('for a known address is answered from the cache', () => {
    const s = acquainted()
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual([PEER_ANSWER])
  })

  it.each(['0.0.0.0', '255.255.255.255', '224.0.0.1'])('for %s fails, since nobody has that address', (text) => {
    const s = script()
    s.core.query(s.now, ipv4(text))
    expect(s.outputs()).toEqual([`${text} failed`])
    expect(s.core.entries().size).toBe(0)
  })

  it('without an address to ask with fails', () => {
    const s = bareScript()
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual(['10.0.0.2 failed'])
  })

  it('is asked with the address on the same subnet', () => {
    const s = script()
    s.core.addAddress(s.now, ipv4('192.168.7.1'))
    s.outputs()
    s.core.query(s.now, ipv4('192.168.7.200'))
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual(['to all: who-has 192.168.7.200 tell 192.168.7.1', ASK_PEER])
  })

  it('ends when the last address goes, and goes on with another while there is one', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.outputs()
    s.core.setAddresses(s.now, [ipv4('10.0.0.9')])
    s.outputs()
    expect(s.passes(1000)).toEqual(['1000: to all: who-has 10.0.0.2 tell 10.0.0.9'])
    s.core.setAddresses(s.now, [])
    expect(s.outputs()).toEqual(['10.0.0.2 failed'])
  })

  it('ends with our own address when its target becomes ours', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.core.addAddress(s.now, PEER)
    expect(s.outputs()).toContain('10.0.0.2 is-at 02:00:00:00:00:01')
    expect(s.core.lookup(PEER)).toBe(OWN_MAC)
    expect(s.passes(1500)).toEqual([])
  })
})

describe('an entry (RFC 1122 §2.3.2.1)', () => {
  it('that nobody uses ends in silence, before its lifetime is over', () => {
    const s = acquainted()
    expect(s.passes(LIFETIME - 3001)).toEqual([])
    expect(s.entry(PEER)).toBe('reachable 02:00:00:00:00:02')
    expect(s.passes(1)).toEqual([])
    expect(s.entry(PEER)).toBeUndefined()
  })

  it('in use is confirmed by unicast, and stays usable meanwhile', () => {
    const s = acquainted()
    s.core.lookup(PEER)
    expect(s.passes(LIFETIME - 3000)).toEqual([`${LIFETIME - 3000}: ${POLL_PEER}`])
    expect(s.entry(PEER)).toBe('refreshing 02:00:00:00:00:02')
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
    s.arrives(reply(PEER_MAC, PEER))
    expect(s.outputs()).toEqual([])
    expect(s.entry(PEER)).toBe('reachable 02:00:00:00:00:02')
    s.core.lookup(PEER)
    expect(s.passes(LIFETIME)).toHaveLength(3)
  })

  it('is given up when three polls are not answered', () => {
    const s = acquainted()
    s.core.lookup(PEER)
    const t = LIFETIME - 3000
    expect(s.passes(LIFETIME)).toEqual([t, t + 1000, t + 2000].map((at) => `${at}: ${POLL_PEER}`))
    expect(s.core.lookup(PEER)).toBeUndefined()
  })

  it('is refreshed by whatever its neighbour sends', () => {
    const s = acquainted()
    s.passes(LIFETIME / 2)
    expect(s.arrives(request(PEER_MAC, PEER, OTHER))).toBeUndefined()
    s.passes(LIFETIME / 2 + 1000)
    expect(s.entry(PEER)).toBe('reachable 02:00:00:00:00:02')
  })

  it('follows its neighbour to another hardware address, and says so', () => {
    const s = acquainted()
    s.arrives(request(OTHER_MAC, PEER, PEER))
    expect(s.outputs()).toEqual(['10.0.0.2 moved from 02:00:00:00:00:02 to 02:00:00:00:00:03'])
    expect(s.core.lookup(PEER)).toBe(OTHER_MAC)
  })
})

describe('what nobody asked for', () => {
  it('makes no entry: a reply', () => {
    const s = script()
    expect(s.arrives(reply(PEER_MAC, PEER))).toBe('unsolicited')
    expect(s.core.entries().size).toBe(0)
  })

  it('makes no entry: an announcement, a request to somebody else, a probe', () => {
    const s = script()
    expect(s.arrives(request(PEER_MAC, PEER, PEER))).toBe('not-for-us')
    expect(s.arrives(request(PEER_MAC, PEER, OTHER))).toBe('not-for-us')
    expect(s.arrives(request(PEER_MAC, 0 as Ipv4, PEER))).toBe('not-for-us')
    expect(s.core.entries().size).toBe(0)
    expect(s.outputs()).toEqual([])
  })

  it('is our own echo', () => {
    const s = script()
    expect(s.arrives(request(OWN_MAC, PEER, OWN))).toBe('own-echo')
    expect(s.outputs()).toEqual([])
  })
})

describe('a request to us (RFC 826)', () => {
  it('is answered to the sender alone, who becomes a neighbour', () => {
    const s = script()
    expect(s.arrives(request(PEER_MAC, PEER, OWN))).toBeUndefined()
    expect(s.outputs()).toEqual(['to 02:00:00:00:00:02: 10.0.0.2 hear that 10.0.0.1 is-at 02:00:00:00:00:01'])
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
  })

  it('is answered for each address that we have, and for none that we had', () => {
    const s = script()
    s.core.addAddress(s.now, OTHER)
    s.outputs()
    s.arrives(request(PEER_MAC, PEER, OTHER))
    expect(s.outputs()).toHaveLength(1)
    s.core.removeAddress(OTHER)
    s.arrives(request(PEER_MAC, PEER, OTHER))
    expect(s.outputs()).toEqual([])
  })

  it('is answered also when it is a probe, of which nothing is learnt', () => {
    const s = script()
    expect(s.arrives(request(PEER_MAC, 0 as Ipv4, OWN))).toBeUndefined()
    expect(s.outputs()).toEqual(['to 02:00:00:00:00:02: 0.0.0.0 hear that 10.0.0.1 is-at 02:00:00:00:00:01'])
    expect(s.core.entries().size).toBe(0)
  })

  it('ends a query for its sender', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.outputs()
    s.arrives(request(PEER_MAC, PEER, OWN))
    expect(s.outputs()).toContain(PEER_ANSWER)
  })

  it('is answered to everybody where our address is link-local (RFC 3927 §2.5)', () => {
    const s = bareScript()
    s.core.addAddress(s.now, ipv4('169.254.1.1'))
    s.outputs()
    s.arrives(request(PEER_MAC, ipv4('169.254.2.2'), ipv4('169.254.1.1')))
    expect(s.outputs()).toEqual(['to all: 169.254.2.2 hear that 169.254.1.1 is-at 02:00:00:00:00:01'])
  })

  it('displaces nobody: a full cache answers and learns nothing', () => {
    const s = script({ cacheSize: 2 })
    s.core.query(s.now, OTHER)
    s.core.query(s.now, ipv4('10.0.0.4'))
    s.outputs()
    expect(s.arrives(request(PEER_MAC, PEER, OWN))).toBe('cache-full')
    expect(s.outputs()).toHaveLength(1)
    expect(s.entry(PEER)).toBeUndefined()
    expect(s.entry(OTHER)).toBe('incomplete')
  })
})

describe('a full cache', () => {
  const host = (n: number): Ipv4 => (OWN + 100 + n) as Ipv4

  function filled(): Script {
    const s = script({ cacheSize: 3 })
    for (let n = 0; n < 3; n++) {
      s.core.query(s.now, host(n))
      s.arrives(reply((PEER_MAC + 100 + n) as Mac, host(n)))
    }
    s.outputs()
    return s
  }

  it('gives up who has not been used', () => {
    const s = filled()
    s.core.lookup(host(0))
    s.core.lookup(host(2))
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual(['10.0.0.102 evicted', ASK_PEER])
    expect(s.core.lookup(host(0))).toBeDefined()
  })

  it('gives up the oldest where all have been used', () => {
    const s = filled()
    for (let n = 0; n < 3; n++) s.core.lookup(host(n))
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual(['10.0.0.101 evicted', ASK_PEER])
  })

  it('ends the query that it gives up', () => {
    const s = script({ cacheSize: 1 })
    s.core.query(s.now, OTHER)
    s.core.query(s.now, PEER)
    expect(s.outputs().slice(1)).toEqual(['10.0.0.3 evicted', '10.0.0.3 failed', ASK_PEER])
  })

  it('never exceeds its size, whatever is asked', () => {
    const s = script({ cacheSize: 16 })
    for (let n = 0; n < 5000; n++) {
      s.core.query(s.now, host(n))
      if (n % 3 === 0) s.arrives(reply(PEER_MAC, host(n)))
      if (n % 5 === 0) s.core.lookup(host(n >> 1))
      if (n % 7 === 0) s.passes(137)
      s.arrives(request(OTHER_MAC, host(10_000 + n), OWN))
      expect(s.core.entries().size).toBeLessThanOrEqual(16)
    }
    s.passes(30_000)
    s.outputs()
    for (const { state } of s.core.entries().values()) expect(state.kind).toBe('reachable')
  })

  it('keeps static entries, and fails where it has no others', () => {
    const s = script({ cacheSize: 2 })
    expect(s.core.setStatic(OTHER, OTHER_MAC)).toBe(true)
    s.core.query(s.now, PEER)
    s.outputs()
    expect(s.core.setStatic(host(1), OTHER_MAC)).toBe(true)
    expect(s.outputs()).toEqual(['10.0.0.2 evicted', '10.0.0.2 failed'])
    s.core.query(s.now, PEER)
    expect(s.outputs()).toEqual(['10.0.0.2 failed'])
    expect(s.core.setStatic(host(2), OTHER_MAC)).toBe(false)
    expect(s.core.setStatic(host(1), PEER_MAC)).toBe(true)
  })
})

describe('a static entry', () => {
  it('does not age and is not overwritten', () => {
    const s = script()
    s.core.setStatic(PEER, PEER_MAC)
    expect(s.passes(10 * LIFETIME)).toEqual([])
    expect(s.arrives(reply(OTHER_MAC, PEER))).toBe('static-entry')
    expect(s.arrives(reply(PEER_MAC, PEER))).toBeUndefined()
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
  })

  it('ends a query', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.outputs()
    s.core.setStatic(PEER, PEER_MAC)
    expect(s.outputs()).toEqual([PEER_ANSWER])
    expect(s.passes(10_000)).toEqual([])
  })

  it('goes when it is released, and only then', () => {
    const s = script()
    s.core.setStatic(PEER, PEER_MAC)
    s.core.flush(undefined)
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
    s.core.setStatic(PEER, undefined)
    expect(s.core.lookup(PEER)).toBeUndefined()
  })

  it('is all that releasing removes', () => {
    const s = acquainted()
    s.core.setStatic(PEER, undefined)
    expect(s.core.lookup(PEER)).toBe(PEER_MAC)
  })
})

describe('forgetting', () => {
  it('removes one entry', () => {
    const s = acquainted()
    s.core.flush(PEER)
    expect(s.core.lookup(PEER)).toBeUndefined()
    s.core.flush(PEER)
    expect(s.outputs()).toEqual([])
  })

  it('ends queries', () => {
    const s = script()
    s.core.query(s.now, PEER)
    s.core.query(s.now, OTHER)
    s.outputs()
    s.core.flush(undefined)
    expect(s.outputs()).toEqual(['10.0.0.2 failed', '10.0.0.3 failed'])
    expect(s.passes(60_000)).toEqual([])
  })

  it('is what closing does to queries', () => {
    const s = script()
    s.core.setStatic(OTHER, OTHER_MAC)
    s.core.query(s.now, PEER)
    s.outputs()
    s.core.close()
    expect(s.outputs()).toEqual(['10.0.0.2 failed'])
    expect(s.core.entries().size).toBe(0)
    expect(s.core.addresses()).toEqual([])
    expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })
})
