// Linux's IPv4, ARP and IGMP and the usual tools as neighbors, over a TAP in a network namespace; behind it a second one, by a narrower way.
import { formatIpv4, formatMac, type Ipv4, ip, ipv4, MAC_BROADCAST } from '@fata/addr'
import { copyBytes, fromHex } from '@fata/bytes'
import { ETHERTYPE_IPV4 } from '@fata/link'
import { traceroute } from '@fata/stack'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ECHO_PORT, HOST_MAC, type Ipv4Host, startIpv4Host } from './support/ipv4-host.ts'
import { createNetns, type Netns } from './support/netns.ts'
import { describeWith } from './support/requirements.ts'

const OWN = '10.0.0.2'
const KERNEL = '10.0.0.1'
const GROUP = '239.1.2.3'
const here = new URL('.', import.meta.url).pathname
/** From nothing to the largest packet; 1472 bytes are the most that fit into one. */
const SIZES = [0, 56, 1472, 1473, 9000, 65_507]

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('it did not happen within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describeWith(
  ['tap', 'ping', 'tshark', 'arping', 'traceroute', 'mtr', 'nmap', 'python3'],
  'IPv4 with the kernel as a neighbor',
  () => {
    let netns: Netns
    let host: Ipv4Host

    beforeAll(() => {
      netns = createNetns()
      host = startIpv4Host(netns, { kernel: [`${KERNEL}/24`, '10.0.0.77/24'] })
    })
    afterAll(async () => {
      const faults = await host.close()
      await netns.close()
      expect(faults).toBe('')
    })

    it.each(SIZES)('RFC 792: answers ping of %i bytes', async (size) => {
      const output = await netns.check('ping', ['-c', '2', '-i', '0.1', '-W', '5', '-s', String(size), OWN])
      expect(output).toMatch(/2 packets transmitted, 2 received, 0% packet loss/)
    })

    it.each(SIZES)('RFC 1122 §3.2.2.6: is answered its pings of %i bytes', async (size) => {
      expect(await host.ipv4.ping(ipv4(KERNEL), { size, timeoutMs: 10_000 })).toMatchObject({ kind: 'reply', size })
    })

    it.each([
      [['-R'], /RR: .*\n(.*\n)*?.*10\.0\.0\.2/],
      [['-T', 'tsandaddr'], /TS: .*\n(.*\n)*?.*10\.0\.0\.2/],
    ])('RFC 1122 §3.2.2.6: returns the options of ping %s with an entry of its own', async (flags, expected) => {
      expect(await netns.check('ping', ['-c', '1', '-W', '5', ...flags, OWN])).toMatch(expected)
    })

    it('RFC 826: answers arping, and is a neighbor that the kernel can reach', async () => {
      const output = await netns.check('arping', ['-c', '2', '-i', 'tap0', OWN])
      expect(output).toContain(formatMac(HOST_MAC))
      await netns.check('ping', ['-c', '1', '-W', '5', OWN])
      expect(await netns.check('ip', ['neigh', 'show', 'dev', 'tap0'])).toMatch(
        new RegExp(`^${OWN} lladdr ${formatMac(HOST_MAC)} (REACHABLE|DELAY|STALE)`, 'm'),
      )
    })

    it.each([1, 1472, 1473, 20_000, 65_507])('RFC 791 §3.2: echoes UDP of %i bytes', async (size) => {
      const text = 'x'.repeat(size)
      expect(await netns.check('node', [`${here}support/udp-client.mjs`, OWN, String(ECHO_PORT), text])).toBe(text)
    })

    it('RFC 1122 §4.1.3.1: answers UDP to a closed port with port unreachable', async () => {
      const result = await netns.run('node', [`${here}support/udp-client.mjs`, OWN, '9', 'x'])
      expect(result.stderr).toContain('ECONNREFUSED')
    })

    it('RFC 1122 §4.1.3.3: hears that a port of the kernel is closed', async () => {
      const socket = host.stack.udp.bind({ remote: { address: ipv4(KERNEL), port: 9 } })
      socket.send(new Uint8Array(5))
      await expect(socket.receive()).rejects.toMatchObject({ code: 'ERR_UDP_REFUSED' })
      await socket.close()
    })

    it.each([['-U'], ['-I'], ['-T', '-p', String(ECHO_PORT)]])(
      'is one hop away for traceroute %s',
      async (...flags) => {
        const output = await netns.check('traceroute', ['-n', '-q', '1', '-w', '3', ...flags, OWN])
        expect(output).toMatch(/^ 1 {2}10\.0\.0\.2 {2}[\d.]+ ms$/m)
      },
    )

    it('is one hop away for mtr, which loses nothing', async () => {
      const output = await netns.check('mtr', ['-n', '-r', '-c', '3', '-i', '0.2', OWN])
      expect(output).toMatch(/1\.\|-- 10\.0\.0\.2 +0\.0%/)
    })

    it('shows nmap which ports are open, and goes on after its guessing of the system', {
      timeout: 180_000,
    }, async () => {
      const udp = await netns.check('nmap', ['-n', '-Pn', '-sU', '-p', '7,9', '--max-retries', '2', OWN])
      expect(udp).toMatch(/^7\/udp open /m)
      expect(udp).toMatch(/^9\/udp closed/m)
      const guess = await netns.check('nmap', ['-n', '-Pn', '-O', '-p', '7,9', '--max-os-tries', '1', OWN])
      expect(guess).toMatch(/^7\/tcp open/m)
      expect(await netns.check('ping', ['-c', '1', '-W', '5', OWN])).toMatch(/1 received/)
    })

    it('RFC 5227 §2.1: finds that the kernel has an address, and that nobody has another', async () => {
      expect(await host.arp.probe(ipv4('10.0.0.77'))).toBe(false)
      expect(await host.arp.probe(ipv4('10.0.0.78'))).toBe(true)
    })

    it('RFC 5227 §2.1.1: answers the probe of somebody who wants its address', async () => {
      expect(await netns.check('arping', ['-0', '-c', '1', '-i', 'tap0', OWN])).toContain(formatMac(HOST_MAC))
    })

    it('RFC 5227 §2.4: defends its address against somebody who uses it, and tells', async () => {
      await netns.run('arping', ['-c', '1', '-w', '1', '-i', 'tap0', '-S', OWN, '10.0.0.9'])
      await until(() => host.conflicts.length > 0)
      expect(host.conflicts[0]).toMatchObject({ address: ipv4(OWN), defended: true })
      const announced = `arp.opcode == 1 && arp.src.proto_ipv4 == ${OWN} && arp.dst.proto_ipv4 == ${OWN}`
      // Two when it began, one more now.
      await until(async () => (await host.packets(announced)).length === 3)
    })

    it('RFC 3376: joins groups, which queriers of each version hear', async () => {
      const socket = host.stack.udp.bind({ port: 5001 })
      const membership = socket.join(ip(GROUP), { mode: 'include', sources: [ip(KERNEL)] })
      const heard = (filter: string) => async (): Promise<boolean> => (await host.packets(filter)).length > 0
      await until(
        heard(`igmp.type == 0x22 && igmp.record_type == 5 && igmp.maddr == ${GROUP} && igmp.saddr == ${KERNEL}`),
      )
      const ask = (...args: string[]): Promise<string> =>
        netns.check('python3', [`${here}support/igmp-querier.py`, 'tap0', KERNEL, ...args])
      await ask('3')
      await until(heard(`igmp.type == 0x22 && igmp.record_type == 1 && igmp.maddr == ${GROUP}`))
      await ask('2')
      await until(heard(`igmp.type == 0x16 && igmp.maddr == ${GROUP}`))
      membership.leave()
      await until(heard(`igmp.type == 0x17 && igmp.maddr == ${GROUP}`))
      await socket.close()
    })

    it('RFC 1112: sends to a group that the kernel is in, and hears what the kernel sends', async () => {
      const socket = host.stack.udp.bind({ port: 5003 })
      socket.join(ip(GROUP))
      const client = netns.start('node', [`${here}support/multicast-client.mjs`, GROUP, '5002', KERNEL])
      await client.line(/^joined$/)
      expect(await netns.check('ip', ['maddr', 'show', 'dev', 'tap0'])).toContain(GROUP)
      const { data, src, multicast } = await socket.receive()
      expect([new TextDecoder().decode(data), formatIpv4(src.address as Ipv4), multicast]).toEqual([
        'from the kernel',
        KERNEL,
        true,
      ])
      socket.send(new TextEncoder().encode('from us'), { address: ip(GROUP), port: 5002 })
      await client.line(/^10\.0\.0\.2 from us$/)
      await socket.close()
    })
  },
)

describeWith(['tap', 'tshark'], 'the judge of captures', () => {
  it('finds a wrong checksum', async () => {
    const netns = createNetns()
    const host = startIpv4Host(netns)
    const { link } = host.stack.layers
    const packet = fromHex('4500001c 0001 0000 40 11 1234 0a000002 0a000001 0007 0007 0008 0000')
    link.write(MAC_BROADCAST, ETHERTYPE_IPV4, packet.length, (buf, off) => copyBytes(buf, off, packet))
    const faults = await host.close()
    await netns.close()
    expect(faults).toContain('10.0.0.2')
  })
})

const BEYOND = '10.1.0.2'
const NARROW = 1300

describeWith(['tap', 'ping', 'tshark', 'traceroute', 'mtr'], 'IPv4 through a router of the kernel', () => {
  let router: Netns
  let beyond: Netns
  let host: Ipv4Host

  beforeAll(async () => {
    router = createNetns()
    beyond = createNetns()
    host = startIpv4Host(router)
    const set = (netns: Netns, ...args: string[]): Promise<string> => netns.check('ip', args)
    await set(router, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', beyond.name)
    await set(router, 'address', 'add', '10.1.0.1/24', 'dev', 'veth0')
    await set(router, 'link', 'set', 'veth0', 'up')
    await set(beyond, 'address', 'add', `${BEYOND}/24`, 'dev', 'veth0')
    await set(beyond, 'link', 'set', 'veth0', 'up')
    await set(beyond, 'route', 'add', 'default', 'via', '10.1.0.1')
    // As if the next link were narrower: what may not be fragmented is refused from here on.
    await set(router, 'route', 'change', '10.1.0.0/24', 'dev', 'veth0', 'mtu', 'lock', String(NARROW))
    await router.check('sh', ['-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'])
    await router.check('sh', ['-c', 'echo 0 > /proc/sys/net/ipv4/icmp_ratemask'])
  })
  afterAll(async () => {
    const faults = await host.close()
    await Promise.all([router.close(), beyond.close()])
    expect(faults).toBe('')
  })

  /** Sends so much over TCP, and returns what the other end says came. */
  async function upload(bytes: number): Promise<string> {
    const server = beyond.start('node', [`${here}support/counting-server.mjs`, '5001'])
    await server.line(/^listening$/)
    const flow = await host.stack.tcp.connect({ address: ip(BEYOND), port: 5001 })
    await flow.write(new Uint8Array(bytes))
    await flow.shutdown()
    let answer = ''
    for await (const chunk of flow) answer += new TextDecoder().decode(chunk)
    await flow.close()
    await server.stop('SIGTERM')
    return answer
  }

  it('RFC 1191: learns what the narrow way takes, and keeps to it', async () => {
    const whole = { size: 1472, fragment: false, timeoutMs: 5000 }
    expect(await host.ipv4.ping(ipv4(BEYOND), whole)).toMatchObject({
      kind: 'packet-too-big',
      mtu: NARROW,
      from: ipv4(KERNEL),
    })
    expect(host.ipv4.mtu(ipv4(BEYOND))).toBe(NARROW - 20)
    await expect(host.ipv4.ping(ipv4(BEYOND), whole)).rejects.toMatchObject({ code: 'ERR_IP_WOULD_FRAGMENT' })
    const fits = { ...whole, size: NARROW - 28 }
    expect(await host.ipv4.ping(ipv4(BEYOND), fits)).toMatchObject({ kind: 'reply' })
    expect(await host.ipv4.ping(ipv4(BEYOND), { size: 65_507, timeoutMs: 5000 })).toMatchObject({ kind: 'reply' })
  })

  it('RFC 1191 §6.5: sends TCP in segments that fit', async () => {
    expect(await upload(300_000)).toBe('300000')
  })

  it('RFC 1191 §2: is told the way back by ping -M do, whose packets it answers', async () => {
    const fits = ['-c', '2', '-i', '0.1', '-W', '5', '-M', 'do', '-s', String(NARROW - 28), OWN]
    expect(await beyond.check('ping', fits)).toMatch(/2 received/)
    await beyond.check('ip', ['link', 'set', 'veth0', 'mtu', '1500'])
    expect(await beyond.check('ping', ['-c', '2', '-i', '0.1', '-W', '5', '-s', '9000', OWN])).toMatch(/2 received/)
  })

  it('RFC 792: traces the way to a host behind the router', async () => {
    const hops: string[] = []
    for await (const { outcomes } of traceroute(host.stack, ip(BEYOND), { probes: 1 })) {
      const [outcome] = outcomes
      hops.push(outcome!.kind === 'timeout' ? '*' : `${formatIpv4(outcome!.from as Ipv4)} ${outcome!.kind}`)
    }
    expect(hops).toEqual([`${KERNEL} time-exceeded`, `${BEYOND} reply`])
  })

  it.each([['-U'], ['-I'], ['-T', '-p', String(ECHO_PORT)]])('is two hops away for traceroute %s', async (...flags) => {
    const output = await beyond.check('traceroute', ['-n', '-q', '1', '-w', '3', ...flags, OWN])
    expect(output).toMatch(/^ 1 {2}10\.1\.0\.1 .*\n 2 {2}10\.0\.0\.2 {2}[\d.]+ ms$/m)
  })

  it('is two hops away for mtr, which loses nothing', async () => {
    const output = await beyond.check('mtr', ['-n', '-r', '-c', '3', '-i', '0.2', OWN])
    expect(output).toMatch(/2\.\|-- 10\.0\.0\.2 +0\.0%/)
  })

  it('RFC 1122 §3.2.2: hears from routers what became of its datagrams', async () => {
    const socket = host.stack.udp.bind({ remote: { address: ip(BEYOND), port: 9 } })
    socket.send(new Uint8Array(5), undefined, { ttl: 1 })
    await expect(socket.receive()).rejects.toMatchObject({ kind: 'time-exceeded', reporter: ipv4(KERNEL) })
    socket.send(new Uint8Array(5))
    await expect(socket.receive()).rejects.toMatchObject({ kind: 'port-unreachable', reporter: ipv4(BEYOND) })
    socket.connect({ address: ip('10.9.9.9'), port: 9 })
    socket.send(new Uint8Array(5))
    await expect(socket.receive()).rejects.toMatchObject({ kind: 'net-unreachable', reporter: ipv4(KERNEL) })
    socket.connect({ address: ip('10.1.0.99'), port: 9 })
    socket.send(new Uint8Array(5))
    await expect(socket.receive()).rejects.toMatchObject({ kind: 'host-unreachable', reporter: ipv4(KERNEL) })
    await socket.close()
  })

  it('RFC 4821 §7.7: gets TCP through where large packets vanish without a word', { timeout: 60_000 }, async () => {
    // A veth drops what its other end does not take; that end still claims to take whole segments.
    await beyond.check('ip', ['link', 'set', 'veth0', 'mtu', String(NARROW)])
    await beyond.check('ip', ['route', 'change', 'default', 'via', '10.1.0.1', 'advmss', '1460'])
    await beyond.check('ip', ['route', 'change', '10.1.0.0/24', 'dev', 'veth0', 'src', BEYOND, 'advmss', '1460'])
    await router.check('ip', ['route', 'change', '10.1.0.0/24', 'dev', 'veth0'])
    expect(await host.close()).toBe('')
    host = startIpv4Host(router)
    const whole = { size: 1472, fragment: false, timeoutMs: 1000 }
    expect(await host.ipv4.ping(ipv4(BEYOND), whole)).toMatchObject({ kind: 'timeout' })
    expect(await upload(300_000)).toBe('300000')
    expect(host.ipv4.stats.errorsReported).toEqual({})
  })
})
