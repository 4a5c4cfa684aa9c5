import { formatIpv4, ipv4, ipv4Prefix } from '@fata/addr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Routes } from '../../src/core/routes.ts'

const LIMITS = { maxRoutes: 8, deadGatewayMs: 60_000 }

function table(...rows: [prefix: string, gateway?: string, metric?: number][]): Routes {
  const routes = new Routes({ ...LIMITS, maxRoutes: 1024 })
  for (const [prefix, gateway, metric] of rows)
    routes.add({ prefix: ipv4Prefix(prefix), gateway: gateway === undefined ? undefined : ipv4(gateway), metric })
  return routes
}

function way(routes: Routes, dst: string): string | undefined {
  const route = routes.lookup(ipv4(dst))
  return route === undefined ? undefined : route.gateway === undefined ? 'link' : formatIpv4(route.gateway)
}

describe('the routing table (RFC 1122 §3.3.1)', () => {
  it('prefers the longest prefix, whatever the order of adding', () => {
    const rows: [string, string][] = [
      ['0.0.0.0/0', '10.0.0.1'],
      ['192.168.0.0/16', '10.0.0.2'],
      ['192.168.1.0/24', '10.0.0.3'],
      ['192.168.1.7/32', '10.0.0.4'],
    ]
    for (const order of [rows, [...rows].reverse(), [rows[2]!, rows[0]!, rows[3]!, rows[1]!]]) {
      const routes = table(...order)
      expect(way(routes, '8.8.8.8')).toBe('10.0.0.1')
      expect(way(routes, '192.168.9.9')).toBe('10.0.0.2')
      expect(way(routes, '192.168.1.8')).toBe('10.0.0.3')
      expect(way(routes, '192.168.1.7')).toBe('10.0.0.4')
    }
  })

  it('prefers the least metric, then the older route', () => {
    const routes = table(['0.0.0.0/0', '10.0.0.1', 5], ['0.0.0.0/0', '10.0.0.2', 1], ['0.0.0.0/0', '10.0.0.3', 1])
    expect(way(routes, '8.8.8.8')).toBe('10.0.0.2')
    expect(routes.list().map((r) => r.metric)).toEqual([1, 1, 5])
  })

  it('knows no way without a route', () => {
    const routes = table(['10.0.0.0/24'])
    expect(way(routes, '10.0.0.9')).toBe('link')
    expect(way(routes, '10.0.1.9')).toBeUndefined()
  })

  it('matches addresses with the high bit', () => {
    const routes = table(['200.0.0.0/8'], ['128.0.0.0/1', '10.0.0.1'])
    expect(way(routes, '200.1.2.3')).toBe('link')
    expect(way(routes, '255.1.2.3')).toBe('10.0.0.1')
    expect(way(routes, '127.1.2.3')).toBeUndefined()
  })

  it('replaces a route to the same network by the same gateway', () => {
    const routes = table(['10.1.0.0/16', '10.0.0.1', 1], ['10.1.2.3/16', '10.0.0.1', 7])
    expect(routes.list()).toEqual([{ prefix: ipv4Prefix('10.1.0.0/16'), gateway: ipv4('10.0.0.1'), metric: 7 }])
  })

  it('removes by network, and by gateway where one is given', () => {
    const routes = table(['10.1.0.0/16', '10.0.0.1'], ['10.1.0.0/16', '10.0.0.2'], ['10.1.0.0/17', '10.0.0.1'])
    const prefix = ipv4Prefix('10.1.0.0/16')
    expect(routes.remove({ prefix, gateway: ipv4('10.0.0.9') })).toBe(false)
    expect(routes.remove({ prefix, gateway: ipv4('10.0.0.1') })).toBe(true)
    expect(routes.list()).toHaveLength(2)
    expect(routes.remove({ prefix })).toBe(true)
    expect(routes.remove({ prefix })).toBe(false)
    expect(routes.list()).toHaveLength(1)
  })

  it('keeps routes of addresses until they go', () => {
    const routes = new Routes(LIMITS)
    const prefix = ipv4Prefix('10.0.0.5/24')
    routes.add({ prefix, source: prefix.address }, true)
    routes.add({ prefix: ipv4Prefix('10.0.0.6/24'), source: ipv4('10.0.0.6') }, true)
    expect(routes.remove({ prefix })).toBe(false)
    expect(routes.lookup(ipv4('10.0.0.9'))?.source).toBe(prefix.address)
    routes.disconnect(prefix.address)
    expect(routes.lookup(ipv4('10.0.0.9'))?.source).toBe(ipv4('10.0.0.6'))
  })

  it.each([
    [{ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('0.0.0.0') }],
    [{ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('224.0.0.5') }],
    [{ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('127.0.0.1') }],
    [{ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('255.255.255.255') }],
    [{ prefix: ipv4Prefix('0.0.0.0/0'), metric: -1 }],
    [{ prefix: ipv4Prefix('0.0.0.0/0'), metric: 0.5 }],
    [{ prefix: { address: ipv4('1.2.3.4'), length: 33 } }],
  ])('refuses nonsense: %j', (route) => expect(() => new Routes(LIMITS).add(route)).toThrow(RangeError))

  it('has a bound', () => {
    const routes = new Routes(LIMITS)
    for (let i = 0; i < 8; i++) routes.add({ prefix: ipv4Prefix(`10.${i}.0.0/16`) })
    expect(() => routes.add({ prefix: ipv4Prefix('10.8.0.0/16') })).toThrow(/more than 8 routes/)
    routes.add({ prefix: ipv4Prefix('10.7.0.0/16'), metric: 3 })
    expect(routes.list()).toHaveLength(8)
  })

  it('passes over a dead gateway while another route leads on, for its time', () => {
    const routes = table(['0.0.0.0/0', '10.0.0.1', 0], ['0.0.0.0/0', '10.0.0.2', 1], ['10.5.0.0/16', '10.0.0.1'])
    routes.gatewayDied(1_000, ipv4('10.0.0.1'))
    expect(way(routes, '8.8.8.8')).toBe('10.0.0.2')
    expect(way(routes, '10.5.0.1')).toBe('10.0.0.2')
    expect(routes.deadline()).toBe(61_000)
    routes.gatewayDied(2_000, ipv4('10.0.0.2'))
    expect(way(routes, '8.8.8.8')).toBe('10.0.0.1')
    routes.timeout(60_999)
    expect(routes.isDead(ipv4('10.0.0.1'))).toBe(true)
    routes.timeout(61_000)
    expect(routes.isDead(ipv4('10.0.0.1'))).toBe(false)
    expect(way(routes, '8.8.8.8')).toBe('10.0.0.1')
    expect(routes.deadline()).toBe(62_000)
    routes.timeout(62_000)
    expect(routes.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('agrees with a search through all routes', () => {
    const routeOf = fc.record({
      bits: fc.nat(0xffffffff),
      length: fc.integer({ min: 0, max: 32 }),
      gateway: fc.integer({ min: 1, max: 5 }),
      metric: fc.nat(3),
    })
    fc.assert(
      fc.property(fc.array(routeOf, { maxLength: 30 }), fc.nat(0xffffffff), fc.boolean(), (list, dst, near) => {
        const routes = new Routes({ ...LIMITS, maxRoutes: 64 })
        for (const r of list) {
          const prefix = { address: (near ? (dst ^ (r.bits & 0xff)) >>> 0 : r.bits) as never, length: r.length }
          routes.add({ prefix, gateway: (0x0a000000 + r.gateway) as never, metric: r.metric })
        }
        const matching = routes.list().filter(({ prefix: { address, length } }) => {
          const shift = 32 - length
          return Math.floor(address / 2 ** shift) === Math.floor(dst / 2 ** shift)
        })
        const best = matching.sort((a, b) => b.prefix.length - a.prefix.length || a.metric! - b.metric!)[0]
        const found = routes.lookup(dst as never)
        expect(found?.prefix.length).toBe(best?.prefix.length)
        expect(found?.metric).toBe(best?.metric)
      }),
    )
  })
})
