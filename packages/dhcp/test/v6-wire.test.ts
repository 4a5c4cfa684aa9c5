import { ipv6, mac } from '@fata/addr'
import { concatBytes, fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeV6,
  duidFromMac,
  encodeV6,
  getV6Option,
  OPTION_V6_CLIENT_ID,
  OPTION_V6_DNS_SERVERS,
  OPTION_V6_DOMAIN_SEARCH,
  OPTION_V6_ELAPSED_TIME,
  OPTION_V6_IA_NA,
  OPTION_V6_PREFERENCE,
  OPTION_V6_RAPID_COMMIT,
  OPTION_V6_REFRESH_TIME,
  OPTION_V6_REQUEST,
  OPTION_V6_SERVER_ID,
  OPTION_V6_STATUS,
  type V6Message,
  v6Option,
} from '../src/wire.ts'
import { ADVERTISE, INFORMATION, REPLY, SOLICIT } from './v6-captures.ts'

function decoded(b: Uint8Array): V6Message {
  const m = decodeV6(b, 0, b.length)
  if (typeof m === 'string') throw new Error(m)
  return m
}

function encoded(m: V6Message, room = 1500): Uint8Array | undefined {
  const b = new Uint8Array(room + 2).fill(0xa5)
  const length = encodeV6(b, 1, 1 + room, m)
  expect([b[0], b[room + 1]]).toEqual([0xa5, 0xa5])
  return length === undefined ? undefined : b.slice(1, 1 + length)
}

describe('the DHCPv6 message', () => {
  it('decodes the captured packets', () => {
    const solicit = decoded(SOLICIT)
    expect(solicit).toMatchObject({ type: 'solicit', xid: 0x10ca2a })
    expect(getV6Option(solicit.options, OPTION_V6_REQUEST)).toEqual([23, 24, 39, 31])
    expect(getV6Option(solicit.options, OPTION_V6_ELAPSED_TIME)).toBe(0)
    expect(getV6Option(solicit.options, OPTION_V6_IA_NA)).toEqual({
      iaid: 0x00123456,
      t1: 3600,
      t2: 5400,
      addresses: [],
      status: undefined,
    })
    const { type, options } = decoded(ADVERTISE)
    expect(type).toBe('advertise')
    expect(getV6Option(options, OPTION_V6_IA_NA)).toEqual({
      iaid: 0x00123456,
      t1: 1800,
      t2: 3150,
      addresses: [{ address: ipv6('fd07::1e5'), preferred: 3600, valid: 3600, status: undefined }],
      status: undefined,
    })
    expect(hex(getV6Option(options, OPTION_V6_SERVER_ID)!)).toBe('00010001329421c3567560663266')
    expect(getV6Option(options, OPTION_V6_STATUS)).toEqual({ code: 0, message: 'success' })
    expect(getV6Option(options, OPTION_V6_PREFERENCE)).toBe(255)
    expect(getV6Option(options, OPTION_V6_DOMAIN_SEARCH)).toEqual(['example.test'])
    expect(getV6Option(options, OPTION_V6_DNS_SERVERS)).toEqual([ipv6('fd07::1')])
    const information = decoded(INFORMATION)
    expect(getV6Option(information.options, OPTION_V6_REFRESH_TIME)).toBe(3600)
    expect(getV6Option(information.options, OPTION_V6_CLIENT_ID)).toEqual(duidFromMac(mac('02:00:00:12:34:56')))
  })

  it.each([
    ['solicit', SOLICIT],
    ['advertise', ADVERTISE],
    ['reply', REPLY],
    ['reply to an information-request', INFORMATION],
  ])('encodes to the captured packet: %s', (_name, bytes) => {
    const m = decoded(bytes)
    expect(hex(encoded(m)!)).toBe(hex(bytes))
    const rewritten = m.options.map((o) => {
      const known = [
        OPTION_V6_IA_NA,
        OPTION_V6_STATUS,
        OPTION_V6_DOMAIN_SEARCH,
        OPTION_V6_DNS_SERVERS,
        OPTION_V6_REQUEST,
      ]
      const option = known.find(({ code }) => code === o.code)
      return option === undefined ? o : v6Option(option as never, option.decode(o.value) as never)
    })
    expect(hex(encoded({ ...m, options: rewritten })!)).toBe(hex(bytes))
    expect(encoded(m, bytes.length - 1)).toBeUndefined()
  })

  it('refuses every truncated prefix', () => {
    // Between two options a prefix is a message of its own.
    const ends = new Set([4])
    for (let at = 4; at < REPLY.length; ) ends.add((at += 4 + REPLY[at + 2]! * 256 + REPLY[at + 3]!))
    for (let n = 0; n < REPLY.length; n++) {
      const m = decodeV6(REPLY, 0, n)
      if (ends.has(n)) expect(m).toMatchObject({ type: 'reply' })
      else expect(m).toBe(n < 4 ? 'too-short' : 'truncated-option')
    }
  })

  it.each([
    ['too-short', '010000'],
    ['relayed', '0c000000'],
    ['relayed', '0d000000'],
    ['unknown-message-type', '00000000'],
    ['unknown-message-type', '0e000000'],
    ['truncated-option', '01000000 0001'],
    ['truncated-option', '01000000 0001 0003 0102'],
    ['repeated-option', '01000000 0001 0003 010203 0001 0003 010203'],
    ['repeated-option', '07000000 000d 0002 0000 000d 0002 0001'],
    ['bad-option', '01000000 0001 0002 0102'],
    ['bad-option', '01000000 0002 0000'],
    ['bad-option', `01000000 0001 0083 ${'00'.repeat(131)}`],
    ['bad-option', '07000000 0003 000b 0000000100000000000000'],
    ['bad-option', '07000000 0003 0010 000000010000000000000000 00050001'],
    ['bad-option', `07000000 0003 0027 000000010000000000000000 00050017 ${'00'.repeat(23)}`],
    ['bad-option', '07000000 0003 0011 000000010000000000000000 000d0001 00'],
    ['bad-option', '07000000 000d 0001 00'],
    ['bad-option', '07000000 0007 0000'],
    ['bad-option', '07000000 000e 0001 00'],
  ])('refuses %s: %s', (reason, text) => {
    const b = fromHex(text)
    expect(decodeV6(b, 0, b.length)).toBe(reason)
  })

  it('takes what is wrong with other options as absent', () => {
    const b = fromHex('07000000 0017 0004 01020304 0018 0004 03616263 0020 0001 00 0006 0001 00')
    const { options } = decoded(b)
    expect(options).toHaveLength(4)
    expect(getV6Option(options, OPTION_V6_DNS_SERVERS)).toBeUndefined()
    expect(getV6Option(options, OPTION_V6_DOMAIN_SEARCH)).toBeUndefined()
    expect(getV6Option(options, OPTION_V6_REFRESH_TIME)).toBeUndefined()
    expect(getV6Option(options, OPTION_V6_REQUEST)).toBeUndefined()
    // Compression, which must not be.
    expect(OPTION_V6_DOMAIN_SEARCH.decode(fromHex('0161 00 0162 c000'))).toBeUndefined()
  })

  it('round trips', () => {
    const time = fc.oneof(fc.integer({ min: 0, max: 0xfffffffe }), fc.constant(Number.POSITIVE_INFINITY))
    const status = fc.option(
      fc.record({ code: fc.integer({ min: 0, max: 0xffff }), message: fc.stringMatching(/^[ -~]{0,20}$/) }),
      { nil: undefined },
    )
    const address = fc.record({ address: fc.constant(ipv6('fd00::1')), preferred: time, valid: time, status })
    const ia = fc.record({
      iaid: fc.integer({ min: 0, max: 0xffffffff }),
      t1: time,
      t2: time,
      addresses: fc.array(address, { maxLength: 4 }),
      status,
    })
    const xid = fc.integer({ min: 0, max: 0xffffff })
    const code = fc.integer({ min: 100, max: 0xffff })
    const other = fc.array(fc.record({ code, value: fc.uint8Array({ maxLength: 40 }) }), { maxLength: 6 })
    fc.assert(
      fc.property(xid, ia, other, (xid, association, rest) => {
        const options = [v6Option(OPTION_V6_IA_NA, association), v6Option(OPTION_V6_RAPID_COMMIT, true), ...rest]
        const m: V6Message = { type: 'reply', xid, options }
        const b = encoded(m)!
        expect(decoded(b)).toEqual(m)
        expect(getV6Option(decoded(b).options, OPTION_V6_IA_NA)).toEqual(association)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('', '07000001', '0700000100030020'),
        fc.uint8Array({ maxLength: 80 }),
        (head, tail) => {
          const b = concatBytes([fromHex(head), tail])
          const m = decodeV6(b, 0, b.length)
          if (typeof m !== 'string') expect(encoded(m)).toEqual(b)
        },
      ),
      { numRuns: 1000 },
    )
  })
})
