import { IPV6_ANY, ipv6, ipv6Prefix, mac } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import { PROTOCOL_ICMPV6 } from '@fata/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  checkIpv6,
  decodeFragmentHeader,
  decodeIcmpv6,
  decodeIpv6Header,
  decodeMldQuery,
  decodeMldReport,
  decodeNd,
  encodeFragmentHeader,
  encodeIcmpv6,
  encodeIpv6Header,
  encodeMldQuery,
  encodeMldReport,
  encodeMldV1,
  encodeNd,
  encodeRouterAlert,
  FRAGMENT,
  finishIcmpv6,
  HOP_BY_HOP,
  INFINITE_LIFETIME,
  IPV6_HEADER_LEN,
  type Ipv6Header,
  type MldQuery,
  type NdMessage,
  type NdOptions,
  ndLength,
  ROUTER_ALERT_LEN,
} from '../src/wire.ts'
import * as captures from './captures.ts'
import { ra } from './packets.ts'

const at = (b: Uint8Array, o: number, byte: number): Uint8Array => {
  const changed = b.slice()
  changed[o] = byte
  return changed
}
const word = (): fc.Arbitrary<number> => fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const address = (): fc.Arbitrary<ReturnType<typeof ipv6>> =>
  fc.record({ w0: word(), w1: word(), w2: word(), w3: word(), zone: fc.constant('') })

describe('the IPv6 header', () => {
  const header: Ipv6Header = {
    trafficClass: 0,
    flowLabel: 0x8ed81,
    payloadLength: 13,
    nextHeader: 17,
    hopLimit: 64,
    src: ipv6('fd00::a'),
    dst: ipv6('fd00::b'),
  }

  it('decodes the captured packet', () => {
    expect(decodeIpv6Header(captures.UDP, 0, captures.UDP.length)).toEqual(header)
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(IPV6_HEADER_LEN + 4).fill(0xa5)
    encodeIpv6Header(b, 2, header)
    expect(hex(b)).toBe(`a5a5${hex(captures.UDP, 0, IPV6_HEADER_LEN)}a5a5`)
  })

  it('refuses every truncated prefix', () => {
    const { length } = captures.UDP
    for (let n = 0; n < IPV6_HEADER_LEN; n++) expect(decodeIpv6Header(captures.UDP, 0, n)).toBe('too-short')
    for (let n = IPV6_HEADER_LEN; n < length; n++) expect(decodeIpv6Header(captures.UDP, 0, n)).toBe('bad-length')
  })

  it('takes padding of the link behind the packet', () => {
    const padded = new Uint8Array([...captures.UDP, 0, 0, 0])
    expect(decodeIpv6Header(padded, 0, padded.length)).toEqual(header)
  })

  it('refuses another version', () => {
    expect(checkIpv6(at(captures.UDP, 0, 0x45), 0, captures.UDP.length)).toBe('bad-version')
  })

  it('refuses a jumbogram', () => {
    const jumbo = fromHex(`6000000000000040${'00'.repeat(32)}3a00c20400010000`)
    expect(checkIpv6(jumbo, 0, jumbo.length)).toBe('jumbogram')
  })

  it('survives the round trip', () => {
    const record = fc.record({
      trafficClass: fc.integer({ min: 0, max: 255 }),
      flowLabel: fc.integer({ min: 0, max: 0xfffff }),
      payloadLength: fc.constant(0),
      nextHeader: fc.integer({ min: 1, max: 255 }),
      hopLimit: fc.integer({ min: 0, max: 255 }),
      src: address(),
      dst: address(),
    })
    fc.assert(
      fc.property(record, (h) => {
        const b = new Uint8Array(IPV6_HEADER_LEN).fill(0xa5)
        encodeIpv6Header(b, 0, h)
        expect(decodeIpv6Header(b, 0, b.length)).toEqual(h)
      }),
    )
  })
})

describe('the Fragment header', () => {
  const header = { nextHeader: PROTOCOL_ICMPV6, offset: 2896, more: false, id: 0xcb5c6291 }

  it('decodes the captured packet', () => {
    const b = captures.LAST_FRAGMENT_HEADERS
    expect(b[6]).toBe(FRAGMENT)
    expect(decodeFragmentHeader(b, 40, b.length)).toEqual(header)
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(10).fill(0xa5)
    encodeFragmentHeader(b, 1, header)
    expect(hex(b)).toBe(`a5${hex(captures.LAST_FRAGMENT_HEADERS, 40)}a5`)
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < 8; n++)
      expect(decodeFragmentHeader(captures.LAST_FRAGMENT_HEADERS, 40, 40 + n)).toBe('truncated')
  })

  it('survives the round trip', () => {
    const record = fc.record({
      nextHeader: fc.integer({ min: 0, max: 255 }),
      offset: fc.integer({ min: 0, max: 0x1fff }).map((n) => n * 8),
      more: fc.boolean(),
      id: fc.integer({ min: 0, max: 0xffffffff }),
    })
    fc.assert(
      fc.property(record, (h) => {
        const b = new Uint8Array(8).fill(0xa5)
        encodeFragmentHeader(b, 0, h)
        expect(decodeFragmentHeader(b, 0, 8)).toEqual(h)
      }),
    )
  })
})

describe('the ICMPv6 header', () => {
  const { PORT_UNREACHABLE: packet } = captures
  const src = ipv6('fd00::b')
  const dst = ipv6('fd00::a')

  it('decodes the captured packet', () => {
    expect(decodeIcmpv6(packet, 40, packet.length, src, dst)).toEqual({ type: 1, code: 4, rest: 0 })
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(packet.length).fill(0xa5)
    b.set(packet.subarray(48), 48)
    encodeIcmpv6(b, 40, { type: 1, code: 4, rest: 0 })
    finishIcmpv6(b, 40, b.length, src, dst)
    expect(hex(b, 40)).toBe(hex(packet, 40))
  })

  it('refuses every truncated prefix', () => {
    for (let n = 40; n < 48; n++) expect(decodeIcmpv6(packet, 40, n, src, dst)).toBe('icmp-too-short')
    for (let n = 48; n < packet.length; n++) expect(decodeIcmpv6(packet, 40, n, src, dst)).toBe('icmp-bad-checksum')
  })

  it('refuses a wrong checksum, unless somebody has verified it', () => {
    const broken = at(packet, 60, 0xff)
    expect(decodeIcmpv6(broken, 40, broken.length, src, dst)).toBe('icmp-bad-checksum')
    expect(decodeIcmpv6(broken, 40, broken.length, src, dst, false)).toEqual({ type: 1, code: 4, rest: 0 })
    expect(decodeIcmpv6(packet, 40, packet.length, src, ipv6('fd00::c'))).toBe('icmp-bad-checksum')
  })
})

/** What a captured ND message says, with the way to read and write it. */
interface Specimen {
  readonly name: string
  readonly packet: Uint8Array
  readonly message: NdMessage
}

const specimens: readonly Specimen[] = [
  {
    name: 'probe of Duplicate Address Detection',
    packet: captures.DAD_PROBE,
    message: {
      kind: 'neighbor-solicitation',
      target: ipv6('fe80::ff:fe00:b'),
      options: { nonce: fromHex('5e0258db6c11') },
    },
  },
  {
    name: 'neighbor solicitation',
    packet: captures.SOLICITATION,
    message: {
      kind: 'neighbor-solicitation',
      target: ipv6('fd00::b'),
      options: { sourceLinkLayer: mac('02:00:00:00:00:0a') },
    },
  },
  {
    name: 'neighbor advertisement',
    packet: captures.ADVERTISEMENT,
    message: {
      kind: 'neighbor-advertisement',
      router: false,
      solicited: true,
      override: true,
      target: ipv6('fd00::b'),
      options: { targetLinkLayer: mac('02:00:00:00:00:0b') },
    },
  },
  {
    name: 'router solicitation',
    packet: captures.ROUTER_SOLICITATION,
    message: { kind: 'router-solicitation', options: { sourceLinkLayer: mac('02:00:00:00:00:0b') } },
  },
  {
    name: 'router advertisement',
    packet: captures.ROUTER_ADVERTISEMENT,
    message: {
      kind: 'router-advertisement',
      curHopLimit: 64,
      managed: false,
      other: true,
      preference: 'high',
      routerLifetime: 1800,
      reachableTime: 30_000,
      retransTimer: 1000,
      options: {
        sourceLinkLayer: mac('02:00:00:00:00:01'),
        mtu: 1480,
        prefixes: [
          {
            prefix: ipv6Prefix('2001:db8:1::/64'),
            onLink: true,
            autonomous: true,
            validLifetime: 86_400,
            preferredLifetime: 14_400,
          },
        ],
        routes: [{ prefix: ipv6Prefix('2001:db8:ff::/48'), preference: 'low', lifetime: 600 }],
        dnsServers: [{ servers: [ipv6('2001:db8:1::53')], lifetime: 300 }],
        dnsSearchLists: [{ domains: ['example.org'], lifetime: 300 }],
      },
    },
  },
  {
    name: 'redirect',
    packet: captures.REDIRECT,
    message: {
      kind: 'redirect',
      target: ipv6('fe80::2'),
      destination: ipv6('2001:db8:2::1'),
      options: {
        targetLinkLayer: mac('02:00:00:00:00:02'),
        redirectedHeader: captures.REDIRECT.slice(-40),
      },
    },
  },
]

const contextOf = (packet: Uint8Array): { src: Ipv6Header['src']; dst: Ipv6Header['dst']; hopLimit: number } => {
  const header = decodeIpv6Header(packet, 0, packet.length)
  if (typeof header === 'string') throw new Error(header)
  return header
}

describe.each(specimens)('a $name', ({ packet, message }) => {
  const context = contextOf(packet)

  it('decodes the captured packet', () => {
    expect(decodeIcmpv6(packet, 40, packet.length, context.src, context.dst)).toMatchObject({ code: 0 })
    expect(decodeNd(packet, 40, packet.length, context)).toEqual(message)
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(packet.length + 2).fill(0xa5)
    expect(ndLength(message)).toBe(packet.length - 40)
    expect(encodeNd(b, 41, message)).toBe(packet.length + 1)
    finishIcmpv6(b, 41, packet.length + 1, context.src, context.dst)
    expect(hex(b, 40)).toBe(`a5${hex(packet, 40)}a5`)
  })

  it('refuses every truncated prefix, but where an option ends', () => {
    for (let n = 48; n < packet.length; n++) {
      const result = decodeNd(packet, 40, n, context)
      if (typeof result === 'string') expect(['nd-too-short', 'nd-option-truncated']).toContain(result)
      else expect((n - 40) % 8).toBe(0)
    }
  })

  it('refuses a packet that may come from beyond the link', () => {
    expect(decodeNd(packet, 40, packet.length, { ...context, hopLimit: 254 })).toBe('nd-bad-hop-limit')
  })

  it('refuses another code', () => {
    expect(decodeNd(at(packet, 41, 1), 40, packet.length, context)).toBe('nd-bad-code')
  })

  it('refuses an option of length 0', () => {
    const first = 40 + ndLength({ ...message, options: {} })
    expect(decodeNd(at(packet, first + 1, 0), 40, packet.length, context)).toBe('nd-option-length-zero')
  })
})

describe('validity checks of Neighbor Discovery', () => {
  const linkLocal = ipv6('fe80::1')
  const global = ipv6('fd00::a')
  const own = ipv6('fd00::b')
  const group = ipv6('ff02::1:ff00:b')
  const decodeMessage = (message: NdMessage, context: { src: Ipv6Header['src']; dst: Ipv6Header['dst'] }): unknown => {
    const b = new Uint8Array(ndLength(message))
    encodeNd(b, 0, message)
    return decodeNd(b, 0, b.length, { ...context, hopLimit: 255 })
  }
  const solicitation = (target: string, options: NdOptions = {}): NdMessage => ({
    kind: 'neighbor-solicitation',
    target: ipv6(target),
    options,
  })

  it('RFC 4861 §6.1.1: a router solicitation without an address has no link-layer address', () => {
    const message: NdMessage = { kind: 'router-solicitation', options: { sourceLinkLayer: mac('02:00:00:00:00:01') } }
    expect(decodeMessage(message, { src: IPV6_ANY, dst: ipv6('ff02::2') })).toBe('nd-unspecified-with-link-layer')
  })

  it('§6.1.2: a router advertisement comes from a link-local address', () => {
    const packet = captures.ROUTER_ADVERTISEMENT
    const context = { ...contextOf(packet), src: global }
    expect(decodeNd(packet, 40, packet.length, context)).toBe('nd-bad-source')
  })

  it('§7.1.1: a solicitation is not about a group', () => {
    expect(decodeMessage(solicitation('ff02::1'), { src: global, dst: group })).toBe('nd-bad-target')
  })

  it('§7.1.1: a probe goes to a solicited-node group and has no link-layer address', () => {
    expect(decodeMessage(solicitation('fd00::b'), { src: IPV6_ANY, dst: ipv6('ff02::1') })).toBe('nd-bad-destination')
    expect(decodeMessage(solicitation('fd00::b'), { src: IPV6_ANY, dst: own })).toBe('nd-bad-destination')
    const options = { sourceLinkLayer: mac('02:00:00:00:00:01') }
    expect(decodeMessage(solicitation('fd00::b', options), { src: IPV6_ANY, dst: group })).toBe(
      'nd-unspecified-with-link-layer',
    )
    expect(decodeMessage(solicitation('fd00::b'), { src: IPV6_ANY, dst: group })).toMatchObject({ options: {} })
  })

  it('§7.1.2: an advertisement is not about a group, and not solicited where it goes to one', () => {
    const flags = { router: false, override: true }
    const message = (target: string, solicited: boolean): NdMessage => ({
      kind: 'neighbor-advertisement',
      ...flags,
      solicited,
      target: ipv6(target),
      options: {},
    })
    expect(decodeMessage(message('ff02::1', false), { src: global, dst: own })).toBe('nd-bad-target')
    expect(decodeMessage(message('fd00::a', true), { src: global, dst: group })).toBe('nd-solicited-multicast')
    expect(decodeMessage(message('fd00::a', false), { src: global, dst: group })).toMatchObject({ solicited: false })
  })

  it('§8.1: a redirect comes from a link-local address, and leads to one or to the destination itself', () => {
    const redirect = (target: string, destination: string): NdMessage => ({
      kind: 'redirect',
      target: ipv6(target),
      destination: ipv6(destination),
      options: {},
    })
    expect(decodeMessage(redirect('fe80::2', 'fd01::1'), { src: global, dst: own })).toBe('nd-bad-source')
    expect(decodeMessage(redirect('fe80::2', 'ff02::1'), { src: linkLocal, dst: own })).toBe('nd-bad-destination')
    expect(decodeMessage(redirect('fd00::2', 'fd01::1'), { src: linkLocal, dst: own })).toBe('nd-bad-target')
    expect(decodeMessage(redirect('fd01::1', 'fd01::1'), { src: linkLocal, dst: own })).toMatchObject({
      kind: 'redirect',
    })
  })
})

describe('a router advertisement', () => {
  it('with the reserved preference has a medium one, RFC 4191 §2.2', () => {
    const b = ra({ preference: 'high' })
    b[45] = (b[45]! & ~0x18) | 0x10
    const header = decodeIpv6Header(b, 0, b.length)
    if (typeof header === 'string') throw new Error(header)
    expect(decodeNd(b, 40, b.length, header)).toMatchObject({ preference: 'medium' })
  })
})

describe('options of Neighbor Discovery', () => {
  const decodeOptions = (options: string): unknown => {
    const b = fromHex(`8500000000000000${options}`)
    const message = decodeNd(b, 0, b.length, { src: ipv6('fe80::1'), dst: ipv6('ff02::2'), hopLimit: 255 })
    return typeof message === 'string' ? message : message.options
  }

  it('skips what it does not know', () => {
    expect(decodeOptions('fe01aabbccddeeff 0101020000000001')).toEqual({ sourceLinkLayer: mac('02:00:00:00:00:01') })
  })

  it('takes the first of options that may stand once', () => {
    expect(decodeOptions('0101020000000001 0101020000000002')).toEqual({ sourceLinkLayer: mac('02:00:00:00:00:01') })
  })

  it.each([
    ['a link-layer address of another kind', '0102 0000000000000000000000000000'],
    ['a prefix that is too long', `0304 81c0 ${'00'.repeat(28)}`],
    ['a prefix option of another length', `0303 40c0 ${'00'.repeat(20)}`],
    ['a route with the reserved preference', '1801 0010 00000258'],
    ['a route whose prefix does not fit', '1801 4000 00000258'],
    ['a route of more than 64 bits in 8 bytes', '1802 4100 00000258 20010db800000000'],
    ['an even list of name servers', `1902 0000 00000258 ${'00'.repeat(8)}`],
    ['a search list without a name', '1f02 0000 00000258 0000000000000000'],
    ['a search list whose name does not end', '1f02 0000 00000258 0761626364656667'],
    ['a search list with a compressed name', '1f02 0000 00000258 03616263c0000000'],
    ['a search list with a control character', '1f02 0000 00000258 0361620a00000000'],
    ['an MTU of another length', `0502 0000 000005dc ${'00'.repeat(8)}`],
  ])('skips %s', (_, option) => {
    expect(decodeOptions(option)).toEqual({})
  })

  it('survive the round trip', () => {
    const lifetime = fc.oneof(fc.integer({ min: 0, max: INFINITE_LIFETIME }), fc.constant(INFINITE_LIFETIME))
    const prefix = (most: number): fc.Arbitrary<ReturnType<typeof ipv6Prefix>> =>
      fc.record({ address: address(), length: fc.integer({ min: 65, max: most }) })
    const label = fc.stringMatching(/^[a-z0-9-]{1,20}$/)
    const options: fc.Arbitrary<NdOptions> = fc.record(
      {
        sourceLinkLayer: fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as ReturnType<typeof mac>),
        targetLinkLayer: fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as ReturnType<typeof mac>),
        mtu: fc.integer({ min: 0, max: 0xffffffff }),
        nonce: fc.uint8Array({ minLength: 6, maxLength: 6 }),
        prefixes: fc.array(
          fc.record({
            prefix: prefix(128),
            onLink: fc.boolean(),
            autonomous: fc.boolean(),
            validLifetime: lifetime,
            preferredLifetime: lifetime,
          }),
          { minLength: 1, maxLength: 3 },
        ),
        routes: fc.array(
          fc.record({
            prefix: prefix(128),
            preference: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
            lifetime,
          }),
          { minLength: 1, maxLength: 3 },
        ),
        dnsServers: fc.array(fc.record({ servers: fc.array(address(), { minLength: 1, maxLength: 3 }), lifetime }), {
          minLength: 1,
          maxLength: 2,
        }),
        dnsSearchLists: fc.array(
          fc.record({
            domains: fc.array(
              fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.')),
              { minLength: 1, maxLength: 3 },
            ),
            lifetime,
          }),
          { minLength: 1, maxLength: 2 },
        ),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(options, (given) => {
        const message: NdMessage = { kind: 'neighbor-solicitation', target: ipv6('fd00::1'), options: given }
        const b = new Uint8Array(ndLength(message)).fill(0xa5)
        expect(encodeNd(b, 0, message)).toBe(b.length)
        expect(decodeNd(b, 0, b.length, { src: ipv6('fd00::2'), dst: ipv6('fd00::1'), hopLimit: 255 })).toEqual(message)
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 133, max: 137 }), fc.uint8Array({ minLength: 8, maxLength: 200 }), (type, b) => {
        b[0] = type
        b[1] = 0
        const result = decodeNd(b, 0, b.length, { src: ipv6('fe80::2'), dst: ipv6('fe80::1'), hopLimit: 255 })
        expect(['string', 'object']).toContain(typeof result)
      }),
    )
  })
})

describe('MLD messages', () => {
  const querier = { src: ipv6('fe80::1'), hopLimit: 1, routerAlert: true }
  const general: MldQuery = {
    version: 2,
    group: IPV6_ANY,
    maxResponseDelay: 10_000,
    robustness: 2,
    queryInterval: 125,
    sources: [],
  }

  it('decodes the captured query and encodes to it', () => {
    const packet = captures.MLD_QUERY
    expect(decodeMldQuery(packet, 48, packet.length, querier)).toEqual(general)
    const b = new Uint8Array(packet.length).fill(0xa5)
    expect(encodeMldQuery(b, 48, general)).toBe(packet.length)
    finishIcmpv6(b, 48, b.length, ipv6('fe80::1'), ipv6('ff02::1'))
    encodeRouterAlert(b, 40, PROTOCOL_ICMPV6)
    expect(hex(b, 40)).toBe(hex(packet, 40))
  })

  it('decodes the captured report and encodes to it', () => {
    const packet = captures.MLD_REPORT
    const records = [{ type: 'to-exclude' as const, group: ipv6('ff02::1:ff00:b'), sources: [] }]
    expect(decodeMldReport(packet, 48, packet.length)).toEqual(records)
    const b = new Uint8Array(packet.length).fill(0xa5)
    expect(encodeMldReport(b, 40 + ROUTER_ALERT_LEN, records)).toBe(packet.length)
    finishIcmpv6(b, 48, b.length, ipv6('fe80::ff:fe00:b'), ipv6('ff02::16'))
    expect(hex(b, 48)).toBe(hex(packet, 48))
    expect(packet[6]).toBe(HOP_BY_HOP)
  })

  it('tells version 1 by the length, RFC 3810 §8.1', () => {
    const b = captures.MLD_QUERY
    expect(decodeMldQuery(b, 48, 48 + 24, querier)).toEqual({
      version: 1,
      group: IPV6_ANY,
      maxResponseDelay: 10_000,
      robustness: 0,
      queryInterval: 0,
      sources: [],
    })
    for (const n of [8, 23, 25, 26, 27]) expect(decodeMldQuery(b, 48, 48 + n, querier)).toBe('mld-bad-length')
  })

  it('refuses queries from elsewhere', () => {
    const decodeFrom = (context: typeof querier): unknown =>
      decodeMldQuery(captures.MLD_QUERY, 48, captures.MLD_QUERY.length, context)
    expect(decodeFrom({ ...querier, src: ipv6('fd00::1') })).toBe('mld-bad-source')
    expect(decodeFrom({ ...querier, src: IPV6_ANY })).toBe('mld-bad-source')
    expect(decodeFrom({ ...querier, hopLimit: 2 })).toBe('mld-bad-hop-limit')
    expect(decodeFrom({ ...querier, routerAlert: false })).toBe('mld-no-router-alert')
  })

  it('reads delays and intervals with an exponent, RFC 3810 §5.1.3, §5.1.9', () => {
    const b = captures.MLD_QUERY.slice()
    b[52] = 0x80
    b[53] = 0x01
    b[48 + 25] = 0x81
    expect(decodeMldQuery(b, 48, b.length, querier)).toMatchObject({
      maxResponseDelay: 0x1001 * 8,
      queryInterval: 0x11 * 8,
    })
    b[52] = 0xff
    b[53] = 0xff
    expect(decodeMldQuery(b, 48, b.length, querier)).toMatchObject({ maxResponseDelay: 0x1fff * 2 ** 10 })
  })

  it('refuses sources that are not there, and sources of no group', () => {
    const group = ipv6('ff15::1')
    const query: MldQuery = { ...general, group, sources: [ipv6('fd00::1'), ipv6('fd00::2')] }
    const b = new Uint8Array(28 + 32)
    encodeMldQuery(b, 0, query)
    expect(decodeMldQuery(b, 0, b.length, querier)).toEqual(query)
    expect(decodeMldQuery(b, 0, b.length - 1, querier)).toBe('mld-bad-length')
    encodeMldQuery(b, 0, { ...query, group: IPV6_ANY })
    expect(decodeMldQuery(b, 0, b.length, querier)).toBe('mld-bad-length')
  })

  it('refuses every truncated report', () => {
    const b = captures.MLD_REPORT
    for (let n = 56; n < b.length; n++) expect(decodeMldReport(b, 48, n)).toBe('mld-bad-length')
  })

  it('leaves records of unknown types out', () => {
    const b = at(captures.MLD_REPORT, 56, 9)
    expect(decodeMldReport(b, 48, b.length)).toEqual([])
  })

  it('writes messages of version 1', () => {
    const b = new Uint8Array(26).fill(0xa5)
    expect(encodeMldV1(b, 1, 'report', ipv6('ff15::1'))).toBe(25)
    expect(hex(b)).toBe('a58300000000000000ff150000000000000000000000000001a5')
    encodeMldV1(b, 1, 'done', ipv6('ff15::1'))
    expect(b[1]).toBe(132)
  })
})

describe('captures', () => {
  it.each(Object.entries(captures).filter(([name]) => !['UDP', 'LAST_FRAGMENT_HEADERS'].includes(name)))(
    '%s has a right checksum',
    (_, packet) => {
      const { src, dst } = contextOf(packet)
      const icmp = packet[6] === HOP_BY_HOP ? 48 : 40
      expect(decodeIcmpv6(packet, icmp, packet.length, src, dst)).toBeTypeOf('object')
    },
  )
})
