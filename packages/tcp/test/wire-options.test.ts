import { fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createOptionValues,
  parseOptions,
  putAlignedTimestamps,
  putSack,
  putSynOptions,
  type TcpOptionValues,
} from '../src/wire-options.ts'

/** Parses at an odd position, between bytes that must not matter. */
function parse(options: string | Uint8Array): { ok: boolean; v: TcpOptionValues } {
  const bytes = typeof options === 'string' ? fromHex(options) : options
  const b = new Uint8Array(bytes.length + 12).fill(0xa5)
  b.set(bytes, 5)
  const v = createOptionValues()
  return { ok: parseOptions(b, 5, 5 + bytes.length, v), v }
}

const NOTHING = { mss: 0, windowScale: -1, sackPermitted: false, hasTimestamps: false, sackCount: 0 }

describe('TCP options', () => {
  it('decodes the captured packet', () => {
    // options [mss 1460,sackOK,TS val 2227704329 ecr 0,nop,wscale 10] of a Linux SYN
    const { ok, v } = parse('020405b40402080a84c81209000000000103030a')
    expect(ok).toBe(true)
    expect(v).toMatchObject({ mss: 1460, windowScale: 10, sackPermitted: true, hasTimestamps: true, tsEcr: 0 })
    expect(v.tsVal >>> 0).toBe(2227704329)
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(44).fill(0xa5)
    const tsVal = 2227704329 | 0
    const n = putSynOptions(b, 3, {
      mss: 1460,
      windowScale: 10,
      sackPermitted: true,
      timestamps: true,
      tsVal,
      tsEcr: 0,
    })
    expect(hex(b, 3, 3 + n)).toBe('020405b40402080a84c81209000000000103030a')
    // options [nop,nop,TS val 2227704338 ecr 2503033476] of a Linux segment
    const m = putAlignedTimestamps(b, 0, 2227704338 | 0, 2503033476 | 0)
    expect(hex(b, 0, m)).toBe('0101080a84c8121295314284')
  })

  it('MUST-4 knows end, no-operation and MSS', () => {
    expect(parse('0101 020405b4 00 020404b4').v.mss).toBe(1460)
  })

  it('MUST-6 ignores unknown options, MUST-68 by their length', () => {
    expect(parse('fd0612345678 020405b4').v.mss).toBe(1460)
    expect(parse('fe02 fd03ff 020405b4').v.mss).toBe(1460)
  })

  it('MUST-7 survives illegal lengths', () => {
    for (const bad of ['0200', '0201', 'fd00', 'fd01', '02', '0205', '080a0000', 'fdff01'])
      expect(parse(bad)).toMatchObject({ ok: false, v: NOTHING })
    expect(parse('020405b4 fd00 03030a')).toMatchObject({ ok: false, v: { mss: 1460, windowScale: -1 } })
  })

  it('ignores known options of a wrong length', () => {
    for (const odd of [
      '02 03 05',
      '02 05 05b400',
      '03 02',
      '03 04 0a00',
      '04 03 00',
      '08 09 00000000000000',
      '05 02',
      '05 09 00000000000000',
    ])
      expect(parse(odd)).toMatchObject({ ok: true, v: NOTHING })
  })

  it('MUST-64 reads options at any alignment', () => {
    for (let nops = 0; nops < 8; nops++) {
      const { v } = parse(`${'01'.repeat(nops)} 080a 00000001 00000002 020405b4`)
      expect(v).toMatchObject({ tsVal: 1, tsEcr: 2, mss: 1460 })
    }
  })

  it('RFC 7323 §2.3: takes a shift count beyond 14 for 14', () => {
    expect(parse('0303ff').v.windowScale).toBe(14)
  })

  it('reads up to four SACK blocks', () => {
    const edges = Int32Array.from([1, 2, 3, 4, 5, 6, -8, -7])
    const b = new Uint8Array(40)
    for (let n = 1; n <= 4; n++) {
      const length = putSack(b, 0, edges, n)
      expect(length % 4).toBe(0)
      const { ok, v } = parse(b.subarray(0, length))
      expect(ok).toBe(true)
      expect([...v.sackEdges.subarray(0, 2 * v.sackCount)]).toEqual([...edges.subarray(0, 2 * n)])
    }
  })

  it('RFC 7413 §4.1.1: reads fast open cookies of 4 to 16 bytes, of even length', () => {
    for (let length = 0; length <= 18; length++) {
      const { v } = parse(Uint8Array.from({ length: 2 + length }, (_, i) => (i === 0 ? 34 : i === 1 ? 2 + length : i)))
      const right = length === 0 || (length >= 4 && length <= 16 && length % 2 === 0)
      expect(v.fastOpen).toBe(right ? length : -1)
      if (right) expect([...v.fastOpenCookie.subarray(0, length)]).toEqual(Array.from({ length }, (_, i) => i + 2))
    }
  })

  it('round trip: every combination of SYN options', () => {
    for (let bits = 0; bits < 8; bits++) {
      const options = {
        mss: 1220,
        windowScale: bits & 1 ? 7 : -1,
        sackPermitted: (bits & 2) !== 0,
        timestamps: (bits & 4) !== 0,
        tsVal: -5,
        tsEcr: 6,
      }
      const b = new Uint8Array(40).fill(0xa5)
      const n = putSynOptions(b, 0, options)
      expect(n % 4).toBe(0)
      const { ok, v } = parse(b.subarray(0, n))
      expect(ok).toBe(true)
      expect(v).toMatchObject({ mss: 1220, windowScale: options.windowScale, sackPermitted: options.sackPermitted })
      expect(v.hasTimestamps).toBe(options.timestamps)
      if (options.timestamps) expect([v.tsVal, v.tsEcr]).toEqual([-5, 6])
    }
  })

  it('terminates on anything, and forgets what it said before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const v = createOptionValues()
        parseOptions(fromHex('020405b40402080a84c81209000000000103030a'), 0, 20, v)
        parseOptions(bytes, 0, bytes.length, v)
        expect(v.sackCount).toBeLessThanOrEqual(4)
        if (bytes.length === 0) expect(v).toMatchObject(NOTHING)
      }),
    )
  })
})
