import { formatIpv6, ipv6, ipv6Prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { INFINITE_LIFETIME } from '../src/wire.ts'
import { type Harness, type HarnessOptions, harness, PEER_MAC } from './harness.ts'
import { na, pio, withRouter } from './packets.ts'

const DAY = 24 * 3600_000
const PREFIX = '2001:db8:1::/64'
/** 2 s, and three times one probe of a second: REGEN_ADVANCE. */
const ADVANCE = 5000

/** A host with its link-local address, and no waits but those of Duplicate Address Detection. */
function host(options: HarnessOptions = {}): Harness {
  const h = harness({ temporaryAddresses: true, maxStartDelayMs: 0, idgenDelayMs: 0, mld: false, ...options })
  h.advance(1000)
  return h
}

const advertised = (preferred: number, valid = preferred): Uint8Array =>
  withRouter({ prefixes: [pio(PREFIX, { preferredLifetime: preferred, validLifetime: valid })] })

const forEver = advertised(INFINITE_LIFETIME)

interface Temporary {
  readonly address: string
  readonly state: string
  readonly preferredUntil: number
  readonly validUntil: number
}

const temporaries = (h: Harness): Temporary[] =>
  h.layer
    .state()
    .addresses.filter((a) => a.origin === 'temporary')
    .map((a) => ({ ...a, address: formatIpv6(a.address) }))

const statesOf = (h: Harness): string[] => temporaries(h).map((a) => a.state)
const only = (h: Harness): Temporary => {
  const all = temporaries(h)
  expect(all).toHaveLength(1)
  return all[0]!
}

describe('temporary addresses, RFC 8981 §3.4', () => {
  it('are not made unless they are wanted', () => {
    const h = host({ temporaryAddresses: false })
    h.receive(forEver)
    h.advance(2000)
    expect(temporaries(h)).toEqual([])
    expect(h.layer.addresses()).toHaveLength(2)
  })

  it('stand beside the stable address, are tried first, and are preferred as sources', () => {
    const h = host()
    h.receive(forEver)
    expect(statesOf(h)).toEqual(['tentative'])
    h.advance(1000)
    const { address, state } = only(h)
    expect(state).toBe('preferred')
    expect(address).not.toContain('ff:fe')
    expect(h.layer.state().addresses.map((a) => a.origin)).toEqual(['link-local', 'autoconfigured', 'temporary'])
    expect(formatIpv6(h.layer.source(ipv6('2001:db8:2::1')) as never)).toBe(address)
  })

  it('differ from start to start, even where stable ones do not', () => {
    const secret = new Uint8Array(16).fill(3)
    const made = [1, 2, 3].map((seed) => {
      const h = host({ secret, interfaceIds: 'stable-opaque', seed })
      h.receive(forEver)
      return only(h).address
    })
    expect(new Set(made).size).toBe(3)
  })

  it('are made in the prefixes that are named, and no others, §3.7', () => {
    const h = host({ temporaryAddresses: [ipv6Prefix('2001:db8::/32')] })
    h.receive(withRouter({ prefixes: [pio(PREFIX), pio('fd12:3456:789a:1::/64')] }))
    expect(temporaries(h).map((a) => a.address.slice(0, 10))).toEqual(['2001:db8:1'])
  })

  it('last for a day less something random, and two days, however long the prefix does', () => {
    const lifetimes = [1, 2, 3, 4, 5].map((seed) => {
      const h = host({ seed })
      const start = h.runtime.clock.now()
      h.receive(forEver)
      const { preferredUntil, validUntil } = only(h)
      expect(validUntil - start).toBe(2 * DAY)
      return preferredUntil - start
    })
    for (const lifetime of lifetimes) expect(lifetime).toBeLessThanOrEqual(DAY)
    for (const lifetime of lifetimes) expect(lifetime).toBeGreaterThan(0.6 * DAY)
    expect(new Set(lifetimes).size).toBe(5)
  })

  it('last no longer than the prefix does', () => {
    const h = host()
    const start = h.runtime.clock.now()
    h.receive(advertised(100, 200))
    expect(only(h)).toMatchObject({ preferredUntil: start + 100_000, validUntil: start + 200_000 })
  })

  it('are renewed by advertisements, but not beyond their own limits', () => {
    const h = host()
    h.receive(advertised(100, 20_000))
    h.advance(50_000)
    const now = h.runtime.clock.now()
    h.receive(advertised(100, 20_000))
    expect(only(h)).toMatchObject({ preferredUntil: now + 100_000, validUntil: now + 20_000_000 })
    h.receive(forEver)
    const { preferredUntil, validUntil } = only(h)
    expect(preferredUntil).toBeLessThan(DAY)
    expect(validUntil).toBe(1000 + 2 * DAY)
  })

  it('are not made of a prefix that will soon be deprecated', () => {
    const h = host()
    h.receive(advertised(ADVANCE / 1000, 7200))
    expect(temporaries(h)).toEqual([])
    h.receive(advertised(ADVANCE / 1000 + 1, 7200))
    expect(temporaries(h)).toHaveLength(1)
  })

  it('are made anew where one is taken, three times, and then no more', () => {
    const h = host()
    h.receive(forEver)
    const tried = new Set<string>()
    for (let i = 0; i < 4; i++) {
      h.advance(10)
      const { address, state } = only(h)
      expect(state).toBe('tentative')
      tried.add(address)
      h.receive(na({ src: 'fe80::b', dst: 'ff02::1' }, address, {}, PEER_MAC))
    }
    expect(tried.size).toBe(4)
    expect(statesOf(h)).toEqual(['duplicate'])
    h.receive(forEver)
    h.advance(DAY)
    expect(statesOf(h)).toEqual(['duplicate'])
  })
})

describe('regeneration of temporary addresses, RFC 8981 §3.5', () => {
  it('makes a successor in time, and lets the predecessor be deprecated, then go', () => {
    const h = host()
    h.receive(forEver)
    h.advance(1000)
    const first = only(h)
    h.advance(first.preferredUntil - ADVANCE - h.runtime.clock.now() - 1)
    expect(statesOf(h)).toEqual(['preferred'])
    h.advance(1)
    expect(statesOf(h)).toEqual(['preferred', 'tentative'])
    h.advance(1000)
    expect(statesOf(h)).toEqual(['preferred', 'preferred'])
    h.advance(ADVANCE - 1000)
    expect(statesOf(h)).toEqual(['deprecated', 'preferred'])
    expect(formatIpv6(h.layer.source(ipv6('2001:db8:1::1')) as never)).toBe(temporaries(h)[1]!.address)
    h.advance(first.validUntil - h.runtime.clock.now())
    expect(temporaries(h).map((a) => a.address)).not.toContain(first.address)
  })

  it('goes on for ever, with three at a time at most', () => {
    const h = host()
    h.receive(forEver)
    const seen = new Set<string>()
    for (let hour = 0; hour < 24 * 30; hour++) {
      h.advance(3600_000)
      const all = temporaries(h)
      expect(all.length).toBeLessThanOrEqual(4)
      expect(all.some((a) => a.state === 'preferred')).toBe(true)
      for (const { address } of all) seen.add(address)
    }
    expect(seen.size).toBeGreaterThan(29)
  })

  it('ends with the prefix', () => {
    const h = host()
    h.receive(forEver)
    h.advance(1000)
    h.receive(advertised(0, 7200))
    expect(statesOf(h)).toEqual(['deprecated'])
    h.advance(7200_000)
    expect(temporaries(h)).toEqual([])
    h.advance(DAY)
    expect(temporaries(h)).toEqual([])
  })

  it('begins again when the prefix is preferred again', () => {
    const h = host()
    h.receive(forEver)
    h.receive(advertised(0, 7200))
    h.advance(1000)
    h.receive(forEver)
    expect(statesOf(h).filter((state) => state === 'preferred')).toHaveLength(1)
  })

  it('leaves few of them, whatever lifetimes are asked for', () => {
    const h = host({ temporaryPreferredLifetimeMs: 60_000, temporaryValidLifetimeMs: 100 * DAY })
    h.receive(forEver)
    h.advance(DAY)
    expect(temporaries(h)).toHaveLength(8)
    expect(statesOf(h)).toContain('preferred')
  })

  it('refuses lifetimes that contradict each other', () => {
    expect(() => host({ temporaryPreferredLifetimeMs: DAY, temporaryValidLifetimeMs: DAY })).toThrow(RangeError)
    expect(() => host({ temporaryAddresses: [{ address: ipv6('fd00::'), length: 129 }] })).toThrow(RangeError)
  })
})
