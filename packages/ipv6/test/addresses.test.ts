import { formatIpv6, formatPrefix, ipv6, ipv6Prefix, mac } from '@fata/addr'
import { PROTOCOL_UDP } from '@fata/ip'
import { describe, expect, it } from 'vitest'
import { type Harness, harness, line, listenTo, OWN_LINK_LOCAL, PEER_MAC, quietHost, sendUdp } from './harness.ts'
import { echo, na, ns, udp } from './packets.ts'

const PREFIX = ipv6Prefix('fd00::a/64')
const GROUP = 'ff02::1:ff00:a'

/** Changes of addresses, as text. */
const changes = (h: Harness): string[] =>
  h.events
    .splice(0)
    .filter((e) => e.kind === 'address')
    .map((e) => `${formatIpv6(e.address.address)} ${e.change}`)

const probesOf = (h: Harness): { at: number; target: string; nonce: Uint8Array }[] =>
  h
    .sent()
    .filter((p) => p.nd?.kind === 'neighbor-solicitation' && p.nd.options.nonce !== undefined)
    .map((p) => {
      if (p.nd?.kind !== 'neighbor-solicitation') throw new Error('not a probe')
      return { at: p.at, target: formatIpv6(p.nd.target), nonce: p.nd.options.nonce! }
    })

/** Runs until the first probe is out, and returns it. */
function firstProbe(h: Harness): { at: number; target: string; nonce: Uint8Array } {
  for (let i = 0; i < 100; i++) {
    h.runtime.clock.step()
    const [probe] = probesOf(h)
    if (probe !== undefined) return probe
  }
  throw new Error('no probe')
}

describe('a host that starts', () => {
  it('reports its groups, probes its addresses, announces itself and solicits routers', () => {
    const h = harness({ addresses: [PREFIX] })
    expect(h.lines()).toEqual([])
    h.advance(3000)
    expect(h.lines()).toEqual([
      '33:33:00:00:00:16 :: > ff02::16: to-exclude ff02::1:ff00:a',
      '33:33:ff:00:00:0a :: > ff02::1:ff00:a: NS fe80::ff:fe00:a nonce',
      '33:33:ff:00:00:0a :: > ff02::1:ff00:a: NS fd00::a nonce',
      '33:33:00:00:00:16 :: > ff02::16: to-exclude ff02::1:ff00:a',
      '33:33:00:00:00:16 fe80::ff:fe00:a > ff02::16: to-exclude ff02::1:ff00:a',
      '33:33:00:00:00:02 fd00::a > ff02::2: NA fd00::a ',
      '33:33:00:00:00:02 fe80::ff:fe00:a > ff02::2: RS',
      '33:33:00:00:00:16 fe80::ff:fe00:a > ff02::16: to-exclude ff02::1:ff00:a',
    ])
    expect(h.layer.addresses().map(formatPrefix)).toEqual(['fe80::ff:fe00:a/64', 'fd00::a/64'])
  })

  it('waits at random for at most a second, and then a second for an answer', async () => {
    const delays = [1, 2, 3, 4].map((seed) => {
      const h = harness({ seed })
      return firstProbe(h).at
    })
    expect(new Set(delays).size).toBe(4)
    for (const delay of delays) expect(delay).toBeLessThan(1000)
    const h = harness()
    const { at } = firstProbe(h)
    const before = h.runtime.clock.now()
    await h.runtime.clock.settle(h.layer.ready)
    expect(before).toBe(at)
    expect(h.runtime.clock.now()).toBe(at + 1000)
  })

  it('probes as often as it is told', () => {
    const h = harness({ dupAddrDetectTransmits: 3, maxStartDelayMs: 0 })
    h.advance(2999)
    const probes = probesOf(h)
    expect(probes.map((p) => p.at)).toEqual([0, 1000, 2000])
    expect(new Set(probes.map((p) => p.nonce.join())).size).toBe(3)
    expect(h.layer.addresses()).toEqual([])
    h.advance(1)
    expect(h.layer.addresses()).toHaveLength(1)
  })

  it('needs no time without Duplicate Address Detection', async () => {
    const h = harness({ addresses: [PREFIX], dupAddrDetectTransmits: 0 })
    expect(h.layer.addresses().map(formatPrefix)).toEqual([`${OWN_LINK_LOCAL}/64`, 'fd00::a/64'])
    await h.layer.ready
  })

  it('cannot send before it has an address', () => {
    const h = harness()
    expect(() => h.layer.source(ipv6('fe80::1'))).toThrow(expect.objectContaining({ code: 'ERR_IP_NO_SOURCE' }))
    expect(() => h.layer.write(ipv6('fe80::1'), PROTOCOL_UDP, 8, () => 8)).toThrow(
      expect.objectContaining({ code: 'ERR_IP_NO_SOURCE' }),
    )
    expect(h.sent()).toEqual([])
  })

  it('has a random link-local address where the link has none, at once', async () => {
    const h = harness({ address: undefined, acceptRouterAdvertisements: false })
    await h.layer.ready
    const [own] = h.layer.addresses()
    expect(formatIpv6(own!.address)).toMatch(/^fe80::[0-9a-f]+:[0-9a-f]+:[0-9a-f]+:[0-9a-f]+$/)
    const other = harness({ address: undefined, seed: 2 }).layer.addresses()
    expect(other).not.toEqual([own])
  })

  it('refuses a link that is too narrow for IPv6', () => {
    expect(() => harness({ mtu: 1279 })).toThrow(RangeError)
  })
})

describe('an address that another node has, RFC 4862 §5.4', () => {
  it('is told by its advertisement', async () => {
    const h = harness({ addresses: [PREFIX] })
    firstProbe(h)
    h.receive(na({ src: 'fd00::a', dst: 'ff02::1' }, 'fd00::a', { override: true }, PEER_MAC))
    expect(changes(h)).toEqual(['fd00::a duplicate'])
    await expect(h.layer.ready).rejects.toMatchObject({ name: 'IpError', code: 'ERR_IP_DUPLICATE_ADDRESS' })
    h.advance(3000)
    expect(h.layer.addresses().map(formatPrefix)).toEqual([`${OWN_LINK_LOCAL}/64`])
  })

  it('is told by its probe', () => {
    const h = harness({ addresses: [PREFIX] })
    firstProbe(h)
    h.receive(ns({ src: '::', dst: GROUP }, 'fd00::a', { nonce: new Uint8Array([1, 2, 3, 4, 5, 6]) }))
    expect(changes(h)).toEqual(['fd00::a duplicate'])
  })

  it('is told by its probe without a nonce', () => {
    const h = harness({ addresses: [PREFIX] })
    firstProbe(h)
    h.receive(ns({ src: '::', dst: GROUP }, 'fd00::a'))
    expect(changes(h)).toEqual(['fd00::a duplicate'])
  })

  it('is told before the own probe is sent', () => {
    const h = harness({ addresses: [PREFIX] })
    h.receive(ns({ src: '::', dst: GROUP }, 'fd00::a'))
    h.receive(na({ src: 'fe80::1', dst: 'ff02::1' }, OWN_LINK_LOCAL, { override: true }, PEER_MAC))
    expect(changes(h)).toEqual(['fd00::a duplicate', `${OWN_LINK_LOCAL} duplicate`, 'fd00::a removed'])
  })

  it('is not told by somebody who asks for it', () => {
    const h = harness({ addresses: [PREFIX] })
    firstProbe(h)
    h.sent()
    h.receive(ns({ src: 'fe80::b', dst: GROUP }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
    expect(h.lines()).toEqual([])
    expect(changes(h)).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'solicitation-of-tentative': 1 })
  })

  it('leaves its group, and packets to it alone', () => {
    const h = harness({ addresses: [ipv6Prefix('fd00::77/64')] })
    const heard = listenTo(h.layer)
    while (probesOf(h).every((p) => p.target !== 'fd00::77')) h.runtime.clock.step()
    h.receive(na({ src: 'fe80::1', dst: 'ff02::1' }, 'fd00::77', {}, PEER_MAC))
    expect(h.lines()).toEqual(['33:33:00:00:00:16 :: > ff02::16: to-include ff02::1:ff00:77'])
    h.advance(3000)
    h.receive(udp({ src: 'fe80::1', dst: 'fd00::77' }))
    expect(heard.packets).toEqual([])
  })

  it('is the address of a neighbor then, who can be reached', () => {
    const h = quietHost({ dupAddrDetectTransmits: 1, maxStartDelayMs: 0 })
    h.receive(na({ src: 'fe80::b', dst: 'ff02::1' }, 'fd00::a', { override: true }, PEER_MAC))
    h.advance(1000)
    h.layer.addAddress(ipv6Prefix('fd00::c/64'))
    h.advance(1000)
    h.sent()
    sendUdp(h.layer, 'fd00::a')
    expect(h.lines()).toEqual(['33:33:ff:00:00:0a fd00::c > ff02::1:ff00:a: NS fd00::a'])
    h.receive(na({ src: 'fd00::a', dst: 'fd00::c' }, 'fd00::a', { solicited: true, override: true }, PEER_MAC))
    expect(h.lines()).toEqual(['02:00:00:00:00:0b fd00::c > fd00::a: udp 12'])
  })

  it('ends IPv6 on the link where it is the link-local one, which the MAC address made', async () => {
    const h = harness({ addresses: [PREFIX] })
    firstProbe(h)
    h.receive(na({ src: OWN_LINK_LOCAL, dst: 'ff02::1' }, OWN_LINK_LOCAL, { override: true }, PEER_MAC))
    await expect(h.layer.ready).rejects.toMatchObject({ code: 'ERR_IP_DUPLICATE_ADDRESS' })
    h.advance(10_000)
    h.sent()
    h.receive(echo({ src: 'fe80::b', dst: 'fd00::a' }))
    h.advance(10_000)
    expect(h.lines()).toEqual([])
    expect(h.layer.addresses()).toEqual([])
    expect(h.layer.stats.dropped).toMatchObject({ disabled: 1 })
    expect(() => h.layer.source(ipv6('fe80::1'))).toThrow(expect.objectContaining({ code: 'ERR_IP_NO_SOURCE' }))
  })

  it('is replaced where it is a random link-local one', async () => {
    const h = harness({ address: undefined, dupAddrDetectTransmits: 1, acceptRouterAdvertisements: false })
    const { target } = firstProbe(h)
    h.receive(na({ src: 'fe80::1', dst: 'ff02::1' }, target, {}))
    await h.runtime.clock.settle(h.layer.ready)
    const [own] = h.layer.addresses()
    expect(formatIpv6(own!.address)).not.toBe(target)
  })

  it('is replaced where it is an opaque link-local one, after a random delay, RFC 7217 §6', async () => {
    const h = harness({ interfaceIds: 'stable-opaque', acceptRouterAdvertisements: false })
    const tried = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const { target, at } = firstProbe(h)
      tried.add(target)
      h.receive(na({ src: 'fe80::1', dst: 'ff02::1' }, target, {}, PEER_MAC))
      expect(h.runtime.clock.now()).toBe(at)
      expect(probesOf(h)).toEqual([])
    }
    await h.runtime.clock.settle(h.layer.ready)
    expect(tried.size).toBe(3)
    expect(tried).not.toContain(formatIpv6(h.layer.addresses()[0]!.address))
  })

  it('ends IPv6 on the link where every opaque link-local one is taken', async () => {
    const h = harness({ interfaceIds: 'stable-opaque', idgenRetries: 1 })
    for (let i = 0; i < 2; i++) {
      h.receive(na({ src: 'fe80::1', dst: 'ff02::1' }, firstProbe(h).target, {}, PEER_MAC))
    }
    await expect(h.layer.ready).rejects.toMatchObject({ code: 'ERR_IP_DUPLICATE_ADDRESS' })
  })

  it('cannot become one of the host by being in use already: that is a conflict', () => {
    const h = quietHost()
    h.receive(na({ src: 'fe80::b', dst: 'ff02::1' }, 'fd00::a', { override: true }, PEER_MAC))
    expect(h.events.map((e) => e.kind)).toEqual(['conflict'])
    expect(h.layer.addresses()).toHaveLength(2)
  })

  it('is not an own advertisement that comes back', () => {
    const h = quietHost()
    h.receive(na({ src: 'fd00::a', dst: 'ff02::1' }, 'fd00::a', { override: true }, mac('02:00:00:00:00:0a')))
    expect(h.events).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'own-advertisement': 1 })
  })
})

describe('an own probe that the link loops back, RFC 7527', () => {
  it('is told by its nonce, and followed by three more', async () => {
    const h = harness({ acceptRouterAdvertisements: false })
    const { at, nonce } = firstProbe(h)
    h.receive(ns({ src: '::', dst: GROUP }, OWN_LINK_LOCAL, { nonce }))
    expect(h.layer.stats.dropped).toEqual({ 'own-probe': 1 })
    expect(changes(h)).toEqual([])
    await h.runtime.clock.settle(h.layer.ready)
    expect(probesOf(h).map((p) => p.at - at)).toEqual([1000, 2000, 3000])
    expect(h.runtime.clock.now()).toBe(at + 4000)
  })

  it('keeps the address tentative as long as the link does so', () => {
    const h = harness({ acceptRouterAdvertisements: false, mld: false })
    for (let i = 0; i < 60; i++) {
      h.runtime.clock.step()
      for (const { nonce } of probesOf(h)) {
        h.receive(ns({ src: '::', dst: GROUP }, OWN_LINK_LOCAL, { nonce }))
      }
    }
    expect(h.layer.addresses()).toEqual([])
    h.advance(5000)
    expect(h.layer.addresses()).toHaveLength(1)
  })

  it('does not hide a real duplicate', () => {
    const h = harness()
    const { nonce } = firstProbe(h)
    h.receive(ns({ src: '::', dst: GROUP }, OWN_LINK_LOCAL, { nonce }))
    h.receive(ns({ src: '::', dst: GROUP }, OWN_LINK_LOCAL, { nonce: nonce.map((b) => b ^ 1) }))
    expect(changes(h)).toEqual([`${OWN_LINK_LOCAL} duplicate`])
  })
})

describe('solicitations of own addresses, RFC 4861 §7.2.3, §7.2.4', () => {
  it('are answered to who asks, whose address is remembered', () => {
    const h = quietHost()
    h.receive(ns({ src: 'fd00::b', dst: GROUP }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
    const [answer] = h.sent()
    expect(line(answer!)).toBe('02:00:00:00:00:0b fd00::a > fd00::b: NA fd00::a SO')
    expect(answer).toMatchObject({ hopLimit: 255, nd: { options: { targetLinkLayer: mac('02:00:00:00:00:0a') } } })
    expect(h.layer.state().neighbors).toEqual([
      { address: ipv6('fd00::b'), mac: PEER_MAC, state: 'delay', isRouter: false },
    ])
  })

  it('are answered to everybody where somebody tries to get the address', () => {
    const h = quietHost()
    h.receive(ns({ src: '::', dst: GROUP }, 'fd00::a'))
    expect(h.lines()).toEqual(['33:33:00:00:00:01 fd00::a > ff02::1: NA fd00::a O'])
    expect(h.layer.state().neighbors).toEqual([])
  })

  it('are answered where they are unicast, and who asks has to be found first', () => {
    const h = quietHost()
    h.receive(ns({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::a'))
    expect(h.lines()).toEqual(['33:33:ff:00:00:0b fd00::a > ff02::1:ff00:b: NS fd00::b'])
    h.receive(na({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::b', { solicited: true }, PEER_MAC))
    expect(h.lines()).toEqual(['02:00:00:00:00:0b fd00::a > fd00::b: NA fd00::a SO'])
  })

  it('are none of this host where they are about another address', () => {
    const h = quietHost()
    h.receive(ns({ src: 'fd00::b', dst: GROUP }, 'fd00:1::a', { sourceLinkLayer: PEER_MAC }))
    expect(h.lines()).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'solicitation-of-another': 1 })
    expect(h.layer.state().neighbors).toEqual([])
  })

  it('are answered to neighbors beyond the prefixes of the link, not by way of a router', () => {
    const h = quietHost({ gateway: ipv6('fe80::1') })
    h.receive(ns({ src: 'fd99::1', dst: GROUP }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
    expect(h.lines()).toEqual(['02:00:00:00:00:0b fd00::a > fd99::1: NA fd00::a SO'])
    h.receive(ns({ src: 'fd99::2', dst: 'fd00::a' }, 'fd00::a'))
    expect(h.lines()).toEqual(['33:33:ff:00:00:02 fd00::a > ff02::1:ff00:2: NS fd99::2'])
  })

  it('from own addresses are echoes', () => {
    const h = quietHost()
    h.receive(ns({ src: 'fd00::a', dst: GROUP }, OWN_LINK_LOCAL, { sourceLinkLayer: PEER_MAC }))
    expect(h.lines()).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'own-source': 1 })
    expect(h.layer.state().neighbors).toEqual([])
  })

  it('do not make a group the neighbor', () => {
    const h = quietHost()
    h.receive(ns({ src: 'fd00::b', dst: GROUP }, 'fd00::a', { sourceLinkLayer: mac('33:33:00:00:00:01') }))
    expect(h.layer.state().neighbors[0]).toMatchObject({ mac: undefined, state: 'incomplete' })
  })

  it('are answered on a link without addresses as well', () => {
    const h = quietHost({ address: undefined })
    h.receive(ns({ src: 'fd00::b', dst: GROUP }, 'fd00::a'))
    const [answer] = h.sent()
    expect(line(answer!)).toBe('00:00:00:00:00:00 fd00::a > fd00::b: NA fd00::a SO')
    expect(answer!.nd!.options).toEqual({})
  })
})

describe('addresses that come and go', () => {
  it('are tried at once when they are added', () => {
    const h = quietHost({ dupAddrDetectTransmits: 1, maxStartDelayMs: 0, addresses: [] })
    h.advance(1000)
    changes(h)
    h.sent()
    h.layer.addAddress(ipv6Prefix('fd00::b/64'))
    expect(h.lines()).toEqual(['33:33:ff:00:00:0b :: > ff02::1:ff00:b: NS fd00::b nonce'])
    h.advance(1000)
    expect(changes(h)).toEqual(['fd00::b tentative', 'fd00::b preferred'])
    expect(formatIpv6(h.layer.source(ipv6('fd00::1')) as ReturnType<typeof ipv6>)).toBe('fd00::b')
  })

  it('last as long as they are told, and longer when they are added again', () => {
    const h = quietHost({ addresses: [] })
    const prefix = ipv6Prefix('fd00::b/64')
    const now = h.runtime.clock.now()
    h.layer.addAddress(prefix, { preferredUntil: now + 1000, validUntil: now + 5000 })
    changes(h)
    h.advance(999)
    expect(changes(h)).toEqual([])
    h.advance(1)
    expect(changes(h)).toEqual(['fd00::b deprecated'])
    h.layer.addAddress(prefix, { preferredUntil: now + 2000, validUntil: now + 6000 })
    expect(changes(h)).toEqual(['fd00::b preferred'])
    h.advance(4999)
    expect(changes(h)).toEqual(['fd00::b deprecated'])
    h.advance(1)
    expect(changes(h)).toEqual(['fd00::b removed'])
  })

  it('are not preferred for longer than they are valid', () => {
    const h = quietHost()
    for (const lifetimes of [{ preferredUntil: 2, validUntil: 1 }, { validUntil: Number.NaN }])
      expect(() => h.layer.addAddress(ipv6Prefix('fd00::b/64'), lifetimes)).toThrow(/preferredUntil/)
  })

  it('are told to who asked', () => {
    const h = quietHost()
    const seen: string[] = []
    const end = h.layer.onAddresses((addresses) => seen.push(addresses.map(formatPrefix).join(' ')))
    h.layer.addAddress(ipv6Prefix('fd00::b/64'))
    h.layer.removeAddress(ipv6('fd00::a'))
    end()
    h.layer.addAddress(ipv6Prefix('fd00::c/64'))
    expect(seen).toEqual([`${OWN_LINK_LOCAL}/64 fd00::a/64 fd00::b/64`, `${OWN_LINK_LOCAL}/64 fd00::b/64`])
  })

  it('are no source and no destination when they are gone', () => {
    const h = quietHost()
    const heard = listenTo(h.layer)
    h.receive(udp({ src: 'fd00::b', dst: 'fd00::a' }))
    expect(h.layer.removeAddress(ipv6('fd00::a'))).toBe(true)
    expect(h.layer.removeAddress(ipv6('fd00::a'))).toBe(false)
    h.receive(udp({ src: 'fd00::b', dst: 'fd00::a' }))
    expect(heard.packets).toHaveLength(1)
    expect(() => h.layer.source(ipv6('fd00::b'))).toThrow(expect.objectContaining({ code: 'ERR_IP_NO_ROUTE' }))
  })

  it('keep the group that another one needs', () => {
    const h = quietHost({ mld: true, addresses: [ipv6Prefix('fd00::77/64'), ipv6Prefix('fd01::77/64')] })
    h.advance(5000)
    h.sent()
    h.layer.removeAddress(ipv6('fd00::77'))
    expect(h.lines()).toEqual([])
    h.layer.removeAddress(ipv6('fd01::77'))
    expect(h.lines()).toEqual([`33:33:00:00:00:16 ${OWN_LINK_LOCAL} > ff02::16: to-include ff02::1:ff00:77`])
  })

  it('are bounded, and addresses of hosts', () => {
    const h = quietHost({ maxAddresses: 2 })
    h.layer.addAddress(ipv6Prefix('fd00::b/64'))
    h.layer.addAddress(ipv6Prefix('fd00::b/64'))
    expect(() => h.layer.addAddress(ipv6Prefix('fd00::c/64'))).toThrow(RangeError)
    for (const text of ['::/64', '::1/128', 'ff02::1/64']) {
      expect(() => h.layer.addAddress(ipv6Prefix(text))).toThrow(RangeError)
    }
    expect(h.layer.removeAddress(ipv6(OWN_LINK_LOCAL))).toBe(false)
  })

  it('are announced as often as it is told, RFC 9131', () => {
    const h = quietHost({ unsolicitedAdvertisements: 3 })
    h.layer.addAddress(ipv6Prefix('fd00::b/64'))
    h.advance(5000)
    const announcements = h.sent().filter((p) => p.nd?.kind === 'neighbor-advertisement' && p.nd.target.w3 === 11)
    expect(announcements.map((p) => `${p.at} ${line(p)}`)).toEqual([
      '0 33:33:00:00:00:02 fd00::b > ff02::2: NA fd00::b ',
      '1000 33:33:00:00:00:02 fd00::b > ff02::2: NA fd00::b ',
      '2000 33:33:00:00:00:02 fd00::b > ff02::2: NA fd00::b ',
    ])
  })
})
