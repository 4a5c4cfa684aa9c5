import { type Ipv4, ipv4, type Mac, mac } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ArpPacket, decode, encode, PACKET_LEN } from '../src/wire.ts'

// Ethernet (len 6), IPv4 (len 4), Request who-has 192.0.2.2 tell 192.0.2.1, length 28
const REQUEST = fromHex('0001 0800 06 04 0001 525400123456 c0000201 000000000000 c0000202')
// Ethernet (len 6), IPv4 (len 4), Reply 192.0.2.2 is-at 52:54:00:ab:cd:ef, length 28
const REPLY = fromHex('0001 0800 06 04 0002 525400abcdef c0000202 525400123456 c0000201')

const REQUEST_RECORD: ArpPacket = {
  operation: 'request',
  sha: mac('52:54:00:12:34:56'),
  spa: ipv4('192.0.2.1'),
  tha: 0 as Mac,
  tpa: ipv4('192.0.2.2'),
}
const REPLY_RECORD: ArpPacket = {
  operation: 'reply',
  sha: mac('52:54:00:ab:cd:ef'),
  spa: ipv4('192.0.2.2'),
  tha: mac('52:54:00:12:34:56'),
  tpa: ipv4('192.0.2.1'),
}

function patched(bytes: Uint8Array, at: number, text: string): Uint8Array {
  const b = bytes.slice()
  b.set(fromHex(text), at)
  return b
}

describe('the ARP packet (RFC 826)', () => {
  it('decodes the captured packets', () => {
    expect(decode(REQUEST, 0, REQUEST.length)).toEqual(REQUEST_RECORD)
    expect(decode(REPLY, 0, REPLY.length)).toEqual(REPLY_RECORD)
  })

  it.each([
    [REQUEST, REQUEST_RECORD],
    [REPLY, REPLY_RECORD],
  ])('encodes to the captured packet', (bytes, record) => {
    const b = new Uint8Array(PACKET_LEN + 2).fill(0xa5)
    encode(b, 1, record)
    expect(hex(b)).toBe(`a5${hex(bytes, 0, PACKET_LEN)}a5`)
  })

  it('lets Ethernet padding follow', () => {
    const padded = new Uint8Array([...REPLY, ...new Uint8Array(18)])
    expect(decode(padded, 0, padded.length)).toEqual(REPLY_RECORD)
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < PACKET_LEN; n++) expect(decode(REPLY, 0, n)).toBe('too-short')
    expect(decode(REPLY, 0, PACKET_LEN)).toEqual(REPLY_RECORD)
  })

  it.each([
    ['not-ethernet', 0, '0006'],
    ['not-ethernet', 4, '08'],
    ['not-ipv4', 2, '86dd'],
    ['not-ipv4', 5, '10'],
    ['unknown-operation', 6, '0000'],
    ['unknown-operation', 6, '0003'],
    ['bad-sender-hardware', 8, 'ffffffffffff'],
    ['bad-sender-hardware', 8, '01005e000001'],
    ['bad-sender-hardware', 8, '000000000000'],
    ['bad-sender-address', 14, 'ffffffff'],
    ['bad-sender-address', 14, 'e0000001'],
    ['bad-sender-address', 14, '7f000001'],
    ['bad-sender-address', 14, '00000000'],
  ])('refuses %s', (reason, at, bytes) => {
    const b = patched(REPLY, at, bytes)
    expect(decode(b, 0, b.length)).toBe(reason)
  })

  it('takes a probe: a request from 0.0.0.0', () => {
    const b = patched(REQUEST, 14, '00000000')
    expect(decode(b, 0, b.length)).toEqual({ ...REQUEST_RECORD, spa: 0 })
  })

  it('round trips', () => {
    const station = fc
      .integer({ min: 1, max: 2 ** 48 - 1 })
      .map((m) => (Math.floor(m / 2 ** 40) % 2 === 0 ? m : m - 2 ** 40) as Mac)
      .filter((m) => m !== 0)
    const anyMac = fc.integer({ min: 0, max: 2 ** 48 - 1 }) as fc.Arbitrary<Mac>
    const host = fc.integer({ min: 1, max: 0xdfffffff }).filter((a) => a >>> 24 !== 127) as fc.Arbitrary<Ipv4>
    const anyAddress = fc.integer({ min: 0, max: 0xffffffff }) as fc.Arbitrary<Ipv4>
    const operation = fc.constantFrom('request' as const, 'reply' as const)
    fc.assert(
      fc.property(fc.record({ operation, sha: station, spa: host, tha: anyMac, tpa: anyAddress }), (packet) => {
        const b = new Uint8Array(PACKET_LEN).fill(0xa5)
        encode(b, 0, packet)
        expect(decode(b, 0, b.length)).toEqual(packet)
      }),
    )
  })

  it('never throws, and takes nothing that is no unicast claim', () => {
    const start = fc.constantFrom('', '0001080006040001', '0001080006040002')
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), (head, tail) => {
        const b = new Uint8Array([...fromHex(head), ...tail])
        const packet = decode(b, 0, b.length)
        if (typeof packet === 'string') return
        expect(packet.sha).not.toBe(0)
        expect(packet.spa >>> 28).not.toBe(14)
      }),
    )
  })
})
