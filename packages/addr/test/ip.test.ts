import {
  compareIp,
  IPV4_ALL_SYSTEMS,
  IPV4_ANY,
  IPV4_BROADCAST,
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_ANY,
  IPV6_LOOPBACK,
  type Ipv4,
  ip,
  ipEquals,
  ipKey,
  ipScope,
  ipv4,
  ipv4Mapped,
  ipv6,
  ipv6Equals,
  ipv6FromWords,
  ipv6MulticastScope,
  isGlobal,
  isIpv4LinkLocal,
  isIpv4Loopback,
  isIpv4Mapped,
  isIpv4Multicast,
  isIpv4Private,
  isIpv4Reserved,
  isIpv6Any,
  isIpv6LinkLocal,
  isIpv6Loopback,
  isIpv6Multicast,
  isIpv6UniqueLocal,
  isMulticast,
  isUnspecified,
  nextIp,
  readIpv4,
  readIpv6,
  solicitedNode,
  unmapIpv4,
  withZone,
  writeIpv4,
  writeIpv6,
} from '@fata/addr'
import { hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const v4 = fc.nat(0xffffffff).map((n) => n as Ipv4)
const v6 = fc
  .tuple(fc.nat(0xffffffff), fc.nat(3), fc.nat(3), fc.nat(0xffffffff))
  .map(([a, b, c, d]) => ipv6FromWords(a, b, c, d))
const either = fc.oneof(v4, v6)

describe('bytes', () => {
  it('reads and writes IPv4 in network order', () => {
    const b = new Uint8Array(6).fill(0xa5)
    writeIpv4(b, 1, ipv4('192.0.2.254'))
    expect(hex(b)).toBe('a5c00002fea5')
    expect(readIpv4(b, 1)).toBe(ipv4('192.0.2.254'))
  })

  it('reads and writes IPv6 in network order', () => {
    const b = new Uint8Array(18).fill(0xa5)
    const a = ipv6('2001:db8:1:2:ffff:80::f')
    writeIpv6(b, 1, a)
    expect(hex(b)).toBe('a520010db800010002ffff00800000000fa5')
    expect(readIpv6(b, 1)).toEqual(a)
    expect(readIpv6(b, 1, 'eth0')).toEqual(withZone(a, 'eth0'))
  })
})

describe('order and equality', () => {
  it('compares numerically, IPv4 first', () => {
    const sorted = ['0.0.0.0', '9.0.0.0', '10.0.0.0', '255.0.0.0', '::', '::1', '::8000:0:0:0', '1::', 'fe80::'].map(ip)
    expect([...sorted].reverse().sort(compareIp)).toEqual(sorted)
  })

  it('is a total order that agrees with equality and with keys', () => {
    fc.assert(
      fc.property(either, either, either, (a, b, c) => {
        expect(Math.sign(compareIp(a, b))).toBe(-Math.sign(compareIp(b, a)) + 0)
        expect(compareIp(a, b) === 0).toBe(ipEquals(a, b))
        expect(ipKey(a) === ipKey(b)).toBe(ipEquals(a, b))
        if (compareIp(a, b) < 0 && compareIp(b, c) < 0) expect(compareIp(a, c)).toBeLessThan(0)
      }),
    )
  })

  it('leaves zones aside', () => {
    const [a, b] = [ipv6('fe80::1%eth0'), ipv6('fe80::1')]
    expect(ipv6Equals(a, b)).toBe(true)
    expect(ipEquals(a, b)).toBe(true)
    expect(compareIp(a, b)).toBe(0)
    expect(ipKey(a)).toBe(ipKey(b))
    expect(a.zone).toBe('eth0')
  })

  it('gives one representation to signed and unsigned words', () => {
    expect(ipv6FromWords(0xfe800000, 0, 0, 0xffffffff)).toEqual(ipv6FromWords(-0x1800000, 0, 0, -1))
  })

  it('keeps an address apart from its IPv4-mapped form', () => {
    const a = ipv4('10.0.0.1')
    expect(ipEquals(a, ipv4Mapped(a))).toBe(false)
    expect(ipKey(a)).not.toBe(ipKey(ipv4Mapped(a)))
    expect(unmapIpv4(ipv4Mapped(a))).toBe(a)
    expect(unmapIpv4(ipv4Mapped(IPV4_BROADCAST))).toBe(IPV4_BROADCAST)
    expect(unmapIpv4(ipv6('::10.0.0.1'))).toBeUndefined()
  })
})

describe('nextIp', () => {
  it.each([
    ['10.0.0.255', '10.0.1.0'],
    ['127.255.255.255', '128.0.0.0'],
    ['::', '::1'],
    ['::7fff:ffff', '::8000:0'],
    ['::ffff:ffff', '::1:0:0'],
    ['::ffff:ffff:ffff:ffff', '0:0:0:1::'],
    ['0:0:0:1:ffff:ffff:ffff:ffff', '0:0:0:2::'],
    ['::ffff:ffff:ffff:ffff:ffff:ffff', '0:1::'],
    ['fe80::1%eth0', 'fe80::2%eth0'],
  ])('%s is followed by %s', (a, b) => {
    expect(nextIp(ip(a))).toEqual(ip(b))
  })

  it('ends with the last address of a family', () => {
    expect(nextIp(ip('255.255.255.255'))).toBeUndefined()
    expect(nextIp(ip('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))).toBeUndefined()
  })
})

describe('classes', () => {
  const ranges: [name: string, (a: Ipv4) => boolean, inside: string[], outside: string[]][] = [
    ['multicast', isIpv4Multicast, ['224.0.0.0', '239.255.255.255'], ['223.255.255.255', '240.0.0.0']],
    ['loopback', isIpv4Loopback, ['127.0.0.0', '127.255.255.255'], ['126.255.255.255', '128.0.0.0']],
    ['link-local', isIpv4LinkLocal, ['169.254.0.0', '169.254.255.255'], ['169.253.255.255', '169.255.0.0']],
    ['reserved', isIpv4Reserved, ['240.0.0.0', '255.255.255.254'], ['239.255.255.255', '255.255.255.255']],
    [
      'private',
      isIpv4Private,
      ['10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.0', '192.168.255.255'],
      ['9.255.255.255', '11.0.0.0', '172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0'],
    ],
  ]
  it.each(ranges)('IPv4 %s', (_, is, inside, outside) => {
    expect(inside.map((a) => is(ipv4(a)))).toEqual(inside.map(() => true))
    expect(outside.map((a) => is(ipv4(a)))).toEqual(outside.map(() => false))
  })

  const ranges6: [name: string, (a: ReturnType<typeof ipv6>) => boolean, inside: string[], outside: string[]][] = [
    ['multicast', isIpv6Multicast, ['ff00::', 'ff02::1'], ['feff::', 'fe00::']],
    ['loopback', isIpv6Loopback, ['::1'], ['::', '::2', '1::1', '0:0:1::1']],
    ['unspecified', isIpv6Any, ['::'], ['::1', '1::', '0:0:1::', '0:0:0:0:1::']],
    ['link-local', isIpv6LinkLocal, ['fe80::', 'febf:ffff::1'], ['fe7f::', 'fec0::']],
    ['unique local', isIpv6UniqueLocal, ['fc00::', 'fdff:ffff::'], ['fbff::', 'fe00::']],
    [
      'IPv4-mapped',
      isIpv4Mapped,
      ['::ffff:0:0', '::ffff:255.255.255.255'],
      ['::', '::1.2.3.4', '::fffe:0:0', '::1:ffff:0:0', '1::ffff:0:0'],
    ],
  ]
  it.each(ranges6)('IPv6 %s', (_, is, inside, outside) => {
    expect(inside.map((a) => is(ipv6(a)))).toEqual(inside.map(() => true))
    expect(outside.map((a) => is(ipv6(a)))).toEqual(outside.map(() => false))
  })

  it('of either family', () => {
    expect(['224.0.0.1', 'ff02::1', '10.0.0.1', '::1'].map((a) => isMulticast(ip(a)))).toEqual([
      true,
      true,
      false,
      false,
    ])
    expect(['0.0.0.0', '::', '0.0.0.1', '::1'].map((a) => isUnspecified(ip(a)))).toEqual([true, true, false, false])
  })

  it('names the well-known addresses', () => {
    expect([IPV4_ANY, IPV4_BROADCAST, IPV4_ALL_SYSTEMS]).toEqual(['0.0.0.0', '255.255.255.255', '224.0.0.1'].map(ip))
    expect([IPV6_ANY, IPV6_LOOPBACK, IPV6_ALL_NODES, IPV6_ALL_ROUTERS]).toEqual(
      ['::', '::1', 'ff02::1', 'ff02::2'].map(ip),
    )
  })
})

describe('multicast', () => {
  it.each([
    ['ff01::1', 1],
    ['ff02::1', 2],
    ['ff15::1', 5],
    ['ff38::1', 8],
    ['ff0e::1', 14],
  ])('%s has scope %i', (text, scope) => {
    expect(ipv6MulticastScope(ipv6(text))).toBe(scope)
  })

  it('gives the solicited-node address of RFC 4291 §2.7.1', () => {
    expect(solicitedNode(ipv6('4037::01:800:200e:8c6c'))).toEqual(ipv6('ff02::1:ff0e:8c6c'))
  })
})

describe('ipScope', () => {
  it.each([
    ['::1', 2],
    ['fe80::1', 2],
    ['fec0::1', 5],
    ['fd00::1', 14],
    ['2001:db8::1', 14],
    ['ff02::1', 2],
    ['ff05::1:3', 5],
    ['ff1e::1', 14],
    ['169.254.13.78', 2],
    ['127.0.0.1', 2],
    ['10.1.2.3', 14],
    ['198.51.100.121', 14],
    ['::ffff:169.254.1.1', 2],
    ['::ffff:10.1.2.3', 14],
    ['224.0.0.251', 2],
    ['224.0.1.1', 14],
    ['239.255.255.250', 3],
    ['239.192.0.1', 8],
    ['239.195.255.255', 8],
    ['239.196.0.0', 14],
  ])('%s reaches %i', (text, scope) => {
    expect(ipScope(ip(text))).toBe(scope)
  })
})

describe('isGlobal', () => {
  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.32.0.0',
    '192.0.0.9',
    '192.0.0.10',
    '192.0.1.0',
    '192.31.196.1',
    '198.20.0.0',
    '223.255.255.255',
    '224.0.1.1',
    '64:ff9b::8.8.8.8',
    '2001:1::1',
    '2001:3::1',
    '2001:4:112::1',
    '2001:20::1',
    '2001:3f:ffff::1',
    '2001:200::1',
    '2606:4700::1',
    '2620:4f:8000::1',
    '3ffe::1',
    'ff0e::1',
  ])('%s', (text) => {
    expect(isGlobal(ip(text))).toBe(true)
  })

  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '169.254.1.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.0.0.11',
    '192.0.0.170',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.255.255',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
    '203.0.113.1',
    '240.0.0.1',
    '255.255.255.255',
    '224.0.0.1',
    '239.255.0.1',
    '::',
    '::1',
    '::ffff:8.8.8.8',
    '64:ff9b:1::1',
    '100::1',
    '100:0:0:1::1',
    '2001::1',
    '2001:2::1',
    '2001:10::1',
    '2001:db8::1',
    '2002:102:304::1',
    '3fff:fff::1',
    '5f00::1',
    'fc00::1',
    'fd00::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    'ff05::2',
  ])('not %s', (text) => {
    expect(isGlobal(ip(text))).toBe(false)
  })
})
