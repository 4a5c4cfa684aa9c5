import { isIPv4, isIPv6 } from 'node:net'
import {
  endpoint,
  formatEndpoint,
  formatIp,
  formatIpv4,
  formatIpv6,
  type Ipv4,
  ip,
  ipEquals,
  ipv4,
  ipv6,
  ipv6FromWords,
  isIpv6 as isIpv6Address,
  parseEndpoint,
  parseIp,
  parseIpv4,
  parseIpv6,
  reverseName,
} from '@fata/addr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const word = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffff0000), fc.nat(0xffffffff))
const anyIpv6 = fc.tuple(word, word, word, word).map(([a, b, c, d]) => ipv6FromWords(a, b, c, d))

/** Text near the border between addresses and other things. */
function nearly(valid: fc.Arbitrary<string>, alphabet: string): fc.Arbitrary<string> {
  const character = fc.constantFrom(...alphabet)
  const edited = fc.tuple(valid, fc.nat(50), fc.nat(2), fc.string({ unit: character, maxLength: 2 }))
  return fc.oneof(
    valid,
    edited.map(([text, at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut)),
    fc.string({ unit: character, maxLength: 24 }),
  )
}

describe('IPv4 text', () => {
  it.each([
    ['0.0.0.0', 0],
    ['10.0.0.1', 0x0a000001],
    ['192.168.1.255', 0xc0a801ff],
    ['255.255.255.255', 0xffffffff],
  ])('reads and writes %s', (text, value) => {
    expect(parseIpv4(text)).toBe(value)
    expect(formatIpv4(value as Ipv4)).toBe(text)
  })

  it.each([
    ['an octal part', '0177.0.0.1'],
    ['a leading zero', '10.0.0.01'],
    ['two zeros', '00.0.0.0'],
    ['a hexadecimal part', '0x7f.0.0.1'],
    ['one number', '2130706433'],
    ['a short form', '127.1'],
    ['three parts', '10.0.1'],
    ['five parts', '1.2.3.4.5'],
    ['a part above 255', '1.2.3.256'],
    ['a part of four digits', '1.2.3.1000'],
    ['a sign', '+1.2.3.4'],
    ['a negative part', '1.2.3.-4'],
    ['an empty part', '1..2.3'],
    ['a dot at the end', '1.2.3.4.'],
    ['a dot in front', '.1.2.3.4'],
    ['a space', ' 1.2.3.4'],
    ['a line feed', '1.2.3.4\n'],
    ['other digits', '\u0661.2.3.4'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseIpv4(text)).toBeUndefined()
    expect(() => ipv4(text)).toThrow(TypeError)
  })

  it('takes what node:net takes, and nothing else', () => {
    fc.assert(
      fc.property(nearly(fc.ipV4(), '0123456789.x-'), (text) => {
        expect(parseIpv4(text) !== undefined).toBe(isIPv4(text))
      }),
      { numRuns: 3000 },
    )
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), (a) => {
        expect(parseIpv4(formatIpv4(a as Ipv4))).toBe(a)
      }),
    )
  })
})

describe('IPv6 text', () => {
  it.each([
    // RFC 4291 §2.2
    ['ABCD:EF01:2345:6789:ABCD:EF01:2345:6789', 'abcd:ef01:2345:6789:abcd:ef01:2345:6789'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['FF01:0:0:0:0:0:0:101', 'ff01::101'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:13.1.68.3', '::d01:4403'],
    ['::13.1.68.3', '::d01:4403'],
    ['0:0:0:0:0:FFFF:129.144.52.38', '::ffff:129.144.52.38'],
    ['::FFFF:129.144.52.38', '::ffff:129.144.52.38'],
    // RFC 5952 §4.1 to §4.3: leading zeros, the longest run, the first of equal runs, no run of one, lower case
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:DB8::AAAA', '2001:db8::aaaa'],
    ['0:0:1::', '0:0:1::'],
    ['1::', '1::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['::ffff:10.0.0.1%1', '::ffff:10.0.0.1%1'],
  ])('reads %s and writes %s', (text, canonical) => {
    expect(formatIpv6(ipv6(text))).toBe(canonical)
    expect(ipv6(canonical)).toEqual(ipv6(text))
  })

  it.each([
    ['two gaps', '1::2::3'],
    ['three colons', ':::'],
    ['one colon', ':'],
    ['a gap for nothing', '1:2:3:4:5:6:7:8::'],
    ['a gap for nothing inside', '1:2:3:4::5:6:7:8'],
    ['seven groups', '1:2:3:4:5:6:7'],
    ['nine groups', '1:2:3:4:5:6:7:8:9'],
    ['a group of five digits', '12345::'],
    ['no hexadecimal', 'g::'],
    ['a colon in front', ':1:2:3:4:5:6:7:8'],
    ['a colon at the end', '1:2:3:4:5:6:7:8:'],
    ['a dotted part in the middle', '::1.2.3.4:5'],
    ['a dotted part before the gap', '1.2.3.4::'],
    ['a bad dotted part', '::1.2.3.256'],
    ['an octal dotted part', '::1.2.3.04'],
    ['a dotted part too many', '1:2:3:4:5:6:7:1.2.3.4'],
    ['an IPv4 address', '1.2.3.4'],
    ['brackets', '[::1]'],
    ['an empty zone', 'fe80::1%'],
    ['a zone with a percent sign', 'fe80::1%a%b'],
    ['a zone with a slash', 'fe80::1%a/64'],
    ['white space', ' ::1'],
    ['a line feed', '::1\n'],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseIpv6(text)).toBeUndefined()
    expect(() => ipv6(text)).toThrow(TypeError)
  })

  it('takes what node:net takes, and nothing else (zones aside)', () => {
    const valid = fc.oneof(fc.ipV6(), anyIpv6.map(formatIpv6))
    fc.assert(
      fc.property(nearly(valid, '0123456789aFg:.:'), (text) => {
        expect(parseIpv6(text) !== undefined).toBe(isIPv6(text))
      }),
      { numRuns: 3000 },
    )
  })

  it('agrees with the URL parser on the value', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1)
        expect(ipEquals(ipv6(text), ipv6(canonical))).toBe(true)
      }),
    )
  })

  it('reads back what it wrote, and writes the one canonical form', () => {
    fc.assert(
      fc.property(anyIpv6, (a) => {
        const text = formatIpv6(a)
        expect(ipv6(text)).toEqual(a)
        expect(text).not.toMatch(/[A-Z]|(^|:)0[0-9a-f]|:::|^:[^:]|[^:]:$/)
      }),
    )
  })
})

describe('addresses of either family', () => {
  it('tells them apart by their text', () => {
    expect(formatIp(ip('10.0.0.1'))).toBe('10.0.0.1')
    expect(formatIp(ip('fd00::1'))).toBe('fd00::1')
    expect(isIpv6Address(ip('::ffff:10.0.0.1'))).toBe(true)
    expect(parseIp('example.com')).toBeUndefined()
    expect(() => ip('10.0.0')).toThrow("not an IP address: '10.0.0'")
  })
})

describe('endpoints', () => {
  it.each(['10.0.0.1:80', '0.0.0.0:0', '[fd00::1]:65535', '[fe80::1%eth0]:1'])('reads and writes %s', (text) => {
    expect(formatEndpoint(endpoint(text))).toBe(text)
  })

  it.each([
    ['no port', '10.0.0.1'],
    ['an empty port', '10.0.0.1:'],
    ['a port above 65535', '10.0.0.1:65536'],
    ['a port with a leading zero', '10.0.0.1:080'],
    ['a negative port', '10.0.0.1:-1'],
    ['a port with a space', '10.0.0.1: 80'],
    ['IPv6 without brackets', 'fd00::1:80'],
    ['IPv4 in brackets', '[10.0.0.1]:80'],
    ['open brackets', '[fd00::1:80'],
    ['a name', 'localhost:80'],
    ['a bad address', '10.0.0:80'],
    ['something behind', '10.0.0.1:80/'],
  ])('refuses %s', (_, text) => {
    expect(parseEndpoint(text)).toBeUndefined()
    expect(() => endpoint(text)).toThrow(TypeError)
  })
})

describe('reverseName', () => {
  it('gives the names of RFC 1035 §3.5 and RFC 3596 §2.5', () => {
    expect(reverseName(ip('10.2.0.52'))).toBe('52.0.2.10.in-addr.arpa')
    expect(reverseName(ip('4321:0:1:2:3:4:567:89ab'))).toBe(
      'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa',
    )
  })
})
