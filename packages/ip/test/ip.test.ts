import { type IpAddress, type Ipv4, ipv4, ipv6, ipv6FromWords, isIpv4, writeIpv4, writeIpv6 } from '@fata/addr'
import { checksum, foldSum, fromHex, putU16, putU32, sumBytes } from '@fata/bytes'
import {
  IpError,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_IGMP,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  pseudoHeaderSum,
} from '@fata/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** The pseudo-header as bytes, by the drawings of RFC 9293 §3.1 and RFC 8200 §8.1. */
function pseudoHeader(src: IpAddress, dst: IpAddress, protocol: number, length: number): Uint8Array {
  if (isIpv4(src) && isIpv4(dst)) {
    const b = new Uint8Array(12)
    writeIpv4(b, 0, src)
    writeIpv4(b, 4, dst)
    b[9] = protocol
    putU16(b, 10, length)
    return b
  }
  const b = new Uint8Array(40)
  if (!isIpv4(src)) writeIpv6(b, 0, src)
  if (!isIpv4(dst)) writeIpv6(b, 16, dst)
  putU32(b, 32, length)
  b[39] = protocol
  return b
}

const word = fc.nat(0xffffffff)
const v4 = word.map((n) => n as Ipv4)
const v6 = fc.tuple(word, word, word, word).map(([a, b, c, d]) => ipv6FromWords(a, b, c, d))
const protocol = fc.nat(255)

describe('pseudoHeaderSum', () => {
  it('agrees with the sum of the bytes for IPv4', () => {
    fc.assert(
      fc.property(v4, v4, protocol, fc.nat(0xffff), (src, dst, p, length) => {
        const bytes = pseudoHeader(src, dst, p, length)
        expect(foldSum(pseudoHeaderSum(src, dst, p, length))).toBe(foldSum(sumBytes(bytes, 0, bytes.length)))
      }),
    )
  })

  it('agrees with the sum of the bytes for IPv6, jumbograms included', () => {
    fc.assert(
      fc.property(v6, v6, protocol, fc.oneof(fc.nat(0xffff), word), (src, dst, p, length) => {
        const bytes = pseudoHeader(src, dst, p, length)
        expect(foldSum(pseudoHeaderSum(src, dst, p, length))).toBe(foldSum(sumBytes(bytes, 0, bytes.length)))
      }),
    )
  })

  // Checksums computed by an independent program.
  it('gives the checksum of an ICMPv6 echo request and of a UDP datagram of odd length', () => {
    const echo = fromHex('8000 0000 0001 0001')
    const sum6 = pseudoHeaderSum(ipv6('fe80::1'), ipv6('fe80::2'), PROTOCOL_ICMPV6, 8)
    expect(checksum(echo, 0, 8, sum6)).toBe(0x82b6)
    const datagram = fromHex('c000 0035 000d 0000 68656c6c6f')
    const sum4 = pseudoHeaderSum(ipv4('192.0.2.1'), ipv4('192.0.2.53'), PROTOCOL_UDP, 13)
    expect(checksum(datagram, 0, 13, sum4)).toBe(0x7795)
  })

  it('takes no addresses of two families', () => {
    expect(() => pseudoHeaderSum(ipv4('10.0.0.1'), ipv6('::1'), 6, 20)).toThrow('one family')
    expect(() => pseudoHeaderSum(ipv6('::1'), ipv4('10.0.0.1'), 6, 20)).toThrow('one family')
  })
})

describe('names', () => {
  it('of protocols are the numbers of the registry', () => {
    expect([PROTOCOL_ICMP, PROTOCOL_IGMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6]).toEqual([1, 2, 6, 17, 58])
  })
})

describe('IpError', () => {
  it('carries a code and a cause', () => {
    const cause = new Error('no gateway')
    const error = new IpError('ERR_IP_NO_ROUTE', 'no route to 192.0.2.1', { cause })
    expect(error).toMatchObject({ name: 'IpError', code: 'ERR_IP_NO_ROUTE', message: 'no route to 192.0.2.1', cause })
    expect(error).toBeInstanceOf(Error)
  })
})
