import { formatIpv6, ipv6, ipv6Prefix } from '@fata/addr'
import { PROTOCOL_ICMPV6, PROTOCOL_UDP } from '@fata/ip'
import { NetError } from '@fata/net'
import { describe, expect, it } from 'vitest'
import { type Harness, type HarnessOptions, line, listenTo, PEER_MAC, quietHost, sendUdp } from './harness.ts'
import { bytes, concat, echo, fragment, icmp, ns, packet, ra, type Shown, udp } from './packets.ts'

const FLOW = { src: 'fd00::b', dst: 'fd00::a' }
const PEER = ipv6('fd00::b')

function host(options: HarnessOptions = {}): Harness {
  const h = quietHost({ delayFirstProbeMs: 1e9, ...options })
  h.receive(ns({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
  h.sent()
  return h
}

/** An error about a packet that the host has sent. */
function errorAbout(
  sent: Shown & { bytes: Uint8Array },
  type: number,
  code: number,
  rest = 0,
  src = 'fd00::1',
): Uint8Array {
  return icmp({ src, dst: 'fd00::a' }, type, { code, rest, body: sent.bytes })
}

describe('an echo request, RFC 4443 §4.2', () => {
  it('is answered with the same data, from the address that was asked', () => {
    const h = host()
    h.receive(echo({ ...FLOW, trafficClass: 8, hopLimit: 1 }, bytes(30)))
    const [reply] = h.sent()
    expect(line(reply!)).toBe('02:00:00:00:00:0b fd00::a > fd00::b: icmp 129/0')
    expect(reply).toMatchObject({ rest: 0x12340001, hopLimit: 64, body: bytes(30) })
    expect(reply!.bytes[0]! * 16 + (reply!.bytes[1]! >>> 4)).toBe(0x60 * 16 + 8)
  })

  it('to a group is answered from an address of its own', () => {
    const h = host()
    h.receive(echo({ src: 'fd00::b', dst: 'ff02::1' }))
    expect(h.lines()).toEqual(['02:00:00:00:00:0b fd00::a > fd00::b: icmp 129/0'])
  })

  it('is not answered without an address to answer to, with a wrong checksum, or where that is not wanted', () => {
    const h = host()
    h.receive(echo({ src: '::', dst: 'ff02::1' }))
    const broken = echo(FLOW)
    broken[50]! ^= 1
    h.receive(broken)
    h.receive(icmp({ ...FLOW, src: 'fd00::a' }, 128))
    expect(h.sent()).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'unspecified-source': 1, 'icmp-bad-checksum': 1, 'own-source': 1 })
    const silent = host({ answerEcho: false })
    silent.receive(echo(FLOW))
    expect(silent.sent()).toEqual([])
    expect(silent.layer.stats.dropped).toEqual({ 'echo-refused': 1 })
  })

  it('to which no way leads back is counted', () => {
    const h = host()
    h.receive(echo({ src: 'fd99::1', dst: 'fd00::a' }))
    expect(h.sent()).toEqual([])
    expect(h.layer.stats.unsent).toEqual({ 'no-route': 1 })
  })

  it('is answered while the device refuses, and after', () => {
    const h = host()
    h.link.refusal = new NetError('ERR_NET_CLOSED', 'closed')
    h.receive(echo(FLOW))
    h.link.refusal = undefined
    h.receive(echo(FLOW))
    expect(h.layer.stats.unsent).toEqual({ 'link-closed': 1 })
    expect(h.sent()).toHaveLength(1)
  })
})

describe('an ICMPv6 message that means nothing here', () => {
  it('is silently dropped, RFC 4443 §2.4 (b)', () => {
    const h = host()
    for (const type of [5, 100, 127, 138, 141, 200, 255]) h.receive(icmp(FLOW, type))
    expect(h.sent()).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'icmp-unclaimed': 7 })
  })

  it('is offered to who listens', () => {
    const h = host()
    const heard = listenTo(h.layer, PROTOCOL_ICMPV6)
    h.receive(icmp(FLOW, 200))
    h.receive(echo(FLOW, bytes(3), 129))
    h.receive(echo(FLOW))
    expect(heard.packets.map((p) => p.data[0])).toEqual([200, 129])
  })
})

describe('when no error may be sent, RFC 4443 §2.4 (e)', () => {
  const unreachable = (b: Uint8Array, options: HarnessOptions = {}): Harness => {
    const h = host(options)
    h.receive(b)
    expect(h.sent()).toEqual([])
    return h
  }
  const unknown = (fields: Parameters<typeof packet>[0], body: Uint8Array): Uint8Array =>
    packet({ ...fields, nextHeader: 60 }, concat(new Uint8Array([58, 0, 0xfe, 4, 0, 0, 0, 0]), body))

  it('(e.1) about an error', () => {
    const error = icmp(FLOW, 1, { code: 4, body: udp({ src: 'fd00::a', dst: 'fd00::b' }) })
    expect(unreachable(unknown(FLOW, error.subarray(40))).layer.stats.errorsWithheld).toEqual({ error: 1 })
  })

  it('(e.2) about a redirect', () => {
    expect(unreachable(unknown(FLOW, icmp(FLOW, 137).subarray(40))).layer.stats.errorsWithheld).toEqual({ error: 1 })
  })

  it('(e.3) about a packet to a group', () => {
    expect(unreachable(udp({ ...FLOW, dst: 'ff02::1' })).layer.stats.errorsWithheld).toEqual({ multicast: 1 })
  })

  it('(e.4) about a packet by link-layer multicast', () => {
    const h = host()
    h.link.receive(udp(FLOW), PEER_MAC, 0x3333_0000_0001 as typeof PEER_MAC)
    expect(h.layer.stats.errorsWithheld).toEqual({ multicast: 1 })
  })

  it('(e.6) to nobody in particular', () => {
    const toUs = packet({ src: '::', dst: 'fd00::a', nextHeader: 60 }, new Uint8Array([17, 0, 0xfe, 4, 0, 0, 0, 0]))
    expect(unreachable(toUs).layer.stats.errorsWithheld).toEqual({ 'bad-source': 1 })
  })

  it('but about other messages one may', () => {
    const h = host()
    h.receive(unknown(FLOW, icmp(FLOW, 128).subarray(40)))
    expect(h.sent()).toHaveLength(1)
  })
})

describe('the rate of errors, RFC 4443 §2.4 (f)', () => {
  it('allows a burst, then so many per second', () => {
    const h = host({ icmpErrorBurst: 5, icmpErrorsPerSecond: 10 })
    const flood = (): number => {
      for (let i = 0; i < 20; i++) h.receive(udp(FLOW))
      return h.sent().length
    }
    expect(flood()).toBe(5)
    expect(flood()).toBe(0)
    h.advance(100)
    expect(flood()).toBe(1)
    h.advance(300)
    expect(flood()).toBe(3)
    h.advance(60_000)
    expect(flood()).toBe(5)
    expect(h.layer.stats.errorsWithheld).toEqual({ 'rate-limit': 86 })
  })

  it('may be none at all', () => {
    const h = host({ icmpErrorsPerSecond: 0 })
    h.receive(udp(FLOW))
    expect(h.sent()).toEqual([])
  })

  it('quotes no more than fits into 1280 bytes', () => {
    const h = host()
    h.receive(udp(FLOW, bytes(1400)))
    const [error] = h.sent()
    expect(error!.bytes).toHaveLength(1280)
  })
})

describe('a received error', () => {
  it.each([
    [1, 0, 'net-unreachable'],
    [1, 1, 'prohibited'],
    [1, 2, 'net-unreachable'],
    [1, 3, 'host-unreachable'],
    [1, 4, 'port-unreachable'],
    [1, 5, 'prohibited'],
    [1, 6, 'prohibited'],
    [1, 99, 'prohibited'],
    [3, 0, 'time-exceeded'],
    [3, 1, 'reassembly-timeout'],
    [4, 0, 'parameter-problem'],
    [4, 1, 'protocol-unreachable'],
    [4, 2, 'parameter-problem'],
  ])('type %i code %i is told as %s', (type, code, kind) => {
    const h = host()
    const heard = listenTo(h.layer)
    sendUdp(h.layer, PEER)
    h.receive(errorAbout(h.sent()[0]!, type, code))
    expect(heard.errors).toEqual([{ kind, dst: 'fd00::b', reporter: 'fd00::1', mtu: 0 }])
    expect(h.layer.stats.errorsReported).toEqual({ [kind]: 1 })
  })

  it('quotes the transport segment', () => {
    const h = host()
    const quotes: Uint8Array[] = []
    h.layer.listen(PROTOCOL_UDP, {
      packet: () => true,
      error: ({ buf, off, end }) => void quotes.push(buf.slice(off, end)),
    })
    sendUdp(h.layer, PEER)
    const [sent] = h.sent()
    h.receive(errorAbout(sent!, 1, 4))
    expect(quotes).toEqual([sent!.payload])
  })

  it('is told to the transport behind extension headers', () => {
    const h = host()
    const heard = listenTo(h.layer)
    const quoted = packet(
      { src: 'fd00::a', dst: 'fd00::b', nextHeader: 60 },
      concat(
        new Uint8Array([44, 0, 1, 4, 0, 0, 0, 0]),
        fragment({ src: 'fd00::a', dst: 'fd00::b' }, bytes(16), 0, true).subarray(40),
      ),
    )
    h.receive(icmp({ src: 'fd00::1', dst: 'fd00::a' }, 3, { code: 1, body: quoted }))
    expect(heard.errors).toHaveLength(1)
  })

  it.each<[string, Uint8Array]>([
    ['icmp-quote-not-ours', udp({ src: 'fd00::c', dst: 'fd00::b' })],
    ['icmp-quote-too-short', bytes(39)],
    ['icmp-quote-too-short', udp({ src: 'fd00::a', dst: 'fd00::b' }).subarray(0, 47)],
    ['icmp-quote-too-short', concat(new Uint8Array([0x45]), bytes(60))],
    ['icmp-quote-too-short', fragment({ src: 'fd00::a', dst: 'fd00::b' }, bytes(32), 64, true)],
    ['icmp-quote-too-short', packet({ src: 'fd00::a', dst: 'fd00::b', nextHeader: 60 }, bytes(5))],
  ])('is not believed: %s', (reason, body) => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(icmp({ src: 'fd00::1', dst: 'fd00::a' }, 1, { code: 4, body }))
    expect(heard.errors).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ [reason]: 1 })
  })
})

describe('Path MTU Discovery, RFC 8201', () => {
  const FAR = 'fd77::1'
  const far = (options: HarnessOptions = {}): Harness => {
    const h = host({ gateway: PEER, ...options })
    sendUdp(h.layer, FAR, 1400)
    return h
  }
  const tooBig = (h: Harness, mtu: number): void => {
    const sent = h.sent()
    h.receive(errorAbout(sent.find((p) => formatIpv6(p.dst) === FAR)!, 2, 0, mtu))
  }

  it('believes a router that a packet was too big', () => {
    const h = far()
    const heard = listenTo(h.layer)
    tooBig(h, 1400)
    expect(heard.errors).toEqual([{ kind: 'packet-too-big', dst: FAR, reporter: 'fd00::1', mtu: 1400 }])
    expect(h.layer.mtu(ipv6(FAR))).toBe(1360)
    expect(h.layer.mtu(PEER)).toBe(1460)
    expect(() => sendUdp(h.layer, FAR, 1400, { fragment: false })).toThrow(
      expect.objectContaining({ code: 'ERR_IP_WOULD_FRAGMENT' }),
    )
    sendUdp(h.layer, FAR, 1400)
    expect(h.sent().map((p) => p.bytes.length)).toEqual([1400, 104])
  })

  it('does not believe what is less than 1280', () => {
    const h = far()
    tooBig(h, 1279)
    expect(h.layer.mtu(ipv6(FAR))).toBe(1460)
    expect(h.layer.stats.dropped).toEqual({ 'icmp-mtu-too-small': 1 })
  })

  it('does not believe that a path has become wider', () => {
    const h = far()
    tooBig(h, 1400)
    sendUdp(h.layer, FAR, 1400)
    tooBig(h, 1450)
    sendUdp(h.layer, FAR, 4)
    tooBig(h, 9000)
    expect(h.layer.mtu(ipv6(FAR))).toBe(1360)
  })

  it('does not believe it of destinations that nothing was sent to', () => {
    const h = host({ gateway: PEER })
    h.receive(icmp({ src: 'fd00::1', dst: 'fd00::a' }, 2, { rest: 1300, body: udp({ src: 'fd00::a', dst: FAR }) }))
    expect(h.layer.mtu(ipv6(FAR))).toBe(1460)
  })

  it('tries again after ten minutes without news', () => {
    const h = far()
    tooBig(h, 1400)
    h.advance(300_000)
    sendUdp(h.layer, FAR, 1400)
    tooBig(h, 1300)
    h.advance(599_999)
    expect(h.layer.mtu(ipv6(FAR))).toBe(1260)
    h.advance(1)
    expect(h.layer.mtu(ipv6(FAR))).toBe(1460)
  })

  it('may believe for ever', () => {
    const h = far({ pathMtuTimeoutMs: Number.POSITIVE_INFINITY })
    tooBig(h, 1400)
    h.runtime.clock.advance(1e10)
    expect(h.layer.mtu(ipv6(FAR))).toBe(1360)
  })

  it('outlives a change of routes', () => {
    const h = far()
    tooBig(h, 1400)
    h.layer.addRoute({ prefix: ipv6Prefix('fd77::/16'), gateway: ipv6('fd00::c') })
    expect(h.layer.mtu(ipv6(FAR))).toBe(1360)
  })
})

describe('ping', () => {
  const settle = <T>(h: Harness, promise: Promise<T>): Promise<T> => h.runtime.clock.settle(promise)

  it('tells the reply', async () => {
    const h = host()
    const outcome = h.layer.ping(PEER, { size: 20, hopLimit: 9, trafficClass: 4 })
    const [request] = h.sent()
    expect(request).toMatchObject({ type: 128, code: 0, hopLimit: 9, body: bytes(20) })
    h.advance(12)
    h.receive(echo({ ...FLOW, hopLimit: 61 }, bytes(20), 129, request!.rest))
    expect(await settle(h, outcome)).toEqual({
      kind: 'reply',
      sequence: request!.rest & 0xffff,
      from: PEER,
      rttMs: 12,
      hopLimit: 61,
      size: 20,
    })
  })

  it('tells one of the replies of a group', async () => {
    const h = host()
    const outcome = h.layer.ping(ipv6('ff02::1'), { size: 0 })
    const [request] = h.sent()
    expect(line(request!)).toBe('33:33:00:00:00:01 fe80::ff:fe00:a > ff02::1: icmp 128/0')
    h.receive(echo({ src: 'fe80::b', dst: 'fe80::ff:fe00:a' }, bytes(0), 129, request!.rest))
    expect(await settle(h, outcome)).toMatchObject({ kind: 'reply', from: ipv6('fe80::b') })
  })

  it('takes no reply of another host, or with other data', async () => {
    const h = host()
    const outcome = h.layer.ping(PEER, { size: 4 })
    const { rest } = h.sent()[0]!
    h.receive(echo({ ...FLOW, src: 'fd00::c' }, bytes(4), 129, rest))
    h.receive(echo(FLOW, bytes(4, 1), 129, rest))
    h.receive(echo(FLOW, bytes(5), 129, rest))
    h.receive(echo(FLOW, bytes(4), 129, rest ^ 1))
    expect(await settle(h, outcome)).toEqual({ kind: 'timeout', sequence: rest & 0xffff })
    expect(h.layer.stats.dropped).toEqual({ 'echo-reply-mismatch': 3, 'icmp-unclaimed': 1 })
  })

  it('tells errors', async () => {
    const h = host()
    const exceeded = h.layer.ping(PEER, { hopLimit: 1 })
    h.advance(3)
    h.receive(errorAbout(h.sent()[0]!, 3, 0))
    expect(await settle(h, exceeded)).toMatchObject({
      kind: 'time-exceeded',
      from: ipv6('fd00::1'),
      rttMs: 3,
      hopLimit: 64,
    })
    const narrow = h.layer.ping(PEER, { size: 1400 })
    h.receive(errorAbout(h.sent()[0]!, 2, 0, 1300))
    expect(await settle(h, narrow)).toMatchObject({ kind: 'packet-too-big', mtu: 1300 })
  })

  it('tells when the next hop does not answer', async () => {
    const h = host()
    const outcome = h.layer.ping(ipv6('fd00::99'), { timeoutMs: 5000 })
    expect(await settle(h, outcome)).toMatchObject({ kind: 'host-unreachable', from: ipv6('fd00::a'), rttMs: 3000 })
  })

  it('ends in time', async () => {
    const h = host()
    expect(await settle(h, h.layer.ping(PEER, { timeoutMs: 250 }))).toMatchObject({ kind: 'timeout' })
    expect(h.runtime.clock.now()).toBe(250)
  })

  it('can be given up', async () => {
    const h = host()
    const controller = new AbortController()
    const outcome = h.layer.ping(PEER, { signal: controller.signal })
    const { rest } = h.sent()[0]!
    controller.abort(new Error('enough'))
    await expect(outcome).rejects.toThrow('enough')
    h.receive(echo(FLOW, bytes(56), 129, rest))
    expect(h.layer.stats.dropped).toEqual({ 'icmp-unclaimed': 1 })
    await expect(h.layer.ping(PEER, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    expect(h.sent()).toEqual([])
  })

  it('rejects where nothing can be sent', async () => {
    const h = host()
    await expect(h.layer.ping(ipv6('2001:db8::1'))).rejects.toMatchObject({ code: 'ERR_IP_NO_ROUTE' })
    await expect(h.layer.ping(PEER, { size: 2000, fragment: false })).rejects.toMatchObject({
      code: 'ERR_IP_WOULD_FRAGMENT',
    })
  })

  it('reaches the host itself', async () => {
    const h = host()
    for (const own of ['fd00::a', '::1']) {
      expect(await settle(h, h.layer.ping(ipv6(own), { size: 5000 }))).toMatchObject({ kind: 'reply', from: ipv6(own) })
    }
    expect(h.sent()).toEqual([])
  })

  it('takes nonsense for what it is', () => {
    const h = host({ maxPings: 1 })
    for (const options of [
      { size: -1 },
      { size: 65528 },
      { hopLimit: 0 },
      { timeoutMs: 0 },
      { id: 65536 },
      { size: 3, data: bytes(4) },
    ]) {
      expect(() => h.layer.ping(PEER, options)).toThrow(RangeError)
    }
    void h.layer.ping(PEER, { id: 1, sequence: 2 })
    expect(() => h.layer.ping(PEER)).toThrow(RangeError)
  })

  it('numbers requests, and sends its own data', () => {
    const h = host()
    void h.layer.ping(PEER, { data: bytes(3, 100), id: 5, sequence: 9 })
    void h.layer.ping(PEER)
    void h.layer.ping(PEER)
    const [own, first, second] = h.sent()
    expect(own).toMatchObject({ rest: 0x50009, body: bytes(3, 100) })
    expect(second!.rest - first!.rest).toBe(1)
    expect(() => h.layer.ping(PEER, { id: 5, sequence: 9 })).toThrow(RangeError)
  })
})

describe('a host without a route back', () => {
  it('tells its peers nothing, and counts', () => {
    const h = host()
    h.receive(udp({ src: 'fd99::1', dst: 'fd00::a' }))
    expect(h.sent()).toEqual([])
    expect(h.layer.stats.unsent).toEqual({ 'no-route': 1 })
    h.receive(ra({ routerLifetime: 10 }))
    expect(h.layer.stats.dropped).toMatchObject({ 'router-advertisement-refused': 1 })
  })
})
