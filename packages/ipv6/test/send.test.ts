import { formatIpv6, type Ipv6, ipv4, ipv6, ipv6Prefix } from '@fata/addr'
import { addToGather, checksum, copyBytes, createGather, foldSum, putU16 } from '@fata/bytes'
import { PROTOCOL_TCP, PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import { createFrameMeta, NetError } from '@fata/net'
import { describe, expect, it } from 'vitest'
import { createIpv6 } from '../src/index.ts'
import { decodeFragmentHeader, decodeIpv6Header } from '../src/wire.ts'
import {
  type Harness,
  type HarnessOptions,
  line,
  listenTo,
  OWN_LINK_LOCAL,
  PEER_MAC,
  quietHost,
  sendUdp,
} from './harness.ts'
import { bytes, concat, na, ns } from './packets.ts'

const PEER = ipv6('fd00::b')
const OFFLOAD = { checksum: true, tso4: true, tso6: true }

function host(options: HarnessOptions = {}): Harness {
  const h = quietHost({ delayFirstProbeMs: 1e9, ...options })
  h.receive(ns({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
  h.sent()
  return h
}

const headerOf = (b: Uint8Array): Exclude<ReturnType<typeof decodeIpv6Header>, string> => {
  const header = decodeIpv6Header(b, 0, b.length)
  if (typeof header === 'string') throw new Error(header)
  return header
}

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return (error as { code: string }).code
  }
  return 'none'
}

describe('a packet', () => {
  it('is written straight into the memory of the device', () => {
    const h = host()
    h.layer.write(PEER, PROTOCOL_UDP, 20, (buf, off) => copyBytes(buf, off, bytes(12)))
    const [packet] = h.sent()
    expect(packet!.to).toBe(PEER_MAC)
    expect(headerOf(packet!.bytes)).toMatchObject({
      trafficClass: 0,
      payloadLength: 12,
      nextHeader: 17,
      hopLimit: 64,
      src: ipv6('fd00::a'),
      dst: PEER,
    })
    expect(packet!.payload).toEqual(bytes(12))
    expect(h.layer.stats.sent).toBe(2)
  })

  it('carries ranges by reference', () => {
    const h = host()
    const payload = createGather()
    addToGather(payload, bytes(20), 5, 10)
    addToGather(payload, bytes(20), 0, 2)
    h.layer.write(PEER, PROTOCOL_UDP, 8, (buf, off) => copyBytes(buf, off, bytes(8, 100)), { payload })
    expect(h.sent()[0]!.payload).toEqual(concat(bytes(8, 100), bytes(5, 5), bytes(2)))
  })

  it('takes hop limit, traffic class and source from its writer', () => {
    const h = host()
    sendUdp(h.layer, PEER, 4, { ttl: 7, trafficClass: 0xb9, src: ipv6(OWN_LINK_LOCAL) })
    expect(headerOf(h.sent()[0]!.bytes)).toMatchObject({ hopLimit: 7, trafficClass: 0xb9, src: ipv6(OWN_LINK_LOCAL) })
    for (const options of [{ ttl: 0 }, { ttl: 256 }, { trafficClass: -1 }, { trafficClass: 1.5 }]) {
      expect(() => sendUdp(h.layer, PEER, 4, options)).toThrow(RangeError)
    }
    expect(h.sent()).toEqual([])
  })

  it('to a group goes to the MAC address of the group, no further than the link', () => {
    const h = host()
    sendUdp(h.layer, 'ff02::1:3')
    const [packet] = h.sent()
    expect(line(packet!)).toBe(`33:33:00:01:00:03 ${OWN_LINK_LOCAL} > ff02::1:3: udp 12`)
    expect(packet!.hopLimit).toBe(1)
    expect(codeOf(() => sendUdp(h.layer, 'ff01::1'))).toBe('ERR_IP_NO_ROUTE')
  })

  it('has the same flow label as others of its flow, and another one than other flows, RFC 6437', () => {
    const h = host()
    const label = (port: number, dst: Ipv6 = PEER, protocol: number = PROTOCOL_UDP): number => {
      h.layer.write(dst, protocol, 8, (buf, off) => {
        putU16(buf, off, 1000)
        putU16(buf, off + 2, port)
        return 4
      })
      return headerOf(h.sent()[0]!.bytes).flowLabel
    }
    const labels = [label(1), label(2), label(1, ipv6('ff02::9')), label(1, PEER, PROTOCOL_TCP)]
    expect(new Set(labels).size).toBe(4)
    for (const l of labels) expect(l).toBeGreaterThan(0)
    expect(label(1)).toBe(labels[0])
    const spread = new Set(Array.from({ length: 500 }, (_, i) => label(i)))
    expect(spread.size).toBeGreaterThan(490)
    const elsewhere = quietHost({ seed: 2, address: undefined })
    elsewhere.layer.write(PEER, PROTOCOL_UDP, 8, (buf, off) => copyBytes(buf, off, new Uint8Array([3, 232, 0, 1])))
    expect(headerOf(elsewhere.sent()[0]!.bytes).flowLabel).not.toBe(labels[0])
  })

  it('of another family is refused', () => {
    const h = host()
    for (const run of [
      () => h.layer.write(ipv4('10.0.0.1'), PROTOCOL_UDP, 8, () => 8),
      () => h.layer.source(ipv4('10.0.0.1')),
      () => h.layer.mtu(ipv4('10.0.0.1')),
      () => h.layer.offload(ipv4('10.0.0.1')),
      () => h.layer.write(PEER, PROTOCOL_UDP, 8, () => 8, { src: ipv4('10.0.0.1') }),
    ]) {
      expect(codeOf(run)).toBe('ERR_IP_FAMILY')
    }
  })

  it('from an address that is not ours is refused, unless that is wanted', () => {
    const h = host()
    for (const src of ['fd00::b', '::', 'ff02::1', '::1']) {
      expect(codeOf(() => sendUdp(h.layer, PEER, 4, { src: ipv6(src) }))).toBe('ERR_IP_NO_SOURCE')
    }
    const proxy = host({ transparent: true })
    sendUdp(proxy.layer, PEER, 4, { src: ipv6('2001:db8::7') })
    expect(proxy.lines()).toEqual(['02:00:00:00:00:0b 2001:db8::7 > fd00::b: udp 12'])
  })

  it('that the link refuses is the error of its writer', () => {
    const h = host()
    h.link.refusal = new NetError('ERR_NET_CLOSED', 'closed')
    expect(codeOf(() => sendUdp(h.layer, PEER))).toBe('ERR_NET_CLOSED')
  })
})

describe('where packets go', () => {
  it('is nowhere without a route', () => {
    const h = host()
    for (const dst of ['2001:db8::1', '::', 'fd00:0:0:1::1']) {
      for (const run of [
        () => sendUdp(h.layer, dst),
        () => h.layer.source(ipv6(dst)),
        () => h.layer.mtu(ipv6(dst)),
        () => h.layer.offload(ipv6(dst)),
      ]) {
        expect(codeOf(run)).toBe('ERR_IP_NO_ROUTE')
      }
    }
    expect(h.sent()).toEqual([])
  })

  it('is nowhere by a router without an address that may leave the link', () => {
    const h = quietHost({ addresses: [], gateway: ipv6('fe80::1') })
    expect(codeOf(() => sendUdp(h.layer, '2001:db8::1'))).toBe('ERR_IP_NO_SOURCE')
    expect(codeOf(() => h.layer.mtu(ipv6('2001:db8::1')))).toBe('ERR_IP_NO_SOURCE')
  })

  it('is by the configured router, or the one of a longer prefix', () => {
    const h = host({ gateway: ipv6('fe80::1') })
    h.layer.addRoute({ prefix: ipv6Prefix('2001:db8::/32'), gateway: PEER })
    sendUdp(h.layer, '2600::1')
    sendUdp(h.layer, '2001:db8::1')
    expect(h.lines()).toEqual([
      '33:33:ff:00:00:01 fd00::a > ff02::1:ff00:1: NS fe80::1',
      '02:00:00:00:00:0b fd00::a > 2001:db8::1: udp 12',
    ])
    expect(h.layer.removeRoute({ prefix: ipv6Prefix('2001:db8::/32') })).toBe(true)
    expect(h.layer.removeRoute({ prefix: ipv6Prefix('2001:db8::/32') })).toBe(false)
    h.sent()
    sendUdp(h.layer, '2001:db8::1')
    expect(h.sent()).toEqual([])
    expect(h.layer.state().routes).toHaveLength(1)
  })

  it('is in the zone that is named, RFC 4007 §11', () => {
    const named = host({ zone: 'tap0' })
    sendUdp(named.layer, 'fe80::b%tap0')
    sendUdp(named.layer, 'fe80::b')
    expect(codeOf(() => sendUdp(named.layer, 'fe80::b%eth1'))).toBe('ERR_IP_NO_ROUTE')
    expect(named.lines()).toEqual([`33:33:ff:00:00:0b ${OWN_LINK_LOCAL} > ff02::1:ff00:b: NS fe80::b`])
    const any = host()
    sendUdp(any.layer, 'fe80::b%whatever')
    expect(any.sent()).toHaveLength(1)
  })

  it('is this host itself, after the running task', () => {
    const h = host()
    const heard = listenTo(h.layer)
    for (const dst of ['fd00::a', OWN_LINK_LOCAL, '::1']) sendUdp(h.layer, dst, 3000)
    expect(heard.packets).toEqual([])
    h.advance(0)
    expect(heard.packets.map((p) => [p.from, p.to, p.data.length])).toEqual([
      ['fd00::a', 'fd00::a', 3008],
      [OWN_LINK_LOCAL, OWN_LINK_LOCAL, 3008],
      ['::1', '::1', 3008],
    ])
    expect(heard.batches).toBe(1)
    expect(h.layer.mtu(ipv6('::1'))).toBe(65535)
    expect(h.sent()).toEqual([])
  })

  it('is this host, whose errors come back as well', () => {
    const h = host()
    const heard = listenTo(h.layer, PROTOCOL_UDP, false)
    sendUdp(h.layer, 'fd00::a')
    h.advance(0)
    expect(heard.errors).toEqual([{ kind: 'port-unreachable', dst: 'fd00::a', reporter: 'fd00::a', mtu: 0 }])
  })

  it('is this host only for so many bytes', () => {
    const h = host({ loopbackBytes: 65_575 })
    const heard = listenTo(h.layer)
    for (let i = 0; i < 3; i++) sendUdp(h.layer, '::1', 30_000)
    h.advance(0)
    expect(heard.packets).toHaveLength(2)
    expect(h.layer.stats.unsent).toEqual({ 'loopback-full': 1 })
  })

  it('is a group that this host has joined, too', () => {
    const h = host()
    const heard = listenTo(h.layer)
    const { leave } = h.layer.join(ipv6('ff15::7'))
    sendUdp(h.layer, 'ff15::7')
    h.advance(0)
    expect(heard.packets).toHaveLength(1)
    leave()
    sendUdp(h.layer, 'ff15::7')
    h.advance(0)
    expect(heard.packets).toHaveLength(1)
    expect(h.sent()).toHaveLength(2)
    const deaf = host({ multicastLoopback: false })
    const nothing = listenTo(deaf.layer)
    deaf.layer.join(ipv6('ff15::7'))
    sendUdp(deaf.layer, 'ff15::7')
    deaf.advance(0)
    expect(nothing.packets).toEqual([])
  })

  it('changes with the addresses', () => {
    const h = host()
    expect(formatIpv6(h.layer.source(PEER) as Ipv6)).toBe('fd00::a')
    h.layer.addAddress(ipv6Prefix('fd00::8/64'))
    expect(formatIpv6(h.layer.source(PEER) as Ipv6)).toBe('fd00::a')
    h.layer.removeAddress(ipv6('fd00::a'))
    expect(formatIpv6(h.layer.source(PEER) as Ipv6)).toBe('fd00::8')
    expect(h.layer.offload(PEER)).toBe(h.link.offload)
  })
})

describe('a next hop that is not known yet', () => {
  it('gets copies of the packets when it has answered, in order', () => {
    const h = quietHost()
    const data = bytes(4)
    const fill = (buf: Uint8Array, off: number): number => copyBytes(buf, off, data)
    h.layer.write(PEER, PROTOCOL_UDP, 4, fill)
    data.fill(9)
    h.layer.write(PEER, PROTOCOL_UDP, 4, fill)
    data.fill(0)
    expect(h.lines()).toEqual(['33:33:ff:00:00:0b fd00::a > ff02::1:ff00:b: NS fd00::b'])
    h.receive(na({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::b', { solicited: true, override: true }, PEER_MAC))
    expect(h.sent().map((p) => [p.to, ...p.payload])).toEqual([
      [PEER_MAC, 0, 1, 2, 3],
      [PEER_MAC, 9, 9, 9, 9],
    ])
    sendUdp(h.layer, PEER)
    expect(h.sent()).toHaveLength(1)
  })

  it('keeps what the device has to know of a packet', () => {
    const h = quietHost({ linkOffload: OFFLOAD })
    const meta = createFrameMeta()
    h.layer.write(
      PEER,
      PROTOCOL_TCP,
      20,
      (buf, off) => {
        Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 16, gso: 'tcp6', gsoSize: 1000 })
        return copyBytes(buf, off, bytes(20))
      },
      { meta, payload: gatherOf(bytes(3000)) },
    )
    Object.assign(meta, createFrameMeta())
    h.sent()
    h.receive(na({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::b', { solicited: true, override: true }, PEER_MAC))
    const [packet] = h.sent()
    expect(packet!.meta).toEqual({
      checksum: 'partial',
      checksumStart: 40,
      checksumOffset: 16,
      gso: 'tcp6',
      gsoSize: 1000,
    })
    expect(packet!.payload).toEqual(concat(bytes(20), bytes(3000)))
  })

  it('that does not answer is told to the transport, for each packet', () => {
    const h = quietHost()
    const heard = listenTo(h.layer)
    sendUdp(h.layer, PEER)
    sendUdp(h.layer, PEER)
    h.advance(2999)
    expect(heard.errors).toEqual([])
    h.advance(1)
    const error = { kind: 'host-unreachable', dst: 'fd00::b', reporter: 'fd00::a', mtu: 0 }
    expect(heard.errors).toEqual([error, error])
    expect(h.sent().map((p) => p.at)).toEqual([0, 1000, 2000])
    sendUdp(h.layer, PEER)
    expect(h.sent()).toHaveLength(1)
  })

  it('may be written to from within that news', () => {
    const h = quietHost()
    let again = 2
    h.layer.listen(PROTOCOL_UDP, {
      packet: () => true,
      error() {
        if (again-- > 0) sendUdp(h.layer, PEER)
      },
    })
    sendUdp(h.layer, PEER)
    h.advance(20_000)
    expect(h.sent().map((p) => p.at)).toEqual([0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000])
  })

  it('is not asked for by questions about it', () => {
    const h = quietHost()
    h.layer.source(PEER)
    h.layer.mtu(PEER)
    h.layer.offload(PEER)
    expect(h.sent()).toEqual([])
    expect(h.layer.state().neighbors).toEqual([])
  })

  it('is verified, unless a transport says that it is there', () => {
    const silent = quietHost()
    silent.receive(ns({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
    sendUdp(silent.layer, PEER)
    silent.sent()
    silent.advance(7500)
    expect(silent.lines()).toEqual(Array(3).fill('02:00:00:00:00:0b fd00::a > fd00::b: NS fd00::b'))
    silent.advance(500)
    expect(silent.layer.state().neighbors).toEqual([])

    const confirmed = quietHost()
    confirmed.receive(ns({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
    sendUdp(confirmed.layer, PEER)
    confirmed.sent()
    for (let i = 0; i < 100; i++) {
      confirmed.layer.confirm(PEER)
      confirmed.advance(1000)
    }
    expect(confirmed.sent()).toEqual([])
    expect(confirmed.layer.state().neighbors[0]).toMatchObject({ state: 'reachable' })
    confirmed.layer.confirm(ipv6('fd00::77'))
  })
})

function gatherOf(b: Uint8Array): ReturnType<typeof createGather> {
  const gather = createGather()
  addToGather(gather, b, 0, b.length)
  return gather
}

describe('a packet that is longer than the path takes', () => {
  it('is sent in fragments, RFC 8200 §4.5', () => {
    const h = host()
    sendUdp(h.layer, PEER, 3000)
    const sent = h.sent()
    const headers = sent.map(
      (p) =>
        decodeFragmentHeader(p.bytes, 40, p.bytes.length) as Exclude<ReturnType<typeof decodeFragmentHeader>, string>,
    )
    expect(headers.map(({ nextHeader, offset, more }) => [nextHeader, offset, more])).toEqual([
      [17, 0, true],
      [17, 1448, true],
      [17, 2896, false],
    ])
    expect(new Set(headers.map((f) => f.id)).size).toBe(1)
    expect(sent.map((p) => p.bytes.length)).toEqual([1496, 1496, 160])
    for (const p of sent)
      expect(headerOf(p.bytes)).toMatchObject({ nextHeader: 44, hopLimit: 64, payloadLength: p.bytes.length - 40 })
    const whole = concat(...sent.map((p) => p.bytes.subarray(48)))
    expect(whole.subarray(8)).toEqual(bytes(3000))
    expect(h.layer.stats).toMatchObject({ fragmented: 1 })
    sendUdp(h.layer, PEER, 3000)
    const next = decodeFragmentHeader(h.sent()[0]!.bytes, 40, 48)
    expect(next).not.toMatchObject({ id: headers[0]!.id })
  })

  it('has the flow label and traffic class on each', () => {
    const h = host()
    sendUdp(h.layer, PEER, 3000, { trafficClass: 0x22, ttl: 5 })
    const headers = h.sent().map((p) => headerOf(p.bytes))
    expect(new Set(headers.map((x) => x.flowLabel)).size).toBe(1)
    for (const header of headers) expect(header).toMatchObject({ trafficClass: 0x22, hopLimit: 5 })
  })

  it('is refused where it must not be', () => {
    const h = host()
    expect(codeOf(() => sendUdp(h.layer, PEER, 1453, { fragment: false }))).toBe('ERR_IP_WOULD_FRAGMENT')
    expect(h.sent()).toEqual([])
    sendUdp(h.layer, PEER, 1452, { fragment: false })
    expect(h.sent()[0]!.bytes).toHaveLength(1500)
    expect(h.layer.mtu(PEER)).toBe(1460)
  })

  it('is refused where no fragments could carry it', () => {
    const h = host()
    expect(codeOf(() => sendUdp(h.layer, PEER, 65_528))).toBe('ERR_IP_TOO_LONG')
    sendUdp(h.layer, PEER, 65_527)
    expect(h.sent()).toHaveLength(46)
  })

  it('is sent whole where less was written than was asked for', () => {
    const h = host()
    h.layer.write(PEER, PROTOCOL_UDP, 5000, (buf, off) => copyBytes(buf, off, bytes(100)))
    const [packet, ...more] = h.sent()
    expect(more).toEqual([])
    expect(packet!.payload).toEqual(bytes(100))
  })

  it('has its checksum completed first, since no device could', () => {
    const h = host({ linkOffload: OFFLOAD })
    const meta = createFrameMeta()
    h.layer.write(
      PEER,
      PROTOCOL_UDP,
      8,
      (buf, off) => {
        buf.fill(0, off, off + 8)
        putU16(buf, off + 4, 2008)
        putU16(buf, off + 6, foldSum(pseudoHeaderSum(ipv6('fd00::a'), PEER, PROTOCOL_UDP, 2008)))
        Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 6 })
        return 8
      },
      { meta, payload: gatherOf(bytes(2000)) },
    )
    const whole = concat(...h.sent().map((p) => p.bytes.subarray(48)))
    expect(checksum(whole, 0, whole.length, pseudoHeaderSum(ipv6('fd00::a'), PEER, PROTOCOL_UDP, whole.length))).toBe(0)
  })

  it('waits for its next hop in one piece', () => {
    const h = quietHost()
    for (let i = 0; i < 3; i++) sendUdp(h.layer, PEER, 20_000)
    h.sent()
    h.receive(na({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::b', { solicited: true, override: true }, PEER_MAC))
    expect(h.sent()).toHaveLength(3 * 14)
  })

  it('to a group is sent in fragments as well', () => {
    const h = host()
    sendUdp(h.layer, 'ff02::9', 2000)
    expect(h.sent()).toHaveLength(2)
  })
})

describe('a super-frame', () => {
  const write = (h: Harness, when: 'before' | 'in fill', protocol: number = PROTOCOL_TCP): void => {
    const meta = createFrameMeta()
    const says = { checksum: 'partial', checksumOffset: 16, gso: 'tcp6', gsoSize: 1440 }
    if (when === 'before') Object.assign(meta, says)
    const fill = (buf: Uint8Array, off: number): number => {
      Object.assign(meta, says, { checksumStart: off })
      return copyBytes(buf, off, bytes(20))
    }
    h.layer.write(PEER, protocol, 20, fill, { meta, payload: gatherOf(new Uint8Array(20_000)), fragment: false })
  }

  it.each(['before', 'in fill'] as const)('is for the device to cut: said %s', (when) => {
    const h = host({ linkOffload: OFFLOAD })
    write(h, when)
    const [frame, ...more] = h.sent()
    expect(more).toEqual([])
    expect(frame!.bytes).toHaveLength(20_060)
    expect(frame!.meta).toMatchObject({ gso: 'tcp6', gsoSize: 1440, checksumStart: 40 })
  })

  it('to this host arrives as one', () => {
    const h = host({ linkOffload: OFFLOAD })
    const seen: [number, string][] = []
    h.layer.listen(PROTOCOL_TCP, {
      packet(_buf, off, end, p) {
        seen.push([end - off, p.meta.gso])
        return true
      },
    })
    const meta = { ...createFrameMeta(), checksum: 'partial' as const, gso: 'tcp6' as const, gsoSize: 1440 }
    h.layer.write(ipv6('::1'), PROTOCOL_TCP, 20, (buf, off) => copyBytes(buf, off, bytes(20)), {
      meta,
      payload: gatherOf(new Uint8Array(20_000)),
    })
    h.advance(0)
    expect(seen).toEqual([[20_020, 'tcp6']])
  })
})

describe('the destination cache', () => {
  it('is bounded, and forgets the least recently used', () => {
    const h = host({ maxDestinations: 4, maxNeighbors: 4 })
    for (let i = 0; i < 200; i++) sendUdp(h.layer, `fd00::1:${i.toString(16)}`)
    expect(h.layer.state().neighbors).toHaveLength(4)
    sendUdp(h.layer, PEER)
    expect(h.layer.stats.unsent).toMatchObject({ 'neighbor-evicted': expect.any(Number) })
  })
})

describe('a link without addresses', () => {
  it('needs nobody to be asked', () => {
    const h = quietHost({ address: undefined, gateway: ipv6('fe80::1') })
    const heard = listenTo(h.layer)
    sendUdp(h.layer, PEER)
    sendUdp(h.layer, '2001:db8::1', 3000)
    sendUdp(h.layer, 'ff02::1')
    expect(h.lines().map((l) => l.slice(0, 17))).toEqual(Array(5).fill('00:00:00:00:00:00'))
    expect(h.layer.state().neighbors).toEqual([])
    h.advance(100_000)
    expect(heard.errors).toEqual([])
    expect(h.sent()).toEqual([])
    h.layer.confirm(PEER)
  })
})

describe('close', () => {
  it('ends everything, and may be called again', async () => {
    const h = quietHost({ mld: true, dupAddrDetectTransmits: 1 })
    const heard = listenTo(h.layer)
    const pinging = h.runtime.clock.settle(h.layer.ready).then(
      () => 'ready',
      (error: { code: string }) => error.code,
    )
    h.layer.close()
    h.layer.close()
    expect(await pinging).toBe('ERR_NET_CLOSED')
    expect(h.link.listener).toBeUndefined()
    expect(h.runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    expect(codeOf(() => sendUdp(h.layer, PEER))).toBe('ERR_NET_CLOSED')
    await expect(h.layer.ping(PEER)).rejects.toMatchObject({ code: 'ERR_NET_CLOSED' })
    expect(heard.packets).toEqual([])
    h.advance(1e6)
    expect(h.sent()).toEqual([])
  })

  it('takes leave of groups with one report, and rejects pings', async () => {
    const h = quietHost({ mld: true })
    h.layer.join(ipv6('ff15::7'))
    h.advance(10_000)
    h.sent()
    const ping = h.layer.ping(PEER)
    h.sent()
    h.layer.close()
    await expect(ping).rejects.toMatchObject({ code: 'ERR_NET_CLOSED' })
    expect(h.lines()).toEqual([
      `33:33:00:00:00:16 ${OWN_LINK_LOCAL} > ff02::16: to-include ff02::1:ff00:a, to-include ff15::7`,
    ])
  })

  it('delivers nothing that was on its way', () => {
    const h = host()
    const heard = listenTo(h.layer)
    sendUdp(h.layer, '::1')
    h.layer.close()
    h.advance(10)
    expect(heard.packets).toEqual([])
  })

  it('lets another layer have the link', () => {
    const h = host()
    const another = (): unknown => createIpv6({ ...h.runtime, link: h.link })
    expect(another).toThrow(TypeError)
    h.layer.close()
    expect(another()).toBeDefined()
  })
})
