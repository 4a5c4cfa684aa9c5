import { formatIpv4, ipv4, ipv4Prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { Addresses } from '../../src/core/addresses.ts'
import { Paths } from '../../src/core/paths.ts'
import { Redirects } from '../../src/core/redirects.ts'
import { Routes } from '../../src/core/routes.ts'

function host(...own: string[]) {
  const addresses = new Addresses(8)
  const routes = new Routes({ maxRoutes: 64, deadGatewayMs: 60_000 })
  const redirects = new Redirects({ maxRedirects: 4, redirectLifetimeMs: 600_000 })
  for (const text of own) {
    const prefix = ipv4Prefix(text)
    addresses.add(prefix)
    routes.add({ prefix, source: prefix.address }, true)
  }
  const paths = new Paths(addresses, routes, redirects)
  const to = (dst: string): string => {
    const path = paths.to(ipv4(dst))
    return path === undefined ? 'none' : `${path.kind} ${formatIpv4(path.nextHop)} from ${formatIpv4(path.source)}`
  }
  return { addresses, routes, redirects, paths, to }
}

describe('paths (RFC 1122 §3.3.1)', () => {
  it.each([
    ['10.0.0.7', 'station 10.0.0.7 from 10.0.0.1'],
    ['10.9.0.7', 'station 10.9.0.7 from 10.9.0.1'],
    ['10.0.0.1', 'local 10.0.0.1 from 10.0.0.1'],
    ['127.0.0.1', 'local 127.0.0.1 from 127.0.0.1'],
    ['10.0.0.255', 'broadcast 10.0.0.255 from 10.0.0.1'],
    ['10.9.255.255', 'broadcast 10.9.255.255 from 10.9.0.1'],
    ['255.255.255.255', 'broadcast 255.255.255.255 from 10.0.0.1'],
    ['224.0.0.251', 'multicast 224.0.0.251 from 10.0.0.1'],
    ['169.254.3.4', 'station 169.254.3.4 from 10.0.0.1'],
    ['8.8.8.8', 'station 10.0.0.254 from 10.0.0.1'],
    ['0.0.0.0', 'none'],
    ['0.1.2.3', 'none'],
  ])('to %s: %s', (dst, expected) => {
    const { to, routes } = host('10.0.0.1/24', '10.9.0.1/16')
    routes.add({ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('10.0.0.254') })
    expect(to(dst)).toBe(expected)
    expect(to(dst)).toBe(expected)
  })

  it('never lead a link-local destination by a gateway, nor from nowhere (RFC 3927 §2.6.2)', () => {
    const { to, routes } = host()
    routes.add({ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('10.0.0.254') })
    expect(to('169.254.3.4')).toBe('none')
  })

  it('without an address lead to groups only', () => {
    const { to } = host()
    expect(to('255.255.255.255')).toBe('broadcast 255.255.255.255 from 0.0.0.0')
    expect(to('224.0.0.1')).toBe('multicast 224.0.0.1 from 0.0.0.0')
    expect(to('10.0.0.1')).toBe('none')
  })

  it("take a route's source", () => {
    const { to, routes } = host('10.0.0.1/24', '10.0.0.2/24')
    routes.add({ prefix: ipv4Prefix('8.0.0.0/8'), gateway: ipv4('10.0.0.254'), source: ipv4('10.0.0.2') })
    routes.add({ prefix: ipv4Prefix('224.0.0.0/4'), source: ipv4('10.0.0.2') })
    expect(to('8.8.8.8')).toBe('station 10.0.0.254 from 10.0.0.2')
    expect(to('239.0.0.1')).toBe('multicast 239.0.0.1 from 10.0.0.2')
  })

  it('follow changes when told', () => {
    const { to, routes, redirects, paths } = host('10.0.0.1/24')
    routes.add({ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('10.0.0.254') })
    expect(to('8.8.8.8')).toBe('station 10.0.0.254 from 10.0.0.1')
    redirects.learn(0, ipv4('8.8.8.8'), ipv4('10.0.0.253'))
    paths.changed()
    expect(to('8.8.8.8')).toBe('station 10.0.0.253 from 10.0.0.1')
    expect(to('8.8.4.4')).toBe('station 10.0.0.254 from 10.0.0.1')
  })

  it('redirects are bounded and are forgotten', () => {
    const { redirects } = host()
    for (let i = 0; i < 6; i++) redirects.learn(i, ipv4(`8.8.8.${i}`), ipv4('10.0.0.253'))
    expect([redirects.size, redirects.gatewayFor(ipv4('8.8.8.1'))]).toEqual([4, undefined])
    expect(redirects.deadline()).toBe(600_002)
    redirects.timeout(600_003)
    expect([redirects.size, redirects.deadline()]).toEqual([2, 600_004])
    // What is learnt again lives on from there.
    redirects.learn(600_003, ipv4('8.8.8.4'), ipv4('10.0.0.253'))
    expect([redirects.size, redirects.deadline()]).toEqual([2, 600_005])
    redirects.learn(600_003, ipv4('8.8.8.9'), ipv4('10.0.0.252'))
    redirects.forget(ipv4('10.0.0.253'))
    expect(redirects.size).toBe(1)
    redirects.clear()
    expect([redirects.size, redirects.deadline()]).toEqual([0, Number.POSITIVE_INFINITY])
  })
})
