import { formatIpv6, ipv6, ipv6Prefix, mac } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { InterfaceIds, isReserved } from '../src/core/interface-id.ts'
import { bytes } from './packets.ts'

describe('interface identifiers', () => {
  const owner = { mac: mac('52:54:00:12:34:56'), name: 'tap0' }
  const prefix = ipv6Prefix('2001:db8:1:2::/64')
  const make = (scheme: 'stable-opaque' | 'eui-64', name = owner.name, key = bytes(16)): InterfaceIds =>
    new InterfaceIds({ ...owner, name }, scheme, key)
  const text = (ids: InterfaceIds, p = prefix, counter = 0): string => formatIpv6(ids.address(p, counter)!)

  it('are made of the MAC address, RFC 2464 §4', () => {
    const ids = make('eui-64')
    expect(formatIpv6(ids.linkLocal)).toBe('fe80::5054:ff:fe12:3456')
    expect(text(ids)).toBe('2001:db8:1:2:5054:ff:fe12:3456')
    expect(ids.address(prefix, 1)).toBeUndefined()
    expect(ids.nextLinkLocal()).toBeUndefined()
  })

  it('are stable, and differ with everything that goes into them, RFC 7217 §5', () => {
    const ids = make('stable-opaque')
    expect(text(ids)).toBe(text(make('stable-opaque')))
    const others = [
      text(ids, ipv6Prefix('2001:db8:1:3::/64')).slice(-19),
      text(ids, prefix, 1).slice(-19),
      text(make('stable-opaque', 'tap1')).slice(-19),
      text(make('stable-opaque', 'tap0', bytes(16, 1))).slice(-19),
    ]
    expect(new Set([text(ids).slice(-19), ...others]).size).toBe(5)
  })

  it('are opaque in link-local addresses, too, each another one, RFC 8064 §3', () => {
    const ids = make('stable-opaque')
    const first = formatIpv6(ids.linkLocal)
    expect(first).toMatch(/^fe80::/)
    expect(first).not.toContain('ff:fe')
    expect(formatIpv6(make('stable-opaque').linkLocal)).toBe(first)
    const second = formatIpv6(ids.nextLinkLocal()!)
    expect(second).not.toBe(first)
    expect(formatIpv6(ids.linkLocal)).toBe(second)
  })

  it('stay the same when the MAC address of a named interface changes', () => {
    const other = (name: string): InterfaceIds =>
      new InterfaceIds({ mac: mac('02:00:00:00:00:01'), name }, 'stable-opaque', bytes(16))
    expect(text(other('tap0'))).toBe(text(make('stable-opaque')))
    expect(text(other(''))).not.toBe(text(make('stable-opaque', '')))
  })

  it('are opaque where there is no MAC address to make them of', () => {
    const ids = new InterfaceIds({ mac: undefined, name: 'tun0' }, 'eui-64', bytes(16))
    expect(ids.nextLinkLocal()).toBeDefined()
    expect(text(ids)).toMatch(/^2001:db8:1:2:/)
  })

  it('do not depend on the host bits of the prefix', () => {
    expect(text(make('stable-opaque'), ipv6Prefix('2001:db8:1:2::99/64'))).toBe(text(make('stable-opaque')))
  })

  it('spare those that are reserved, RFC 5453', () => {
    for (const a of [
      '2001:db8::',
      '2001:db8::fdff:ffff:ffff:ff80',
      '2001:db8::fdff:ffff:ffff:ffff',
      '2001:db8::200:5eff:fe00:1',
    ]) {
      expect(isReserved(ipv6(a))).toBe(true)
    }
    for (const a of ['2001:db8::1', '2001:db8::fdff:ffff:ffff:ff7f', '2001:db8::200:5eff:ff00:1']) {
      expect(isReserved(ipv6(a))).toBe(false)
    }
  })
})
