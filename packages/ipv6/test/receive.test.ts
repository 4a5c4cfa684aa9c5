import { formatIpv6, type Ipv6, ipv6Prefix, mac } from '@fata/addr'
import { fromHex } from '@fata/bytes'
import { type IpPacket, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '@fata/ip'
import { createFrameMeta } from '@fata/net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Harness, line, listenTo, PEER_MAC, quietHost } from './harness.ts'
import { bytes, concat, echo, fragment, icmpMessage, ns, packet, udp, udpSegment } from './packets.ts'

const FLOW = { src: 'fd00::b', dst: 'fd00::a' }
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const DESTINATION_OPTIONS = 60
const NO_NEXT = 59

/** The peer's address is known, and not asked for again, so that answers leave at once and nothing else does. */
function host(options = {}): Harness {
  const h = quietHost({ delayFirstProbeMs: 1e9, ...options })
  h.receive(ns({ src: 'fd00::b', dst: 'fd00::a' }, 'fd00::a', { sourceLinkLayer: PEER_MAC }))
  h.sent()
  return h
}

/** An options header: `nextHeader`, then the bytes of its options, which must fill it. */
function options(nextHeader: number, text: string): Uint8Array {
  const body = fromHex(text)
  expect((body.length + 2) % 8).toBe(0)
  return concat(new Uint8Array([nextHeader, (body.length + 2) / 8 - 1]), body)
}

const routing = (nextHeader: number, type: number, segmentsLeft: number): Uint8Array =>
  new Uint8Array([nextHeader, 0, type, segmentsLeft, 0, 0, 0, 0])

const PADDED = '0104 00000000'

/** A chain of headers in front of a UDP datagram; each header names the next one. */
function chain(first: number, ...headers: readonly Uint8Array[]): Uint8Array {
  return packet({ ...FLOW, nextHeader: first }, concat(...headers, udpSegment(FLOW.src, FLOW.dst, bytes(4))))
}

/** The one ICMPv6 error that was sent: type, code, pointer. */
function errorOf(h: Harness): [number, number, number] | undefined {
  const [first, ...more] = h.sent()
  expect(more).toEqual([])
  if (first === undefined) return undefined
  expect(first.hopLimit).toBe(64)
  expect(first.bytes.length).toBeLessThanOrEqual(1280)
  return [first.type!, first.code!, first.rest]
}

describe('a received packet', () => {
  it('is handed to the transport as long as its header says', () => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(udp({ ...FLOW, hopLimit: 3 }, bytes(5)))
    expect(heard.packets).toEqual([
      { from: 'fd00::b', to: 'fd00::a', ttl: 3, data: udpSegment(FLOW.src, FLOW.dst, bytes(5)) },
    ])
    expect(h.layer.stats).toMatchObject({ delivered: 1, dropped: {} })
    expect(heard.batches).toBe(1)
  })

  it('tells its traffic class, and whether it was sent to a group', () => {
    const h = host()
    const seen: Partial<IpPacket>[] = []
    h.layer.listen(PROTOCOL_UDP, {
      packet(_buf, _off, _end, { trafficClass, multicast, protocol }) {
        seen.push({ trafficClass, multicast, protocol })
        return true
      },
    })
    h.receive(udp({ ...FLOW, trafficClass: 0xb9 }))
    h.receive(udp({ ...FLOW, dst: 'ff02::1' }))
    h.link.receive(udp(FLOW), PEER_MAC, mac('33:33:00:00:00:01'))
    expect(seen).toEqual([
      { trafficClass: 0xb9, multicast: false, protocol: 17 },
      { trafficClass: 0, multicast: true, protocol: 17 },
      { trafficClass: 0, multicast: true, protocol: 17 },
    ])
  })

  it('has the same address objects as the one before it', () => {
    const h = host()
    const seen: Ipv6[] = []
    h.layer.listen(PROTOCOL_UDP, {
      packet(_buf, _off, _end, p) {
        seen.push(p.src as Ipv6, p.dst as Ipv6)
        return true
      },
    })
    h.receive(udp(FLOW))
    h.receive(udp(FLOW))
    expect(seen[2]).toBe(seen[0])
    expect(seen[3]).toBe(seen[1])
    h.receive(udp({ ...FLOW, src: 'fd00::c' }))
    expect(formatIpv6(seen[0]!)).toBe('fd00::b')
    expect(formatIpv6(seen[4]!)).toBe('fd00::c')
  })

  it('carries the metadata of the device', () => {
    const h = host()
    const meta = { ...createFrameMeta(), checksum: 'valid' as const }
    let seen: string | undefined
    h.layer.listen(PROTOCOL_UDP, {
      packet(_buf, _off, _end, p) {
        seen = p.meta.checksum
        return true
      },
    })
    h.link.receive(udp(FLOW), PEER_MAC, undefined, meta)
    expect(seen).toBe('valid')
  })

  it('from a link-local address tells the zone', () => {
    const h = quietHost({ zone: 'tap0' })
    const heard = listenTo(h.layer)
    h.receive(udp({ src: 'fe80::b', dst: 'ff02::1' }))
    expect(heard.packets[0]).toMatchObject({ from: 'fe80::b%tap0', to: 'ff02::1' })
  })

  it.each([
    ['too-short', fromHex('6000000000001140')],
    ['bad-version', concat(new Uint8Array([0x40]), udp(FLOW).subarray(1))],
    ['bad-length', udp(FLOW).subarray(0, 45)],
    ['not-for-us', udp({ ...FLOW, dst: 'fd00::c' })],
    ['not-for-us', udp({ ...FLOW, dst: 'ff02::2' })],
    ['not-for-us', udp({ ...FLOW, dst: '::' })],
    ['bad-scope', udp({ ...FLOW, dst: 'ff01::1' })],
    ['bad-source', udp({ ...FLOW, src: 'ff02::1' })],
    ['bad-source', udp({ ...FLOW, src: '::ffff:10.0.0.1' })],
    ['unspecified-source', udp({ ...FLOW, src: '::' })],
    ['own-source', udp({ ...FLOW, src: 'fd00::a' })],
    ['loopback-on-link', udp({ ...FLOW, src: '::1' })],
    ['loopback-on-link', udp({ ...FLOW, dst: '::1' })],
  ])('is dropped as %s', (reason, b) => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(b)
    expect(h.layer.stats.dropped).toEqual({ [reason]: 1 })
    expect(heard.packets).toEqual([])
    expect(h.sent()).toEqual([])
  })

  it('to a tentative address is for somebody else, RFC 4862 §5.4', () => {
    const h = quietHost({ dupAddrDetectTransmits: 1 })
    h.receive(echo({ src: 'fe80::b', dst: 'fd00::a' }))
    expect(h.layer.stats.dropped).toEqual({ 'tentative-address': 1 })
  })

  it('goes to the first of several listeners that takes it', () => {
    const h = host()
    const first = listenTo(h.layer, PROTOCOL_UDP, false)
    const second = listenTo(h.layer)
    const third = listenTo(h.layer)
    h.receive(udp(FLOW))
    expect([first, second, third].map((l) => l.packets.length)).toEqual([1, 1, 0])
  })

  it('is not handed to a listener that has gone', () => {
    const h = host()
    const heard: string[] = []
    const end = h.layer.listen(PROTOCOL_UDP, {
      packet() {
        heard.push('first')
        endSecond()
        return false
      },
    })
    const endSecond = h.layer.listen(PROTOCOL_UDP, {
      packet() {
        heard.push('second')
        return true
      },
    })
    h.receive(udp(FLOW))
    end()
    end()
    h.receive(udp(FLOW))
    expect(heard).toEqual(['first'])
  })

  it('to any address is taken where that is wanted, and answered from there', () => {
    const h = quietHost({ transparent: true })
    const heard = listenTo(h.layer)
    h.receive(udp({ ...FLOW, dst: '2001:db8::99' }))
    expect(heard.packets[0]).toMatchObject({ to: '2001:db8::99' })
    h.receive(udp({ ...FLOW, dst: 'ff02::99' }))
    expect(heard.packets).toHaveLength(1)
  })
})

describe('a packet that nobody takes', () => {
  it('is answered with a port unreachable where somebody speaks the protocol', () => {
    const h = host()
    listenTo(h.layer, PROTOCOL_UDP, false)
    const invoking = udp(FLOW)
    h.receive(invoking)
    const [error] = h.sent()
    expect(line(error!)).toBe('02:00:00:00:00:0b fd00::a > fd00::b: icmp 1/4')
    expect(error!.body).toEqual(invoking)
    expect(h.layer.stats).toMatchObject({
      dropped: { 'port-unreachable': 1 },
      errorsSent: { 'destination-unreachable': 1 },
    })
  })

  it('is answered with a parameter problem where nobody does', () => {
    const h = host()
    h.receive(packet({ ...FLOW, nextHeader: PROTOCOL_TCP }, bytes(20)))
    expect(errorOf(h)).toEqual([4, 1, 6])
    h.receive(packet({ ...FLOW, nextHeader: DESTINATION_OPTIONS }, concat(options(253, PADDED), bytes(4))))
    expect(errorOf(h)).toEqual([4, 1, 40])
    expect(h.layer.stats.dropped).toEqual({ 'unknown-protocol': 2 })
  })
})

describe('extension headers, RFC 8200 §4', () => {
  it.each([
    ['hop-by-hop', chain(HOP_BY_HOP, options(PROTOCOL_UDP, PADDED))],
    ['destination options', chain(DESTINATION_OPTIONS, options(PROTOCOL_UDP, PADDED))],
    ['routing, done', chain(ROUTING, routing(PROTOCOL_UDP, 0, 0))],
    [
      'an atomic fragment',
      packet(
        { ...FLOW, nextHeader: FRAGMENT },
        concat(new Uint8Array([17, 0, 0, 0, 1, 2, 3, 4]), udpSegment(FLOW.src, FLOW.dst, bytes(4))),
      ),
    ],
    [
      'all, in the recommended order',
      chain(
        HOP_BY_HOP,
        options(DESTINATION_OPTIONS, PADDED),
        options(ROUTING, PADDED),
        routing(FRAGMENT, 4, 0),
        new Uint8Array([DESTINATION_OPTIONS, 0, 0, 0, 0, 0, 0, 9]),
        options(PROTOCOL_UDP, PADDED),
      ),
    ],
    [
      'in any order, and twice',
      chain(
        ROUTING,
        routing(DESTINATION_OPTIONS, 2, 0),
        options(ROUTING, PADDED),
        routing(DESTINATION_OPTIONS, 2, 0),
        options(PROTOCOL_UDP, '00 01010000 00'),
      ),
    ],
    ['a long one', chain(DESTINATION_OPTIONS, options(PROTOCOL_UDP, `1e1c${'00'.repeat(28)}`))],
    ['an unknown option that may be skipped', chain(HOP_BY_HOP, options(PROTOCOL_UDP, '3e04 00000000'))],
    ['a router alert', chain(HOP_BY_HOP, options(PROTOCOL_UDP, '05020000 0100'))],
  ])('are passed: %s', (_, b) => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(b)
    expect(h.layer.stats.dropped).toEqual({})
    expect(heard.packets).toHaveLength(1)
    expect(heard.packets[0]!.data).toEqual(udpSegment(FLOW.src, FLOW.dst, bytes(4)))
    expect(h.sent()).toEqual([])
  })

  it.each<[string, string, Uint8Array, [number, number, number] | undefined]>([
    [
      'a hop-by-hop header elsewhere',
      'misplaced-hop-by-hop',
      chain(DESTINATION_OPTIONS, options(HOP_BY_HOP, PADDED), options(17, PADDED)),
      [4, 1, 40],
    ],
    ['routing type 0 under way (RFC 5095)', 'unknown-routing-type', chain(ROUTING, routing(17, 0, 1)), [4, 0, 42]],
    [
      'another routing type under way',
      'unknown-routing-type',
      chain(HOP_BY_HOP, options(ROUTING, PADDED), routing(17, 4, 2)),
      [4, 0, 50],
    ],
    ['an option with action 01', 'unknown-option', chain(DESTINATION_OPTIONS, options(17, '7e04 00000000')), undefined],
    [
      'an option with action 10',
      'unknown-option',
      chain(DESTINATION_OPTIONS, options(17, '0000 be02 0000')),
      [4, 2, 44],
    ],
    ['an option with action 11', 'unknown-option', chain(HOP_BY_HOP, options(17, 'fe04 00000000')), [4, 2, 42]],
    [
      'a jumbogram, RFC 2675 §3',
      'jumbogram',
      concat(packet({ ...FLOW, nextHeader: HOP_BY_HOP }, new Uint8Array(0)), options(17, 'c204 00010000')),
      [4, 0, 4],
    ],
    ['a jumbo payload', 'unknown-option', chain(HOP_BY_HOP, options(17, 'c204 00010000')), [4, 2, 42]],
    [
      'an option that is too long',
      'bad-option-length',
      chain(DESTINATION_OPTIONS, options(17, '1e05 00000000')),
      [4, 0, 43],
    ],
    [
      'an option without its length',
      'bad-option-length',
      chain(DESTINATION_OPTIONS, options(17, '0103 000000 1e')),
      [4, 0, 48],
    ],
    [
      'much padding',
      'excessive-padding',
      chain(DESTINATION_OPTIONS, options(17, `1e020000 ${'00'.repeat(8)} 0100`)),
      undefined,
    ],
    [
      'one long padding',
      'excessive-padding',
      chain(DESTINATION_OPTIONS, options(17, `0106 ${'00'.repeat(6)} 1e04 00000000`)),
      undefined,
    ],
    [
      'many options',
      'too-many-options',
      chain(DESTINATION_OPTIONS, options(17, `${'1e00'.repeat(9)} 0102 0000`)),
      undefined,
    ],
    [
      'many headers',
      'too-many-headers',
      chain(60, ...Array.from({ length: 9 }, (_, i) => options(i === 8 ? 17 : 60, PADDED))),
      undefined,
    ],
    [
      'a header that ends too late',
      'truncated-header',
      packet({ ...FLOW, nextHeader: 60 }, concat(new Uint8Array([17, 9]), bytes(20))),
      undefined,
    ],
    ['a header that is cut', 'truncated-header', packet({ ...FLOW, nextHeader: 60 }, bytes(7)), undefined],
    ['a cut fragment header', 'truncated-header', packet({ ...FLOW, nextHeader: 44 }, bytes(7)), undefined],
    ['no next header', 'no-next-header', packet({ ...FLOW, nextHeader: NO_NEXT }, bytes(7)), undefined],
    ['an authentication header', 'unknown-protocol', packet({ ...FLOW, nextHeader: 51 }, bytes(24)), [4, 1, 6]],
  ])('keep a packet from being delivered: %s', (_, reason, b, error) => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(b)
    expect(heard.packets).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ [reason]: 1 })
    expect(errorOf(h)).toEqual(error)
  })

  it('with an option 10 are answered even to a group, with 11 are not, RFC 4443 §2.4 (e.3)', () => {
    const h = host()
    const toGroup = (text: string): Uint8Array =>
      packet({ src: 'fd00::b', dst: 'ff02::1', nextHeader: 60 }, concat(options(17, text), bytes(8)))
    h.receive(toGroup('fe04 00000000'))
    expect(h.sent()).toEqual([])
    h.receive(toGroup('be04 00000000'))
    expect(h.lines()).toEqual(['02:00:00:00:00:0b fd00::a > fd00::b: icmp 4/2'])
    expect(h.layer.stats.errorsWithheld).toEqual({ multicast: 1 })
  })

  it('are refused beyond limits that can be moved', () => {
    const h = host({ maxExtensionHeaders: 1, maxHeaderOptions: 0 })
    h.receive(chain(60, options(60, PADDED), options(17, PADDED)))
    h.receive(chain(60, options(17, '1e04 00000000')))
    expect(h.layer.stats.dropped).toEqual({ 'too-many-headers': 1, 'too-many-options': 1 })
  })

  it('do not lead astray, whatever they say', () => {
    const h = host()
    listenTo(h.layer)
    const types = fc.constantFrom(0, 43, 44, 51, 60, 17, 58, 59, 135, 254)
    fc.assert(
      fc.property(
        types,
        fc.array(fc.tuple(types, fc.uint8Array({ minLength: 7, maxLength: 15 })), { maxLength: 6 }),
        (first, headers) => {
          const payload = concat(...headers.map(([next, rest]) => concat(new Uint8Array([next]), rest)))
          h.receive(packet({ ...FLOW, nextHeader: first }, payload))
          h.advance(1)
          h.sent()
        },
      ),
    )
  })
})

describe('fragments', () => {
  const segment = udpSegment(FLOW.src, FLOW.dst, bytes(64))
  const pieces = [
    fragment(FLOW, segment.subarray(0, 24), 0, true),
    fragment(FLOW, segment.subarray(24, 48), 24, true),
    fragment(FLOW, segment.subarray(48), 48, false),
  ]

  it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]], [[0, 2, 1]], [[0, 0, 1, 1, 2]]])(
    'arrive in the order %j',
    (order) => {
      const h = host()
      const heard = listenTo(h.layer)
      for (const i of order) h.receive(pieces[i]!)
      expect(heard.packets).toEqual([{ from: 'fd00::b', to: 'fd00::a', ttl: 64, data: segment }])
      expect(h.layer.stats.reassembled).toBe(1)
      expect(h.sent()).toEqual([])
    },
  )

  it('of different packets are kept apart', () => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(pieces[0]!)
    h.receive(fragment(FLOW, segment.subarray(24, 48), 24, true, 8))
    h.receive(fragment({ ...FLOW, src: 'fd00::c' }, segment.subarray(24, 48), 24, true))
    h.receive(pieces[2]!)
    expect(heard.packets).toEqual([])
    h.receive(pieces[1]!)
    expect(heard.packets).toHaveLength(1)
  })

  it('that are whole do not touch others of the same identification, RFC 6946', () => {
    const h = host()
    const heard = listenTo(h.layer)
    h.receive(pieces[0]!)
    h.receive(fragment(FLOW, udpSegment(FLOW.src, FLOW.dst, bytes(1)), 0, false))
    h.receive(pieces[1]!)
    h.receive(pieces[2]!)
    expect(heard.packets.map((p) => p.data.length)).toEqual([9, 72])
  })

  it('have their options processed when they arrive, and lose the header', () => {
    const h = host()
    const heard = listenTo(h.layer)
    const withOptions = (b: Uint8Array): Uint8Array =>
      packet({ ...FLOW, nextHeader: 60 }, concat(options(44, PADDED), b.subarray(40)))
    h.receive(withOptions(pieces[2]!))
    h.receive(pieces[1]!)
    h.receive(withOptions(pieces[0]!))
    expect(heard.packets[0]!.data).toEqual(segment)
  })

  it('may carry extension headers, which are processed then', () => {
    const h = host()
    listenTo(h.layer)
    const inner = concat(options(17, 'be04 00000000'), segment)
    const fields = { ...FLOW, nextHeader: 60 }
    h.receive(fragment(fields, inner.subarray(0, 40), 0, true))
    h.receive(fragment(fields, inner.subarray(40), 40, false))
    expect(errorOf(h)).toEqual([4, 2, 42])
  })

  it.each<[string, Uint8Array, [number, number, number] | undefined]>([
    ['fragment-bad-length', fragment(FLOW, segment.subarray(0, 23), 0, true), [4, 0, 4]],
    ['fragment-too-far', fragment(FLOW, bytes(16), 65528, false), [4, 0, 42]],
    ['fragment-empty', fragment(FLOW, bytes(0), 8, true), undefined],
    ['fragment-incomplete-chain', fragment(FLOW, bytes(0), 0, true), undefined],
    ['fragment-incomplete-chain', fragment({ ...FLOW, nextHeader: 6 }, bytes(16), 0, true), [4, 3, 0]],
    [
      'fragment-incomplete-chain',
      fragment({ ...FLOW, nextHeader: 60 }, concat(new Uint8Array([17, 1]), bytes(14)), 0, true),
      [4, 3, 0],
    ],
  ])('are refused as %s', (reason, b, error) => {
    const h = host()
    h.receive(b)
    const expected = b.length === 48 ? 'fragment-empty' : reason
    expect(h.layer.stats.dropped).toEqual({ [expected]: 1 })
    expect(errorOf(h)).toEqual(error)
  })

  it('are abandoned after a minute, which the source is told where the first one is there', () => {
    const h = host()
    h.receive(pieces[0]!)
    h.receive(fragment(FLOW, segment.subarray(24, 48), 24, true, 8))
    h.advance(59_999)
    expect(h.layer.stats.dropped).toEqual({})
    h.advance(1)
    expect(h.layer.stats.dropped).toEqual({ 'reassembly-timeout': 2 })
    const [error, ...more] = h.sent()
    expect(more).toEqual([])
    expect(error).toMatchObject({ type: 3, code: 1, rest: 0 })
    expect(error!.body).toEqual(pieces[0])
  })

  it('are not answered where they were sent to a group', () => {
    const h = host()
    h.receive(fragment({ ...FLOW, dst: 'ff02::1' }, segment.subarray(0, 24), 0, true))
    h.advance(60_000)
    expect(h.sent()).toEqual([])
    expect(h.layer.stats.errorsWithheld).toEqual({ multicast: 1 })
  })

  it('do not hide Neighbor Discovery, RFC 6980', () => {
    const h = host()
    const hidden = ns({ src: 'fd00::c', dst: 'fd00::a' }, 'fd00::a', { sourceLinkLayer: PEER_MAC }).subarray(40)
    const fields = { src: 'fd00::c', dst: 'fd00::a', hopLimit: 255, nextHeader: PROTOCOL_ICMPV6 }
    h.receive(fragment(fields, hidden, 0, false))
    h.receive(fragment(fields, hidden.subarray(0, 24), 0, true))
    h.receive(fragment(fields, hidden.subarray(24), 24, false))
    expect(h.layer.stats.dropped).toEqual({ 'nd-fragmented': 2 })
    expect(h.sent()).toEqual([])
  })

  it('of an echo request are answered', () => {
    const h = host()
    const request = icmpMessage(FLOW.src, FLOW.dst, 128, 0, 0x00010002, bytes(3000))
    const fields = { ...FLOW, nextHeader: PROTOCOL_ICMPV6 }
    h.receive(fragment(fields, request.subarray(0, 1448), 0, true))
    h.receive(fragment(fields, request.subarray(1448), 1448, false))
    const sent = h.sent()
    expect(sent.map((p) => p.bytes.length)).toEqual([1496, 1496, 160])
    expect(h.layer.stats.fragmented).toBe(1)
  })
})

describe('a device that hands over garbage', () => {
  it('is survived', () => {
    const h = host({ addresses: [ipv6Prefix('fd00::a/64')] })
    listenTo(h.layer)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (b) => {
        h.receive(b)
        if (b.length < 40) return
        const aimed = b.slice()
        aimed[0] = 0x60
        aimed[4] = 0
        aimed[5] = b.length - 40
        aimed.set(udp(FLOW).subarray(8, 40), 8)
        h.receive(aimed)
        h.advance(10)
        h.sent()
      }),
      { numRuns: 500 },
    )
  })
})
