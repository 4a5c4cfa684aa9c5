import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { digestOf, sha256 } from '../src/index.ts'

const LENGTHS = [0, 1, 3, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 1000, 65_537]
const data = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8)) & 0xff)

describe('digests', () => {
  it('has the digest of "abc", FIPS 180-4', () => {
    expect(Buffer.from(sha256(Buffer.from('abc'))).toString('hex')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })

  it.each(LENGTHS)('agrees with OpenSSL on %d bytes', (length) => {
    const value = data(length)
    expect(digestOf('sha256', value)).toEqual(new Uint8Array(createHash('sha256').update(value).digest()))
    const blob = createHash('sha1').update(`blob ${length}\0`).update(value).digest()
    expect(digestOf('git-sha1', value)).toEqual(new Uint8Array(blob))
  })

  it('hashes a view, not the buffer below it', () => {
    expect(sha256(data(100).subarray(10, 20))).toEqual(sha256(data(100).slice(10, 20)))
  })
})
