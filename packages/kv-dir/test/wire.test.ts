import { createHash } from 'node:crypto'
import { Key } from '@fata/kv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeJournal, encodeJournal, type JournalRecord } from '../src/wire.ts'

const record: JournalRecord = {
  removes: [Key.of('old')],
  sets: [{ key: Key.of('d', 'é'), lastModified: 1_700_000_000_000, value: Uint8Array.of(1, 2, 3) }],
}

const join = (pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces))

/** A journal with a right digest over any body. */
function sealed(body: Uint8Array): Uint8Array {
  return join([Buffer.from('fata-kv1'), createHash('sha256').update(body).digest(), body])
}

function body(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(/\s/g, ''), 'hex')
}

const BODY = '00000001 00000001 0004 2f6f6c64 0005 2f642fc3a9 4278bcfe56800000 4008000000000000 010203'

describe('journal', () => {
  it('encodes to these bytes', () => {
    const bytes = join(encodeJournal(record))
    expect(Buffer.from(bytes.subarray(0, 8)).toString()).toBe('fata-kv1')
    expect(Buffer.from(bytes.subarray(40)).toString('hex')).toBe(BODY.replaceAll(' ', ''))
  })

  it('decodes these bytes', () => {
    expect(decodeJournal(sealed(body(BODY)))).toEqual(record)
  })

  it('refuses every truncated prefix', () => {
    const bytes = join(encodeJournal(record))
    for (let end = 0; end < bytes.length; end++) expect(decodeJournal(bytes.subarray(0, end))).toBeTypeOf('string')
  })

  it('refuses every flipped bit', () => {
    const bytes = join(encodeJournal(record))
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = bytes.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(decodeJournal(flipped)).toBe(bit < 64 ? 'bad-magic' : 'bad-digest')
    }
  })

  it.each([
    ['truncated', '00000001 00000000'],
    ['truncated', '00000001 00000000 0005 2f6f6c64'],
    ['truncated', '00000000 00000001 0002 2f61 4278bcfe56800000 4008000000000000 0102'],
    ['truncated', '00000000 00000001 0002 2f61 4278bcfe56800000 7ff8000000000000 010203'],
    ['truncated', '00000000 00000001 0002 2f61 4278bcfe56800000 c008000000000000 010203'],
    ['bad-key', '00000001 00000000 0004 2f2e2e2f'],
    ['bad-key', '00000001 00000000 0001 2f'],
    ['bad-key', '00000001 00000000 0002 2fff'],
    ['trailing-bytes', '00000000 00000000 00'],
  ])('refuses a sealed body that is %s: %s', (reason, hex) => {
    expect(decodeJournal(sealed(body(hex)))).toBe(reason)
  })

  it('round-trips', () => {
    const key = fc
      .array(fc.stringMatching(/^[a-zé😀]{1,8}$/u), { minLength: 1, maxLength: 4 })
      .map((segments) => Key.of(...segments))
    const set = fc.record({ key, value: fc.uint8Array({ maxLength: 50 }), lastModified: fc.integer({ min: 0 }) })
    fc.assert(
      fc.property(fc.array(key), fc.array(set), (removes, sets) => {
        expect(decodeJournal(join(encodeJournal({ removes, sets })))).toEqual({ removes, sets })
      }),
    )
  })

  it('survives any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (bytes) => typeof decodeJournal(sealed(bytes)) === 'string' || bytes.length >= 8,
      ),
    )
  })
})
