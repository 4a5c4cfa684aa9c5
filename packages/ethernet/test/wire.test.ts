import { type Mac, mac } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHeader, decode, type EthernetHeader, encode, HEADER_LEN } from '../src/wire.ts'

// 52:54:00:12:34:56 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.0.2.2 tell 192.0.2.1, length 28
const CAPTURED = fromHex(
  'ffffffffffff 525400123456 0806 0001 0800 06 04 0001 525400123456 c0000201 000000000000 c0000202',
)
const HEADER: EthernetHeader = { dst: mac('ff:ff:ff:ff:ff:ff'), src: mac('52:54:00:12:34:56'), type: 0x0806 }

function withType(type: number): Uint8Array {
  const b = CAPTURED.slice()
  b[12] = type >>> 8
  b[13] = type
  return b
}

describe('the Ethernet header', () => {
  it('decodes the captured packet', () => {
    expect(decode(CAPTURED, 0, CAPTURED.length)).toEqual(HEADER)
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(HEADER_LEN + 4).fill(0xa5)
    encode(b, 2, HEADER)
    expect(hex(b)).toBe(`a5a5${hex(CAPTURED, 0, HEADER_LEN)}a5a5`)
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < HEADER_LEN; n++) expect(decode(CAPTURED, 0, n)).toBe('too-short')
    expect(decode(CAPTURED, 0, HEADER_LEN)).toEqual(HEADER)
  })

  it('reads where it is told to', () => {
    const shifted = new Uint8Array([1, 2, 3, ...CAPTURED])
    expect(decode(shifted, 3, shifted.length)).toEqual(HEADER)
    expect(decode(shifted, 3, 3 + HEADER_LEN - 1)).toBe('too-short')
  })

  it('refuses a group as the source', () => {
    const b = CAPTURED.slice()
    b[6] = 0x53
    expect(decode(b, 0, b.length)).toBe('group-source')
  })

  it.each([
    [0, 'ieee-802.3'],
    [46, 'ieee-802.3'],
    [1500, 'ieee-802.3'],
    [1501, 'undefined-type'],
    [0x05ff, 'undefined-type'],
    [0x8100, 'vlan-tagged'],
    [0x88a8, 'vlan-tagged'],
    [0x9100, 'vlan-tagged'],
  ])('refuses type field %i as %s', (type, reason) => {
    const b = withType(type)
    expect(decode(b, 0, b.length)).toBe(reason)
  })

  it('takes any other type', () => {
    for (const type of [0x0600, 0x0800, 0x86dd, 0x88b5, 0xffff]) {
      const b = withType(type)
      expect(decode(b, 0, b.length)).toEqual({ ...HEADER, type })
    }
  })

  it('fills the record that it is given', () => {
    const record = createHeader()
    expect(decode(CAPTURED, 0, CAPTURED.length, record)).toBe(record)
    expect(record).toEqual(HEADER)
  })

  it('round trips', () => {
    const anyMac = fc.integer({ min: 0, max: 2 ** 48 - 1 }) as fc.Arbitrary<Mac>
    const unicast = anyMac.map((m) => (Math.floor(m / 2 ** 40) % 2 === 0 ? m : m - 2 ** 40) as Mac)
    const type = fc.integer({ min: 0x0600, max: 0xffff }).filter((t) => ![0x8100, 0x88a8, 0x9100].includes(t))
    fc.assert(
      fc.property(anyMac, unicast, type, (dst, src, t) => {
        const b = new Uint8Array(HEADER_LEN).fill(0xa5)
        encode(b, 0, { dst, src, type: t })
        expect(decode(b, 0, b.length)).toEqual({ dst, src, type: t })
      }),
    )
  })

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (b) => {
        const decoded = decode(b, 0, b.length)
        expect(typeof decoded === 'string' || decoded.type >= 0x0600).toBe(true)
      }),
    )
  })
})
