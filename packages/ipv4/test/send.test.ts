import { IPV4_ANY, IPV4_BROADCAST, ipv4, ipv4Prefix, ipv6, MAC_BROADCAST, mac } from '@fata/addr'
import { addToGather, checksum, createGather, foldSum, fromHex, hex, putU16, u16 } from '@fata/bytes'
import { pseudoHeaderSum } from '@fata/ip'
import { createFrameMeta } from '@fata/net'
import { describe, expect, it } from 'vitest'
import { ROUTER_ALERT } from '../src/wire.ts'
import { counting, createHost, filling, join, PEER, PEER_MAC, ROUTER_MAC, recorder, US } from './support/host.ts'

const FAR = ipv4('192.0.2.9')

describe('sending', () => {
  it('writes the header behind the fill', () => {
    const { ip, link } = createHost()
    const data = counting(100)
    ip.write(PEER, 17, 100, filling(data), { trafficClass: 0xb8, ttl: 9, fragment: false })
    const [sent] = link.take()
    expect(sent).toMatchObject({ to: PEER_MAC, payload: data })
    expect(sent!.h).toEqual({
      headerLength: 20,
      trafficClass: 0xb8,
      totalLength: 120,
      id: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      ttl: 9,
      protocol: 17,
      src: US,
      dst: PEER,
    })
    expect(ip.stats.sent).toBe(1)
  })

  it('counts what the fill wrote, not what it asked for', () => {
    const { ip, link } = createHost()
    ip.write(PEER, 17, 1000, filling(counting(3)))
    ip.write(PEER, 17, 1000, () => 0)
    expect(link.take().map((s) => s.h.totalLength)).toEqual([23, 20])
  })

  it('counts the payload ranges', () => {
    const { ip, link } = createHost()
    const payload = createGather()
    addToGather(payload, counting(50), 10, 40)
    addToGather(payload, counting(500), 0, 500)
    ip.write(PEER, 17, 8, filling(counting(8)), { payload })
    const [sent] = link.take()
    expect(sent!.h.totalLength).toBe(20 + 8 + 530)
    expect(sent!.payload).toEqual(Uint8Array.from([...counting(8), ...counting(50).subarray(10, 40), ...counting(500)]))
  })

  it('defaults to TTL 64, 1 to groups, and to no DF', () => {
    const { ip, link } = createHost()
    ip.write(PEER, 17, 1, filling(counting(1)))
    ip.write(ipv4('239.1.1.1'), 17, 1, filling(counting(1)))
    ip.write(ipv4('239.1.1.1'), 17, 1, filling(counting(1)), { ttl: 32 })
    const [unicast, group, scoped] = link.take()
    expect([unicast!.h.ttl, group!.h.ttl, scoped!.h.ttl]).toEqual([64, 1, 32])
    expect(unicast!.h).toMatchObject({ trafficClass: 0, dontFragment: false })
    const other = createHost({ ttl: 17, multicastTtl: 4 })
    other.ip.write(PEER, 17, 1, filling(counting(1)))
    other.ip.write(ipv4('239.1.1.1'), 17, 1, filling(counting(1)))
    expect(other.link.take().map((s) => s.h.ttl)).toEqual([17, 4])
  })

  it('gives every packet that may be fragmented another identification', () => {
    const { ip, link } = createHost()
    for (let i = 0; i < 100; i++) ip.write(PEER, 17, 1, filling(counting(1)))
    expect(new Set(link.take().map((s) => s.h.id)).size).toBe(100)
  })

  it.each([
    { ttl: 0 },
    { ttl: 256 },
    { ttl: 1.5 },
    { ttl: -1 },
    { ttl: Number.NaN },
    { trafficClass: 256 },
    { trafficClass: -1 },
  ])('refuses %j', (options) => {
    const { ip, link } = createHost()
    expect(() => ip.write(PEER, 17, 1, filling(counting(1)), options)).toThrow(RangeError)
    expect(link.sent).toEqual([])
  })

  it.each([-1, Number.NaN])('refuses size %d', (size) => {
    const { ip, link } = createHost()
    expect(() => ip.write(PEER, 17, size, () => 0)).toThrow(RangeError)
    expect(link.sent).toEqual([])
  })

  it('passes offload metadata through, which the fill may set', () => {
    const { ip, link } = createHost({}, { link: { offload: { checksum: true, tso4: true, tso6: true } } })
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      meta.checksum = 'partial'
      meta.checksumStart = off
      meta.checksumOffset = 6
      return filling(counting(8))(buf, off)
    }
    ip.write(PEER, 17, 8, fill, { meta })
    expect(link.take()[0]!.meta).toEqual({
      checksum: 'partial',
      checksumStart: 20,
      checksumOffset: 6,
      gso: 'none',
      gsoSize: 0,
    })
  })

  it('lets the device cut super-frames', () => {
    const { ip, link } = createHost({}, { link: { offload: { checksum: true, tso4: true, tso6: true } } })
    for (const early of [true, false]) {
      const meta = createFrameMeta()
      const mark = (off: number): void => {
        Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 16, gso: 'tcp4', gsoSize: 1460 })
      }
      if (early) mark(0)
      const payload = createGather()
      addToGather(payload, counting(60_000), 0, 60_000)
      const fill = (buf: Uint8Array, off: number): number => {
        mark(off)
        return filling(counting(20))(buf, off)
      }
      ip.write(PEER, 6, 20, fill, { meta, payload, fragment: false })
      const [sent] = link.take()
      expect(sent!.h.totalLength).toBe(60_040)
      expect(sent!.meta).toMatchObject({ gso: 'tcp4', gsoSize: 1460, checksumStart: 20 })
    }
  })
})

describe('where packets go (RFC 1122 §3.3.1)', () => {
  it('to stations on the link, else to the gateway', () => {
    const { ip, link } = createHost()
    ip.write(PEER, 17, 1, filling(counting(1)))
    ip.write(FAR, 17, 1, filling(counting(1)))
    expect(link.take().map((s) => s.to)).toEqual([PEER_MAC, ROUTER_MAC])
  })

  it('to everybody, and to groups', () => {
    const { ip, link } = createHost()
    for (const dst of ['255.255.255.255', '10.0.0.255', '224.0.0.251', '239.255.1.2'])
      ip.write(ipv4(dst), 17, 1, filling(counting(1)))
    const sent = link.take()
    expect(sent.map((s) => s.to)).toEqual([
      MAC_BROADCAST,
      MAC_BROADCAST,
      mac('01:00:5e:00:00:fb'),
      mac('01:00:5e:7f:01:02'),
    ])
    expect(sent.map((s) => s.h.src)).toEqual([US, US, US, US])
  })

  it('nowhere without a route, never in silence', () => {
    const { ip, link } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    const error = expect.objectContaining({ name: 'IpError', code: 'ERR_IP_NO_ROUTE' })
    expect(() => ip.write(FAR, 17, 1, filling(counting(1)))).toThrow(error)
    for (const ask of [() => ip.source(FAR), () => ip.mtu(FAR), () => ip.offload(FAR)]) expect(ask).toThrow(error)
    expect(() => ip.write(IPV4_ANY, 17, 1, filling(counting(1)))).toThrow(error)
    expect(link.sent).toEqual([])
  })

  it('not with an address of another family', () => {
    const { ip } = createHost()
    const error = expect.objectContaining({ code: 'ERR_IP_FAMILY' })
    expect(() => ip.write(ipv6('::1'), 17, 1, filling(counting(1)))).toThrow(error)
    expect(() => ip.source(ipv6('::1'))).toThrow(error)
    expect(() => ip.write(PEER, 17, 1, filling(counting(1)), { src: ipv6('::1') })).toThrow(error)
  })

  it('on a point-to-point link to its other end, with nobody to ask', () => {
    const { ip, link, neighbors } = createHost({}, { link: { mac: undefined } })
    for (const dst of ['10.0.0.9', '192.0.2.1', '224.0.0.5', '255.255.255.255'])
      ip.write(ipv4(dst), 17, 1, filling(counting(1)))
    expect(link.take().map((s) => s.to)).toEqual([0, 0, 0, 0])
    expect(neighbors.queries).toEqual([])
  })
})

describe('source addresses (RFC 1122 §3.3.4.3)', () => {
  it('are chosen by the way', () => {
    const { ip } = createHost()
    ip.addAddress(ipv4Prefix('10.9.0.1/16'))
    expect([ip.source(PEER), ip.source(FAR), ip.source(ipv4('10.9.3.3'))]).toEqual([US, US, ipv4('10.9.0.1')])
    expect([ip.source(US), ip.source(ipv4('127.0.0.1'))]).toEqual([US, ipv4('127.0.0.1')])
  })

  it('may be named, where they are own ones', () => {
    const { ip, link } = createHost()
    ip.addAddress(ipv4Prefix('10.9.0.1/16'))
    ip.write(PEER, 17, 1, filling(counting(1)), { src: ipv4('10.9.0.1') })
    expect(link.take()[0]!.h.src).toBe(ipv4('10.9.0.1'))
    for (const src of ['10.0.0.7', '0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255'])
      expect(() => ip.write(PEER, 17, 1, filling(counting(1)), { src: ipv4(src) })).toThrow(
        expect.objectContaining({ code: 'ERR_IP_NO_SOURCE' }),
      )
    expect(link.sent).toEqual([])
  })

  it('without an own one 0.0.0.0 reaches everybody, when asked for', () => {
    const { ip, link } = createHost({}, { bare: true })
    expect(() => ip.write(IPV4_BROADCAST, 17, 1, filling(counting(1)))).toThrow(
      expect.objectContaining({ code: 'ERR_IP_NO_SOURCE' }),
    )
    expect(() => ip.source(IPV4_BROADCAST)).toThrow(expect.objectContaining({ code: 'ERR_IP_NO_SOURCE' }))
    expect([ip.mtu(IPV4_BROADCAST), ip.offload(IPV4_BROADCAST)]).toEqual([1480, link.offload])
    ip.write(IPV4_BROADCAST, 17, 1, filling(counting(1)), { src: IPV4_ANY })
    expect(link.take()[0]).toMatchObject({ to: MAC_BROADCAST, h: { src: IPV4_ANY, dst: IPV4_BROADCAST } })
  })

  it('may be any where the layer is transparent', () => {
    const { ip, link } = createHost({ transparent: true })
    ip.write(PEER, 17, 1, filling(counting(1)), { src: FAR })
    expect(link.take()[0]!.h.src).toBe(FAR)
    for (const src of ['224.0.0.1', '10.0.0.255', '0.0.0.0'])
      expect(() => ip.write(PEER, 17, 1, filling(counting(1)), { src: ipv4(src) })).toThrow(/not an own address/)
  })
})

describe('fragments (RFC 791 §3.2)', () => {
  it.each([1481, 2000, 2960, 2961, 10_000, 65_515])('%i bytes leave in pieces that fit', (length) => {
    const { ip, link } = createHost()
    const data = counting(length)
    ip.write(PEER, 17, length, filling(data), { ttl: 7, trafficClass: 4 })
    const sent = link.take()
    expect(sent).toHaveLength(Math.ceil(length / 1480))
    expect(join(sent)).toEqual(data)
    expect(sent.map((s) => s.h.moreFragments)).toEqual(sent.map((_, i) => i < sent.length - 1))
    expect(sent.slice(0, -1).every((s) => s.payload.length % 8 === 0)).toBe(true)
    expect(new Set(sent.map((s) => s.h.id)).size).toBe(1)
    expect(sent.every((s) => s.h.ttl === 7 && s.h.trafficClass === 4 && !s.h.dontFragment)).toBe(true)
    expect(ip.stats).toMatchObject({ fragmented: 1, sent: sent.length })
  })

  it('carry header and payload ranges', () => {
    const { ip, link } = createHost()
    const payload = createGather()
    addToGather(payload, counting(3001, 5), 1, 3001)
    ip.write(PEER, 17, 8, filling(counting(8)), { payload })
    expect(join(link.take())).toEqual(Uint8Array.from([...counting(8), ...counting(3001, 5).subarray(1)]))
  })

  it.each([68, 69, 576, 1006, 1499])('fit a link of MTU %i', (mtu) => {
    const { ip, link } = createHost({}, { link: { mtu } })
    ip.write(PEER, 17, 3000, filling(counting(3000)))
    const sent = link.take()
    expect(join(sent)).toEqual(counting(3000))
    expect(Math.max(...sent.map((s) => s.bytes.length))).toBeGreaterThan(mtu - 8)
  })

  it('are none where the fill wrote less than it asked for', () => {
    const { ip, link } = createHost()
    ip.write(PEER, 17, 3000, filling(counting(1480)))
    expect(link.take().map((s) => [s.h.totalLength, s.h.moreFragments])).toEqual([[1500, false]])
    expect(ip.stats.fragmented).toBe(0)
  })

  it('have the checksum complete that the device should have completed', () => {
    const { ip, link } = createHost({}, { link: { offload: { checksum: true, tso4: false, tso6: false } } })
    const data = counting(3000)
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 6 })
      const length = filling(data)(buf, off)
      putU16(buf, off + 6, foldSum(pseudoHeaderSum(US, PEER, 17, length)))
      return length
    }
    ip.write(PEER, 17, 3000, fill, { meta })
    const sent = link.take()
    const whole = join(sent)
    expect(sent.every((s) => s.meta.checksum === 'none')).toBe(true)
    expect(checksum(whole, 0, whole.length, pseudoHeaderSum(US, PEER, 17, 3000))).toBe(0)
    expect(u16(whole, 0)).toBe(u16(data, 0))
  })

  it('behind the first have the options that are to be copied, and no others (RFC 791 §3.1)', () => {
    const { ip, link } = createHost()
    const headerOptions = fromHex('07070400000000 01 94040000')
    ip.write(PEER, 17, 3000, filling(counting(3000)), { headerOptions })
    const sent = link.take()
    expect(join(sent)).toEqual(counting(3000))
    expect(sent.map((s) => hex(s.bytes, 20, s.h.headerLength))).toEqual([
      '070704000000000194040000',
      '94040000',
      '94040000',
    ])
    expect(sent.map((s) => s.bytes.length <= 1500 && s.payload.length > 0)).toEqual([true, true, true])
  })

  it('are refused where the writer says so; nothing is filled or sent', () => {
    const { ip, link } = createHost()
    let filled = false
    const fill = (): number => {
      filled = true
      return 0
    }
    expect(() => ip.write(PEER, 17, 1481, fill, { fragment: false })).toThrow(
      expect.objectContaining({ name: 'IpError', code: 'ERR_IP_WOULD_FRAGMENT' }),
    )
    expect([filled, link.sent.length]).toEqual([false, 0])
    ip.write(PEER, 17, 1480, filling(counting(1480)), { fragment: false })
    expect(link.take()).toHaveLength(1)
  })

  it('cannot carry more than 65535 bytes', () => {
    const { ip, link } = createHost()
    expect(() => ip.write(PEER, 17, 65_516, () => 0)).toThrow(expect.objectContaining({ code: 'ERR_IP_TOO_LONG' }))
    expect(link.sent).toEqual([])
  })
})

describe('header options', () => {
  it('are written as they are, and padded (RFC 1122 §3.2.1.8)', () => {
    const { ip, link } = createHost()
    ip.write(PEER, 17, 8, filling(counting(8)), { headerOptions: fromHex('9404000001') })
    const [sent] = link.take()
    expect([sent!.h.headerLength, hex(sent!.bytes, 20, 28), sent!.payload]).toEqual([
      28,
      '9404000001000000',
      counting(8),
    ])
    ip.write(PEER, 17, 8, filling(counting(8)))
    expect(link.take()[0]!.h.headerLength).toBe(20)
  })

  it('take their room from the MTU', () => {
    const { ip, link } = createHost()
    const headerOptions = ROUTER_ALERT
    expect(() => ip.write(PEER, 17, 1477, () => 0, { headerOptions, fragment: false })).toThrow(
      expect.objectContaining({ code: 'ERR_IP_WOULD_FRAGMENT' }),
    )
    ip.write(PEER, 17, 1476, filling(counting(1476)), { headerOptions, fragment: false })
    expect(link.take()[0]!.bytes).toHaveLength(1500)
  })

  it.each(['94', '9401', '9409000000', '01'.repeat(41)])('%s are none', (text) => {
    const { ip, link } = createHost()
    expect(() => ip.write(PEER, 17, 0, () => 0, { headerOptions: fromHex(text) })).toThrow(RangeError)
    expect(link.sent).toEqual([])
  })
})

describe('mtu and offload', () => {
  it("are the link's, without the header", () => {
    const { ip, link } = createHost()
    expect([ip.mtu(PEER), ip.mtu(IPV4_BROADCAST), ip.offload(PEER)]).toEqual([1480, 1480, link.offload])
    link.mtu = 9000
    expect(ip.mtu(PEER)).toBe(8980)
  })

  it('to this host itself are those of memory', () => {
    const { ip } = createHost()
    expect([ip.mtu(US), ip.offload(US)]).toEqual([65_515, { checksum: true, tso4: false, tso6: false }])
  })
})

describe('addresses and routes', () => {
  it('come and go, and whoever watches hears of it', () => {
    const { ip } = createHost({}, { bare: true })
    const heard: number[] = []
    const stop = ip.onAddresses((list) => heard.push(list.length))
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    ip.addAddress(ipv4Prefix('10.0.1.1/24'))
    expect(ip.addresses()).toEqual([ipv4Prefix('10.0.0.1/24'), ipv4Prefix('10.0.1.1/24')])
    expect(ip.removeAddress(ipv4('10.0.0.1'))).toBe(true)
    expect(ip.removeAddress(ipv4('10.0.0.1'))).toBe(false)
    expect(heard).toEqual([1, 2, 1])
    stop()
    stop()
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    expect(heard).toHaveLength(3)
  })

  it('an address brings its network along, and takes it away', () => {
    const { ip } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    expect(ip.source(PEER)).toBe(US)
    ip.addAddress(ipv4Prefix('10.0.0.1/32'))
    expect(() => ip.source(PEER)).toThrow(/no route/)
    ip.addAddress(ipv4Prefix('10.0.0.1/16'))
    expect(ip.source(ipv4('10.0.9.9'))).toBe(US)
    ip.removeAddress(US)
    expect([ip.routes(), ip.addresses()]).toEqual([[], []])
  })

  it('a route takes effect at once, and stops', () => {
    const { ip, link } = createHost()
    const via = (gateway: string) => ({ prefix: ipv4Prefix('192.0.2.0/24'), gateway: ipv4(gateway) })
    ip.write(FAR, 17, 1, filling(counting(1)))
    ip.addRoute(via('10.0.0.2'))
    ip.write(FAR, 17, 1, filling(counting(1)))
    expect(ip.removeRoute(via('10.0.0.2'))).toBe(true)
    expect(ip.removeRoute(via('10.0.0.2'))).toBe(false)
    ip.write(FAR, 17, 1, filling(counting(1)))
    expect(link.take().map((s) => s.to)).toEqual([ROUTER_MAC, PEER_MAC, ROUTER_MAC])
  })

  it('a host with a /32 reaches its gateway all the same', () => {
    const { ip, link } = createHost({}, { bare: true })
    ip.addAddress(ipv4Prefix('203.0.113.7/32'))
    ip.addRoute({ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('10.0.0.254') })
    ip.write(FAR, 17, 1, filling(counting(1)))
    expect(link.take()[0]).toMatchObject({ to: ROUTER_MAC, h: { src: ipv4('203.0.113.7') } })
  })

  it('lists routes in order of preference', () => {
    const { ip } = createHost()
    expect(ip.routes()).toEqual([
      { prefix: ipv4Prefix('10.0.0.0/24'), gateway: undefined, metric: 0, source: US },
      { prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('10.0.0.254'), metric: 0, source: undefined },
    ])
  })
})

it('a listener never sees a packet inside a write', () => {
  const { ip } = createHost()
  const listener = recorder()
  ip.listen(17, listener)
  ip.write(US, 17, 4, filling(counting(4)))
  expect(listener.got).toEqual([])
})
