import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareSegments, errorCode, isSegment, Key, KvError, toKey } from '../src/index.ts'

const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter(isSegment)
const key = fc.array(segment, { maxLength: 6 }).map((segments) => Key.of(...segments))
const utf8 = (text: string) => Buffer.from(text, 'utf8')

describe('Key', () => {
  it('parses to segments', () => {
    expect(Key.parse('').segments).toEqual([])
    expect(Key.parse('/').segments).toEqual([])
    expect(Key.parse('a/b').segments).toEqual(['a', 'b'])
    expect(Key.parse('//a//b/').segments).toEqual(['a', 'b'])
  })

  it('round-trips through its text', () => {
    fc.assert(fc.property(key, (k) => Key.parse(k.toString()).equals(k)))
  })

  it('is its parent and its basename', () => {
    fc.assert(fc.property(key, (k) => k.segments.length === 0 || k.parent.child(k.basename).equals(k)))
    expect(Key.root.parent).toBe(Key.root)
    expect(Key.root.basename).toBe('')
  })

  it('joins, and knows what it lies below', () => {
    fc.assert(
      fc.property(
        key,
        key,
        (a, b) => a.join(b).startsWith(a) && a.join(b).segments.length === a.segments.length + b.segments.length,
      ),
    )
    expect(Key.parse('/ab').startsWith(Key.parse('/a'))).toBe(false)
  })

  it('orders segments as their UTF-8 bytes', () => {
    fc.assert(
      fc.property(segment, segment, (a, b) => Math.sign(compareSegments(a, b)) === Buffer.compare(utf8(a), utf8(b))),
    )
    expect(compareSegments('\uffee', '\u{10000}')).toBeLessThan(0)
  })

  it('orders keys as their segments joined by NUL', () => {
    const joined = (k: Key) => utf8(k.segments.join('\0'))
    fc.assert(fc.property(key, key, (a, b) => Math.sign(Key.compare(a, b)) === Buffer.compare(joined(a), joined(b))))
  })

  it('is immutable', () => {
    expect(() => (Key.parse('/a').segments as string[]).push('..')).toThrow(TypeError)
  })

  it.each([
    '',
    '.',
    '..',
    'a/b',
    '/',
    'a\0',
    '\ud800',
    'x\udfff',
    '\ud800x',
    'a'.repeat(256),
    'é'.repeat(128),
    '😀'.repeat(64),
  ])('refuses the segment %j', (bad) => {
    expect(isSegment(bad)).toBe(false)
    expect(() => Key.of('ok', bad)).toThrow(expect.objectContaining({ code: 'KV_KEY_INVALID' }))
    expect(() => Key.root.child(bad)).toThrow(KvError)
  })

  it('takes 255 bytes in a segment and 1024 in all, at every way to make one', () => {
    const long = Key.of(...Array.from({ length: 4 }, () => 'x'.repeat(255)))
    expect(long.segments).toHaveLength(4)
    expect(long.toString()).toHaveLength(1024)
    expect(() => long.child('x')).toThrow(KvError)
    expect(() => long.join(Key.of('x'))).toThrow(KvError)
    const longest = long.parent.child('x'.repeat(253)).child('y')
    expect(longest.parent.child('z').segments).toHaveLength(5)
    expect(() => longest.parent.child('zz').child('z')).toThrow(KvError)
    expect(() => Key.parse(`${long}/x`)).toThrow(KvError)
  })
})

describe('toKey', () => {
  it('takes keys and text, and checks what merely looks like a key', () => {
    const made = Key.of('a')
    expect(toKey(made)).toBe(made)
    expect(toKey('/a').equals(made)).toBe(true)
    expect(toKey({ segments: ['a'] } as unknown as Key).equals(made)).toBe(true)
    expect(() => toKey({ segments: ['..'] } as unknown as Key)).toThrow(KvError)
    expect(() => toKey({ segments: [1] } as unknown as Key)).toThrow(KvError)
    for (const nonsense of [undefined, null, 1, {}]) expect(() => toKey(nonsense as unknown as Key)).toThrow(TypeError)
  })
})

describe('KvError', () => {
  it('carries code, key, limit and cause', () => {
    const cause = new Error('disk')
    const error = new KvError('KV_TOO_LARGE', { key: Key.of('a'), limit: 7, cause })
    expect(error).toMatchObject({ name: 'KvError', code: 'KV_TOO_LARGE', limit: 7, cause })
    expect(error.key?.toString()).toBe('/a')
    expect(error.message).toContain('"/a"')
    expect(Object.keys(new KvError('KV_IO')).sort()).toEqual(['code', 'name'])
  })

  it('is known by its code, not its class', () => {
    expect(errorCode(new KvError('KV_IO'))).toBe('KV_IO')
    expect(errorCode({ code: 'KV_LOCKED' })).toBe('KV_LOCKED')
    for (const other of [undefined, null, new Error('x'), { code: 'ENOENT' }, { code: 'toString' }, { code: 1 }]) {
      expect(errorCode(other)).toBeUndefined()
    }
  })
})
