import { IPV4_BROADCAST, type Ipv4, ipv4, ipv4Prefix } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import { createFrameMeta } from '@fata/net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ROUTER_ALERT } from '../src/wire.ts'
import { counting, createHost, icmpOf, PEER, packet, recorder, US } from './support/host.ts'

function listening(...args: Parameters<typeof createHost>) {
  const host = createHost(...args)
  const listener = recorder()
  host.ip.listen(17, listener)
  return { ...host, listener }
}

describe('receiving (RFC 1122 §3.2.1)', () => {
  it('hands a packet to the listener of its protocol, exactly as long as its header says', () => {
    const { link, listener, ip } = listening()
    const meta = { ...createFrameMeta(), checksum: 'valid' as const }
    link.receive(packet({ ttl: 9, trafficClass: 0xb9 }, counting(100)), { meta })
    expect(listener.got).toEqual([
      {
        ...{ src: PEER, dst: US, protocol: 17, ttl: 9, trafficClass: 0xb9, multicast: false, headerOptions: 0 },
        ...{ meta, payload: counting(100) },
      },
    ])
    expect(ip.stats).toMatchObject({ received: 1, delivered: 1, dropped: {} })
  })

  it("cuts off the link's padding", () => {
    const { link, listener } = listening()
    link.receive(Uint8Array.from([...packet({}, counting(4)), ...new Uint8Array(22).fill(0x77)]))
    link.receive(Uint8Array.from([...packet({}, counting(0)), ...new Uint8Array(26)]))
    expect(listener.got.map((g) => g.payload)).toEqual([counting(4), counting(0)])
  })

  it.each([
    ['truncated', (b: Uint8Array) => b.slice(0, 19)],
    ['bad-version', (b: Uint8Array) => b.fill(0x65, 0, 1)],
    ['bad-header-length', (b: Uint8Array) => b.fill(0x44, 0, 1)],
    ['bad-total-length', (b: Uint8Array) => b.slice(0, -1)],
    ['bad-header-checksum', (b: Uint8Array) => b.fill(63, 8, 9)],
  ])('drops what is %s', (reason, spoil) => {
    const { link, listener, ip } = listening()
    link.receive(spoil(packet({}, counting(40))))
    expect(listener.got).toEqual([])
    expect(ip.stats).toMatchObject({ received: 0, dropped: { [reason]: 1 } })
    expect(link.sent).toEqual([])
  })

  it.each([0, 1, 255])('takes a packet with TTL %i: it is where it was to go (RFC 1122 §3.2.1.7)', (ttl) => {
    const { link, listener } = listening()
    link.receive(packet({ ttl }, counting(4)))
    expect(listener.got.map((g) => g.ttl)).toEqual([ttl])
  })

  it.each([
    ['10.0.0.1', false],
    ['10.9.0.1', false],
    ['10.0.0.255', true],
    ['10.9.255.255', true],
    ['255.255.255.255', true],
    ['224.0.0.1', true],
    ['239.1.1.1', true],
  ])('takes packets to %s (to many: %s)', (dst, multicast) => {
    const { link, listener, ip } = listening()
    ip.addAddress(ipv4Prefix('10.9.0.1/16'))
    ip.join(ipv4('239.1.1.1'))
    link.receive(packet({ dst: ipv4(dst) }, counting(4)), { multicast })
    expect(listener.got).toMatchObject([{ dst: ipv4(dst), multicast }])
  })

  it('takes broadcasts without an address', () => {
    const { link, listener } = listening({}, { bare: true })
    link.receive(packet({ dst: IPV4_BROADCAST }, counting(4)), { multicast: true })
    link.receive(packet({}, counting(4)))
    expect(listener.got).toHaveLength(1)
  })

  it.each([
    ['10.0.0.3', 'not-for-us'],
    ['192.0.2.1', 'not-for-us'],
    ['10.1.255.255', 'not-for-us'],
    ['127.0.0.1', 'martian-loopback'],
    ['0.0.0.0', 'not-for-us'],
    ['239.1.1.2', 'not-joined'],
    ['224.0.0.2', 'not-joined'],
  ])('drops packets to %s as %s', (dst, reason) => {
    const { link, listener, ip } = listening()
    ip.join(ipv4('239.1.1.1'))
    link.receive(packet({ dst: ipv4(dst) }, counting(4)))
    expect([listener.got, ip.stats.dropped]).toEqual([[], { [reason]: 1 }])
    expect(link.sent.filter((s) => s.h.protocol === 1)).toEqual([])
  })

  it.each([
    ['127.0.0.1', 'martian-loopback'],
    ['224.0.0.1', 'martian-multicast'],
    ['255.255.255.255', 'martian-broadcast'],
    ['10.0.0.255', 'martian-broadcast'],
    ['0.0.0.0', 'martian-unspecified'],
    ['0.1.2.3', 'martian-unspecified'],
    ['10.0.0.1', 'martian-own-address'],
  ])('drops packets from %s as %s', (src, reason) => {
    const { link, listener, ip } = listening()
    link.receive(packet({ src: ipv4(src) }, counting(4)))
    expect([listener.got, ip.stats.dropped]).toEqual([[], { [reason]: 1 }])
  })

  it('takes a broadcast from a host that has no address yet', () => {
    const { link, listener, ip } = listening()
    link.receive(packet({ src: ipv4('0.0.0.0'), dst: IPV4_BROADCAST }, counting(4)), { multicast: true })
    link.receive(packet({ src: ipv4('0.1.2.3'), dst: IPV4_BROADCAST }, counting(4)), { multicast: true })
    expect(listener.got).toHaveLength(1)
    expect(ip.stats.dropped).toEqual({ 'martian-unspecified': 1 })
  })

  it('drops a unicast packet in a broadcast frame (RFC 1122 §3.3.6)', () => {
    const { link, listener, ip } = listening()
    link.receive(packet({}, counting(4)), { multicast: true })
    expect([listener.got, ip.stats.dropped]).toEqual([[], { 'unicast-in-link-group': 1 }])
  })

  it('takes packets to anybody where the layer is transparent', () => {
    const { link, listener, ip } = listening({ transparent: true })
    link.receive(packet({ dst: ipv4('192.0.2.1') }, counting(4)))
    expect(listener.got.map((g) => g.dst)).toEqual([ipv4('192.0.2.1')])
    for (const dst of ['127.0.0.1', '0.0.0.1']) link.receive(packet({ dst: ipv4(dst) }, counting(4)))
    expect(ip.stats.dropped).toEqual({ 'martian-loopback': 1, 'not-for-us': 1 })
  })

  it('never throws, whatever arrives', () => {
    const { link, ip } = createHost({ acceptSourceRoutes: true, transparent: true })
    ip.listen(17, recorder())
    const h = fc.record({
      src: fc.constantFrom(PEER, US, ipv4('127.0.0.1'), ipv4('224.0.0.1'), 0 as Ipv4),
      dst: fc.constantFrom(US, IPV4_BROADCAST, ipv4('224.0.0.1'), ipv4('192.0.2.1')),
      protocol: fc.constantFrom(1, 2, 17, 99),
      moreFragments: fc.boolean(),
      fragmentOffset: fc.constantFrom(0, 8, 65_528),
    })
    fc.assert(
      fc.property(h, fc.uint8Array({ maxLength: 100 }), fc.constantFrom(0, 4, 40), (change, body, options) => {
        link.receive(
          packet(change, body, body.slice(0, options).length === options ? body.slice(0, options) : undefined),
        )
        link.receive(body)
      }),
    )
  })
})

describe('listeners', () => {
  it('are asked in order until one takes the packet', () => {
    const { link, ip } = createHost()
    const log: string[] = []
    const named = (name: string, takes: boolean) =>
      ip.listen(17, {
        packet: () => {
          log.push(name)
          return takes
        },
      })
    named('a', false)
    const stop = named('b', true)
    named('c', true)
    link.receive(packet({}, counting(4)))
    stop()
    stop()
    link.receive(packet({}, counting(4)))
    expect(log).toEqual(['a', 'b', 'a', 'c'])
  })

  it('that were removed while the packet was on its way are not asked', () => {
    const { link, ip } = createHost()
    const second = recorder()
    ip.listen(17, {
      packet: () => {
        stop()
        return false
      },
    })
    const stop = ip.listen(17, second)
    link.receive(packet({}, counting(4)))
    expect(second.got).toEqual([])
  })

  it('hear of the end of a batch, once each', () => {
    const { link, ip } = createHost()
    const [both, one] = [recorder(), recorder()]
    ip.listen(17, both)
    const stop = ip.listen(6, both)
    ip.listen(6, one)
    link.batchEnd()
    expect([both.batches, one.batches]).toEqual([1, 1])
    stop()
    link.batchEnd()
    expect([both.batches, one.batches]).toEqual([2, 2])
  })

  it.each([-1, 256, 1.5])('cannot have protocol %d', (protocol) =>
    expect(() => createHost().ip.listen(protocol, recorder())).toThrow(RangeError),
  )
})

describe('options (RFC 1122 §3.2.1.8)', () => {
  it('are passed on in front of the segment (RFC 1122 §3.2.1.8)', () => {
    const { ip, link } = createHost()
    const heard: string[] = []
    ip.listen(17, {
      packet(buf, off, end, { headerOptions = 0 }) {
        heard.push(`${hex(buf, off - headerOptions, off)} ${end - off}`)
        return true
      },
    })
    const options = fromHex('94040000 07070400000000 00')
    link.receive(packet({}, counting(4), options))
    const first = packet({ id: 9, moreFragments: true }, counting(8), options)
    link.receive(first)
    link.receive(packet({ id: 9, fragmentOffset: 8 }, counting(3)))
    expect(heard).toEqual(['940400000707040000000000 4', '940400000707040000000000 11'])
  })

  it('that are unknown are ignored', () => {
    const { link, listener } = listening()
    for (const options of ['94040000', '01010101', '5e0a0102030405060708 0000', '00ffffff', '07070400000000 00'])
      link.receive(packet({}, counting(4), fromHex(options)))
    expect(listener.got.map((g) => g.payload)).toEqual(Array(5).fill(counting(4)))
  })

  it.each([
    ['07c80400', 20],
    ['01010700', 22],
    ['94040000 83010000', 24],
  ])('%s are answered with a parameter problem at octet %i', (options, pointer) => {
    const { link, listener, ip } = listening()
    const sent = packet({}, counting(12), fromHex(options))
    link.receive(sent)
    expect([listener.got, ip.stats.dropped]).toEqual([[], { 'bad-option': 1 }])
    expect(icmpOf(link.take()[0])).toEqual({ type: 12, code: 0, rest: pointer * 2 ** 24, quote: sent })
    expect(ip.stats.errorsSent).toEqual({ 'parameter-problem': 1 })
  })

  const unfinished = fromHex('8307040a00000900')
  const finished = fromHex('8307080a00000900')

  it('that route the packet are not accepted', () => {
    const { link, listener, ip } = listening()
    for (const options of [unfinished, finished]) link.receive(packet({}, counting(12), options))
    expect([listener.got, ip.stats.dropped, link.sent]).toEqual([[], { 'source-routed': 2 }, []])
  })

  it('that route the packet may be, once it has arrived; this host does not forward it', () => {
    const { link, listener, ip } = listening({ acceptSourceRoutes: true })
    link.receive(packet({}, counting(12), finished))
    expect(listener.got).toHaveLength(1)
    link.receive(packet({}, counting(12), unfinished))
    expect(icmpOf(link.take()[0])).toMatchObject({ type: 3, code: 5 })
    expect(ip.stats).toMatchObject({ dropped: { 'source-routed': 1 }, errorsSent: { 'source-route-failed': 1 } })
  })
})

describe('fragments (RFC 1122 §3.3.2)', () => {
  const data = counting(3000)
  const cut = (from: number, to: number, change = {}, options?: Uint8Array): Uint8Array =>
    packet({ id: 9, fragmentOffset: from, moreFragments: to < 3000, ...change }, data.slice(from, to), options)

  it('are put together in any order', () => {
    const { link, listener, ip } = listening()
    const meta = { ...createFrameMeta(), checksum: 'valid' as const }
    for (const [from, to] of [
      [2960, 3000],
      [0, 1480],
      [1480, 2960],
    ] as const)
      link.receive(cut(from, to, { ttl: from === 0 ? 7 : 9 }), { meta })
    // What the device says of a fragment says nothing of the datagram.
    expect(listener.got).toMatchObject([{ payload: data, ttl: 7, meta: { checksum: 'none' } }])
    expect(ip.stats).toMatchObject({ received: 3, delivered: 1, reassembled: 1, dropped: {} })
  })

  it('with options are put together behind the header of the first', () => {
    const { link, listener } = listening()
    link.receive(cut(1480, 3000))
    link.receive(cut(0, 1480, {}, ROUTER_ALERT))
    expect(listener.got).toMatchObject([{ payload: data }])
  })

  it('that overlap are dropped, with the datagram', () => {
    const { link, listener, ip } = listening()
    link.receive(cut(0, 1480))
    link.receive(cut(1472, 3000))
    link.receive(cut(1480, 3000))
    expect(listener.got).toEqual([])
    expect(ip.stats.dropped).toEqual({ 'fragment-overlap': 1, 'fragment-of-dropped': 1 })
  })

  it('that wait too long are answered with a time exceeded, where the first has come', () => {
    const { link, ip, clock } = listening()
    const first = cut(0, 1480)
    link.receive(first)
    clock.advance(9_999)
    expect(link.sent).toEqual([])
    clock.advance(1)
    const [sent] = link.take()
    expect(sent!.h).toMatchObject({ dst: PEER, totalLength: 576 })
    expect(icmpOf(sent)).toEqual({ type: 11, code: 1, rest: 0, quote: first.slice(0, 548) })
    link.receive(cut(1480, 2960, { id: 10 }))
    clock.advance(10_000)
    expect(link.sent).toEqual([])
    expect(ip.stats).toMatchObject({ dropped: { 'fragment-timeout': 2 }, errorsSent: { 'reassembly-timeout': 1 } })
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('of a broadcast time out in silence', () => {
    const { link, ip, clock } = listening()
    link.receive(cut(0, 1480, { dst: IPV4_BROADCAST }), { multicast: true })
    clock.advance(10_000)
    expect([link.sent, ip.stats.errorsWithheld]).toEqual([[], { group: 1 }])
  })

  it('may be many where the option says so', () => {
    const { link, listener } = listening({ maxFragments: 64 })
    const big = counting(65_515)
    for (let from = 0; from < big.length; from += 1480) {
      const to = Math.min(from + 1480, big.length)
      link.receive(packet({ fragmentOffset: from, moreFragments: to < big.length }, big.slice(from, to)))
    }
    expect(listener.got).toMatchObject([{ payload: big }])
  })
})
