import { Key } from '@fata/kv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  childPrefix,
  childRange,
  decodeChild,
  decodeValue,
  decodeValueKey,
  dictionaryKey,
  encodeValue,
  HEAD_KEY,
  rangeBelow,
  valueKey,
} from '../src/wire.ts'

const RECORD = '01 4278bcfe56800000 010203'.replaceAll(' ', '')
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const utf8 = (text: string) => Buffer.from(text, 'utf8')
const inRange = (key: string, { gte, lt }: { gte: string; lt?: string }) =>
  utf8(key).compare(utf8(gte)) >= 0 && (lt === undefined || utf8(key).compare(utf8(lt)) < 0)

const segment = fc.constantFrom('a', 'ab', '\u0001', '\u0001a', '!', 'é', '\uffee', '😀', '~')
const path = fc.array(segment, { maxLength: 4 }).map((segments) => Key.of(...segments))
const named = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => Key.of(...segments))

describe('records', () => {
  it('are these bytes, both ways', () => {
    expect(hex(encodeValue(Uint8Array.of(1, 2, 3), 1_700_000_000_000))).toBe(RECORD)
    expect(decodeValue(Buffer.from(RECORD, 'hex'))).toEqual({
      value: Buffer.of(1, 2, 3),
      lastModified: 1_700_000_000_000,
    })
  })

  it('are refused when they are cut off in the head, of another format, or of no time', () => {
    const bytes = Buffer.from(RECORD, 'hex')
    for (let end = 0; end < 9; end++) expect(decodeValue(bytes.subarray(0, end))).toBeUndefined()
    expect(decodeValue(Buffer.from(`02${RECORD.slice(2)}`, 'hex'))).toBeUndefined()
    for (const time of ['7ff8000000000000', 'bff0000000000000', '3fe0000000000000']) {
      expect(decodeValue(Buffer.from(`01${time}00`, 'hex'))).toBeUndefined()
    }
  })
})

describe('engine keys', () => {
  it('of values tell the key, those of dictionaries nothing', () => {
    fc.assert(
      fc.property(named, (key) => {
        expect(decodeValueKey(valueKey(key))?.toString()).toBe(key.toString())
        expect(decodeValueKey(dictionaryKey(key))).toBeUndefined()
      }),
    )
  })

  it('are no two the same', () => {
    fc.assert(
      fc.property(named, named, (a, b) => {
        const keys = [valueKey(a), dictionaryKey(a), valueKey(b), dictionaryKey(b), HEAD_KEY]
        expect(new Set(keys).size).toBe(a.equals(b) ? 3 : 5)
      }),
    )
  })

  it('lie in the range of the children for children only, and tell their names', () => {
    fc.assert(
      fc.property(path, named, (dictionary, key) => {
        const isChild = key.parent.equals(dictionary)
        for (const [engineKey, kind] of [
          [valueKey(key), 'value'],
          [dictionaryKey(key), 'dictionary'],
        ] as const) {
          expect(inRange(engineKey, childRange(dictionary))).toBe(isChild)
          if (isChild) expect(decodeChild(childPrefix(dictionary), engineKey)).toEqual({ name: key.basename, kind })
        }
        expect(inRange(HEAD_KEY, childRange(dictionary))).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('lie in the range below for everything below', () => {
    fc.assert(
      fc.property(path, named, (dictionary, key) => {
        const isBelow = key.startsWith(dictionary) && !key.equals(dictionary)
        expect(inRange(valueKey(key), rangeBelow(dictionary))).toBe(isBelow)
        expect(inRange(dictionaryKey(key), rangeBelow(dictionary))).toBe(isBelow)
        expect(inRange(HEAD_KEY, rangeBelow(dictionary))).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it('of children are in the order of the names', () => {
    fc.assert(
      fc.property(path, segment, segment, (dictionary, a, b) => {
        const [x, y] = [dictionary.child(a), dictionary.child(b)]
        const order = Math.sign(utf8(dictionaryKey(x)).compare(utf8(valueKey(y))))
        if (a !== b) expect(order).toBe(Math.sign(Key.compare(x, y)))
      }),
    )
  })
})
