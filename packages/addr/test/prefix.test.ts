import {
  broadcastAddress,
  formatIp,
  formatIpv4,
  formatIpv6,
  formatPrefix,
  hosts,
  type Ipv4,
  ip,
  ipv4,
  ipv4Prefix,
  ipv6,
  ipv6FromWords,
  ipv6Prefix,
  netmask,
  netmaskLength,
  networkAddress,
  parsePrefix,
  prefix,
  prefixContains,
  prefixOf,
  withHostPart,
} from '@fata/addr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** The address as an integer, written apart from the code under test. */
function bits(a: ReturnType<typeof ip>): bigint {
  if (typeof a === 'number') return BigInt(a)
  return [a.w0, a.w1, a.w2, a.w3].reduce((all, w) => (all << 32n) | BigInt(w >>> 0), 0n)
}

const v4 = fc.nat(0xffffffff).map((n) => n as Ipv4)
const word = fc.oneof(fc.constantFrom(0, 0xffffffff), fc.nat(0xffffffff))
const v6 = fc.tuple(word, word, word, word).map(([a, b, c, d]) => ipv6FromWords(a, b, c, d))

describe('prefix text', () => {
  it.each(['0.0.0.0/0', '10.0.0.2/24', '10.0.0.2/32', '::/0', 'fd00::2/64', '::1/128', 'fe80::1%eth0/64'])(
    'reads and writes %s with its host bits',
    (text) => {
      expect(formatPrefix(prefix(text))).toBe(text)
    },
  )

  it.each([
    '10.0.0.2',
    '10.0.0.2/',
    '10.0.0.2/33',
    '10.0.0.2/024',
    '10.0.0.2/-1',
    '10.0.0.2/+8',
    '10.0.0.2/8 ',
    '10.0.0.2/1e1',
    '10.0.0/24',
    '::/129',
    '::/1/2',
    '/24',
    'fd00::2/64/',
  ])('refuses %j', (text) => {
    expect(parsePrefix(text)).toBeUndefined()
    expect(() => prefix(text)).toThrow(TypeError)
  })

  it('refuses the other family', () => {
    expect(formatIpv4(ipv4Prefix('10.0.0.2/24').address)).toBe('10.0.0.2')
    expect(formatIpv6(ipv6Prefix('fd00::2/64').address)).toBe('fd00::2')
    expect(() => ipv4Prefix('fd00::2/64')).toThrow("not an IPv4 prefix: 'fd00::2/64'")
    expect(() => ipv6Prefix('10.0.0.2/24')).toThrow("not an IPv6 prefix: '10.0.0.2/24'")
  })

  it('is made of an address and a length', () => {
    expect(prefixOf(ipv4('10.0.0.2'), 24)).toEqual(prefix('10.0.0.2/24'))
    expect(prefixOf(ipv6('fd00::2'), 128)).toEqual(prefix('fd00::2/128'))
    for (const length of [-1, 33, 1.5, Number.NaN]) expect(() => prefixOf(ipv4('10.0.0.2'), length)).toThrow(RangeError)
    expect(() => prefixOf(ipv6('fd00::2'), 129)).toThrow(RangeError)
  })
})

describe('prefixes of every length', () => {
  it('IPv4: network, broadcast and membership agree with integers', () => {
    for (let length = 0; length <= 32; length++) {
      fc.assert(
        fc.property(v4, v4, (address, other) => {
          const p = prefixOf(address, length)
          const hostBits = BigInt(32 - length)
          expect(bits(networkAddress(p))).toBe((bits(address) >> hostBits) << hostBits)
          expect(prefixContains(p, other)).toBe(bits(address) >> hostBits === bits(other) >> hostBits)
          const last = networkAddress(p) + 2 ** (32 - length) - 1
          expect(broadcastAddress(p)).toBe(length > 30 ? undefined : last)
          expect(prefixContains(p, last as Ipv4)).toBe(true)
        }),
        { numRuns: 10 },
      )
    }
  })

  it('IPv6: network and membership agree with integers', () => {
    for (let length = 0; length <= 128; length++) {
      fc.assert(
        fc.property(v6, v6, fc.nat(128), (address, other, flipped) => {
          const p = prefixOf(address, length)
          const hostBits = BigInt(128 - length)
          expect(bits(networkAddress(p))).toBe((bits(address) >> hostBits) << hostBits)
          expect(prefixContains(p, other)).toBe(bits(address) >> hostBits === bits(other) >> hostBits)
          // An address that differs in one bit: inside where that is a host bit.
          const near = bits(address) ^ (1n << BigInt(flipped % 128))
          const at = (i: bigint): number => Number((near >> (i * 32n)) & 0xffffffffn)
          expect(prefixContains(p, ipv6FromWords(at(3n), at(2n), at(1n), at(0n)))).toBe(flipped % 128 < 128 - length)
        }),
        { numRuns: 5 },
      )
    }
  })

  it('holds nothing of the other family', () => {
    expect(prefixContains(prefix('0.0.0.0/0'), ip('::'))).toBe(false)
    expect(prefixContains(prefix('::/0'), ip('0.0.0.0'))).toBe(false)
  })

  it('keeps the zone of the network address', () => {
    expect(formatIpv6(networkAddress(ipv6Prefix('fe80::1%eth0/64')))).toBe('fe80::%eth0')
  })
})

describe('netmask', () => {
  it('turns lengths into masks and back', () => {
    for (let length = 0; length <= 32; length++) {
      const m = netmask(prefixOf(ipv4('10.0.0.1'), length))
      expect(bits(m)).toBe(((1n << 32n) - 1n) ^ ((1n << BigInt(32 - length)) - 1n))
      expect(netmaskLength(m)).toBe(length)
    }
    expect(formatIpv4(netmask(ipv4Prefix('10.0.0.1/20')))).toBe('255.255.240.0')
  })

  it.each(['255.0.255.0', '0.0.0.255', '0.255.255.255', '255.255.255.253', '127.255.255.255', '0.0.0.1'])(
    'does not take %s for a mask',
    (text) => {
      expect(netmaskLength(ipv4(text))).toBeUndefined()
    },
  )
})

describe('withHostPart', () => {
  it('joins network and host part', () => {
    expect(formatIpv4(withHostPart(ipv4Prefix('10.1.2.3/16'), ipv4('192.168.7.8')))).toBe('10.1.7.8')
    expect(formatIpv6(withHostPart(ipv6Prefix('2001:db8::/48'), ipv6('ffff:ffff:ffff:1:2:3:4:5')))).toBe(
      '2001:db8:0:1:2:3:4:5',
    )
  })

  it('stays in the prefix and keeps the host bits, at every length', () => {
    fc.assert(
      fc.property(v6, v6, fc.nat(128), (a, host, length) => {
        const p = prefixOf(a, length)
        const joined = withHostPart(p, host)
        expect(prefixContains(p, joined)).toBe(true)
        expect(bits(joined) ^ bits(networkAddress(p))).toBe(BigInt.asUintN(128 - length, bits(host)))
      }),
    )
    fc.assert(
      fc.property(v4, v4, fc.nat(32), (a, host, length) => {
        const p = prefixOf(a, length)
        expect(bits(withHostPart(p, host)) ^ bits(networkAddress(p))).toBe(BigInt.asUintN(32 - length, bits(host)))
      }),
    )
  })
})

describe('hosts', () => {
  const all = (text: string): string[] => [...hosts(prefix(text))].map(formatIp)

  it.each([
    ['10.0.0.5/30', ['10.0.0.5', '10.0.0.6']],
    ['10.0.0.5/31', ['10.0.0.4', '10.0.0.5']],
    ['10.0.0.5/32', ['10.0.0.5']],
    ['255.255.255.255/32', ['255.255.255.255']],
    ['255.255.255.254/31', ['255.255.255.254', '255.255.255.255']],
    ['fd00::5/126', ['fd00::5', 'fd00::6', 'fd00::7']],
    ['fd00::5/127', ['fd00::4', 'fd00::5']],
    ['fd00::5/128', ['fd00::5']],
    [
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127',
      ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
    ],
  ])('%s', (text, expected) => {
    expect(all(text)).toEqual(expected)
  })

  it('counts 254 in a /24', () => {
    const list = all('192.0.2.77/24')
    expect([list.length, list[0], list.at(-1)]).toEqual([254, '192.0.2.1', '192.0.2.254'])
  })

  it('is lazy', () => {
    const first = hosts(ipv6Prefix('fd00::/8')).next().value
    expect(first && formatIpv6(first)).toBe('fd00::1')
  })
})
