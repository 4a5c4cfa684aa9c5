import { IPV4_BROADCAST, ipv4, ipv4Prefix } from '@fata/addr'
import { checksum, fromHex, hex, u16 } from '@fata/bytes'
import { describe, expect, it } from 'vitest'
import { decode } from '../src/wire.ts'
import {
  counting,
  createHost,
  filling,
  icmp,
  icmpOf,
  join,
  PEER,
  packet,
  ROUTER,
  ROUTER_MAC,
  recorder,
  US,
} from './support/host.ts'

const FAR = ipv4('192.0.2.9')

describe('echo requests (RFC 1122 §3.2.2.6)', () => {
  it('are answered as the captured ones were', () => {
    const { link, ip } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('10.0.0.2/24'))
    // 10.0.0.1 > 10.0.0.2: ICMP echo request, id 11883, seq 1, length 40
    const request = '0800afc22e6b00016657016b00000000d53b0a00000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a'
    // 10.0.0.2 > 10.0.0.1: ICMP echo reply, id 11883, seq 1, length 40
    const reply = '0000b7c22e6b00016657016b00000000d53b0a00000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a'
    ip.addRoute({ prefix: ipv4Prefix('10.0.0.1/32'), gateway: PEER })
    ip.addRoute({ prefix: ipv4Prefix('10.0.0.1/32'), gateway: ROUTER })
    link.receive(packet({ protocol: 1, src: US, dst: PEER }, fromHex(request)))
    expect(hex(link.take()[0]!.payload)).toBe(reply)
  })

  it.each([0, 1, 2, 55, 56, 57, 1472])('of %i bytes get them all back', (size) => {
    const { link } = createHost()
    link.receive(packet({ protocol: 1, trafficClass: 0xbb, ttl: 3 }, icmp(8, 0, 0x12340007, counting(size))))
    const [sent] = link.take()
    expect(sent!.h).toMatchObject({ src: US, dst: PEER, protocol: 1, ttl: 64, trafficClass: 0xb8 })
    expect(icmpOf(sent)).toEqual({ type: 0, code: 0, rest: 0x12340007, quote: counting(size) })
  })

  // 10.0.0.1 is 0a000001; the clock stands at 5 ms, which does not count from midnight.
  it.each([
    ['record route', '07070400000000 00', '07070 80a000001 00'],
    ['record route with entries', '070b08 0a000063 00000000 00', '070b0c 0a000063 0a000001 00'],
    ['record route without room', '070708 0a000063 00', '070708 0a000063 00'],
    ['timestamp', '44080500 00000000', '44080900 80000005'],
    ['timestamp with address', '440c0501 00000000 00000000', '440c0d01 0a000001 80000005'],
    ['timestamp of named addresses', '440c0503 0a000001 00000000', '440c0d03 0a000001 80000005'],
    ['timestamp of others', '440c0503 0a000063 00000000', '440c0503 0a000063 00000000'],
    ['timestamp without room', '44080900 80000001', '44080910 80000001'],
    ['timestamp without room for so many', '440809f0 80000001', '440809f0 80000001'],
    ['timestamp of no known kind', '44080502 00000000', '44080502 00000000'],
    ['what is no echo of it', '94040000', ''],
    ['both among others', '94040000 01 07070400000000 44080500 00000000', '07070 80a000001 44080900 80000005 00'],
    ['too short to hold anything', '0702 4402', '07024402'],
  ])('with %s have it in their reply (RFC 1122 §3.2.2.6)', (_, options, expected) => {
    const { link, clock } = createHost()
    clock.advance(5)
    link.receive(packet({ protocol: 1 }, icmp(8, 0, 7, counting(9)), fromHex(options)))
    const [sent] = link.take()
    expect(hex(sent!.bytes, 20, sent!.h.headerLength)).toBe(expected.replaceAll(' ', ''))
    expect(icmpOf(sent)).toEqual({ type: 0, code: 0, rest: 7, quote: counting(9) })
  })

  it('have the checksum followed, for any checksum', () => {
    const { link } = createHost()
    for (let i = 0; i < 65_536; i += 13) {
      link.receive(packet({ protocol: 1 }, icmp(8, 0, i * 65_536 + 1)))
      const [sent] = link.take()
      expect(checksum(sent!.payload, 0, 8)).toBe(0)
    }
  })

  it('that come in fragments are answered in fragments', () => {
    const { link } = createHost({ maxFragments: 64 })
    const request = icmp(8, 0, 7, counting(65_507))
    for (let from = 0; from < request.length; from += 1480) {
      const to = Math.min(from + 1480, request.length)
      const h = { protocol: 1, id: 3, fragmentOffset: from, moreFragments: to < request.length }
      link.receive(packet(h, request.slice(from, to)))
    }
    const reply = join(link.take())
    expect(checksum(reply, 0, reply.length)).toBe(0)
    expect(reply.slice(8)).toEqual(counting(65_507))
  })

  it('to groups are not answered', () => {
    const { link, ip } = createHost()
    for (const dst of ['255.255.255.255', '10.0.0.255', '224.0.0.1'])
      link.receive(packet({ protocol: 1, dst: ipv4(dst) }, icmp(8, 0, 7)), { multicast: true })
    expect([link.sent, ip.stats.dropped]).toEqual([[], { 'echo-to-group': 3 }])
  })

  it('with a wrong checksum are not answered', () => {
    const { link, ip } = createHost()
    const request = icmp(8, 0, 7, counting(8))
    request[12]! ^= 1
    link.receive(packet({ protocol: 1 }, request))
    link.receive(packet({ protocol: 1 }, request.slice(0, 7)))
    expect([link.sent, ip.stats.dropped]).toEqual([[], { 'icmp-bad-checksum': 1, 'icmp-truncated': 1 }])
  })

  it('can be left unanswered', () => {
    const { link, ip } = createHost({ answerEcho: false })
    link.receive(packet({ protocol: 1 }, icmp(8, 0, 7)))
    expect([link.sent, ip.stats.dropped]).toEqual([[], { 'echo-disabled': 1 }])
  })

  it('from where no route leads are counted', () => {
    const { link, ip } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    link.receive(packet({ protocol: 1, src: FAR }, icmp(8, 0, 7)))
    expect([link.sent, ip.stats.unsent]).toEqual([[], { 'echo-reply': 1 }])
  })

  it('and every other message reach whoever listens to ICMP', () => {
    const { link, ip } = createHost()
    link.receive(packet({ protocol: 1 }, icmp(13, 0, 7)))
    expect(ip.stats.dropped).toEqual({ 'icmp-unknown-type': 1 })
    const listener = recorder()
    ip.listen(1, listener)
    link.receive(packet({ protocol: 1 }, icmp(13, 0, 7)))
    link.receive(packet({ protocol: 1 }, icmp(8, 0, 7)))
    expect(listener.got.map((g) => g.payload[0])).toEqual([13, 8])
    expect(ip.stats.dropped).toEqual({ 'icmp-unknown-type': 1 })
  })

  it('source quench is ignored (RFC 6633)', () => {
    const { link, ip } = createHost()
    const listener = recorder()
    ip.listen(17, listener)
    link.receive(packet({ protocol: 1 }, icmp(4, 0, 0, packet({ src: US, dst: PEER }, counting(8)))))
    expect([listener.reports, ip.stats.dropped]).toEqual([[], { 'icmp-source-quench': 1 }])
  })
})

describe('errors that are sent (RFC 1122 §3.2.2)', () => {
  it('say that nobody speaks the protocol, as the captured one did', () => {
    const { link, ip } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('10.0.0.2/24'))
    ip.addRoute({ prefix: ipv4Prefix('10.0.0.1/32'), gateway: ROUTER })
    // IP (tos 0x0, ttl 64, id 7630, offset 0, flags [DF], proto unknown (253), length 28)
    //     10.0.0.1 > 10.0.0.2:  ip-proto-253 8
    link.receive(fromHex('4500001c1dce400040fd08150a0000010a0000023132333435363738'))
    // 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 protocol 253 unreachable, length 36
    expect(hex(link.sent[0]!.payload)).toBe('03022c29000000004500001c1dce400040fd08150a0000010a0000023132333435363738')
    expect(ip.stats).toMatchObject({ dropped: { 'no-listener': 1 }, errorsSent: { 'protocol-unreachable': 1 } })
  })

  it('say that nobody takes the packet, as the captured one did', () => {
    const { link, ip } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('10.0.0.2/24'))
    ip.addRoute({ prefix: ipv4Prefix('10.0.0.1/32'), gateway: ROUTER })
    ip.listen(17, recorder(false))
    // IP (tos 0x0, ttl 64, id 53798, offset 0, flags [DF], proto UDP (17), length 38)
    //     10.0.0.1.40596 > 10.0.0.2.9999: UDP, length 10
    const quoted = '45000026d22640004011549e0a0000010a0000029e94270f0012142668656c6c6f2066617461'
    link.receive(fromHex(quoted))
    // 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 udp port 9999 unreachable, length 46
    expect(hex(link.sent[0]!.payload)).toBe(`0303046c00000000${quoted}`)
    expect(ip.stats).toMatchObject({ dropped: { 'not-taken': 1 }, errorsSent: { 'port-unreachable': 1 } })
  })

  it('quote as much as 576 bytes hold, without padding', () => {
    const { link } = createHost()
    for (const length of [8, 527, 528, 529, 1480]) {
      const about = packet({}, counting(length))
      link.receive(Uint8Array.from([...about, 0, 0, 0]))
      const [sent] = link.take()
      expect(icmpOf(sent).quote).toEqual(about.slice(0, 548))
      expect(sent!.h.totalLength).toBe(Math.min(576, 48 + length))
      expect(sent!.h.trafficClass).toBe(0)
    }
  })

  it('about fragments quote the first one', () => {
    const { link } = createHost()
    const first = packet({ id: 5, moreFragments: true }, counting(16))
    link.receive(packet({ id: 5, fragmentOffset: 16 }, counting(8)))
    link.receive(first)
    expect(icmpOf(link.take()[0])).toMatchObject({
      type: 3,
      code: 2,
      quote: Uint8Array.from([...first, ...counting(8)]),
    })
  })

  it.each([
    ['a broadcast', { dst: IPV4_BROADCAST }, true, 'group'],
    ['a directed broadcast', { dst: ipv4('10.0.0.255') }, true, 'group'],
    ['a multicast', { dst: ipv4('224.0.0.1') }, true, 'group'],
    ['a multicast in a unicast frame', { dst: ipv4('224.0.0.1') }, false, 'group'],
    ['a class E source', { src: ipv4('240.0.0.1') }, false, 'source-not-a-host'],
  ])('are none about %s', (_, change, multicast, rule) => {
    const { link, ip } = createHost()
    link.receive(packet({ protocol: 99, ...change }, counting(8)), { multicast })
    expect([link.sent, ip.stats.errorsWithheld]).toEqual([[], { [rule]: 1 }])
  })

  it('are none about errors', () => {
    const { link, ip } = createHost()
    const broken = fromHex('07c80400')
    link.receive(packet({ protocol: 1 }, icmp(3, 3, 0, counting(28)), broken))
    expect([link.sent, ip.stats.errorsWithheld]).toEqual([[], { 'about-icmp-error': 1 }])
    link.receive(packet({ protocol: 1 }, icmp(8, 0, 0), broken))
    expect(icmpOf(link.take()[0]).type).toBe(12)
  })

  it('are limited', () => {
    const { link, ip, clock } = createHost({ icmpErrorsPerSecond: 10, icmpErrorBurst: 20 })
    const provoke = (times: number): number => {
      for (let i = 0; i < times; i++) link.receive(packet({}, counting(8)))
      return link.take().length
    }
    const burst = provoke(1000)
    expect(burst).toBeGreaterThanOrEqual(10)
    expect(burst).toBeLessThanOrEqual(20)
    expect(ip.stats.errorsWithheld).toEqual({ 'rate-limit': 1000 - burst })
    let sent = 0
    for (let s = 0; s < 60; s++) {
      clock.advance(1_000)
      const now = provoke(100)
      expect(now).toBeLessThanOrEqual(11)
      sent += now
    }
    expect(sent).toBeGreaterThan(300)
    expect(sent).toBeLessThanOrEqual(600)
  })

  it('can be none at all', () => {
    const { link, ip } = createHost({ icmpErrorsPerSecond: 0 })
    link.receive(packet({}, counting(8)))
    expect([link.sent, ip.stats.errorsWithheld]).toEqual([[], { 'rate-limit': 1 }])
  })
})

describe('errors that are received (RFC 1122 §3.2.2)', () => {
  const sent = (change = {}, length = 100): Uint8Array =>
    packet({ src: US, dst: FAR, dontFragment: true, ...change }, counting(length))

  function host(...args: Parameters<typeof createHost>) {
    const made = createHost(...args)
    const listener = recorder()
    made.ip.listen(17, listener)
    const error = (type: number, code: number, rest: number, quote: Uint8Array, change = {}): void =>
      made.link.receive(packet({ protocol: 1, src: ROUTER, ...change }, icmp(type, code, rest, quote)))
    return { ...made, listener, error }
  }

  it.each([
    [3, 0, 'net-unreachable'],
    [3, 1, 'host-unreachable'],
    [3, 2, 'protocol-unreachable'],
    [3, 3, 'port-unreachable'],
    [3, 5, 'source-route-failed'],
    [3, 6, 'net-unreachable'],
    [3, 7, 'host-unreachable'],
    [3, 8, 'host-unreachable'],
    [3, 9, 'prohibited'],
    [3, 10, 'prohibited'],
    [3, 11, 'net-unreachable'],
    [3, 12, 'host-unreachable'],
    [3, 13, 'prohibited'],
    [3, 14, 'prohibited'],
    [3, 15, 'prohibited'],
    [11, 0, 'time-exceeded'],
    [11, 1, 'reassembly-timeout'],
    [12, 0, 'parameter-problem'],
  ])('type %i code %i is told as %s', (type, code, kind) => {
    const { ip, listener, error } = host()
    error(type, code, 0, sent().slice(0, 28))
    expect(listener.reports).toEqual([
      { kind, src: US, dst: FAR, reporter: ROUTER, mtu: 0, buf: counting(8), off: 0, end: 8 },
    ])
    expect(ip.stats.errorsReported).toEqual({ [kind]: 1 })
  })

  it('reach every listener of the protocol, and no other', () => {
    const { ip, listener, error } = host()
    const [second, other] = [recorder(), recorder()]
    ip.listen(17, second)
    ip.listen(6, other)
    error(3, 3, 0, sent())
    expect([listener.reports.length, second.reports.length, other.reports.length]).toEqual([1, 1, 0])
    expect(listener.reports[0]!.buf).toEqual(counting(100))
  })

  it.each([
    ['another host', sent({ src: PEER }), {}, 'icmp-quote-not-ours'],
    ['a protocol that nobody speaks', sent({ protocol: 6 }), {}, 'icmp-quote-not-ours'],
    ['a loopback address', sent({ src: ipv4('127.0.0.1') }), {}, 'icmp-quote-not-ours'],
    ['a later fragment', sent({ fragmentOffset: 8 }), {}, 'icmp-quote-fragment'],
    ['too little', sent().slice(0, 27), {}, 'icmp-short-quote'],
    ['no IPv4 packet', sent().fill(0x65, 0, 1), {}, 'icmp-bad-quote'],
    ['a packet of ours, to a group', sent(), { dst: IPV4_BROADCAST }, 'icmp-error-to-group'],
  ])('about %s are ignored', (_, quote, change, reason) => {
    const { ip, listener, error } = host()
    error(3, 3, 0, quote, change)
    expect([listener.reports, ip.stats.dropped]).toEqual([[], { [reason]: 1 }])
  })

  it('with an unknown code are ignored', () => {
    const { ip, listener, error } = host()
    error(3, 16, 0, sent())
    error(11, 2, 0, sent())
    expect([listener.reports, ip.stats.dropped]).toEqual([[], { 'icmp-unknown-code': 2 }])
  })

  it('that a packet is too big lower the path MTU, before they are told', () => {
    const { ip, listener, error, clock, link } = host()
    const seen: number[] = []
    ip.listen(17, { packet: () => false, error: (report) => seen.push(ip.mtu(report.dst)) })
    error(3, 4, 1400, sent({}, 1480))
    expect(listener.reports).toMatchObject([{ kind: 'packet-too-big', mtu: 1400, dst: FAR }])
    expect([seen, ip.mtu(FAR), ip.mtu(PEER)]).toEqual([[1380], 1380, 1480])
    expect(() => ip.write(FAR, 17, 1381, filling(counting(1381)), { fragment: false })).toThrow(/path MTU of 1400/)
    ip.write(FAR, 17, 3000, filling(counting(3000)))
    expect(link.take().map((s) => s.h.totalLength)).toEqual([1396, 1396, 268])
    clock.advance(600_000)
    expect(ip.mtu(FAR)).toBe(1480)
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('that do not say what fits lower it by plateaus', () => {
    const { ip, listener, error } = host()
    error(3, 4, 0, sent({}, 1479))
    expect([ip.mtu(FAR), listener.reports[0]!.mtu]).toEqual([1472, 0])
    // As long as the estimate: the router may have counted the header twice.
    error(3, 4, 0, sent({}, 1472))
    expect(ip.mtu(FAR)).toBe(986)
  })

  it.each([
    ['of a size that passed', 1500, {}],
    ['below what any link takes', 60, {}],
    ['about a packet that could be fragmented', 1400, { dontFragment: false }],
  ])('that are impossible, %s, are ignored', (_, mtu, change) => {
    const { ip, listener, error } = host()
    error(3, 4, mtu, sent(change, 1480))
    expect([ip.mtu(FAR), listener.reports, ip.stats.dropped]).toEqual([1480, [], { 'icmp-bad-mtu': 1 }])
  })

  it('below the floor make packets go without DF', () => {
    const { ip, error, link } = host()
    error(3, 4, 296, sent({}, 1480))
    expect(ip.mtu(FAR)).toBe(532)
    for (let i = 0; i < 2; i++) ip.write(FAR, 17, 532, filling(counting(532)), { fragment: false })
    const [one, two] = link.take()
    expect([one!.h.dontFragment, two!.h.dontFragment]).toEqual([false, false])
    expect(one!.h.id).not.toBe(two!.h.id)
    expect(() => ip.write(FAR, 17, 533, filling(counting(533)), { fragment: false })).toThrow(/path MTU of 552/)
  })
})

describe('redirects (RFC 1122 §3.2.2.2)', () => {
  const OTHER = ipv4('10.0.0.253')
  const redirect = (gateway = OTHER, change = {}): Uint8Array =>
    packet({ protocol: 1, src: ROUTER, ...change }, icmp(5, 1, gateway, packet({ src: US, dst: FAR }, counting(8))))

  function host(...args: Parameters<typeof createHost>) {
    const made = createHost(...args)
    made.neighbors.known.set(OTHER, 0x020000000099 as never)
    const way = (): number => {
      made.ip.write(FAR, 17, 1, filling(counting(1)))
      return made.link.take()[0]!.to
    }
    return { ...made, way }
  }

  it('of the gateway in use are followed, for a while', () => {
    const { link, ip, way, clock } = host()
    expect(way()).toBe(ROUTER_MAC)
    link.receive(redirect())
    expect(way()).toBe(0x020000000099)
    expect(ip.source(FAR)).toBe(US)
    clock.advance(600_000)
    expect(way()).toBe(ROUTER_MAC)
  })

  it('are forgotten with the next change of routes', () => {
    const { link, ip, way } = host()
    link.receive(redirect())
    ip.addRoute({ prefix: ipv4Prefix('198.51.100.0/24'), gateway: PEER })
    expect(way()).toBe(ROUTER_MAC)
  })

  it.each([
    ['of somebody else', redirect(OTHER, { src: PEER })],
    ['to off the link', redirect(ipv4('192.0.2.1'))],
    ['to this host', redirect(US)],
    ['to everybody', redirect(ipv4('10.0.0.255'))],
    ['to a group', redirect(ipv4('224.0.0.1'))],
  ])('%s are not', (_, bytes) => {
    const { link, ip, way } = host()
    link.receive(bytes)
    expect([way(), ip.stats.dropped]).toEqual([ROUTER_MAC, { 'icmp-redirect-refused': 1 }])
  })

  it('can be refused altogether', () => {
    const { link, way } = host({ acceptRedirects: false })
    link.receive(redirect())
    expect(way()).toBe(ROUTER_MAC)
  })
})

it('the test can tell a wrong checksum', () => {
  const bytes = packet({ protocol: 1 }, icmp(8, 0, 7))
  expect(decode(bytes, 0, bytes.length)).toMatchObject({ protocol: 1 })
  expect(u16(bytes, 22)).toBe(checksum(icmp(8, 0, 7).fill(0, 2, 4), 0, 8))
})
