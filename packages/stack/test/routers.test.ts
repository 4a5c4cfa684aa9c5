import { formatIp, formatPrefix, ip, ipv6, isIpv4, isIpv6LinkLocal } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type DirectStack, type LayerOptions } from '@fata/stack'
import { createSwitch, type Switch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'
import { advertise, prefixOption, serveDhcpv6 } from './support/servers.ts'

let runtime: VirtualRuntime
let lan: Switch
let router: DirectStack
let host: DirectStack

const start = (options: LayerOptions = {}): DirectStack => createStack(lan.port(), { ipv6Only: true }, runtime, options)

beforeEach(async () => {
  runtime = createVirtualRuntime(17)
  lan = createSwitch(runtime)
  router = createStack(lan.port(), { ipv6: 'fd00::1/64', ipv6Only: true }, runtime)
  host = start()
  await runtime.clock.settle(Promise.all([router.ready, host.ready]))
})

/** Own addresses, but for the link-local one. */
const shown = (stack: DirectStack): string[] =>
  stack
    .addresses()
    .filter(({ address }) => isIpv4(address) || !isIpv6LinkLocal(address))
    .map(formatPrefix)
const passes = (ms: number) => runtime.clock.run(() => false, runtime.clock.now() + ms)

describe('what routers advertise', () => {
  it('becomes addresses, and servers and domains of the resolver', async () => {
    advertise(router, {
      options: {
        ...prefixOption('fd00::/64'),
        dnsServers: [{ servers: [ipv6('fd00::53')], lifetime: 600 }],
        dnsSearchLists: [{ domains: ['example.test'], lifetime: 600 }],
      },
    })
    await passes(3000)
    expect(shown(host)).toHaveLength(1)
    expect(host.interfaces[0]!.dnsServers.map(formatIp)).toEqual(['fd00::53'])
    expect(host.interfaces[0]!.domainSearch).toEqual(['example.test'])
    await passes(600_000)
    expect(host.interfaces[0]!.dnsServers).toEqual([])
  })

  it('makes the same address at each start where the secret is the same (RFC 7217)', async () => {
    const secret = new Uint8Array(16).fill(7)
    const addresses: string[][] = []
    for (const options of [{ ipv6: { secret } }, { ipv6: { secret } }, {}]) {
      const port = lan.port({ mac: host.layers.device.mac! })
      const stack = createStack(port, { ipv6Only: true }, runtime, options)
      await passes(3000)
      advertise(router, { options: prefixOption('fd00::/64') })
      await passes(3000)
      addresses.push(shown(stack))
      await runtime.clock.settle(stack.close())
    }
    expect(addresses[0]).toHaveLength(1)
    expect(addresses[1]).toEqual(addresses[0])
    expect(addresses[2]).not.toEqual(addresses[0])
  })

  it('sends to DHCPv6 for addresses with the M flag, and gives them back', async () => {
    const asked = serveDhcpv6(router, ipv6('fd00::100'), [ipv6('fd00::54')])
    advertise(router, { options: prefixOption('fd01::/64') })
    await passes(5000)
    expect(asked).toEqual([])
    advertise(router, { managed: true })
    await passes(5000)
    expect(asked).toEqual(['solicit', 'request'])
    expect(shown(host)).toContain('fd00::100/128')
    expect(host.interfaces[0]!.leaseV6!.addresses).toHaveLength(1)
    expect(host.interfaces[0]!.dnsServers.map(formatIp)).toEqual(['fd00::54'])
    await passes(4 * 3_600_000)
    expect(asked.filter((type) => type === 'renew').length).toBeGreaterThan(1)
    await runtime.clock.settle(host.close())
    expect(asked.at(-1)).toBe('release')
  })

  it('has addresses of DHCPv6 that are deprecated when their preferred lifetime ends, and gone with the valid one', async () => {
    serveDhcpv6(router, ipv6('fd00::100'), [])
    advertise(router, { managed: true })
    const state = () =>
      host.layers.ipv6!.state().addresses.find(({ address }) => formatIp(address) === 'fd00::100')?.state
    await passes(3 * 3_600_000)
    expect(state()).toBe('preferred')
    await runtime.clock.settle(router.close())
    const { preferredUntil, validUntil } = host.interfaces[0]!.leaseV6!.addresses[0]!
    runtime.clock.advance(preferredUntil - 1 - runtime.clock.now())
    expect(state()).toBe('preferred')
    runtime.clock.advance(1)
    expect(state()).toBe('deprecated')
    runtime.clock.advance(validUntil - 1 - runtime.clock.now())
    expect(state()).toBe('deprecated')
    runtime.clock.advance(1)
    expect(state()).toBeUndefined()
  })

  it('sends to DHCPv6 for the rest with the O flag, again when that is old', async () => {
    const asked = serveDhcpv6(router, ipv6('fd00::100'), [ipv6('fd00::54')])
    advertise(router, { other: true })
    await passes(5000)
    expect(asked).toEqual(['information-request'])
    expect(host.interfaces[0]!.dnsServers.map(formatIp)).toEqual(['fd00::54'])
    await passes(25 * 3_600_000)
    expect(asked).toEqual(['information-request', 'information-request'])
  })

  it('declines an address that another host has', async () => {
    const taken = createStack(lan.port(), { ipv6: 'fd00::100/64', ipv6Only: true }, runtime)
    await runtime.clock.settle(taken.ready)
    const asked = serveDhcpv6(router, ipv6('fd00::100'), [])
    advertise(router, { managed: true })
    // This server knows no other address and offers it again.
    expect(await runtime.clock.run(() => asked.includes('decline'), runtime.clock.now() + 20_000)).toBe(true)
    expect(shown(host)).toEqual([])
  })

  it('is not heeded where that is off', async () => {
    const deaf = createStack(lan.port(), { ipv6Only: true, acceptRouterAdvertisements: false }, runtime)
    const noDhcp = createStack(lan.port(), { ipv6Only: true, dhcpv6: false }, runtime)
    await runtime.clock.settle(Promise.all([deaf.ready, noDhcp.ready, host.close()]))
    const asked = serveDhcpv6(router, ipv6('fd00::100'), [])
    advertise(router, { managed: true, options: prefixOption('fd00::/64') })
    await passes(20_000)
    expect(shown(deaf)).toEqual([])
    expect(shown(noDhcp)).toHaveLength(1)
    expect(asked).toEqual([])
  })

  it('leads out of the link', async () => {
    advertise(router, { options: prefixOption('fd00::/64') })
    await passes(3000)
    expect(formatIp(host.ip.source(ip('2001:db8::1')))).toMatch(/^fd00:/)
  })
})
