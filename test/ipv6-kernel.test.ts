// Linux's IPv6 and its tools as neighbors, over a TAP in a network namespace; behind it a second one, by a narrower way.
import { formatIpv6, ipv6, ipv6Prefix } from '@fata/addr'
import type { AddressInfo } from '@fata/ipv6'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Ipv6Host, type Ipv6HostOptions, startIpv6Host } from './support/ipv6-host.ts'
import { createNetns, type Netns } from './support/netns.ts'
import { describeWith } from './support/requirements.ts'

const OWN = 'fd00::2'
const KERNEL = 'fd00::1'
const BEYOND = 'fd01::2'
const NARROW = 1300
const here = new URL('.', import.meta.url).pathname
/** From nothing to the largest packet; 1452 bytes are the most that fit into one, 65507 what ping sends at most. */
const SIZES = [0, 56, 1452, 1453, 9000, 65_507]

const start = (netns: Netns, options: Ipv6HostOptions = {}): Ipv6Host =>
  startIpv6Host(netns, { addresses: [ipv6Prefix(`${OWN}/64`)], maxStartDelayMs: 0, ...options })

const setting = (netns: Netns, path: string, value: string): Promise<string> =>
  netns.check('sh', ['-c', `echo ${value} > /proc/sys/net/ipv6/${path}`])

const stateOf = (host: Ipv6Host, address: string): string | undefined =>
  host.layer.state().neighbors.find((n) => formatIpv6(n.address) === address)?.state

const addressEvent =
  (change: AddressInfo['state'] | 'removed', address: string) =>
  (event: Ipv6Host['events'][number]): boolean =>
    event.kind === 'address' && event.change === change && formatIpv6(event.address.address) === address

describeWith(['tap', 'ping', 'tcpdump', 'tshark', 'ndisc6', 'rltraceroute6'], 'IPv6 with the kernel', () => {
  let netns: Netns
  let host: Ipv6Host

  describe('as a neighbor', () => {
    beforeAll(async () => {
      netns = createNetns()
      host = start(netns)
      await host.layer.ready
    })
    afterAll(async () => {
      const faults = await host.close()
      await netns.close()
      expect(faults).toBe('')
    })

    it.each(SIZES)('answers ping6 of %i bytes', async (size) => {
      const output = await netns.check('ping', ['-6', '-c', '2', '-i', '0.1', '-W', '5', '-s', String(size), OWN])
      expect(output).toMatch(/2 packets transmitted, 2 received, 0% packet loss/)
    })

    it.each(SIZES)('is answered its pings of %i bytes', async (size) => {
      expect(await host.layer.ping(ipv6(KERNEL), { size, timeoutMs: 10_000 })).toMatchObject({ kind: 'reply', size })
    })

    it('answers ping6 to all nodes, and to its link-local address', async () => {
      const linkLocal = host.layer
        .addresses()
        .map((p) => formatIpv6(p.address))[0]!
        .replace(/%.*/, '')
      const all = await netns.check('ping', ['-6', '-c', '2', '-i', '0.1', '-W', '5', 'ff02::1%tap0'])
      expect(all).toContain(`from ${linkLocal}%tap0`)
      const one = await netns.check('ping', ['-6', '-c', '1', '-W', '5', `${linkLocal}%tap0`])
      expect(one).toMatch(/1 received/)
    })

    it('carries TCP both ways, and UDP in fragments', async () => {
      const tcp = await netns.check('node', [`${here}support/echo-client.mjs`, OWN, '7', String(1 << 20)])
      expect(tcp).toMatch(/^[0-9a-f]{64} 1048576$/m)
      const text = 'x'.repeat(20_000)
      expect(await netns.check('node', [`${here}support/udp-client.mjs`, OWN, '7', text])).toBe(text)
    })

    it('is found by ndisc6, which finds nobody who is not there', async () => {
      expect(await netns.check('ndisc6', ['-1', '-r', '1', OWN, 'tap0'])).toMatch(/02:00:00:00:00:0A/i)
      expect((await netns.run('ndisc6', ['-1', '-r', '1', '-w', '300', 'fd00::77', 'tap0'])).code).not.toBe(0)
    })

    it('does not answer router solicitations', async () => {
      expect((await netns.run('rdisc6', ['-1', '-r', '1', '-w', '300', 'tap0'])).stdout).not.toContain('from fe80')
    })

    it('is one hop away for traceroute', async () => {
      const output = await netns.check('rltraceroute6', ['-n', '-w', '2', OWN])
      expect(output).toMatch(/^ ?1 +fd00::2/m)
    })

    it('tells the sender of a closed port', async () => {
      const result = await netns.run('node', [`${here}support/udp-client.mjs`, OWN, '4242', 'hello'])
      expect(result.stderr.trim()).toBe('ECONNREFUSED')
    })

    it('is told that nobody has an address, by itself', async () => {
      expect(await host.layer.ping(ipv6('fd00::78'), { timeoutMs: 10_000 })).toMatchObject({ kind: 'host-unreachable' })
    })

    it('stays reachable in the neighbor table of the kernel, RFC 4861 §7.3', async () => {
      for (const [key, value] of [
        ['base_reachable_time_ms', '500'],
        ['delay_first_probe_time', '1'],
      ]) {
        await setting(netns, `neigh/tap0/${key}`, value!)
      }
      await netns.check('ip', ['neigh', 'flush', 'dev', 'tap0'])
      const monitor = netns.start('ip', ['monitor', 'neigh'])
      const shows = (state: string): Promise<unknown> =>
        monitor.line(new RegExp(`${OWN} dev tap0 lladdr 02:00:00:00:00:0a .*${state}`))
      // The monitor is there when it shows something.
      let ready = false
      void monitor.line(/fd00::99/).then(() => (ready = true))
      for (let i = 10; !ready; i = i === 99 ? 10 : i + 1) {
        await netns.check('ip', ['neigh', 'replace', 'fd00::99', 'lladdr', `02:00:00:00:00:${i}`, 'dev', 'tap0'])
      }
      await netns.check('ping', ['-6', '-c', '1', '-W', '5', OWN])
      await shows('REACHABLE')
      await netns.check('ping', ['-6', '-c', '1', '-W', '5', OWN])
      await shows('PROBE')
      await netns.check('ping', ['-6', '-c', '1', '-W', '5', OWN])
      await monitor.stop()
      expect(await netns.check('ip', ['-6', 'neigh', 'show', OWN])).not.toMatch(/INCOMPLETE|FAILED/)
    })
  })

  describe('whose neighbors are probed', () => {
    beforeEach(async () => {
      netns = createNetns()
      host = start(netns, { reachableTimeMs: 200, delayFirstProbeMs: 100, retransTimerMs: 200 })
      await host.layer.ready
    })
    afterEach(async () => {
      const faults = await host.close()
      await netns.close()
      expect(faults).toBe('')
    })

    it('asks the kernel by unicast whether it is still there, and believes the answer', async () => {
      const dump = netns.start('tcpdump', ['-l', '-n', '--immediate-mode', '-i', 'tap0', 'icmp6'])
      let probed = false
      const probe = new RegExp(`${OWN} > ${KERNEL}: ICMP6, neighbor solicitation, who has ${KERNEL}`)
      void dump.line(probe).then(() => (probed = true))
      for (let i = 0; i < 200 && !probed; i++) {
        expect((await host.layer.ping(ipv6(KERNEL), { timeoutMs: 5000 })).kind).toBe('reply')
        await host.layer.ping(ipv6('fd00::79'), { timeoutMs: 50 })
      }
      expect(probed).toBe(true)
      expect(stateOf(host, KERNEL)).toMatch(/^(reachable|stale|delay|probe)$/)
    })

    it('lets go of a neighbor that does not answer', async () => {
      await host.layer.ping(ipv6(KERNEL))
      expect(stateOf(host, KERNEL)).toBeDefined()
      await netns.check('ip', ['address', 'del', `${KERNEL}/64`, 'dev', 'tap0'])
      const outcomes: string[] = []
      while (outcomes.at(-1) !== 'host-unreachable') {
        outcomes.push((await host.layer.ping(ipv6(KERNEL), { timeoutMs: 300 })).kind)
        expect(outcomes.length).toBeLessThan(40)
      }
      await netns.check('ip', ['address', 'add', `${KERNEL}/64`, 'dev', 'tap0'])
      expect((await host.layer.ping(ipv6(KERNEL), { timeoutMs: 5000 })).kind).toBe('reply')
    })
  })

  describe('that has the same address', () => {
    beforeEach(() => {
      netns = createNetns()
    })
    afterEach(async () => {
      const faults = await host.close()
      await netns.close()
      expect(faults).toBe('')
    })

    it('gives way where the kernel had it first, RFC 4862 §5.4', async () => {
      host = start(netns, { addresses: [ipv6Prefix(`${OWN}/64`), ipv6Prefix(`${KERNEL}/64`)] })
      await expect(host.layer.ready).rejects.toMatchObject({ code: 'ERR_IP_DUPLICATE_ADDRESS' })
      await host.event(addressEvent('duplicate', KERNEL))
      await host.event(addressEvent('preferred', OWN))
      expect(host.layer.addresses().map((p) => formatIpv6(p.address))).not.toContain(KERNEL)
      expect((await host.layer.ping(ipv6(KERNEL), { timeoutMs: 5000 })).kind).toBe('reply')
    })

    it('keeps it where the kernel comes later, which gives up', async () => {
      host = start(netns)
      await host.layer.ready
      await setting(netns, 'conf/tap0/accept_dad', '1')
      const monitor = netns.start('ip', ['-6', 'monitor', 'address'])
      const failed = monitor.line(new RegExp(`${OWN}/64.*dadfailed`))
      await netns.check('ip', ['address', 'add', `${OWN}/64`, 'dev', 'tap0'])
      await failed
      expect(host.layer.addresses().map((p) => formatIpv6(p.address))).toContain(OWN)
      expect(host.events.filter((e) => e.kind === 'conflict')).toEqual([])
    })

    it('tells of a conflict where both use it', async () => {
      host = start(netns)
      await host.layer.ready
      await setting(netns, 'conf/tap0/ndisc_notify', '1')
      await netns.check('ip', ['address', 'add', `${OWN}/64`, 'dev', 'tap0', 'nodad'])
      await netns.check('ip', ['link', 'set', 'tap0', 'address', '02:00:00:00:00:33'])
      const conflict = await host.event((event) => event.kind === 'conflict')
      expect(conflict).toMatchObject({ address: { address: ipv6(OWN), state: 'preferred' } })
    })
  })

  describe('as a router to a narrower way', () => {
    let beyond: Netns

    beforeAll(async () => {
      netns = createNetns()
      beyond = createNetns()
      host = start(netns, { gateway: ipv6(KERNEL) })
      await setting(netns, 'conf/all/forwarding', '1')
      await netns.check('ip', ['link', 'add', 'r0', 'type', 'veth', 'peer', 'name', 'b0', 'netns', beyond.name])
      await netns.check('ip', ['address', 'add', 'fd01::1/64', 'dev', 'r0', 'nodad'])
      await netns.check('ip', ['link', 'set', 'r0', 'up'])
      await beyond.check('ip', ['address', 'add', `${BEYOND}/64`, 'dev', 'b0', 'nodad'])
      await beyond.check('ip', ['link', 'set', 'b0', 'up'])
      await beyond.check('ip', ['route', 'add', 'default', 'via', 'fd01::1'])
      // What goes there is told to be shorter; what comes from there may be as long as it likes.
      await netns.check('ip', [
        '-6',
        'route',
        'replace',
        'fd01::/64',
        'dev',
        'r0',
        'metric',
        '1',
        'mtu',
        'lock',
        String(NARROW),
      ])
      await host.layer.ready
    })
    afterAll(async () => {
      const faults = await host.close()
      await beyond.close()
      await netns.close()
      expect(faults).toBe('')
    })

    const mtuTo = (address: string): number => host.layer.mtu(ipv6(address)) + 40

    it('is told by ping what the next link takes, RFC 8201', async () => {
      expect(mtuTo(BEYOND)).toBe(1500)
      const outcome = await host.layer.ping(ipv6(BEYOND), { size: 1400, fragment: false, timeoutMs: 5000 })
      expect(outcome).toMatchObject({ kind: 'packet-too-big', mtu: NARROW })
      expect(mtuTo(BEYOND)).toBe(NARROW)
      expect(mtuTo(KERNEL)).toBe(1500)
    })

    it('sends in fragments from then on', async () => {
      expect(await host.layer.ping(ipv6(BEYOND), { size: 1400, timeoutMs: 5000 })).toMatchObject({ kind: 'reply' })
      expect(await host.layer.ping(ipv6(BEYOND), { size: 60_000, timeoutMs: 5000 })).toMatchObject({ kind: 'reply' })
    })

    it('answers ping -M do, whose replies are fragmented as the path asks', async () => {
      await beyond.check('ip', ['address', 'add', 'fd01::3/64', 'dev', 'b0', 'nodad'])
      const ping = ['-6', '-M', 'do', '-c', '3', '-i', '0.2', '-W', '5', '-s', '1400', '-I', 'fd01::3', OWN]
      const { stdout } = await beyond.run('ping', ping)
      // The first reply is what the router complains about.
      expect(stdout).toMatch(/3 packets transmitted, 2 received/)
      expect(mtuTo('fd01::3')).toBe(NARROW)
    })

    it('sends TCP segments that fit', async () => {
      await beyond.check('ip', ['address', 'add', 'fd01::4/64', 'dev', 'b0', 'nodad'])
      const output = await beyond.check('node', [`${here}support/echo-client.mjs`, OWN, '7', String(1 << 20)])
      expect(output).toMatch(/^[0-9a-f]{64} 1048576$/m)
    })

    it('is two hops away for traceroute, and traces itself', async () => {
      const output = await beyond.check('rltraceroute6', ['-n', '-w', '2', OWN])
      expect(output).toMatch(/^ ?1 +fd01::1/m)
      expect(output).toMatch(/^ ?2 +fd00::2/m)
      const hop = async (hopLimit: number): Promise<string> => {
        const outcome = await host.layer.ping(ipv6(BEYOND), { hopLimit, timeoutMs: 5000 })
        return outcome.kind === 'timeout' ? outcome.kind : `${outcome.kind} ${formatIpv6(outcome.from)}`
      }
      expect([await hop(1), await hop(2)]).toEqual([`time-exceeded ${KERNEL}`, `reply ${BEYOND}`])
    })

    it('is told where no route leads', async () => {
      await netns.check('ip', ['-6', 'route', 'add', 'unreachable', 'fd02::/64'])
      expect(await host.layer.ping(ipv6('fd02::1'), { timeoutMs: 5000 })).toMatchObject({ kind: 'net-unreachable' })
    })
  })
})
