import { type Random, randomBelow, seededRandom, systemRandom } from '@fata/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const draw = (random: Random, n: number): number[] => Array.from({ length: n }, () => random.uint32())

describe('seededRandom', () => {
  // Computed by an independent xoshiro128** in Python.
  it.each([
    [0, [0x6ab03720, 0x02ae349e, 0x96495024, 0xe5671339, 0x43d97292, 0x2ca867b9]],
    [1, [0x177119d4, 0x81962de5, 0xe3609ab3, 0x7cbcc17a, 0x6f2c548e, 0x81e3835f]],
    [42, [0x275d943d, 0xd9b9aab4, 0x04a1304e, 0x36411021, 0x88ee979c, 0xe1aae265]],
    [0xffffffff, [0xf4a11677, 0x6cd45b57, 0x44ad51ec, 0x90b14815, 0xdba6db56, 0x244fe47a]],
  ])('gives these numbers for seed %i, in every version', (seed, numbers) => {
    expect(draw(seededRandom(seed), numbers.length)).toEqual(numbers)
  })

  it('fills with the high bytes of the same numbers', () => {
    const b = new Uint8Array(4)
    seededRandom(42).fill(b)
    expect([...b]).toEqual([0x27, 0xd9, 0x04, 0x36])
  })

  it('gives each generator a state of its own', () => {
    const [a, b] = [seededRandom(7), seededRandom(7)]
    draw(a, 10)
    expect(draw(b, 3)).toEqual(draw(seededRandom(7), 3))
  })
})

describe('systemRandom', () => {
  it('gives unsigned 32-bit integers beyond its pool, different every time', () => {
    const numbers = draw(systemRandom(), 2000)
    expect(numbers.every((v) => Number.isInteger(v) && v >= 0 && v <= 0xffffffff)).toBe(true)
    expect(new Set(numbers).size).toBeGreaterThan(1990)
    expect(numbers.some((v) => v > 0x7fffffff)).toBe(true)
  })

  it('fills arrays above the quota of one call to their end', () => {
    const b = new Uint8Array(200_001)
    systemRandom().fill(b)
    for (const at of [0, 65_536, 131_072, 200_001 - 64]) expect(b.subarray(at, at + 64).some((v) => v !== 0)).toBe(true)
    expect(() => systemRandom().fill(new Uint8Array(0))).not.toThrow()
  })
})

describe('randomBelow', () => {
  it('stays below and reaches every value', () => {
    const random = seededRandom(1)
    const seen = new Set(Array.from({ length: 500 }, () => randomBelow(random, 7)))
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(randomBelow(random, 1)).toBe(0)
  })

  it('takes all 2^32 values as they come', () => {
    const [a, b] = [seededRandom(3), seededRandom(3)]
    expect(randomBelow(a, 2 ** 32)).toBe(b.uint32())
  })

  it('rejects the values that would favour small remainders', () => {
    // 2^32 = 3 * 1431655765 + 1: the last value would give 0 once too often.
    const values = [0xffffffff, 0xfffffffe]
    const random: Random = { uint32: () => values.shift()!, fill: () => {} }
    expect(randomBelow(random, 3)).toBe(0xfffffffe % 3)
    expect(values).toEqual([])
  })

  it('refuses what is no number of values', () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer({ max: 0 }), fc.constantFrom(2 ** 32 + 1, 1.5, Number.NaN, Infinity)), (n) => {
        expect(() => randomBelow(seededRandom(1), n)).toThrow(RangeError)
      }),
    )
  })
})
