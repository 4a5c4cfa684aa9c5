import { checksum, foldSum, fromHex, sumBytes, sumBytesAt, updateChecksum } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** RFC 1071 §1 by the letter: add 16-bit words, carry around at once. `position` says where in the data the bytes begin. */
function naiveSum(b: Uint8Array, off: number, end: number, position = 0): number {
  let sum = 0
  for (let i = off; i < end; i++) {
    sum += (position + i - off) % 2 === 0 ? b[i]! * 256 : b[i]!
    if (sum > 0xffff) sum -= 0xffff
  }
  return sum
}

function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const b = new Uint8Array(length)
  let x = seed
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    b[i] = x >>> 24
  }
  return b
}

describe('checksum', () => {
  it('gives the sum of the example in RFC 1071 §3', () => {
    const data = fromHex('0001 f203 f4f5 f6f7')
    expect(foldSum(sumBytes(data, 0, 8))).toBe(0xddf2)
    expect(checksum(data, 0, 8)).toBe(0x220d)
  })

  it('gives the checksum of a captured IPv4 header, and 0 over the header that carries it', () => {
    // IP 192.168.0.1 > 192.168.0.199: UDP, length 95
    const header = fromHex('4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7')
    expect(checksum(header, 0, 20)).toBe(0xb861)
    header.set([0xb8, 0x61], 10)
    expect(checksum(header, 0, 20)).toBe(0)
  })

  it('is ffff over nothing and over zeros', () => {
    expect(checksum(new Uint8Array(0), 0, 0)).toBe(0xffff)
    expect(checksum(new Uint8Array(5000), 0, 5000)).toBe(0xffff)
  })

  it('is 0 over ones', () => {
    for (const length of [2, 40, 63, 64, 65, 1460, 65536]) {
      expect(checksum(new Uint8Array(length + (length & 1)).fill(0xff), 0, length + (length & 1))).toBe(0)
    }
  })
})

describe('sumBytes', () => {
  it('agrees with byte pairs for every length up to 300 at every alignment', () => {
    const memory = pattern(512)
    for (let byteOffset = 0; byteOffset < 4; byteOffset++) {
      const view = new Uint8Array(memory.buffer, byteOffset, 500)
      for (let off = 0; off < 4; off++) {
        for (let length = 0; length <= 300; length++) {
          const got = foldSum(sumBytes(view, off, off + length))
          if (got !== naiveSum(view, off, off + length)) expect({ byteOffset, off, length, got }).toBe('wrong')
        }
      }
    }
  })

  it('agrees with byte pairs on random ranges of large buffers', () => {
    const memory = pattern(200_000, 7)
    fc.assert(
      fc.property(fc.nat(9), fc.nat(5000), fc.nat(150_000), fc.nat(0xffff), (byteOffset, off, length, initial) => {
        const view = memory.subarray(byteOffset)
        const end = Math.min(off + length, view.length)
        expect(foldSum(sumBytes(view, off, end, initial))).toBe(foldSum(naiveSum(view, off, end) + initial))
      }),
    )
  })

  it('is exact beyond 2^32 and beyond what one double can add up', () => {
    // 2^22 words of 2^32-1 would need 54 bits.
    const ones = new Uint8Array(16 * 1024 * 1024 + 3).fill(0xff)
    ones[ones.length - 1] = 0xfe
    expect(foldSum(sumBytes(ones, 0, ones.length - 1))).toBe(0xffff)
    expect(foldSum(sumBytes(ones, 1, ones.length))).toBe(0xfffe)
    ones[9_000_001] = 0x00
    expect(foldSum(sumBytes(ones, 0, ones.length - 1))).toBe(0xff00)
  })

  it('accepts a partial sum of any size as the beginning', () => {
    const b = pattern(100)
    for (const initial of [0xffff, 0x1_0000, 0xffff_ffff, 2 ** 32, 2 ** 45 + 12345]) {
      expect(foldSum(sumBytes(b, 0, 100, initial))).toBe(foldSum(naiveSum(b, 0, 100) + (initial % 65535)))
    }
  })

  it('sees what is written to a buffer that it has summed before', () => {
    const b = pattern(8192)
    const before = foldSum(sumBytes(b, 0, 8192))
    b[4000] = b[4000]! ^ 0xff
    expect(foldSum(sumBytes(b, 0, 8192))).not.toBe(before)
    expect(foldSum(sumBytes(b, 0, 8192))).toBe(naiveSum(b, 0, 8192))
  })

  it('keeps many buffers apart', () => {
    const buffers = Array.from({ length: 50 }, (_, i) => pattern(5000 + i, i + 1))
    for (let round = 0; round < 3; round++) {
      for (const b of buffers) expect(foldSum(sumBytes(b, round, b.length))).toBe(naiveSum(b, round, b.length))
    }
  })

  it('follows a buffer that grows, shrinks and grows again', () => {
    const resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer
    const buffer = new resizable(5000, { maxByteLength: 20_000 }) as ArrayBuffer & { resize(length: number): void }
    for (const length of [5000, 20_000, 4100, 12_001, 0, 9000]) {
      buffer.resize(length)
      const b = new Uint8Array(buffer)
      b.set(pattern(length, length + 1))
      expect(foldSum(sumBytes(b, 0, length))).toBe(naiveSum(b, 0, length))
    }
  })

  it('sums shared memory', () => {
    const b = new Uint8Array(new SharedArrayBuffer(6000))
    b.set(pattern(6000))
    expect(foldSum(sumBytes(b, 3, 5999))).toBe(naiveSum(b, 3, 5999))
  })
})

describe('sumBytesAt', () => {
  it('adds up pieces of any length as if they were one', () => {
    const lengths = fc.array(fc.oneof(fc.nat(5), fc.nat(200), fc.nat(3000)), { maxLength: 8 })
    fc.assert(
      fc.property(lengths, fc.nat(3), (pieces, gap) => {
        const memory = pattern(40_000)
        const whole: number[] = []
        let sum = 0
        let off = 0
        for (const length of pieces) {
          sum = sumBytesAt(memory, off, off + length, sum, whole.length)
          whole.push(...memory.subarray(off, off + length))
          off += length + gap
        }
        expect(foldSum(sum)).toBe(naiveSum(Uint8Array.from(whole), 0, whole.length))
      }),
    )
  })
})

describe('foldSum', () => {
  it('is the remainder by 65535, with 65535 for multiples above 0', () => {
    const sums = fc.oneof(
      fc.maxSafeNat(),
      fc.constantFrom(0xffff, 0x1_0000, 0xffff_ffff, 2 ** 32, 2 ** 48, 2 ** 53 - 1),
    )
    fc.assert(
      fc.property(sums, (sum) => {
        expect(foldSum(sum)).toBe(sum === 0 ? 0 : sum % 65535 || 65535)
      }),
    )
  })
})

describe('updateChecksum', () => {
  it('gives 0000 for the example in RFC 1624 §4', () => {
    expect(updateChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
  })

  it('agrees with a new checksum over the changed data', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 60 }), fc.nat(8), fc.nat(0xffff), (data, word, to) => {
        // The sum of all zeros has another representation than that of other multiples of 65535.
        data[19] = 1
        const before = checksum(data, 0, data.length)
        const from = data[2 * word]! * 256 + data[2 * word + 1]!
        data[2 * word] = to >>> 8
        data[2 * word + 1] = to & 0xff
        expect(updateChecksum(before, from, to)).toBe(checksum(data, 0, data.length))
      }),
    )
  })
})
