import { serialAdd, serialDiff, serialGeq, serialGt, serialLeq, serialLt } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const HALF = 0x8000_0000
const serial = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 1, HALF - 1, HALF, HALF + 1, 0xffff_fffe, 0xffff_ffff))

describe('serial numbers (RFC 1982)', () => {
  it('adds around the wrap in both directions', () => {
    expect(serialAdd(0xffff_ffff, 1)).toBe(0)
    expect(serialAdd(0xffff_fff0, 0x20)).toBe(0x10)
    expect(serialAdd(0, -1)).toBe(0xffff_ffff)
    expect(serialAdd(5, -10)).toBe(0xffff_fffb)
  })

  it('agrees with integers modulo 2^32', () => {
    fc.assert(
      fc.property(serial, fc.integer(), (a, n) => {
        expect(serialAdd(a, n)).toBe(Number(BigInt.asUintN(32, BigInt(a) + BigInt(n))))
      }),
    )
  })

  it('orders by the shorter way around', () => {
    fc.assert(
      fc.property(serial, fc.integer({ min: 1, max: HALF - 1 }), (a, ahead) => {
        const b = serialAdd(a, ahead)
        expect([serialDiff(b, a), serialDiff(a, b)]).toEqual([ahead, -ahead])
        expect([serialLt(a, b), serialLeq(a, b), serialGt(a, b), serialGeq(a, b)]).toEqual([true, true, false, false])
        expect([serialLt(b, a), serialLeq(b, a), serialGt(b, a), serialGeq(b, a)]).toEqual([false, false, true, true])
      }),
    )
  })

  it('is reflexive', () => {
    fc.assert(
      fc.property(serial, (a) => {
        expect([serialDiff(a, a), serialLt(a, a), serialLeq(a, a), serialGt(a, a), serialGeq(a, a)]).toEqual([
          0,
          false,
          true,
          false,
          true,
        ])
      }),
    )
  })
})
