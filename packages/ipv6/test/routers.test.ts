import { formatIpv6, formatPrefix, type Ipv6, ipv6, ipv6Prefix, mac } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { INFINITE_LIFETIME, type NdOptions, type RouteInformation } from '../src/wire.ts'
import {
  type Harness,
  type HarnessOptions,
  harness,
  line,
  listenTo,
  OWN_LINK_LOCAL,
  PEER_MAC,
  ROUTER_MAC,
  sendUdp,
} from './harness.ts'
import { na, nd, pio, ra, withRouter } from './packets.ts'

const HOUR = 3600_000
const OFF_LINK = 'fd99::1'

/** A host that listens to routers, with its link-local address at time 0 and SLAAC without waiting. */
function host(options: HarnessOptions = {}): Harness {
  const h = harness({
    dupAddrDetectTransmits: 0,
    maxStartDelayMs: 0,
    unsolicitedAdvertisements: 0,
    mld: false,
    interfaceIds: 'eui-64',
    ...options,
  })
  h.sent()
  h.events.splice(0)
  return h
}

const rio = (text: string, preference: RouteInformation['preference'], lifetime = 1800): RouteInformation => ({
  prefix: ipv6Prefix(text),
  preference,
  lifetime,
})

const addressesOf = (h: Harness): string[] =>
  h.layer
    .state()
    .addresses.filter((a) => a.origin === 'autoconfigured')
    .map((a) => `${formatIpv6(a.address)} ${a.state}`)

const routersOf = (h: Harness): string[] =>
  h.layer.state().routes.map((r) => `${formatPrefix(r.prefix)} ${formatIpv6(r.router)} ${r.preference}`)

/** The next hop of a packet to `dst`, or why it cannot be sent. */
function nextHop(h: Harness, dst: string): string {
  try {
    h.sent()
    sendUdp(h.layer, dst)
  } catch (error) {
    return (error as { code: string }).code
  }
  const [first] = h.sent()
  return first?.nd?.kind === 'neighbor-solicitation' ? `asks ${formatIpv6(first.nd.target)}` : line(first!).slice(0, 17)
}

/** A second router. */
function otherRouter(n: number, said: Partial<Parameters<typeof ra>[0]> = {}): Uint8Array {
  return ra(
    {
      routerLifetime: 1800,
      ...said,
      options: { sourceLinkLayer: (ROUTER_MAC + n) as typeof ROUTER_MAC, ...said.options },
    },
    { src: `fe80::${n + 1}` },
  )
}

describe('router solicitations, RFC 4861 §6.3.7, RFC 7559', () => {
  const times = (h: Harness): number[] =>
    h
      .sent()
      .filter((p) => p.nd?.kind === 'router-solicitation')
      .map((p) => p.at)

  it('go on with growing intervals until a router is found', () => {
    const h = harness({ dupAddrDetectTransmits: 0, mld: false })
    h.advance(20 * HOUR)
    const at = times(h)
    const gaps = at.slice(1).map((t, i) => t - at[i]!)
    expect(gaps[0]).toBeGreaterThan(3600)
    expect(gaps[0]).toBeLessThan(4400)
    for (const [i, gap] of gaps.slice(1).entries()) {
      if (gap < 3_200_000) expect(gap / gaps[i]!).toBeGreaterThanOrEqual(1.9)
      expect(gap).toBeLessThanOrEqual(3_960_000)
    }
    expect(gaps.at(-1)).toBeGreaterThan(3_240_000)
  })

  it('carry the own link-layer address', () => {
    const h = harness({ dupAddrDetectTransmits: 0, mld: false })
    const [first] = h.sent()
    expect(line(first!)).toBe(`33:33:00:00:00:02 ${OWN_LINK_LOCAL} > ff02::2: RS`)
    expect(first).toMatchObject({ hopLimit: 255, nd: { options: { sourceLinkLayer: mac('02:00:00:00:00:0a') } } })
  })

  it('end with a router', () => {
    const h = host()
    h.receive(withRouter())
    h.advance(HOUR)
    expect(times(h)).toEqual([])
  })

  it('do not end with a router that forwards nothing', () => {
    const h = host()
    h.receive(withRouter({}, 0))
    h.advance(5000)
    expect(times(h)).toHaveLength(1)
  })

  it('are not sent where advertisements are not wanted', () => {
    const h = harness({ dupAddrDetectTransmits: 0, mld: false, acceptRouterAdvertisements: false })
    h.advance(HOUR)
    expect(times(h)).toEqual([])
  })
})

describe('a router advertisement', () => {
  it('makes a default router, and its sender a neighbor that is to be verified', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64')] }))
    expect(routersOf(h)).toEqual(['::/0 fe80::1 medium'])
    expect(h.layer.state().neighbors).toEqual([
      { address: ipv6('fe80::1'), mac: ROUTER_MAC, state: 'stale', isRouter: true },
    ])
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
    expect(h.events.map((e) => e.kind)).toContain('routes')
  })

  it('without a link-layer address leaves the router to be asked for', () => {
    const h = host()
    h.receive(ra({ routerLifetime: 1800, options: { prefixes: [pio('2001:db8:1::/64')] } }))
    expect(nextHop(h, OFF_LINK)).toBe('asks fe80::1')
  })

  it('does not come from beyond the link', () => {
    const h = host()
    h.receive(ra({ routerLifetime: 1800 }, { hopLimit: 254 }))
    h.receive(ra({ routerLifetime: 1800 }, { src: 'fd00::1' }))
    expect(h.layer.stats.dropped).toEqual({ 'nd-bad-hop-limit': 1, 'nd-bad-source': 1 })
    expect(routersOf(h)).toEqual([])
  })

  it('is refused where it is not wanted', () => {
    const h = host({ acceptRouterAdvertisements: false })
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64')], mtu: 1400 }))
    expect(h.layer.stats.dropped).toEqual({ 'router-advertisement-refused': 1 })
    expect(h.layer.state()).toMatchObject({ routes: [], prefixes: [], neighbors: [], mtu: 1500 })
  })

  it('is taken whole or not at all where an option has length 0', () => {
    const h = host()
    const broken = brokenAdvertisement()
    h.receive(broken)
    expect(h.layer.stats.dropped).toEqual({ 'nd-option-length-zero': 1 })
    expect(h.layer.state()).toMatchObject({ routes: [], mtu: 1500 })
  })

  it('sets hop limit, reachable time and retransmission timer, but not to nothing', () => {
    const h = host()
    h.receive(ra({ curHopLimit: 33, reachableTime: 10_000, retransTimer: 250, routerLifetime: 1800 }))
    h.receive(ra({ routerLifetime: 1800 }))
    expect(h.layer.state().hopLimit).toBe(33)
    sendUdp(h.layer, 'fe80::b')
    h.advance(400)
    expect(h.sent().map((p) => p.at)).toEqual([0, 250])
  })

  it('sets no timer that would flood the link or stop the clock', () => {
    const h = host()
    h.receive(ra({ reachableTime: 3_600_001, retransTimer: 9 }))
    h.receive(ra({ retransTimer: 3_600_001 }))
    expect(h.layer.stats.ignored).toEqual({ 'bad-retrans-timer': 2, 'bad-reachable-time': 1 })
  })

  it('sets the MTU between 1280 and that of the link', () => {
    const h = host()
    for (const mtu of [1279, 1501, 0]) h.receive(withRouter({ mtu }))
    expect(h.layer.state().mtu).toBe(1500)
    h.receive(withRouter({ mtu: 1400, prefixes: [pio('2001:db8:1::/64')] }))
    expect(h.layer.state().mtu).toBe(1400)
    expect(h.layer.mtu(ipv6(OFF_LINK))).toBe(1360)
    expect(h.layer.stats.ignored).toEqual({ 'bad-mtu': 3 })
  })
})

/** A router advertisement whose second option has length 0. */
function brokenAdvertisement(): Uint8Array {
  const packet = withRouter({ mtu: 1400 })
  // The lifetime's low byte gives up what the length loses, so that the checksum stays right.
  const length = packet.indexOf(1, 40 + 16 + 8 + 1)
  packet[length] = 0
  packet[40 + 7]! += 1
  return packet
}

describe('lifetimes of routers, RFC 4861 §6.3.5', () => {
  it('end when they end', () => {
    const h = host()
    h.receive(withRouter({}, 60))
    h.advance(59_999)
    expect(routersOf(h)).toHaveLength(1)
    h.advance(1)
    expect(routersOf(h)).toEqual([])
    expect(nextHop(h, OFF_LINK)).toBe('ERR_IP_NO_ROUTE')
  })

  it('begin again with each advertisement', () => {
    const h = host()
    h.receive(withRouter({}, 60))
    h.advance(50_000)
    h.receive(withRouter({}, 60))
    h.advance(59_000)
    expect(routersOf(h)).toHaveLength(1)
  })

  it('end at once with a lifetime of 0', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64')] }))
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
    h.receive(withRouter({}, 0))
    expect(nextHop(h, OFF_LINK)).toBe('ERR_IP_NO_ROUTE')
  })

  it('do not touch a router that was configured', () => {
    const h = host({ gateway: ipv6('fe80::1'), addresses: [ipv6Prefix('fd00::a/64')] })
    h.receive(withRouter({}, 0))
    h.receive(withRouter({}, 10))
    h.advance(20_000)
    expect(routersOf(h)).toEqual(['::/0 fe80::1 high'])
  })

  it('are those of a year and more for a router that was configured', () => {
    const h = host({
      gateway: ipv6('fe80::1'),
      addresses: [ipv6Prefix('fd00::a/64')],
      acceptRouterAdvertisements: false,
    })
    h.runtime.clock.advance(400 * 24 * HOUR)
    expect(nextHop(h, OFF_LINK)).toBe('asks fe80::1')
  })
})

describe('prefixes on the link, RFC 4861 §6.3.4', () => {
  it('make destinations neighbors, for as long as they are valid', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64', { validLifetime: 100, preferredLifetime: 50 })] }))
    expect(nextHop(h, '2001:db8:1::77')).toBe('asks 2001:db8:1::77')
    h.advance(99_000)
    expect(nextHop(h, '2001:db8:1::78')).toBe('asks 2001:db8:1::78')
  })

  it('are not those without the on-link flag', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64', { onLink: false })] }))
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a preferred'])
    expect(nextHop(h, '2001:db8:1::77')).toBe('02:00:00:00:00:01')
  })

  it('stay on the link when the flag is missing later, and go with a lifetime of 0', () => {
    const h = host()
    const prefix = '2001:db8:1::/64'
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    h.receive(withRouter({ prefixes: [pio(prefix, { onLink: false })] }))
    expect(nextHop(h, '2001:db8:1::77')).toBe('asks 2001:db8:1::77')
    h.receive(withRouter({ prefixes: [pio(prefix, { validLifetime: 0, preferredLifetime: 0, autonomous: false })] }))
    expect(nextHop(h, '2001:db8:1::78')).toBe('02:00:00:00:00:01')
  })

  it('last for ever where they say so, until they say otherwise', () => {
    const h = host()
    const forEver = { validLifetime: INFINITE_LIFETIME, preferredLifetime: INFINITE_LIFETIME }
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64', forEver)] }, 9000))
    expect(h.layer.state().prefixes[0]!.until).toBe(Number.POSITIVE_INFINITY)
    expect(h.layer.state().addresses.at(-1)).toMatchObject({
      preferredUntil: Number.POSITIVE_INFINITY,
      validUntil: Number.POSITIVE_INFINITY,
    })
    h.runtime.clock.advance(10 * 365 * 24 * HOUR)
    expect(h.layer.state().prefixes).toHaveLength(1)
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a preferred'])
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64', { validLifetime: 60 })] }))
    h.advance(60_000)
    expect(h.layer.state().prefixes).toEqual([])
  })

  it('are not the link-local one, nor groups', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio('fe80::/64'), pio('ff02::/64'), pio('fe80::/10', { validLifetime: 0 })] }))
    expect(h.layer.state().prefixes).toEqual([])
    expect(addressesOf(h)).toEqual([])
  })

  it('are bounded', () => {
    const h = host({ maxPrefixes: 4, maxAutoconfigured: 2 })
    const prefixes = Array.from({ length: 30 }, (_, i) => pio(`2001:db8:${i + 1}::/64`))
    h.receive(withRouter({ prefixes }))
    expect(h.layer.state().prefixes).toHaveLength(4)
    expect(addressesOf(h)).toHaveLength(2)
    expect(h.layer.stats.ignored).toEqual({ 'too-many-prefixes': 26, 'too-many-addresses': 28 })
  })
})

describe('autoconfigured addresses, RFC 4862 §5.5.3', () => {
  const prefix = '2001:db8:1::/64'

  it('are tried first', () => {
    const h = host({ dupAddrDetectTransmits: 1 })
    h.advance(1000)
    h.sent()
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a tentative'])
    h.advance(0)
    expect(h.lines()).toEqual(['33:33:ff:00:00:0a :: > ff02::1:ff00:a: NS 2001:db8:1::ff:fe00:a nonce'])
    h.advance(1000)
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a preferred'])
  })

  it('wait at random where everybody heard the advertisement', () => {
    const h = host({ dupAddrDetectTransmits: 1, maxStartDelayMs: 1000 })
    h.advance(3000)
    h.sent()
    const start = h.runtime.clock.now()
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    h.advance(1000)
    const [probe] = h.sent()
    expect(probe!.at).toBeGreaterThan(start)
  })

  it('are deprecated, then removed, as their lifetimes end', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio(prefix, { validLifetime: 200, preferredLifetime: 100 })] }))
    h.advance(99_999)
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a preferred'])
    h.advance(1)
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a deprecated'])
    expect(h.layer.addresses()).toHaveLength(2)
    h.advance(99_999)
    expect(addressesOf(h)).toHaveLength(1)
    h.advance(1)
    expect(addressesOf(h)).toEqual([])
    const changes = h.events.filter((e) => e.kind === 'address').map((e) => e.change)
    expect(changes).toEqual(['tentative', 'preferred', 'deprecated', 'removed'])
  })

  it('become preferred again', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio(prefix, { preferredLifetime: 0 })] }))
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a deprecated'])
    h.receive(withRouter({ prefixes: [pio(prefix, { preferredLifetime: 10 })] }))
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a preferred'])
  })

  it('are not made where the option says no, or makes no sense', () => {
    const h = host()
    h.receive(
      withRouter({
        prefixes: [
          pio('2001:db8:1::/64', { autonomous: false }),
          pio('2001:db8:2::/64', { validLifetime: 0, preferredLifetime: 0 }),
          pio('2001:db8:3::/64', { validLifetime: 10, preferredLifetime: 11 }),
          pio('2001:db8:4::/56'),
          pio('2001:db8:5::/128'),
        ],
      }),
    )
    expect(addressesOf(h)).toEqual([])
    expect(h.layer.stats.ignored).toEqual({ 'bad-lifetimes': 1, 'bad-prefix-length': 2 })
  })

  it('are not made where this is not wanted', () => {
    const h = host({ autoconfigure: false })
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    expect(addressesOf(h)).toEqual([])
    expect(h.layer.state().prefixes).toHaveLength(1)
  })

  // (e): remaining and advertised seconds, and what remains then.
  it.each([
    [10_000, 20_000, 20_000],
    [10_000, 8000, 8000],
    [10_000, 7201, 7201],
    [10_000, 7200, 7200],
    [10_000, 0, 7200],
    [10_000, 100, 7200],
    [7200, 100, 7200],
    [7100, 7150, 7150],
    [100, 50, 100],
    [100, 0, 100],
    [100, 101, 101],
    [INFINITE_LIFETIME, 100, 7200],
    [100, INFINITE_LIFETIME, Number.POSITIVE_INFINITY],
  ])('with %i s left and %i s advertised are valid for %i s', (left, advertised, expected) => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio(prefix, { validLifetime: left, preferredLifetime: 0 })] }))
    h.receive(withRouter({ prefixes: [pio(prefix, { validLifetime: advertised, preferredLifetime: 0 })] }))
    expect(h.layer.state().addresses.at(-1)!.validUntil).toBe(expected * 1000)
  })

  it('have their preferred lifetime reset in any case', () => {
    const h = host()
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    h.receive(withRouter({ prefixes: [pio(prefix, { validLifetime: 5, preferredLifetime: 5 })] }))
    expect(h.layer.state().addresses.at(-1)).toMatchObject({ preferredUntil: 5000, validUntil: 7_200_000 })
  })

  it('get another opaque identifier where one is taken, three times, RFC 7217 §6', () => {
    const h = host({ interfaceIds: 'stable-opaque', dupAddrDetectTransmits: 1, idgenDelayMs: 0 })
    h.advance(1000)
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    const tried = new Set<string>()
    for (let i = 0; i < 4; i++) {
      h.advance(10)
      const own = h.layer.state().addresses.at(-1)!
      expect(own.state).toBe('tentative')
      tried.add(formatIpv6(own.address))
      h.receive(na({ src: 'fe80::b', dst: 'ff02::1' }, formatIpv6(own.address), {}, PEER_MAC))
    }
    expect(tried.size).toBe(4)
    expect(addressesOf(h)).toHaveLength(1)
    expect(addressesOf(h)[0]).toMatch(/ duplicate$/)
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    h.advance(5000)
    expect(addressesOf(h)).toHaveLength(1)
  })

  it('stay away where the MAC address makes them and one is taken', () => {
    const h = host({ dupAddrDetectTransmits: 1 })
    h.advance(1000)
    h.receive(withRouter({ prefixes: [pio(prefix)] }))
    h.advance(10)
    h.receive(na({ src: 'fe80::b', dst: 'ff02::1' }, '2001:db8:1::ff:fe00:a', {}, PEER_MAC))
    h.advance(5000)
    expect(addressesOf(h)).toEqual(['2001:db8:1::ff:fe00:a duplicate'])
  })

  it('are the same with the same secret', () => {
    const secret = new Uint8Array(16).fill(7)
    const address = (seed: number): string[] => {
      const h = host({ interfaceIds: 'stable-opaque', secret, seed })
      h.receive(withRouter({ prefixes: [pio(prefix)] }))
      return addressesOf(h)
    }
    expect(address(1)).toEqual(address(2))
    expect(address(1)[0]).not.toContain('ff:fe')
  })
})

describe('several routers, RFC 4191', () => {
  const prefixes = [pio('2001:db8:1::/64')]
  const hops = (h: Harness, count: number): Set<string> =>
    new Set(Array.from({ length: count }, (_, i) => nextHop(h, `fd99::${i}`)))

  it('share the load where they are equally good, RFC 4311', () => {
    const h = host()
    h.receive(withRouter({ prefixes }))
    h.receive(otherRouter(1))
    expect(hops(h, 16)).toEqual(new Set(['02:00:00:00:00:01', '02:00:00:00:00:02']))
  })

  it('keep a destination with one router', () => {
    const h = host()
    h.receive(withRouter({ prefixes }))
    h.receive(otherRouter(1))
    const first = nextHop(h, OFF_LINK)
    for (let i = 0; i < 5; i++) expect(nextHop(h, OFF_LINK)).toBe(first)
  })

  it('are chosen by preference', () => {
    const h = host()
    h.receive(withRouter({ prefixes }))
    h.receive(otherRouter(1, { preference: 'high' }))
    h.receive(otherRouter(2, { preference: 'low' }))
    expect(hops(h, 8)).toEqual(new Set(['02:00:00:00:00:02']))
  })

  it('are chosen by the longest prefix of their routes', () => {
    const h = host()
    h.receive(withRouter({ prefixes }))
    h.receive(otherRouter(1, { preference: 'low', routerLifetime: 0, options: { routes: [rio('fd99::/16', 'low')] } }))
    expect(nextHop(h, 'fd99::1')).toBe('02:00:00:00:00:02')
    expect(nextHop(h, 'fd77::1')).toBe('02:00:00:00:00:01')
  })

  it('a route to ::/0 counts more than the header, RFC 4191 §3.1', () => {
    const h = host()
    h.receive(withRouter({ prefixes, routes: [rio('::/0', 'low', 200)] }, 100))
    expect(routersOf(h)).toEqual(['::/0 fe80::1 low'])
    h.advance(150_000)
    expect(routersOf(h)).toHaveLength(1)
  })

  it('routes end with their lifetime', () => {
    const h = host()
    h.receive(otherRouter(1, { options: { routes: [rio('fd99::/16', 'high', 10)] } }))
    h.advance(10_000)
    expect(routersOf(h)).toEqual(['::/0 fe80::2 medium'])
  })

  it('stand in for one that does not answer, and packets that waited go by the other', () => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(ra({ routerLifetime: 1800, preference: 'high', options: { prefixes } }))
    h.receive(otherRouter(1))
    expect(nextHop(h, OFF_LINK)).toBe('asks fe80::1')
    h.advance(3000)
    expect(h.lines().at(-1)).toBe('02:00:00:00:00:02 2001:db8:1::ff:fe00:a > fd99::1: udp 12')
    expect(heard.errors).toEqual([])
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:02')
  })

  it('are tried again, once a minute and only when there is something to send', () => {
    const h = host()
    h.receive(ra({ routerLifetime: 9000, preference: 'high', options: { prefixes } }))
    h.receive(otherRouter(1, { routerLifetime: 9000 }))
    nextHop(h, OFF_LINK)
    h.advance(3000)
    h.sent()
    h.advance(120_000)
    expect(
      h.sent().filter((p) => p.nd?.kind === 'neighbor-solicitation' && formatIpv6(p.nd.target) === 'fe80::1'),
    ).toEqual([])
    h.receive(otherRouter(1, { routerLifetime: 9000 }))
    sendUdp(h.layer, 'fd99::2')
    sendUdp(h.layer, 'fd99::3')
    expect(h.lines().filter((l) => l.includes('NS fe80::1'))).toHaveLength(1)
    h.receive(
      na(
        { src: 'fe80::1', dst: 'fe80::ff:fe00:a' },
        'fe80::1',
        { router: true, solicited: true, override: true },
        ROUTER_MAC,
      ),
    )
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
  })

  it('take turns where none answers, RFC 4861 §6.3.6', () => {
    const h = host({ maxMulticastSolicit: 1 })
    h.receive(ra({ routerLifetime: 1800, options: { prefixes } }))
    h.receive(ra({ routerLifetime: 1800 }, { src: 'fe80::2' }))
    const asked: string[] = []
    h.sent()
    for (let i = 0; i < 8; i++) {
      sendUdp(h.layer, OFF_LINK)
      h.advance(1000)
      for (const { nd } of h.sent()) if (nd?.kind === 'neighbor-solicitation') asked.push(formatIpv6(nd.target))
    }
    expect(asked.slice(-4)).toEqual(['fe80::1', 'fe80::2', 'fe80::1', 'fe80::2'])
  })

  it('that becomes a host is a router no more, RFC 4861 §7.2.5', () => {
    const h = host()
    h.receive(withRouter({ prefixes }))
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
    h.receive(na({ src: 'fe80::1', dst: 'ff02::1' }, 'fe80::1', { router: false, override: true }, ROUTER_MAC))
    expect(routersOf(h)).toEqual([])
    expect(nextHop(h, OFF_LINK)).toBe('ERR_IP_NO_ROUTE')
  })

  it('are bounded', () => {
    const h = host({ maxRouters: 3, maxRoutes: 5 })
    for (let n = 1; n <= 20; n++) h.receive(otherRouter(n, { options: { routes: [rio(`fd${n + 10}::/32`, 'low')] } }))
    expect(new Set(h.layer.state().routes.map((r) => r.router.w3)).size).toBe(3)
    expect(routersOf(h)).toHaveLength(5)
    expect(h.layer.stats.ignored).toEqual({ 'too-many-routers': 34, 'too-many-routes': 1 })
  })
})

describe('redirects, RFC 4861 §8', () => {
  const redirect = (target: string, destination: string, fields = {}, options: NdOptions = {}): Uint8Array =>
    nd(
      { src: 'fe80::1', dst: OWN_LINK_LOCAL, ...fields },
      { kind: 'redirect', target: ipv6(target), destination: ipv6(destination), options },
    )
  const routed = (options: HarnessOptions = {}): Harness => {
    const h = host(options)
    h.receive(withRouter({ prefixes: [pio('2001:db8:1::/64')] }))
    nextHop(h, OFF_LINK)
    return h
  }

  it('lead to a better router', () => {
    const h = routed()
    h.receive(redirect('fe80::2', OFF_LINK, {}, { targetLinkLayer: mac('02:00:00:00:00:02') }))
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:02')
    expect(nextHop(h, 'fd99::2')).toBe('02:00:00:00:00:01')
    expect(h.layer.state().neighbors).toContainEqual(
      expect.objectContaining({ address: ipv6('fe80::2'), isRouter: true }),
    )
  })

  it('lead to a destination that turns out to be a neighbor', () => {
    const h = routed()
    h.receive(redirect(OFF_LINK, OFF_LINK, {}, { targetLinkLayer: PEER_MAC }))
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:0b')
    expect(h.layer.state().neighbors).toContainEqual(
      expect.objectContaining({ address: ipv6(OFF_LINK), isRouter: false }),
    )
  })

  it('count from the router in use only', () => {
    const h = routed()
    h.receive(otherRouter(1, { routerLifetime: 0 }))
    h.receive(redirect('fe80::3', OFF_LINK, { src: 'fe80::2' }))
    h.receive(redirect('fe80::3', '2001:db8:1::99'))
    h.receive(redirect('fe80::3', '2001:db8:1::99', { src: 'fe80::7' }))
    expect(h.layer.stats.dropped).toEqual({ 'redirect-not-from-router': 3 })
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
  })

  it('do not lead to this host', () => {
    const h = routed()
    h.receive(redirect(OWN_LINK_LOCAL, OFF_LINK))
    expect(h.layer.stats.dropped).toEqual({ 'redirect-to-self': 1 })
  })

  it('are forgotten when the better router does not answer', () => {
    const h = routed()
    h.receive(redirect('fe80::2', OFF_LINK))
    expect(nextHop(h, OFF_LINK)).toBe('asks fe80::2')
    h.advance(3000)
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
  })

  it('are forgotten when the better router becomes a host', () => {
    const h = routed()
    h.receive(redirect('fe80::2', OFF_LINK, {}, { targetLinkLayer: PEER_MAC }))
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:0b')
    h.receive(na({ src: 'fe80::2', dst: 'ff02::1' }, 'fe80::2', { override: true }, PEER_MAC))
    expect(nextHop(h, OFF_LINK)).toBe('02:00:00:00:00:01')
  })

  it('are not followed where they are not wanted', () => {
    const h = routed({ acceptRedirects: false })
    h.receive(redirect('fe80::2', OFF_LINK))
    expect(h.layer.stats.dropped).toEqual({ 'redirect-refused': 1 })
  })
})

describe('where to ask by DHCPv6, RFC 4861 §4.2', () => {
  const shown = (h: Harness) => {
    const { managed, otherConfiguration } = h.layer.state()
    return { managed, otherConfiguration }
  }

  it('is told once for each flag, and kept', () => {
    const h = host()
    h.events.splice(0)
    h.receive(ra({}))
    expect(shown(h)).toEqual({ managed: false, otherConfiguration: false })
    h.receive(ra({ other: true }))
    expect(shown(h)).toEqual({ managed: false, otherConfiguration: true })
    h.receive(ra({ managed: true }))
    h.receive(ra({ managed: true, other: true }))
    h.receive(ra({}, { src: 'fe80::2' }))
    expect(shown(h)).toEqual({ managed: true, otherConfiguration: true })
    expect(h.events).toEqual([{ kind: 'dhcp' }, { kind: 'dhcp' }])
  })

  it('M says both at once', () => {
    const h = host()
    h.receive(ra({ managed: true }))
    expect(shown(h)).toEqual({ managed: true, otherConfiguration: true })
  })
})

describe('name servers, RFC 8106', () => {
  const dns = (...servers: string[]): NdOptions['dnsServers'] => [
    { servers: servers.map((s) => ipv6(s)), lifetime: 60 },
  ]
  const shown = (h: Harness): string[] => h.layer.state().dnsServers.map((s: Ipv6) => formatIpv6(s))

  it('are kept in order for as long as they are advertised', () => {
    const h = host({ zone: 'eth0' })
    const dnsSearchLists = [{ domains: ['example.org', 'example.com'], lifetime: 90 }]
    h.receive(withRouter({ dnsServers: dns('fd00::53', 'fe80::53'), dnsSearchLists }))
    expect(shown(h)).toEqual(['fd00::53', 'fe80::53%eth0'])
    expect(h.layer.state().searchDomains).toEqual(['example.org', 'example.com'])
    h.events.splice(0)
    h.receive(withRouter({ dnsServers: dns('fd00::53') }))
    expect(h.events).toEqual([])
    h.advance(60_000)
    expect(shown(h)).toEqual([])
    expect(h.events).toEqual([{ kind: 'dns' }])
    h.advance(30_000)
    expect(h.layer.state().searchDomains).toEqual([])
  })

  it('go at once with a lifetime of 0', () => {
    const h = host()
    h.receive(withRouter({ dnsServers: dns('fd00::53', 'fd00::54') }))
    h.receive(withRouter({ dnsServers: [{ servers: [ipv6('fd00::53')], lifetime: 0 }] }))
    expect(shown(h)).toEqual(['fd00::54'])
  })

  it('are single hosts, and not too many', () => {
    const h = host({ maxDnsServers: 2 })
    h.receive(withRouter({ dnsServers: dns('ff02::53') }))
    expect(shown(h)).toEqual([])
    h.receive(withRouter({ dnsServers: dns('fd00::1', 'fd00::2', 'fd00::3') }))
    expect(shown(h)).toEqual(['fd00::1', 'fd00::2'])
    h.advance(1)
    h.receive(withRouter({ dnsServers: dns('fd00::4') }))
    expect(shown(h)).toEqual(['fd00::2', 'fd00::4'])
  })
})

describe('a flood of router advertisements', () => {
  it('leaves every table within its bound', () => {
    const h = host()
    for (let n = 0; n < 300; n++) {
      h.receive(
        otherRouter(n, {
          options: {
            prefixes: [pio(`2001:db8:${n.toString(16)}::/64`)],
            routes: [rio(`fd${(n % 200).toString(16).padStart(2, '0')}::/16`, 'high')],
            dnsServers: [{ servers: [ipv6(`fd00::${n.toString(16)}`)], lifetime: n }],
            dnsSearchLists: [{ domains: [`d${n}.example`], lifetime: n }],
          },
        }),
      )
    }
    const state = h.layer.state()
    expect(state.routes.length).toBeLessThanOrEqual(64)
    expect(state.prefixes).toHaveLength(32)
    expect(state.addresses).toHaveLength(17)
    expect(state.neighbors.length).toBeLessThanOrEqual(512)
    expect(state.dnsServers).toHaveLength(8)
    expect(state.searchDomains).toHaveLength(8)
  })
})
