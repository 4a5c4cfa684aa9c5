import { describe, expect, it } from 'vitest'
import { checkRange, equalBytes, readPart, writePart } from '../src/index.ts'

const abc = Uint8Array.of(1, 2, 3)

describe('partial reads and writes', () => {
  it.each([
    [0, 2, [1, 2]],
    [1, 9, [2, 3]],
    [3, 1, []],
    [2 ** 40, 1, []],
  ])('reads (%d, %d)', (offset, length, part) => {
    expect([...readPart(abc, offset, length)]).toEqual(part)
  })

  it.each([
    [0, [9], [9, 2, 3]],
    [2, [8, 9], [1, 2, 8, 9]],
    [3, [4], [1, 2, 3, 4]],
    [1, [], [1, 2, 3]],
  ])('writes at %d %j', (offset, part, expected) => {
    expect([...writePart(abc, offset, Uint8Array.from(part))]).toEqual(expected)
  })

  it('leaves no hole', () => {
    expect(() => writePart(abc, 4, abc)).toThrow(expect.objectContaining({ code: 'KV_RANGE', limit: 3 }))
  })

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1' as unknown as number])('refuses %s', (n) => {
    expect(() => checkRange('offset', n)).toThrow(expect.objectContaining({ code: 'KV_RANGE' }))
  })

  it('compares bytes', () => {
    expect(equalBytes(abc, Uint8Array.of(1, 2, 3))).toBe(true)
    expect(equalBytes(abc, Uint8Array.of(1, 2))).toBe(false)
    expect(equalBytes(abc, Uint8Array.of(1, 2, 4))).toBe(false)
  })
})
