import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BLOCK,
  decode,
  decodeNumber,
  decodePax,
  encode,
  encodeNumber,
  encodePax,
  isZeroBlock,
  padded,
  splitName,
  type TarHeader,
} from '../src/wire.ts'
import { bytes } from './places.ts'

/** A header as its fields; `\0` fills each up. */
function header(...fields: ReadonlyArray<readonly [text: string, length: number]>): Uint8Array {
  const out = new Uint8Array(BLOCK)
  let at = 0
  for (const [text, length] of fields) {
    out.set(bytes(text), at)
    at += length
  }
  return out
}

// printf hello > a.txt; touch -d @1700000000 a.txt; tar --format=ustar --owner=u:1000 --group=g:1000 --mode=644 -cf - a.txt
const CAPTURED = header(
  ['a.txt', 100],
  ['0000644', 8],
  ['0001750', 8],
  ['0001750', 8],
  ['00000000005', 12],
  ['14524770400', 12],
  ['010611\0 ', 8],
  ['0', 1],
  ['', 100],
  ['ustar\x0000', 8],
  ['u', 32],
  ['g', 32],
  ['0000000', 8],
  ['0000000', 8],
)
const A_TXT: TarHeader = { name: bytes('a.txt'), type: 'file', size: 5, mtime: 1_700_000_000 }

/** Of which the checksum has been made right again. */
function summed(block: Uint8Array): Uint8Array {
  block.fill(0x20, 148, 156)
  const sum = block.reduce((all, byte) => all + byte, 0)
  encodeNumber(block, 148, 7, sum)
  return block
}

function changed(at: number, text: string): Uint8Array {
  const block = CAPTURED.slice()
  block.set(bytes(text), at)
  return summed(block)
}

function encoded(entry: TarHeader): Uint8Array {
  const block = new Uint8Array(BLOCK + 20).fill(0xa5)
  encode(block, 10, entry)
  expect([...block.subarray(0, 10), ...block.subarray(BLOCK + 10)]).toEqual(new Array(20).fill(0xa5))
  return block.slice(10, BLOCK + 10)
}

describe('a header', () => {
  it('decodes the captured one', () => {
    expect(decode(CAPTURED, 0, BLOCK)).toEqual(A_TXT)
    const among = new Uint8Array(3 * BLOCK).fill(0xa5)
    among.set(CAPTURED, 7)
    expect(decode(among, 7, among.length)).toEqual(A_TXT)
  })

  it('encodes the same, owned by nobody in particular', () => {
    const nobody = CAPTURED.slice()
    for (const at of [108, 116]) nobody.set(bytes('0000000\0'), at)
    nobody.fill(0, 265, 329)
    expect(encoded(A_TXT)).toEqual(summed(nobody))
  })

  it('refuses every truncated prefix', () => {
    for (let end = 0; end < BLOCK; end++) expect(decode(CAPTURED, 0, end)).toBe('truncated')
  })

  it('refuses every flipped bit', () => {
    const accepted: number[] = []
    for (let bit = 0; bit < 8 * BLOCK; bit++) {
      const block = CAPTURED.slice()
      block[bit >> 3]! ^= 1 << (bit & 7)
      if (decode(block, 0, BLOCK) !== 'bad-checksum') accepted.push(bit)
    }
    // The checksum's own padding is not part of what it says.
    expect(accepted.every((bit) => bit >> 3 >= 148 && bit >> 3 < 156)).toBe(true)
    for (const bit of accepted) {
      const block = CAPTURED.slice()
      block[bit >> 3]! ^= 1 << (bit & 7)
      expect(decode(block, 0, BLOCK)).toEqual(A_TXT)
    }
  })

  it('refuses a size and a time that are no numbers', () => {
    expect(decode(changed(124, '0000000000x'), 0, BLOCK)).toBe('bad-size')
    expect(decode(changed(136, '1452477040x'), 0, BLOCK)).toBe('bad-mtime')
    const negative = CAPTURED.slice()
    negative.fill(0xff, 124, 136)
    expect(decode(summed(negative), 0, BLOCK)).toBe('bad-size')
  })

  it('takes a checksum over signed bytes', () => {
    const block = CAPTURED.slice()
    block[0] = 0xe9
    block.fill(0x20, 148, 156)
    encodeNumber(
      block,
      148,
      7,
      new Int8Array(block.buffer).reduce((all, byte) => all + byte, 0),
    )
    expect(decode(block, 0, BLOCK)).toMatchObject({ size: 5 })
    encodeNumber(block, 148, 7, 4000)
    expect(decode(block, 0, BLOCK)).toBe('bad-checksum')
  })

  it('knows the types, old directories by their slash', () => {
    const types = [...'\x000123456789xgLKSVDM'].map((letter) => {
      const decoded = decode(changed(156, letter), 0, BLOCK)
      return typeof decoded === 'string' ? decoded : decoded.type
    })
    expect(types.join(' ')).toBe(
      'file file hard-link symbolic-link character-device block-device directory fifo file other other ' +
        'pax pax-global gnu-long-name gnu-long-link gnu-sparse gnu-label other other',
    )
    expect(decode(changed(0, 'a.txt/'), 0, BLOCK)).toMatchObject({ type: 'directory' })
  })

  it('has a prefix where the magic is that of POSIX only', () => {
    const name = (block: Uint8Array) => new TextDecoder().decode((decode(block, 0, BLOCK) as TarHeader).name)
    const prefixed = changed(345, 'some/where')
    expect(name(prefixed)).toBe('some/where/a.txt')
    for (const magic of ['ustar  \0', '\0\0\0\0\0\0\0\0']) {
      const other = prefixed.slice()
      other.set(bytes(magic), 257)
      expect(name(summed(other))).toBe('a.txt')
    }
  })

  it('comes back as it was', () => {
    const segment = fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' '), minLength: 1, maxLength: 60 })
    const entry = fc.record({
      name: fc
        .array(segment, { minLength: 1, maxLength: 6 })
        .map((segments) => bytes(segments.join('/')))
        .filter((name) => splitName(name) !== undefined),
      type: fc.constantFrom('file' as const, 'pax' as const, 'symbolic-link' as const, 'gnu-sparse' as const),
      size: fc.oneof(fc.maxSafeNat(), fc.nat(8 ** 11)),
      mtime: fc.oneof(fc.maxSafeInteger(), fc.nat(2 ** 31)),
    })
    fc.assert(
      fc.property(entry, (one) => {
        expect(decode(encoded(one), 0, BLOCK)).toEqual(one)
      }),
    )
  })

  it('is not read beyond its end, whatever its bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK, maxLength: BLOCK }), (block) => {
        const made = decode(summed(block), 0, BLOCK)
        if (typeof made !== 'string') expect(made.name.length).toBeLessThanOrEqual(256)
      }),
    )
  })

  it('of type other cannot be written', () => {
    expect(() => encode(new Uint8Array(BLOCK), 0, { ...A_TXT, type: 'other' })).toThrow(TypeError)
  })
})

describe('a name', () => {
  it.each([
    ['a'.repeat(100), 0],
    ['a'.repeat(101), undefined],
    [`p/${'a'.repeat(100)}`, 1],
    [`${'p'.repeat(155)}/${'a'.repeat(100)}`, 155],
    [`${'p'.repeat(156)}/${'a'.repeat(99)}`, undefined],
    [`${'p/'.repeat(100)}a`, 155],
    [`/${'a'.repeat(100)}`, undefined],
    [`${'p'.repeat(100)}/`, undefined],
  ])('%s is cut at %s', (name, at) => {
    expect(splitName(bytes(name))).toBe(at)
  })
})

describe('a number', () => {
  const read = (text: string) => decodeNumber(bytes(text), 0, text.length)

  it.each([
    ['0000644\0', 0o644],
    ['   644 \0', 0o644],
    ['644\0\0\0\0\0', 0o644],
    ['777777777777', 0o777777777777],
    ['\0\0\0\0', 0],
    ['        ', 0],
    ['12 garbage', 0o12],
    ['8', undefined],
    ['-1', undefined],
    ['0x1F', undefined],
    ['7'.repeat(30), undefined],
  ])('%j is %s', (text, value) => expect(read(text)).toBe(value))

  it('in base 256', () => {
    const field = (...tail: number[]) => decodeNumber(Uint8Array.of(...tail), 0, tail.length)
    expect(field(0x80, 0, 0, 1, 0)).toBe(256)
    expect(field(0xff, 0xff, 0xff, 0xfe)).toBe(-2)
    expect(field(0x80, ...new Array(11).fill(0xff))).toBeUndefined()
    expect(field(0x81, 0, 0)).toBeUndefined()
  })

  it('is octal where that fits, base 256 elsewhere, and comes back', () => {
    const field = new Uint8Array(12)
    for (const value of [0, 1, 8 ** 11 - 1, 8 ** 11, Number.MAX_SAFE_INTEGER, -1, -(2 ** 40)]) {
      encodeNumber(field, 0, 12, value)
      expect([decodeNumber(field, 0, 12), (field[0]! & 0x80) === 0]).toEqual([value, value >= 0 && value < 8 ** 11])
    }
  })
})

describe('an extended header', () => {
  const read = (text: string) => {
    const b = bytes(text)
    const records = decodePax(b, 0, b.length)
    return records === 'bad-pax'
      ? records
      : Object.fromEntries([...records].map(([keyword, value]) => [keyword, new TextDecoder().decode(value)]))
  }

  // tar --format=posix of a file with a long name, touched at 1700000000.5
  it('reads the captured records', () => {
    expect(read('22 mtime=1700000000.5\n14 path=é/=\n\n5 a=\n')).toEqual({
      mtime: '1700000000.5',
      path: 'é/=\n',
      a: '',
    })
  })

  it('refuses every truncated prefix of a record', () => {
    const text = '15 path=a/b/cd\n'
    expect(read(text)).toEqual({ path: 'a/b/cd' })
    expect(read('')).toEqual({})
    for (let end = 1; end < text.length; end++) expect(read(text.slice(0, end))).toBe('bad-pax')
  })

  it.each([
    '6 a=b',
    '4 a=\n6 a=b\n',
    '99999999999 a=b\n',
    '0 a=b\n',
    '3 a\n',
    ' a=b\n',
    '-6 a=b\n',
    '5 =b\n',
    '6 a=b\nx',
    '8 a=b\n\n',
  ])('refuses %j', (text) => expect(read(text)).toBe('bad-pax'))

  it('may be followed by zeros', () => expect(read('6 a=b\n\0\0\0')).toEqual({ a: 'b' }))

  it('comes back as it was, also where its length grows a digit by itself', () => {
    for (let length = 0; length < 1100; length++) {
      const path = 'x'.repeat(length)
      const b = encodePax({ path, mtime: '1' })
      expect(decodePax(b, 0, b.length)).toEqual(
        new Map([
          ['path', bytes(path)],
          ['mtime', bytes('1')],
        ]),
      )
    }
  })
})

describe('blocks', () => {
  it('are zero or are not', () => {
    const b = new Uint8Array(BLOCK + 2)
    b[0] = b[BLOCK + 1] = 1
    expect([isZeroBlock(b, 1), isZeroBlock(b, 0), isZeroBlock(b, 2)]).toEqual([true, false, false])
  })

  it('are filled up', () =>
    expect([0, 1, 512, 513, 2 ** 40 + 1].map(padded)).toEqual([0, 512, 512, 1024, 2 ** 40 + 512]))
})
