import { type Ipv4, ipv4 } from '@fata/addr'
import { checksum, fromHex, hex, putU16 } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeIgmp,
  encodeIgmp,
  encodeIgmpReport,
  IGMP_LEAVE,
  IGMP_QUERY,
  IGMP_REPORT_V2,
  IGMP_REPORT_V3,
  igmpRecordLength,
} from '../src/wire.ts'

// 10.0.0.2 > 224.0.0.1: igmp query v3 [max resp time 1.0s]
const QUERY = fromHex('110aec780000000002 7d 0000')
// 10.0.0.1 > 224.0.0.22: igmp v3 report, 1 group record(s) [gaddr 239.1.2.3 to_ex, 0 source(s)]
const TO_EX = fromHex('2200e8f90000000104000000ef010203')
// 10.0.0.1 > 224.0.0.22: igmp v3 report, 1 group record(s) [gaddr 239.1.2.3 to_in, 0 source(s)]
const TO_IN = fromHex('2200e9f90000000103000000ef010203')

const GROUP = ipv4('239.1.2.3')

function query(text: string): Uint8Array {
  const b = fromHex(text)
  putU16(b, 2, 0)
  putU16(b, 2, checksum(b, 0, b.length))
  return b
}

describe('IGMP messages (RFC 3376 §4)', () => {
  it('decodes the captured packet', () => {
    expect(decodeIgmp(QUERY, 0, QUERY.length)).toEqual({
      type: IGMP_QUERY,
      version: 3,
      maxResponseMs: 1000,
      group: 0,
      robustness: 2,
      queryIntervalMs: 125_000,
      sources: 12,
      sourceCount: 0,
    })
    expect(decodeIgmp(TO_EX, 0, TO_EX.length)).toMatchObject({ type: IGMP_REPORT_V3 })
  })

  it('encodes to the captured packet', () => {
    for (const [type, captured] of [
      ['TO_EX', TO_EX],
      ['TO_IN', TO_IN],
    ] as const) {
      const b = new Uint8Array(captured.length + 4).fill(0xa5)
      expect(encodeIgmpReport(b, 2, [{ type, group: GROUP, sources: [] }])).toBe(2 + captured.length)
      expect(hex(b)).toBe(`a5a5${hex(captured)}a5a5`)
    }
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < 8; n++) expect(decodeIgmp(QUERY, 0, n)).toBe('igmp-truncated')
    for (let n = 8; n < 10; n++) expect(decodeIgmp(QUERY, 0, n)).toBe('igmp-bad-checksum')
    const short = query('110a0000000000000200')
    expect(decodeIgmp(short, 0, short.length)).toBe('igmp-bad-length')
  })

  it('refuses a wrong checksum', () => {
    const b = QUERY.slice()
    b[8] = 3
    expect(decodeIgmp(b, 0, b.length)).toBe('igmp-bad-checksum')
  })

  it('refuses more sources than there are', () => {
    const b = query('110a0000ef010203020000020a000001')
    expect(decodeIgmp(b, 0, b.length)).toBe('igmp-bad-length')
  })

  it('reads the sources of a query, and ignores what follows them', () => {
    const b = query('110a0000ef010203020000010a000001ffffffff')
    expect(decodeIgmp(b, 0, b.length)).toMatchObject({ group: GROUP, sources: 12, sourceCount: 1 })
  })

  it.each([
    ['1100000000000000', 1, 10_000],
    ['1164000000000000', 2, 10_000],
    ['11ff000000000000', 2, 25_500],
    ['117f00000000000000000000', 3, 12_700],
    ['118000000000000000000000', 3, 12_800],
    ['11ff00000000000000000000', 3, 3_174_400],
  ])('%s is a query of version %i with %i ms to answer', (text, version, maxResponseMs) => {
    const b = query(text)
    expect(decodeIgmp(b, 0, b.length)).toMatchObject({ version, maxResponseMs })
  })

  it('encodes to captured messages of version 2', () => {
    const b = new Uint8Array(10).fill(0xa5)
    // 10.0.0.1 > 239.1.2.3: igmp v2 report 239.1.2.3
    encodeIgmp(b, 1, IGMP_REPORT_V2, GROUP)
    expect(hex(b)).toBe('a51600f8faef010203a5')
    expect(decodeIgmp(b, 1, 9)).toMatchObject({ type: IGMP_REPORT_V2, group: GROUP })
    // 10.0.0.1 > 224.0.0.2: igmp leave 239.1.2.3
    encodeIgmp(b.fill(0xa5), 1, IGMP_LEAVE, GROUP)
    expect(hex(b)).toBe('a51700f7faef010203a5')
  })

  it('writes reports whose checksum is right and whose length is known', () => {
    const address = fc.nat(0xffffffff).map((a) => a as Ipv4)
    const records = fc.array(
      fc.record({
        type: fc.constantFrom('IS_IN', 'IS_EX', 'TO_IN', 'TO_EX', 'ALLOW', 'BLOCK'),
        group: address,
        sources: fc.array(address, { maxLength: 5 }),
      }),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(records, (list) => {
        const length = list.reduce((sum, record) => sum + igmpRecordLength(record), 8)
        const b = new Uint8Array(length).fill(0xa5)
        expect(encodeIgmpReport(b, 0, list)).toBe(length)
        expect(decodeIgmp(b, 0, length)).toMatchObject({ type: IGMP_REPORT_V3 })
      }),
    )
  })
})
