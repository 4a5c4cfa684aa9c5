import {
  addressFromMac,
  formatMac,
  ip,
  ipv6,
  ipv6Prefix,
  isMulticastMac,
  linkLocalFromMac,
  MAC_BROADCAST,
  type Mac,
  mac,
  multicastMac,
  parseMac,
  randomMac,
  readMac,
  writeMac,
} from '@fata/addr'
import { hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const anyMac = fc.nat(0xffff_ffff_ffff).map((n) => n as Mac)

describe('MAC text', () => {
  it('reads both separators and both cases, writes one form', () => {
    expect(formatMac(mac('00-1B-44-11-3a-B7'))).toBe('00:1b:44:11:3a:b7')
    expect(mac('00:1b:44:11:3a:b7')).toBe(0x001b44113ab7)
    expect(formatMac(MAC_BROADCAST)).toBe('ff:ff:ff:ff:ff:ff')
    expect(formatMac(0 as Mac)).toBe('00:00:00:00:00:00')
  })

  it.each([
    '',
    '00:00:00:00:00',
    '00:00:00:00:00:00:00',
    '0:0:0:0:0:0',
    '00:00-00:00-00:00',
    '001b44113ab7',
    'g0:00:00:00:00:00',
    '00:00:00:00:00:00\n',
  ])('refuses %j', (text) => {
    expect(parseMac(text)).toBeUndefined()
    expect(() => mac(text)).toThrow(TypeError)
  })

  it('reads back what it wrote, as text and as bytes', () => {
    fc.assert(
      fc.property(anyMac, (m) => {
        expect(mac(formatMac(m))).toBe(m)
        const b = new Uint8Array(8).fill(0xa5)
        writeMac(b, 1, m)
        expect(readMac(b, 1)).toBe(m)
        expect(hex(b)).toBe(`a5${formatMac(m).replaceAll(':', '')}a5`)
      }),
    )
  })
})

describe('MAC kinds', () => {
  it.each([
    ['ff:ff:ff:ff:ff:ff', true],
    ['01:00:5e:00:00:01', true],
    ['33:33:00:00:00:01', true],
    ['02:00:00:00:00:01', false],
    ['fe:ff:ff:ff:ff:ff', false],
  ])('%s is a group: %s', (text, group) => {
    expect(isMulticastMac(mac(text))).toBe(group)
  })

  it('makes locally administered unicast addresses of random bits', () => {
    expect(formatMac(randomMac(0xffffffff, 0xffffffff))).toBe('fe:ff:ff:ff:ff:ff')
    expect(formatMac(randomMac(0, 0))).toBe('02:00:00:00:00:00')
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), (high, low) => {
        const b = new Uint8Array(6)
        writeMac(b, 0, randomMac(high, low))
        expect(b[0]! & 3).toBe(2)
        expect(hex(b, 1, 6)).toBe(((high & 0xff) * 2 ** 32 + low).toString(16).padStart(10, '0'))
      }),
    )
  })
})

describe('multicastMac', () => {
  it.each([
    ['224.0.0.1', '01:00:5e:00:00:01'],
    ['224.128.64.32', '01:00:5e:00:40:20'],
    ['239.255.255.250', '01:00:5e:7f:ff:fa'],
    ['ff02::1', '33:33:00:00:00:01'],
    ['ff02::1:ff28:9c5a', '33:33:ff:28:9c:5a'],
    ['ff02::1:80', '33:33:00:01:00:80'],
  ])('%s goes to %s', (group, text) => {
    expect(formatMac(multicastMac(ip(group)))).toBe(text)
  })
})

describe('interface identifiers', () => {
  it('gives the example of RFC 2464 §4', () => {
    // 34-56-78-9A-BC-DE: 36-56-78-FF-FE-9A-BC-DE
    expect(linkLocalFromMac(mac('34-56-78-9A-BC-DE'))).toEqual(ipv6('fe80::3656:78ff:fe9a:bcde'))
  })

  it('inverts the universal/local bit in both directions (RFC 4291 appendix A)', () => {
    expect(linkLocalFromMac(mac('02:00:00:00:00:01'))).toEqual(ipv6('fe80::ff:fe00:1'))
    expect(linkLocalFromMac(mac('00:00:00:00:00:01'))).toEqual(ipv6('fe80::200:ff:fe00:1'))
    expect(linkLocalFromMac(MAC_BROADCAST)).toEqual(ipv6('fe80::fdff:ffff:feff:ffff'))
  })

  it('makes an address in any /64, dropping its host bits', () => {
    expect(addressFromMac(ipv6Prefix('2001:db8:1:2:dead::/64'), mac('00:1b:44:11:3a:b7'))).toEqual(
      ipv6('2001:db8:1:2:21b:44ff:fe11:3ab7'),
    )
  })

  it('refuses a prefix of another length', () => {
    expect(() => addressFromMac(ipv6Prefix('2001:db8::/56'), MAC_BROADCAST)).toThrow(RangeError)
  })
})
