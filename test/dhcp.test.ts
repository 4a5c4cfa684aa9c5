// Real peers over a TAP in a network namespace: dnsmasq serves our client, udhcpc and dhclient ask our server.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatIp, formatIpv4, ip, ipv4, ipv4Prefix, ipv6, isIpv6LinkLocal, prefixOf } from '@fata/addr'
import { type Arp, createArp } from '@fata/arp'
import { createDhcpClient, createDhcpServer, createDhcpv6Client, type DhcpClientOptions } from '@fata/dhcp'
import { createEthernet } from '@fata/ethernet'
import { createIpv4, type Ipv4Layer } from '@fata/ipv4'
import { createIpv6 } from '@fata/ipv6'
import type { Net } from '@fata/net'
import { systemRuntime } from '@fata/runtime'
import { openTap } from '@fata/tap'
import { createUdp, type Udp } from '@fata/udp'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { temporaryFolder } from './support/fata.ts'
import { createNetns, type Netns } from './support/netns.ts'
import type { Running } from './support/process.ts'
import { describeWith } from './support/requirements.ts'

interface Host {
  readonly device: Net
  readonly arp: Arp
  readonly ipv4: Ipv4Layer
  readonly udp: Udp
  close(): Promise<void>
}

/** The layers of IPv4 over tap0 of a namespace; `kernel` are the kernel's addresses there. */
function host(netns: Netns, kernel: readonly string[], address?: string): Host {
  const runtime = systemRuntime()
  const device = openTap({ name: 'tap0', netns: netns.name, hostAddresses: kernel })
  const link = createEthernet(device)
  const arp = createArp({ link, ...runtime })
  const layer = createIpv4({ link, neighbors: arp, ...runtime })
  layer.onAddresses((addresses) => arp.setAddresses(addresses.map((a) => a.address)))
  if (address !== undefined) layer.addAddress(ipv4Prefix(address))
  const udp = createUdp({ ip: layer, ...runtime })
  const close = async (): Promise<void> => {
    await udp.close()
    layer.close()
    arp.close()
    await device.close()
  }
  return { device, arp, ipv4: layer, udp, close }
}

describeWith(['tap', 'dnsmasq'], 'the DHCP client with dnsmasq', () => {
  const folder = temporaryFolder()
  const leases = join(folder.path, 'leases')
  let netns: Netns
  let h: Host
  let server: Running

  beforeAll(async () => {
    netns = createNetns()
    h = host(netns, ['10.9.0.1/24'])
    server = netns.start('dnsmasq', [
      ...[
        '--keep-in-foreground',
        '--port=0',
        '--interface=tap0',
        '--bind-interfaces',
        '--user=root',
        '--log-facility=-',
      ],
      ...['--dhcp-range=10.9.0.100,10.9.0.150,255.255.255.0,2m', '--dhcp-authoritative', `--dhcp-leasefile=${leases}`],
      ...['--no-ping', '--domain=example.test', '--dhcp-option=option:mtu,1400', '--conf-file=/dev/null'],
      ...['--dhcp-option=option:dns-server,10.9.0.1,9.9.9.9', '--dhcp-option=option:domain-search,a.test,b.a.test'],
      '--dhcp-option=option:classless-static-route,0.0.0.0/0,10.9.0.1,10.1.0.0/16,10.9.0.2',
    ])
  })
  afterAll(async () => {
    await server?.stop()
    await h?.close()
    await netns?.close()
    folder.remove()
  })

  const client = (options: DhcpClientOptions = {}) => {
    const socket = h.udp.bind({ address: ip('0.0.0.0'), port: 68, broadcast: true })
    const made = createDhcpClient({ socket, ...systemRuntime(), mac: h.device.mac! }, options)
    made.onLease(({ kind, lease }) => {
      if (kind === 'lost') h.ipv4.removeAddress(lease.address)
      else h.ipv4.addAddress(prefixOf(lease.address, lease.prefixLength))
    })
    return { made, socket }
  }

  it('gets a lease with all that goes with it, is reached, renews and releases', async () => {
    const { made, socket } = client({ hostName: 'alice' })
    const events: string[] = []
    made.onLease(({ kind }) => events.push(kind))
    const lease = await made.start()
    expect(lease).toMatchObject({
      server: ipv4('10.9.0.1'),
      prefixLength: 24,
      routes: [
        { prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('10.9.0.1') },
        { prefix: ipv4Prefix('10.1.0.0/16'), gateway: ipv4('10.9.0.2') },
      ],
      dnsServers: [ipv4('10.9.0.1'), ipv4('9.9.9.9')],
      domainName: 'example.test',
      domainSearch: ['a.test', 'b.a.test'],
      mtu: 1400,
      hostName: 'alice',
    })
    expect(lease.expiresAt - lease.renewAt).toBeCloseTo(60_000)
    expect(await netns.check('cat', [leases])).toContain(`${formatIpv4(lease.address)} alice ff`)
    expect((await h.ipv4.ping(ipv4('10.9.0.1'))).kind).toBe('reply')

    const renewed = new Promise<void>((resolve) => made.onLease(({ kind }) => kind === 'renewed' && resolve()))
    made.renew()
    await renewed
    expect(made.lease!.address).toBe(lease.address)
    expect(made.stats.dropped).toEqual({})

    expect(await made.inform(lease.address)).toMatchObject({ server: ipv4('10.9.0.1'), mtu: 1400 })

    await made.release()
    expect(events).toEqual(['acquired', 'renewed', 'lost'])
    await expect.poll(() => netns.check('cat', [leases])).not.toContain('alice')
    await made.close()
    await socket.close()
  })

  it('goes by INIT-REBOOT to the address that a store remembers', async () => {
    const first = client()
    const { address } = await first.made.start()
    await first.made.close()
    await first.socket.close()
    h.ipv4.removeAddress(address)
    const text = JSON.stringify({ address: formatIpv4(address), expires: null })
    const store = { get: async () => new TextEncoder().encode(text), set: async () => {}, remove: async () => {} }
    const socket = h.udp.bind({ address: ip('0.0.0.0'), port: 68, broadcast: true })
    const second = createDhcpClient({ socket, ...systemRuntime(), mac: h.device.mac!, store })
    expect((await second.start()).address).toBe(address)
    expect(second.stats).toMatchObject({ sent: 1, received: 1 })
    await second.close()
    await socket.close()
  })
})

describeWith(['tap', 'udhcpc', 'dhclient'], 'the DHCP server with udhcpc and dhclient', () => {
  const folder = temporaryFolder()
  const script = join(folder.path, 'bound.sh')
  let netns: Netns
  let h: Host

  beforeEach(async () => {
    // What a client is told, line by line.
    writeFileSync(script, '#!/bin/sh\nenv | sort\n', { mode: 0o755 })
    netns = createNetns()
    h = host(netns, [], '10.9.0.2/24')
  })
  afterEach(async () => {
    await h?.close()
    await netns?.close()
  })
  afterAll(() => folder.remove())

  const server = (unicast: boolean) =>
    createDhcpServer(
      {
        socket: h.udp.bind({ port: 67, broadcast: true }),
        clock: systemRuntime().clock,
        ...(unicast ? { neighbors: h.arp } : {}),
      },
      {
        address: ipv4('10.9.0.2'),
        subnets: [
          {
            prefix: ipv4Prefix('10.9.0.0/24'),
            ranges: [{ first: ipv4('10.9.0.77'), last: ipv4('10.9.0.77') }],
            routers: [ipv4('10.9.0.2')],
            dnsServers: [ipv4('10.9.0.2'), ipv4('9.9.9.9')],
            domainName: 'example.test',
            domainSearch: ['a.test', 'b.a.test'],
            mtu: 1400,
            routes: [{ prefix: ipv4Prefix('10.1.0.0/16'), gateway: ipv4('10.9.0.3') }],
          },
        ],
      },
    )

  it.each([
    ['broadcast', false],
    ['unicast', true],
  ])('gives udhcpc an address and all it asks for, by %s, and takes it back', async (_name, unicast) => {
    const s = server(unicast)
    const wanted = ['search', 'mtu', 'staticroutes', 'domain', 'dns', 'router', 'subnet'].flatMap((name) => [
      '-O',
      name,
    ])
    const output = await netns.check('udhcpc', [
      ...['-i', 'tap0', '-f', '-q', '-n', '-R', '-s', script, '-x', 'hostname:bob', ...wanted],
    ])
    expect(output).toContain('ip=10.9.0.77\n')
    expect(output).toContain('subnet=255.255.255.0\n')
    expect(output).toContain('router=10.9.0.2\n')
    expect(output).toContain('dns=10.9.0.2 9.9.9.9\n')
    expect(output).toContain('search=a.test b.a.test\n')
    expect(output).toContain('staticroutes=10.1.0.0/16 10.9.0.3\n')
    expect(output).toContain('mtu=1400\n')
    expect(output).toContain('lease=3600\n')
    expect(output).toContain('serverid=10.9.0.2\n')
    expect(s.bindings()).toMatchObject([{ address: ipv4('10.9.0.77'), hostName: 'bob' }])
    await s.close()
  })

  it('gives dhclient an address, again after a reboot, and takes it back', async () => {
    const s = server(false)
    const files = ['-lf', join(folder.path, 'dhclient.leases'), '-pf', join(folder.path, 'dhclient.pid'), '-sf', script]
    const told = await netns.run('dhclient', ['-4', '-1', '-v', ...files, 'tap0'])
    expect(told.stderr).toContain('DHCPACK of 10.9.0.77 from 10.9.0.2')
    expect(told.stderr).toContain('bound to 10.9.0.77')
    expect(s.bindings()).toMatchObject([{ state: 'bound' }])
    await netns.run('dhclient', ['-4', '-x', ...files, 'tap0'])
    const again = await netns.run('dhclient', ['-4', '-1', '-v', ...files, 'tap0'])
    expect(again.stderr).not.toContain('DHCPDISCOVER')
    expect(again.stderr).toContain('bound to 10.9.0.77')
    await netns.check('ip', ['addr', 'add', '10.9.0.77/24', 'dev', 'tap0'])
    const released = await netns.run('dhclient', ['-4', '-r', '-v', ...files, 'tap0'])
    expect(released.stderr).toContain('DHCPRELEASE of 10.9.0.77')
    await expect.poll(() => s.bindings()).toMatchObject([{ state: 'released' }])
    expect(s.stats).toMatchObject({ dropped: {}, unsent: {} })
    await s.close()
  })
})

describeWith(['tap', 'dnsmasq'], 'the DHCPv6 client with dnsmasq', () => {
  const folder = temporaryFolder()
  const leases = join(folder.path, 'leases')
  afterAll(() => folder.remove())

  it('gets configuration alone, then addresses with it, is reached, renews and releases', async () => {
    const runtime = systemRuntime()
    const netns = createNetns()
    const device = openTap({ name: 'tap0', netns: netns.name, hostAddresses: ['fd09::1/64'] })
    const layer = createIpv6({ link: createEthernet(device), ...runtime }, { acceptRouterAdvertisements: false })
    const udp = createUdp({ ip: layer, ...runtime })
    const server = netns.start('dnsmasq', [
      ...[
        '--keep-in-foreground',
        '--port=0',
        '--interface=tap0',
        '--bind-interfaces',
        '--user=root',
        '--log-facility=-',
      ],
      ...['--dhcp-range=fd09::100,fd09::1ff,64,10m', '--dhcp-authoritative', `--dhcp-leasefile=${leases}`],
      ...[
        '--dhcp-option=option6:dns-server,[fd09::1],[fd09::53]',
        '--dhcp-option=option6:domain-search,a.test,b.a.test',
      ],
      '--conf-file=/dev/null',
    ])
    try {
      await layer.ready
      const client = createDhcpv6Client({ socket: udp.bind({ port: 546 }), ...runtime, mac: device.mac! })
      client.onLease(({ kind, lease }) => {
        for (const { address } of lease.addresses)
          if (kind === 'lost') layer.removeAddress(address)
          else layer.addAddress(prefixOf(address, 128))
      })
      const configuration = { dnsServers: [ipv6('fd09::1'), ipv6('fd09::53')], domainSearch: ['a.test', 'b.a.test'] }
      expect(await client.inform()).toMatchObject(configuration)

      const lease = await client.start()
      expect(lease).toMatchObject(configuration)
      expect(lease.addresses).toHaveLength(1)
      const [{ address }] = lease.addresses as [(typeof lease.addresses)[0]]
      expect(formatIp(address)).toMatch(/^fd09::1[0-9a-f]{2}$/)
      expect(await netns.check('cat', [leases])).toContain(formatIp(address))
      await expect.poll(() => layer.addresses().length, { timeout: 5000 }).toBe(2)
      layer.addRoute({ prefix: prefixOf(ipv6('fd09::'), 64), gateway: await linkLocal(netns) })
      expect((await layer.ping(ipv6('fd09::1'))).kind).toBe('reply')

      const renewed = new Promise<void>((resolve) => client.onLease(({ kind }) => kind === 'renewed' && resolve()))
      client.renew()
      await renewed
      expect(client.lease!.addresses[0]!.address).toEqual(address)
      expect(client.stats).toMatchObject({ dropped: {}, unsent: {} })

      await client.release()
      await expect.poll(() => netns.check('cat', [leases])).not.toContain(formatIp(address))
      await client.close()
    } finally {
      await server.stop()
      await udp.close()
      layer.close()
      await device.close()
      await netns.close()
    }
  })

  /** Of the kernel on tap0. */
  async function linkLocal(netns: Netns) {
    const text = await netns.check('ip', ['-j', '-6', 'addr', 'show', 'dev', 'tap0'])
    const [{ addr_info }] = JSON.parse(text) as [{ addr_info: { local: string }[] }]
    return addr_info.map(({ local }) => ipv6(local)).find(isIpv6LinkLocal)!
  }
})
