import {
  addToGather,
  assert,
  clearGather,
  concatBytes,
  copyBytes,
  copyGather,
  createGather,
  equalBytes,
  foldSum,
  fromHex,
  hex,
  hexDump,
  putU16,
  putU32,
  sumBytes,
  sumGather,
  u16,
  u32,
  zeroBytes,
} from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('big-endian access', () => {
  it('agrees with DataView at every offset', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(4), (b, o) => {
        const view = new DataView(b.buffer, b.byteOffset)
        expect(u16(b, o)).toBe(view.getUint16(o))
        expect(u32(b, o)).toBe(view.getUint32(o))
      }),
    )
  })

  it('writes the low bits of any integer and touches nothing else', () => {
    const values = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(-1, 0x8000_0000, 0xffff_ffff))
    fc.assert(
      fc.property(values, (v) => {
        const b = new Uint8Array(8).fill(0xa5)
        putU16(b, 1, v)
        expect([u16(b, 1), b[0], b[3]]).toEqual([((v % 0x10000) + 0x10000) % 0x10000, 0xa5, 0xa5])
        putU32(b, 2, v)
        expect([u32(b, 2), b[6]]).toEqual([((v % 2 ** 32) + 2 ** 32) % 2 ** 32, 0xa5])
      }),
    )
  })
})

describe('copyBytes', () => {
  it('copies any range to anywhere and says how many', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.nat(50), (a, b, at) => {
        const src = Uint8Array.from({ length: 300 }, (_, i) => i)
        const [off, end] = a < b ? [a, b] : [b, a]
        const dst = new Uint8Array(400).fill(0xa5)
        expect(copyBytes(dst, at, src, off, end)).toBe(end - off)
        expect(dst.subarray(at, at + end - off)).toEqual(src.subarray(off, end))
        expect(dst.filter((byte) => byte !== 0xa5).length).toBeLessThanOrEqual(end - off)
      }),
    )
  })

  it('copies all of the source by default', () => {
    for (const length of [0, 1, 96, 97, 1000]) {
      const src = new Uint8Array(length).fill(7)
      const dst = new Uint8Array(length + 1)
      expect(copyBytes(dst, 1, src)).toBe(length)
      expect(dst).toEqual(Uint8Array.of(0, ...src))
    }
  })
})

describe('ranges', () => {
  it('zeroes a range and nothing else', () => {
    const b = new Uint8Array(6).fill(0xa5)
    zeroBytes(b, 2, 4)
    expect(hex(b)).toBe('a5a50000a5a5')
  })

  it('compares by content', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(0, 1, 2).subarray(1))).toBe(true)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false)
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false)
    expect(equalBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true)
  })

  it('concatenates into memory of its own', () => {
    const a = Uint8Array.of(1, 2)
    const all = concatBytes([a, new Uint8Array(0), Uint8Array.of(3)])
    a[0] = 9
    expect([...all]).toEqual([1, 2, 3])
    expect(concatBytes([]).length).toBe(0)
  })
})

describe('gather', () => {
  const range = (length: number, seed: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * seed + seed)

  it('copies and sums ranges as if they were one, whatever their lengths and position', () => {
    const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(400)), { maxLength: 7 })
    fc.assert(
      fc.property(lengths, fc.nat(5), fc.nat(0xffff), (ranges, position, initial) => {
        const g = createGather()
        ranges.forEach((length, i) => {
          addToGather(g, range(length + 5, i + 3), 2, 2 + length)
        })
        const all = concatBytes(ranges.map((length, i) => range(length + 5, i + 3).subarray(2, 2 + length)))
        const copy = new Uint8Array(all.length + 3).fill(0xa5)
        expect(copyGather(copy, 2, g)).toBe(all.length)
        expect(copy).toEqual(concatBytes([Uint8Array.of(0xa5, 0xa5), all, Uint8Array.of(0xa5)]))
        const shifted = concatBytes([new Uint8Array(position), all])
        expect(foldSum(sumGather(g, initial, position))).toBe(foldSum(sumBytes(shifted, 0, shifted.length) + initial))
        expect([g.count, g.length]).toEqual([ranges.length, all.length])
      }),
    )
  })

  it('is reused after clearGather', () => {
    const g = createGather()
    addToGather(g, range(10, 1), 0, 10)
    addToGather(g, range(10, 2), 0, 10)
    clearGather(g)
    expect([g.count, g.length, copyGather(new Uint8Array(0), 0, g), sumGather(g, 5, 1)]).toEqual([0, 0, 0, 5])
    addToGather(g, Uint8Array.of(8, 9), 1, 2)
    const dst = new Uint8Array(1)
    expect([copyGather(dst, 0, g), dst[0]]).toEqual([1, 9])
  })
})

describe('hex', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (b) => {
        expect(fromHex(hex(b))).toEqual(b)
        expect(hex(b)).toBe(Buffer.from(b).toString('hex'))
      }),
    )
  })

  it('writes a range', () => {
    expect(hex(Uint8Array.of(0, 1, 0xfe, 3), 1, 3)).toBe('01fe')
  })

  it('skips white space and colons, takes both cases', () => {
    expect(hex(fromHex('de:AD be\n\tEF'))).toBe('deadbeef')
  })

  it.each(['0', 'abc', '0x01', 'zz', '1-2'])('refuses %j', (text) => {
    expect(() => fromHex(text)).toThrow(TypeError)
  })

  it('dumps rows of 16 with offset and printable ASCII', () => {
    const b = Uint8Array.from({ length: 20 }, (_, i) => (i === 3 ? 0x7f : 0x1f + i))
    expect(hexDump(b, 1)).toBe(
      [
        "0000  20 21 7f 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f   !.#$%&'()*+,-./",
        `0010  30 31 32 ${' '.repeat(39)} 012`,
      ].join('\n'),
    )
    expect(hexDump(b, 4, 4)).toBe('')
  })
})

describe('assert', () => {
  it('says which invariant is broken', () => {
    expect(() => assert(1 + 1 === 2, 'arithmetic holds')).not.toThrow()
    expect(() => assert(false, 'a sent byte has a sequence number')).toThrow(
      'broken invariant: a sent byte has a sequence number',
    )
  })
})
