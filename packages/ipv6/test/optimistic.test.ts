import { formatIpv6, ipv6 } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { type Harness, type HarnessOptions, harness, OWN_LINK_LOCAL, PEER_MAC, sendUdp } from './harness.ts'
import { na, nd, ns, pio, ra, udp, withRouter } from './packets.ts'

const OWN = '2001:db8:1::ff:fe00:a'
const ON_LINK = '2001:db8:1::b'
const OFF_LINK = '2001:db8:2::1'
const PREFIXES = [pio('2001:db8:1::/64')]
const ADVERTISEMENT = withRouter({ prefixes: PREFIXES })

/** A host whose link-local address is in use. */
function host(options: HarnessOptions = {}): Harness {
  const h = harness({ optimisticDad: true, unsolicitedAdvertisements: 0, mld: false, ...options })
  h.advance(3000)
  h.sent()
  return h
}

const stateOf = (h: Harness): string | undefined =>
  h.layer.state().addresses.find((a) => formatIpv6(a.address) === OWN)?.state

describe('an optimistic address, RFC 4429', () => {
  it('§3.3 is used at once, and tried without delay', () => {
    const h = host()
    h.receive(ADVERTISEMENT)
    expect(stateOf(h)).toBe('optimistic')
    expect(h.lines()).toEqual([`33:33:ff:00:00:0a :: > ff02::1:ff00:a: NS ${OWN} nonce`])
    sendUdp(h.layer, OFF_LINK)
    expect(h.lines()).toEqual([`02:00:00:00:00:01 ${OWN} > ${OFF_LINK}: udp 12`])
    h.advance(1000)
    expect(stateOf(h)).toBe('preferred')
    const changes = h.events.filter((e) => e.kind === 'address').map((e) => e.change)
    expect(changes.slice(-2)).toEqual(['optimistic', 'preferred'])
  })

  it('§3.3 is not made where the link-layer address of the router is not known', () => {
    const h = host()
    h.receive(ra({ routerLifetime: 1800, options: { prefixes: PREFIXES } }))
    expect(stateOf(h)).toBe('tentative')
  })

  it('§3.1 is none that was configured', () => {
    const h = host()
    h.receive(withRouter())
    h.layer.addAddress({ address: ipv6(OWN), length: 64 })
    expect(stateOf(h)).toBe('tentative')
  })

  it('is not made unless that is wanted', () => {
    const h = host({ optimisticDad: false })
    h.receive(ADVERTISEMENT)
    expect(stateOf(h)).toBe('tentative')
  })

  it('§3.3 is told to who asks for it, without the Override flag', () => {
    const h = host()
    h.receive(ADVERTISEMENT)
    h.sent()
    h.receive(ns({ src: 'fe80::b', dst: OWN }, OWN, { sourceLinkLayer: PEER_MAC }))
    expect(h.lines()).toEqual([`02:00:00:00:00:0b ${OWN} > fe80::b: NA ${OWN} S`])
    h.advance(1000)
    h.receive(ns({ src: 'fe80::b', dst: OWN }, OWN, { sourceLinkLayer: PEER_MAC }))
    expect(h.lines()).toEqual([`02:00:00:00:00:0b ${OWN} > fe80::b: NA ${OWN} SO`])
  })

  it.each([
    ['a probe', ns({ src: '::', dst: 'ff02::1:ff00:a' }, OWN, { nonce: new Uint8Array(6) })],
    ['an advertisement', na({ src: 'fe80::b', dst: 'ff02::1' }, OWN, { override: true }, PEER_MAC)],
  ])('§3.3 is given up at once when %s says that another node has it', (_, b) => {
    const h = host()
    h.receive(ADVERTISEMENT)
    h.sent()
    const seen: number[] = []
    h.layer.onAddresses((addresses) => seen.push(addresses.length))
    h.receive(b)
    expect(h.lines()).toEqual([])
    expect(stateOf(h)).toBe('duplicate')
    expect(seen).toEqual([1])
    h.receive(udp({ src: 'fe80::b', dst: OWN }))
    expect(h.layer.stats.dropped).toEqual({ 'not-for-us': 1 })
  })

  it('§3.2 asks for no neighbor: its packets go by the router, which may know him', () => {
    const h = host()
    h.receive(ADVERTISEMENT)
    h.sent()
    sendUdp(h.layer, ON_LINK)
    expect(h.lines()).toEqual([`02:00:00:00:00:01 ${OWN} > ${ON_LINK}: udp 12`])
    h.receive(
      nd(
        { src: 'fe80::1', dst: OWN },
        {
          kind: 'redirect',
          target: ipv6(ON_LINK),
          destination: ipv6(ON_LINK),
          options: { targetLinkLayer: PEER_MAC },
        },
      ),
    )
    sendUdp(h.layer, ON_LINK)
    expect(h.lines()).toEqual([`02:00:00:00:00:0b ${OWN} > ${ON_LINK}: udp 12`])
  })

  it('§3.2 reaches a neighbor that is known', () => {
    const h = host()
    h.receive(ns({ src: ON_LINK, dst: OWN_LINK_LOCAL }, OWN_LINK_LOCAL, { sourceLinkLayer: PEER_MAC }))
    h.receive(ADVERTISEMENT)
    h.sent()
    sendUdp(h.layer, ON_LINK)
    expect(h.lines()).toEqual([`02:00:00:00:00:0b ${OWN} > ${ON_LINK}: udp 12`])
  })

  it('§3.2 has its packets wait where no router would take them', () => {
    const h = host()
    h.receive(withRouter({ prefixes: PREFIXES }, 0))
    expect(stateOf(h)).toBe('optimistic')
    h.sent()
    sendUdp(h.layer, ON_LINK)
    expect(h.lines()).toEqual([])
    h.advance(1000)
    expect(stateOf(h)).toBe('preferred')
    expect(h.lines()).toEqual([`33:33:ff:00:00:0b ${OWN} > ff02::1:ff00:b: NS ${ON_LINK}`])
    h.receive(na({ src: ON_LINK, dst: OWN }, ON_LINK, { solicited: true, override: true }, PEER_MAC))
    expect(h.lines()).toEqual([`02:00:00:00:00:0b ${OWN} > ${ON_LINK}: udp 12`])
  })
})
