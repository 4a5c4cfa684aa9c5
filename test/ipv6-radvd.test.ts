// radvd as the router of a link, over a TAP in a network namespace.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatIpv6, formatPrefix, type Ipv6, ipv6 } from '@fata/addr'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { temporaryFolder } from './support/fata.ts'
import { type Ipv6Host, type Ipv6HostOptions, startIpv6Host } from './support/ipv6-host.ts'
import { createNetns, type Netns } from './support/netns.ts'
import type { Running } from './support/process.ts'
import { describeWith } from './support/requirements.ts'

const BEYOND = '2001:db8:ffff::1'

/** `body` is what stands in the interface's section beside the intervals. */
const config = (body: string): string => `interface tap0 {
  AdvSendAdvert on;
  MinRtrAdvInterval 3;
  MaxRtrAdvInterval 4;
${body}
};
`

const FULL = config(`
  AdvDefaultLifetime 1200;
  AdvDefaultPreference high;
  AdvCurHopLimit 33;
  AdvLinkMTU 1400;
  AdvReachableTime 20000;
  AdvRetransTimer 250;
  AdvManagedFlag on;
  AdvOtherConfigFlag on;
  prefix 2001:db8:1::/64 { AdvOnLink on; AdvAutonomous on; AdvValidLifetime 600; AdvPreferredLifetime 300; };
  prefix 2001:db8:2::/64 { AdvOnLink on; AdvAutonomous off; AdvValidLifetime infinity; AdvPreferredLifetime infinity; };
  prefix 2001:db8:3::/64 { AdvOnLink off; AdvAutonomous on; AdvValidLifetime infinity; AdvPreferredLifetime infinity; };
  route 2001:db8:4::/48 { AdvRoutePreference low; AdvRouteLifetime 500; };
  RDNSS 2001:db8:1::53 fe80::53 { AdvRDNSSLifetime 400; };
  DNSSL example.org lab.example.com { AdvDNSSLLifetime 400; };
`)

describeWith(['tap', 'ping', 'tshark', 'radvd', 'ndisc6'], 'IPv6 with radvd', () => {
  const folder = temporaryFolder()
  let netns: Netns
  let host: Ipv6Host | undefined

  beforeEach(() => {
    netns = createNetns()
  })
  afterEach(async () => {
    const faults = (await host?.close()) ?? ''
    host = undefined
    await netns.close()
    expect(faults).toBe('')
  })

  function startHost(options: Ipv6HostOptions = {}): Ipv6Host {
    // The router has to know where the prefix is.
    host = startIpv6Host(netns, { maxStartDelayMs: 100, kernel: ['2001:db8:1::1/64'], ...options })
    return host
  }

  /** radvd as its file says, once the kernel forwards and has an address beyond the link. */
  async function startRadvd(text: string): Promise<Running> {
    const file = join(folder.path, 'radvd.conf')
    writeFileSync(file, text)
    await netns.check('sh', ['-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding'])
    await netns.check('ip', ['address', 'replace', `${BEYOND}/128`, 'dev', 'lo'])
    return netns.start('radvd', ['-n', '-C', file, '-p', join(folder.path, 'radvd.pid'), '-m', 'stderr'])
  }

  const kernelLinkLocal = async (): Promise<string> => {
    const output = await netns.check('ip', ['-6', 'address', 'show', 'dev', 'tap0', 'scope', 'link'])
    return `${/inet6 (fe80::[0-9a-f:]+)/.exec(output)![1]}%tap0`
  }
  const hasDefault = (h: Ipv6Host): boolean => h.layer.state().routes.some((route) => route.prefix.length === 0)
  const text = (a: Ipv6): string => formatIpv6(a)

  it('learns everything that an advertisement says', async () => {
    // Either of its addresses may be the first that can be used: the kernel must know the way to both.
    const h = startHost({ kernel: ['2001:db8:1::1/64', '2001:db8:3::1/64'] })
    await h.layer.ready
    const radvd = await startRadvd(FULL)
    await h.event((e) => e.kind === 'dns')
    await h.event((e) => e.kind === 'address' && e.change === 'preferred' && e.address.origin === 'autoconfigured')
    const state = h.layer.state()
    const router = await kernelLinkLocal()
    expect(state).toMatchObject({ hopLimit: 33, mtu: 1400, managed: true, otherConfiguration: true })
    expect(state.routes.map((r) => `${formatPrefix(r.prefix)} ${text(r.router)} ${r.preference} ${r.origin}`)).toEqual([
      `::/0 ${router} high advertised`,
      `2001:db8:4::/48 ${router} low advertised`,
    ])
    const prefixes = state.prefixes.map((p) => `${formatPrefix(p.prefix)} ${Number.isFinite(p.until)}`)
    expect(prefixes).toEqual(['2001:db8:1::/64 true', '2001:db8:2::/64 false'])
    expect(state.dnsServers.map(text)).toEqual(['2001:db8:1::53', 'fe80::53%tap0'])
    expect(state.searchDomains).toEqual(['example.org', 'lab.example.com'])
    const made = state.addresses.filter((a) => a.origin === 'autoconfigured')
    expect(made.map((a) => text(a.address).slice(0, 11)).sort()).toEqual(['2001:db8:1:', '2001:db8:3:'])
    expect(made.map((a) => Math.round(a.validUntil - a.preferredUntil))).toEqual([300_000, Number.NaN])
    expect((await h.layer.ping(ipv6(BEYOND), { timeoutMs: 5000 })).kind).toBe('reply')
    await radvd.stop('SIGTERM')
  })

  it('is answered when it asks, and lets go of a router that says good-bye', async () => {
    const radvd = await startRadvd(config('AdvDefaultLifetime 1200; prefix 2001:db8:1::/64 { };'))
    const h = startHost()
    await h.event((e) => e.kind === 'address' && e.change === 'preferred' && e.address.origin === 'autoconfigured')
    expect(hasDefault(h)).toBe(true)
    const gone = new Promise<void>((resolve) => {
      h.layer.onEvent((e) => {
        if (e.kind === 'routes' && !hasDefault(h)) resolve()
      })
    })
    await radvd.stop('SIGTERM')
    await gone
    expect(() => h.layer.source(ipv6(BEYOND))).toThrow(expect.objectContaining({ code: 'ERR_IP_NO_ROUTE' }))
    // The prefix is still good.
    expect(h.layer.addresses().some((a) => text(a.address).startsWith('2001:db8:1:'))).toBe(true)
  })

  it('lets go of a router, prefixes and name servers that are heard no more', async () => {
    const short = `AdvDefaultLifetime 5;
      prefix 2001:db8:1::/64 { AdvValidLifetime 6; AdvPreferredLifetime 4; };
      RDNSS 2001:db8:1::53 { AdvRDNSSLifetime 5; };`
    const h = startHost()
    await h.layer.ready
    const radvd = await startRadvd(config(short))
    await h.event((e) => e.kind === 'address' && e.change === 'preferred' && e.address.origin === 'autoconfigured')
    await h.event((e) => e.kind === 'dns')
    // Killed, it says no good-bye.
    await radvd.stop('SIGKILL')
    await h.event((e) => e.kind === 'address' && e.change === 'deprecated')
    await h.event((e) => e.kind === 'address' && e.change === 'removed')
    const { routes, prefixes, dnsServers, addresses } = h.layer.state()
    expect({ routes, prefixes, dnsServers }).toEqual({ routes: [], prefixes: [], dnsServers: [] })
    expect(addresses.map((a) => a.origin)).toEqual(['link-local'])
  })

  it('has the same addresses with the same secret, and other temporary ones', async () => {
    const secret = new Uint8Array(16).fill(9)
    const radvd = await startRadvd(config('AdvDefaultLifetime 1200; prefix 2001:db8:1::/64 { };'))
    const made = async (): Promise<Map<string, string>> => {
      const h = startHost({ secret, temporaryAddresses: true, optimisticDad: true })
      await h.event((e) => e.kind === 'address' && e.change === 'preferred' && e.address.origin === 'temporary')
      expect((await h.layer.ping(ipv6(BEYOND), { timeoutMs: 5000 })).kind).toBe('reply')
      const all = new Map(h.layer.state().addresses.map((a) => [a.origin, text(a.address)]))
      expect(text(h.layer.source(ipv6(BEYOND)) as Ipv6)).toBe(all.get('temporary'))
      expect(h.events.some((e) => e.kind === 'address' && e.change === 'optimistic')).toBe(true)
      expect(await h.close()).toBe('')
      host = undefined
      return all
    }
    const [first, second] = [await made(), await made()]
    expect(second.get('autoconfigured')).toBe(first.get('autoconfigured'))
    expect(second.get('link-local')).toBe(first.get('link-local'))
    expect(second.get('temporary')).not.toBe(first.get('temporary'))
    await radvd.stop('SIGTERM')
  })
})
