import { ipv4, ipv6 } from '@fata/addr'
import { fromHex, hex, putU16 } from '@fata/bytes'
import { PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  CHECKSUM_OFFSET,
  checksumHolds,
  createHeader,
  datagramChecksum,
  decode,
  encode,
  HEADER_LEN,
  type UdpHeader,
} from '../src/wire.ts'

// 192.0.2.1.53 > 192.0.2.2.40000: [udp sum ok] domain [length 5 < 12] (invalid)
const OVER_IPV4 = fromHex('0035 9c40 000d 9b88 68656c6c6f')
// 2001:db8::1.53 > 2001:db8::2.40000: [udp sum ok] domain [length 5 < 12] (invalid)
const OVER_IPV6 = fromHex('0035 9c40 000d c417 68656c6c6f')
const SRC = ipv4('192.0.2.1')
const DST = ipv4('192.0.2.2')
const HEADER: UdpHeader = { srcPort: 53, dstPort: 40000, length: 13, checksum: 0x9b88 }

describe('the UDP header (RFC 768)', () => {
  it.each([
    [OVER_IPV4, SRC, DST, 0x9b88],
    [OVER_IPV6, ipv6('2001:db8::1'), ipv6('2001:db8::2'), 0xc417],
  ])('decodes the captured packet', (bytes, src, dst, checksum) => {
    expect(decode(bytes, 0, bytes.length)).toEqual({ ...HEADER, checksum })
    expect(checksumHolds(bytes, 0, bytes.length, pseudoHeaderSum(src, dst, PROTOCOL_UDP, 13))).toBe(true)
  })

  it.each([
    [OVER_IPV4, SRC, DST],
    [OVER_IPV6, ipv6('2001:db8::1'), ipv6('2001:db8::2')],
  ])('encodes to the captured packet', (bytes, src, dst) => {
    const b = new Uint8Array(15).fill(0xa5)
    b.set(bytes.subarray(HEADER_LEN), 1 + HEADER_LEN)
    encode(b, 1, { ...HEADER, checksum: 0 })
    putU16(b, 1 + CHECKSUM_OFFSET, datagramChecksum(b, 1, 14, pseudoHeaderSum(src, dst, PROTOCOL_UDP, 13)))
    expect(hex(b)).toBe(`a5${hex(bytes)}a5`)
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < HEADER_LEN; n++) expect(decode(OVER_IPV4, 0, n)).toBe('too-short')
    for (let n = HEADER_LEN; n < OVER_IPV4.length; n++) expect(decode(OVER_IPV4, 0, n)).toBe('bad-length')
  })

  it.each([
    ['bad-length', '0035 9c40 0007 0000 6865'],
    ['bad-length', '0035 9c40 0000 0000 6865'],
    ['bad-length', '0035 9c40 ffff 0000 6865'],
    ['zero-port', '0035 0000 000a 0000 6865'],
  ])('refuses %s', (reason, text) => {
    const b = fromHex(text)
    expect(decode(b, 0, b.length)).toBe(reason)
  })

  it('takes a datagram without a source port, and one with bytes behind it', () => {
    const b = fromHex('0000 9c40 0009 0000 61 6263')
    expect(decode(b, 0, b.length)).toEqual({ srcPort: 0, dstPort: 40000, length: 9, checksum: 0 })
  })

  it('fills the record that it is given', () => {
    const record = createHeader()
    expect(decode(OVER_IPV4, 0, OVER_IPV4.length, record)).toBe(record)
    expect(record).toEqual(HEADER)
  })

  it('sends a sum of 0 as 0xffff, and believes it', () => {
    const b = fromHex('0001 0001 000a 0000 0000')
    const pseudo = pseudoHeaderSum(SRC, DST, PROTOCOL_UDP, 10)
    const rest = datagramChecksum(b, 0, 10, pseudo)
    putU16(b, 8, rest)
    expect(datagramChecksum(b, 0, 10, pseudo)).toBe(0xffff)
    putU16(b, CHECKSUM_OFFSET, 0xffff)
    expect(checksumHolds(b, 0, 10, pseudo)).toBe(true)
  })

  it('round trips, and a flipped bit shows', () => {
    const port = fc.integer({ min: 1, max: 65535 })
    const addresses = fc.constantFrom([SRC, DST] as const, [ipv6('2001:db8::1'), ipv6('fe80::2')] as const)
    fc.assert(
      fc.property(addresses, port, port, fc.uint8Array({ maxLength: 300 }), fc.nat(), ([src, dst], s, d, data, at) => {
        const length = HEADER_LEN + data.length
        const b = new Uint8Array(length).fill(0xa5)
        b.set(data, HEADER_LEN)
        encode(b, 0, { srcPort: s, dstPort: d, length, checksum: 0 })
        const pseudo = pseudoHeaderSum(src, dst, PROTOCOL_UDP, length)
        const sum = datagramChecksum(b, 0, length, pseudo)
        putU16(b, CHECKSUM_OFFSET, sum)
        expect(decode(b, 0, length)).toEqual({ srcPort: s, dstPort: d, length, checksum: sum })
        expect(checksumHolds(b, 0, length, pseudo)).toBe(true)
        b[at % length]! ^= 1 << (at % 8)
        expect(checksumHolds(b, 0, length, pseudo)).toBe(false)
      }),
    )
  })

  it('never throws, and stays within the bytes that there are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (b) => {
        const h = decode(b, 0, b.length)
        expect(typeof h === 'string' || (h.length >= HEADER_LEN && h.length <= b.length)).toBe(true)
      }),
    )
  })
})
