import { describe, expect, it } from 'vitest'
import { SipHash } from '../src/index.ts'

describe('SipHash-2-4', () => {
  const KEY = Int32Array.of(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c)
  const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)

  // The reference implementation's vectors: key 00..0f, data of n bytes counting up.
  it.each([
    [0, 0x726fdb47, 0xdd0e0e31],
    [1, 0x74f839c5, 0x93dc67fd],
    [4, 0xcf2794e0, 0x277187b7],
    [7, 0xab0200f5, 0x8b01d137],
    [8, 0x93f5f579, 0x9a932462],
    [15, 0xa129ca61, 0x49be45e5],
    [63, 0x958a324c, 0xeb064572],
  ])('agrees with the vector of %i bytes', (length, high, low) => {
    expect(new SipHash(KEY).hashBytes(message(length))).toEqual({ high, low })
  })

  it('gives the low half for words, whatever it hashed before', () => {
    const hash = new SipHash(KEY)
    const words = Int32Array.of(0x03020100, 0x07060504, 0x0b0a0908)
    expect(hash.hash(words, 2) >>> 0).toBe(0x9a932462)
    expect(hash.hash(words, 0) >>> 0).toBe(0xdd0e0e31)
    expect(hash.hash(words, 1) >>> 0).toBe(0x277187b7)
    expect(hash.hash(words, 3) >>> 0).toBe(hash.hashBytes(message(12)).low)
  })

  it('wants a key of 128 bits', () => {
    expect(() => new SipHash(new Int32Array(3))).toThrow(RangeError)
    expect(() => new SipHash(message(15))).toThrow(RangeError)
    expect(new SipHash(message(16)).hashBytes(message(0))).toEqual({ high: 0x726fdb47, low: 0xdd0e0e31 })
  })
})
