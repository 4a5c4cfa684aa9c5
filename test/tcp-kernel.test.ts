// Linux's TCP and the usual tools as peers, over a TAP in a network namespace; behind it a second one, by a way that narrows.
import { formatMac, ip } from '@fata/addr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createNetns, type Netns } from './support/netns.ts'
import { describeWith } from './support/requirements.ts'
import {
  digestOf,
  ECHO_PORT,
  HOST_MAC,
  SINK_PORT,
  SOURCE_PORT,
  startTcpHost,
  type TcpHost,
} from './support/tcp-host.ts'

const LENGTH = 4 * 1024 * 1024
const CLOSED_PORT = 81
const KERNEL_PORT = 5001
const CONGESTION = ['cubic', 'reno', 'bbr']
const families = [
  { family: 'IPv4', header: 20, own: '10.0.0.2', kernel: '10.0.0.1', beyond: '10.1.0.2' },
  { family: 'IPv6', header: 40, own: 'fd00::2', kernel: 'fd00::1', beyond: 'fd01::2' },
]
const clientScript = new URL('support/tcp-client.py', import.meta.url).pathname
const floodScript = new URL('support/syn-flood.py', import.meta.url).pathname
const client = (netns: Netns, ...args: readonly (string | number)[]): Promise<string> =>
  netns.check('python3', [clientScript, ...args.map(String)])

describeWith(['tap', 'python3', 'tshark'], 'TCP with the kernel as peer', () => {
  describe.each([true, false])('offload %s', (offload) => {
    let netns: Netns
    let host: TcpHost

    beforeAll(async () => {
      netns = createNetns()
      host = await startTcpHost(netns, { length: LENGTH, offload })
    })
    afterAll(async () => {
      const faults = await host?.close()
      await netns?.close()
      expect(faults).toBe('')
    })

    for (const congestion of CONGESTION) {
      it.each(families)(`${congestion}, $family: gets every byte of ours`, async ({ own }) => {
        const output = await client(netns, 'receive', own, SOURCE_PORT, congestion)
        expect(output.trim()).toBe(`${congestion} ${host.digest} ${LENGTH}`)
      })

      it.each(families)(`${congestion}, $family: has every byte arrive`, async ({ own }) => {
        const output = await client(netns, 'send', own, SINK_PORT, congestion, LENGTH)
        expect(output).toMatch(new RegExp(`^${congestion} [0-9a-f]{64} ${LENGTH}$`, 'm'))
      })

      it.each(families)(`${congestion}, $family: both ways at once, opened by us`, async ({ kernel }) => {
        const server = netns.start('python3', [clientScript, 'listen-echo', kernel, String(KERNEL_PORT), congestion])
        await server.line(/^listening$/)
        const flow = await host.stack.tcp.connect({ address: ip(kernel), port: KERNEL_PORT })
        const [digest] = await Promise.all([digestOf(flow), flow.write(host.data).then(() => flow.shutdown())])
        expect(digest).toBe(host.digest)
        await flow.close()
        expect((await server.finished).stdout).toContain(`${congestion} ${host.digest} ${LENGTH}`)
      })
    }
  })
})

describeWith(['tap', 'python3', 'tshark', 'ss'], 'TCP with the kernel on a path that loses nothing', () => {
  let netns: Netns
  let host: TcpHost

  beforeAll(async () => {
    netns = createNetns()
    host = await startTcpHost(netns, { length: LENGTH })
  })
  afterAll(async () => {
    const faults = await host?.close()
    await netns?.close()
    expect(faults).toBe('')
  })

  // Short enough for the queues of the TAP.
  it.each(families)('$family: uses SACK, timestamps and window scaling, and sends nothing twice', async ({ own }) => {
    const shown = await client(netns, 'echo', own, ECHO_PORT, 'cubic', 262_144, 'ss')
    expect(shown).toMatch(/\bcubic\b/)
    expect(shown).toMatch(/ ts sack /)
    expect(shown).toMatch(/ wscale:[1-9]\d*,[1-9]\d* /)
    expect(shown).not.toMatch(/retrans:|dsack_dups|reord_seen|lost:/)
    const { retransmits, timeouts, spuriousRecoveries, outOfOrderIn } = host.stack.tcp.stats
    expect({ retransmits, timeouts, spuriousRecoveries, outOfOrderIn }).toEqual({
      retransmits: 0,
      timeouts: 0,
      spuriousRecoveries: 0,
      outOfOrderIn: 0,
    })
  })

  it('sends nothing that tshark finds spurious, malformed or out of order', async () => {
    const kinds = ['spurious_retransmission', 'retransmission', 'out_of_order', 'lost_segment', 'ack_lost_segment']
    const found = kinds.map((kind) => `tcp.analysis.${kind}`).join(' || ')
    expect(await host.packets(`eth.src == ${formatMac(HOST_MAC)} && (${found})`)).toEqual([])
    expect(
      await host.packets('tcp.flags.syn == 1 && tcp.options.sack_perm && tcp.options.timestamp.tsval'),
    ).not.toEqual([])
  })
})

describeWith(['tap', 'python3', 'tshark', 'nmap'], 'TCP under attack', () => {
  let netns: Netns
  let host: TcpHost

  beforeAll(async () => {
    netns = createNetns()
    host = await startTcpHost(netns, { length: LENGTH, ipv4: '10.0.0.2/16', kernel: ['10.0.0.1/16', 'fd00::1/64'] })
    // No queue in between loses anything: what is lost is ours.
    await netns.check('ip', ['link', 'set', 'tap0', 'txqueuelen', '30000'])
    // The kernel is silent about what is not its own.
    await netns.check('ip', ['route', 'add', 'blackhole', '10.9.0.0/16'])
  })
  afterAll(async () => {
    const faults = await host?.close()
    await netns?.close()
    expect(faults).toBe('')
  })

  const echoes = async (): Promise<void> => {
    expect(await client(netns, 'echo', '10.0.0.2', ECHO_PORT, 'cubic', 100_000)).toContain(' 100000')
  }

  it.each([
    ['-sS', 'open', 'closed'],
    ['-sA', 'unfiltered', 'unfiltered'],
    ['-sF', 'open\\|filtered', 'closed'],
    ['-sX', 'open\\|filtered', 'closed'],
    ['-sN', 'open\\|filtered', 'closed'],
  ])('nmap %s calls an open port %s and a closed one %s', async (scan, open, closed) => {
    const ports = `${ECHO_PORT},${CLOSED_PORT}`
    const output = await netns.check('nmap', ['-n', '-Pn', '--reason', scan, '-p', ports, '10.0.0.2'])
    expect(output).toMatch(new RegExp(`^${ECHO_PORT}/tcp +${open} `, 'm'))
    expect(output).toMatch(new RegExp(`^${CLOSED_PORT}/tcp +${closed} `, 'm'))
    await echoes()
  })

  it('nmap guesses the system, finds truly random sequence numbers, and does no harm', {
    timeout: 180_000,
  }, async () => {
    const ports = `${ECHO_PORT},${CLOSED_PORT}`
    const output = await netns.check('nmap', ['-n', '-Pn', '-v', '-O', '--max-os-tries', '1', '-p', ports, '10.0.0.2'])
    expect(output).toMatch(new RegExp(`^${ECHO_PORT}/tcp +open`, 'm'))
    expect(output).toMatch(/TCP Sequence Prediction: Difficulty=2[0-9]{2}/)
    await echoes()
  })

  it('goes on and lets new connections in under a flood of 20,000 SYNs', { timeout: 60_000 }, async () => {
    const talking = netns.start('python3', [clientScript, 'talk', '10.0.0.2', String(ECHO_PORT), 'cubic', '1000000'])
    let turns = 0
    talking.child.stdout.on('data', (text: string) => {
      turns += text.split('\n').length - 1
    })
    await talking.line(/^10$/)
    const before = turns
    const flood = ['tap0', formatMac(HOST_MAC), '10.0.0.2', String(ECHO_PORT), '20000', '10.0', '10.9']
    const flooding = netns.check('python3', [floodScript, ...flood])
    // Connections of both kinds: those that meet the flood itself, and those that meet what it leaves.
    for (let i = 0; i < 3; i++) await echoes()
    expect(await flooding).toMatch(/^sent [12]\d{4}$/m)
    const after = turns
    expect(after).toBeGreaterThan(before)
    for (let i = 0; i < 3; i++) await echoes()
    const { cookiesOut, cookiesIn } = host.stack.tcp.stats
    expect(cookiesOut).toBeGreaterThan(1000)
    expect(cookiesIn).toBeGreaterThanOrEqual(3)
    await talking.line(new RegExp(`^${after + 10}$`))
    await talking.stop('SIGTERM')
  })
})

describeWith(['tap', 'python3', 'tshark'], 'TCP on a path that narrows', () => {
  let router: Netns
  let beyond: Netns
  let host: TcpHost

  beforeAll(async () => {
    router = createNetns()
    beyond = createNetns()
    host = await startTcpHost(router, { length: LENGTH })
    const set = (netns: Netns, ...args: string[]): Promise<string> => netns.check('ip', args)
    await set(router, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', beyond.name)
    // Each packet by itself meets the limit, as on a wire.
    for (const netns of [router, beyond]) await set(netns, 'link', 'set', 'veth0', 'gso_max_segs', '1')
    for (const [own, peer] of [
      ['10.1.0.1', '10.1.0.2'],
      ['fd01::1', 'fd01::2'],
    ]) {
      const length = own!.includes(':') ? 64 : 24
      await set(router, 'address', 'add', `${own}/${length}`, 'dev', 'veth0')
      await set(beyond, 'address', 'add', `${peer}/${length}`, 'dev', 'veth0')
    }
    await Promise.all([router, beyond].map((netns) => set(netns, 'link', 'set', 'veth0', 'up')))
    await set(beyond, 'route', 'add', 'default', 'via', '10.1.0.1')
    await set(beyond, '-6', 'route', 'add', 'default', 'via', 'fd01::1')
    const settings = [
      'ipv4/ip_forward 1',
      'ipv4/icmp_ratemask 0',
      'ipv6/conf/all/forwarding 1',
      'ipv6/icmp/ratelimit 0',
    ]
    for (const setting of settings) {
      const [path, value] = setting.split(' ')
      await router.check('sh', ['-c', `echo ${value} > /proc/sys/net/${path}`])
    }
  })
  afterAll(async () => {
    const faults = await host?.close()
    await Promise.all([router.close(), beyond.close()])
    expect(faults).toBe('')
  })

  const narrow = (mtu: number): Promise<unknown> =>
    Promise.all([router, beyond].map((netns) => netns.check('ip', ['link', 'set', 'veth0', 'mtu', String(mtu)])))

  it.each(families)(
    '$family: goes on in smaller segments when the way narrows, and does again',
    async ({ beyond: peer, header }) => {
      await narrow(1500)
      const server = beyond.start('python3', [clientScript, 'listen-receive', peer, String(KERNEL_PORT), 'cubic'])
      await server.line(/^listening$/)
      const flow = await host.stack.tcp.connect({ address: ip(peer), port: KERNEL_PORT })
      const third = Math.trunc(LENGTH / 3)
      for (const [i, mtu] of [1400, 1300].entries()) {
        const narrowing = narrow(mtu)
        await flow.write(host.data.slice(i * third, (i + 1) * third))
        await narrowing
        // Known as soon as a segment has met the new limit.
        expect(flow.info().pathMtu).toBeGreaterThanOrEqual(mtu - header)
      }
      await flow.write(host.data.slice(2 * third))
      await flow.shutdown()
      expect((await server.finished).stdout).toContain(`cubic ${host.digest} ${LENGTH}`)
      expect(flow.info().pathMtu).toBe(1300 - header)
      await flow.close()
    },
  )

  it.each(families)('$family: is sent smaller segments when the way narrows', async ({ own }) => {
    await narrow(1500)
    const sending = client(beyond, 'send', own, SINK_PORT, 'cubic', LENGTH)
    await narrow(1300)
    expect(await sending).toContain(` ${LENGTH}`)
  })
})
