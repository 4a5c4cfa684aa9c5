import { type Ipv4, ipv4 } from '@fata/addr'
import { checksum, fromHex, hex, putU16 } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reflectedOptions } from '../src/reflected-options.ts'
import {
  badOptionAt,
  copiedOptions,
  createHeader,
  decode,
  encode,
  HEADER_LEN,
  hasRouterAlert,
  type Ipv4Header,
  MAX_LENGTH,
  ROUTER_ALERT,
  sourceRoute,
} from '../src/wire.ts'

// IP (tos 0x0, ttl 64, id 53798, offset 0, flags [DF], proto UDP (17), length 38)
//     10.0.0.1.40596 > 10.0.0.2.9999: UDP, length 10
const UDP = fromHex('45000026d22640004011549e0a0000010a000002 9e94270f00121426 68656c6c6f2066617461')
const UDP_HEADER: Ipv4Header = {
  headerLength: 20,
  trafficClass: 0,
  totalLength: 38,
  id: 53798,
  dontFragment: true,
  moreFragments: false,
  fragmentOffset: 0,
  ttl: 64,
  protocol: 17,
  src: ipv4('10.0.0.1'),
  dst: ipv4('10.0.0.2'),
}

// IP (tos 0x0, ttl 64, id 48730, offset 1480, flags [none], proto ICMP (1), length 548)
//     10.0.0.1 > 10.0.0.2: ip-proto-1
const LAST_FRAGMENT = fromHex('45000224be5a00b94001a5c30a0000010a000002')

// IP (tos 0x0, ttl 64, id 48730, offset 0, flags [+], proto ICMP (1), length 1500)
//     10.0.0.1 > 10.0.0.2: ICMP echo request, id 11885, seq 1, length 1480
const FIRST_FRAGMENT = fromHex('450005dcbe5a2000400182c40a0000010a000002')

// IP (tos 0xc0, ttl 1, id 0, offset 0, flags [DF], proto IGMP (2), length 40, options (RA))
//     10.0.0.1 > 224.0.0.22: igmp v3 report, 1 group record(s) [gaddr 239.1.2.3 to_ex, 0 source(s)]
const WITH_OPTION = fromHex('46c00028000040000102f9f80a000001e000001694040000 2200e8f90000000104000000ef010203')
const OPTION_HEADER: Ipv4Header = {
  headerLength: 24,
  trafficClass: 0xc0,
  totalLength: 40,
  id: 0,
  dontFragment: true,
  moreFragments: false,
  fragmentOffset: 0,
  ttl: 1,
  protocol: 2,
  src: ipv4('10.0.0.1'),
  dst: ipv4('224.0.0.22'),
}

// IP (tos 0x0, ttl 64, id 48729, offset 0, flags [DF], proto ICMP (1), length 84, options (NOP,RR 10.0.0.1, 0.0.0.0 ...))
//     10.0.0.1 > 10.0.0.2: ICMP echo request, id 11884, seq 1, length 24
const RECORD_ROUTE = fromHex(`4f000054be59400040012c3d0a0000010a0000020107 2708 0a000001${'00'.repeat(32)}`)

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const b = bytes.slice()
  b[at] = value
  return b
}

describe('the IPv4 header (RFC 791 §3.1)', () => {
  it('decodes the captured packet', () => {
    expect(decode(UDP, 0, UDP.length)).toEqual(UDP_HEADER)
    expect(decode(WITH_OPTION, 0, WITH_OPTION.length)).toEqual(OPTION_HEADER)
  })

  it('decodes captured fragments', () => {
    const first = new Uint8Array(1500)
    first.set(FIRST_FRAGMENT)
    expect(decode(first, 0, 1500)).toMatchObject({
      id: 48730,
      moreFragments: true,
      fragmentOffset: 0,
      totalLength: 1500,
    })
    const last = new Uint8Array(548)
    last.set(LAST_FRAGMENT)
    expect(decode(last, 0, 548)).toMatchObject({ id: 48730, moreFragments: false, fragmentOffset: 1480 })
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(2 + 24 + 2).fill(0xa5)
    encode(b, 2, UDP_HEADER)
    expect(hex(b, 0, 24)).toBe(`a5a5${hex(UDP, 0, 20)}a5a5`)
    b.fill(0xa5)
    encode(b, 2, OPTION_HEADER, ROUTER_ALERT)
    expect(hex(b)).toBe(`a5a5${hex(WITH_OPTION, 0, 24)}a5a5`)
  })

  it('encodes captured fragments', () => {
    const b = new Uint8Array(HEADER_LEN).fill(0xa5)
    const header = { ...UDP_HEADER, dontFragment: false, id: 48730, protocol: 1 }
    encode(b, 0, { ...header, totalLength: 1500, moreFragments: true })
    expect(hex(b)).toBe(hex(FIRST_FRAGMENT))
    encode(b, 0, { ...header, totalLength: 548, fragmentOffset: 1480 })
    expect(hex(b)).toBe(hex(LAST_FRAGMENT))
  })

  it('pads options with zeros', () => {
    const b = new Uint8Array(28).fill(0xa5)
    encode(b, 0, { ...OPTION_HEADER, headerLength: 28 }, ROUTER_ALERT)
    expect(hex(b, 20)).toBe('9404000000000000')
    encode(b.fill(0xa5), 0, { ...OPTION_HEADER, headerLength: 28 })
    expect(hex(b, 20)).toBe('0000000000000000')
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < 20; n++) expect(decode(UDP, 0, n)).toBe('truncated')
    for (let n = 20; n < UDP.length; n++) expect(decode(UDP, 0, n)).toBe('bad-total-length')
    for (let n = 20; n < 24; n++) expect(decode(WITH_OPTION, 0, n)).toBe('truncated')
  })

  it('leaves trailing padding to the caller', () => {
    const padded = new Uint8Array(60)
    padded.set(UDP)
    expect(decode(padded, 0, 60)).toEqual(UDP_HEADER)
  })

  it('refuses another version', () => expect(decode(changed(UDP, 0, 0x65), 0, UDP.length)).toBe('bad-version'))

  it('refuses a header shorter than it can be', () => {
    for (let words = 0; words < 5; words++)
      expect(decode(changed(UDP, 0, 0x40 | words), 0, UDP.length)).toBe('bad-header-length')
  })

  it('refuses a total length below the header', () =>
    expect(decode(changed(UDP, 3, 19), 0, UDP.length)).toBe('bad-total-length'))

  it('refuses a total length beyond the packet', () =>
    expect(decode(changed(UDP, 3, 39), 0, UDP.length)).toBe('bad-total-length'))

  it('refuses every single flipped bit of a header', () => {
    for (let bit = 8 * 4; bit < 20 * 8; bit++) {
      const b = UDP.slice()
      b[bit >>> 3]! ^= 1 << (bit & 7)
      expect(decode(b, 0, b.length)).toBe('bad-header-checksum')
    }
  })

  it('ignores the reserved flag', () => {
    const b = changed(UDP, 6, 0xc0)
    putU16(b, 10, 0)
    putU16(b, 10, checksum(b, 0, 20))
    expect(decode(b, 0, b.length)).toEqual(UDP_HEADER)
  })

  it('survives a round trip', () => {
    const address = fc.integer({ min: 0, max: 0xffffffff }).map((a) => a as Ipv4)
    const headers = fc.record({
      words: fc.integer({ min: 5, max: 15 }),
      trafficClass: fc.nat(255),
      payload: fc.nat(MAX_LENGTH - 60),
      id: fc.nat(0xffff),
      dontFragment: fc.boolean(),
      moreFragments: fc.boolean(),
      units: fc.nat(0x1fff),
      ttl: fc.nat(255),
      protocol: fc.nat(255),
      src: address,
      dst: address,
    })
    const b = new Uint8Array(MAX_LENGTH + 1)
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 40 }), ({ words, payload, units, ...rest }, options) => {
        const headerLength = words * 4
        const header: Ipv4Header = {
          ...rest,
          headerLength,
          totalLength: headerLength + payload,
          fragmentOffset: units * 8,
        }
        const fitting = options.subarray(0, headerLength - HEADER_LEN)
        b.fill(0xa5, 0, 64)
        encode(b, 1, header, fitting)
        expect(decode(b, 1, 1 + header.totalLength, createHeader())).toEqual(header)
        expect(hex(b, 21, 21 + fitting.length)).toBe(hex(fitting))
        expect(b.subarray(21 + fitting.length, 1 + headerLength).every((v) => v === 0)).toBe(true)
        expect(b[1 + headerLength]).toBe(0xa5)
      }),
    )
  })

  it('never throws and never reads a wrong packet as one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const h = decode(bytes, 0, bytes.length)
        if (typeof h === 'string') return
        expect(h.totalLength).toBeLessThanOrEqual(bytes.length)
        expect(h.headerLength).toBeGreaterThanOrEqual(20)
      }),
    )
  })
})

describe('header options (RFC 791 §3.1)', () => {
  const list = (text: string): Uint8Array => fromHex(text)

  it.each([
    ['00000000', -1],
    ['01010101', -1],
    ['94040000', -1],
    ['0107', 1],
    ['010727080a0000010000000000', 1],
    ['07', 0],
    ['0701', 0],
    ['0700', 0],
    ['07c80400', 0],
    ['0003', -1],
    ['01940400000702', -1],
    ['0194040000070300ff01', 8],
  ])('%s: first impossible length at %i', (text, at) => expect(badOptionAt(list(text), 0, list(text).length)).toBe(at))

  it('accepts the captured record route', () => {
    expect(badOptionAt(RECORD_ROUTE, 20, 60)).toBe(-1)
    expect(sourceRoute(RECORD_ROUTE, 20, 60)).toBe('none')
  })

  it.each([
    ['8307040a000009 00', 'incomplete'],
    ['8907040a000009 00', 'incomplete'],
    ['8307080a000009 00', 'completed'],
    ['018907080a000009', 'completed'],
    ['8302', 'incomplete'],
    ['94040000', 'none'],
    ['008307080a000009', 'none'],
  ])('%s is a source route: %s', (text, expected) =>
    expect(sourceRoute(list(text), 0, list(text).length)).toBe(expected),
  )

  it('finds a router alert behind others', () => {
    expect(hasRouterAlert(list('0107030494040000'), 0, 8)).toBe(true)
    expect(hasRouterAlert(list('0107030400040000'), 0, 8)).toBe(false)
    expect(hasRouterAlert(WITH_OPTION, 20, 24)).toBe(true)
  })

  it('never loops or throws on random lists', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (b) => {
        if (badOptionAt(b, 0, b.length) === -1) sourceRoute(b, 0, b.length)
      }),
    )
  })

  it('what fragments and replies have of a list is a list, and no longer', () => {
    const option = fc
      .tuple(fc.constantFrom(7, 68, 131, 137, 148, 94), fc.uint8Array({ maxLength: 12 }))
      .map(([kind, data]) => [kind, data.length + 2, ...data])
    const options = fc
      .array(fc.oneof(option, fc.constant([1])), { maxLength: 6 })
      .map((all) => Uint8Array.from(all.flat()))
    fc.assert(
      fc.property(options, fc.nat(), (b, now) => {
        const before = b.slice()
        for (const part of [copiedOptions(b, 0, b.length), reflectedOptions(b, 0, b.length, ipv4('10.0.0.1'), now)]) {
          expect(part.length).toBeLessThanOrEqual((b.length + 3) & ~3)
          expect(badOptionAt(part, 0, part.length)).toBe(-1)
        }
        expect(b).toEqual(before)
      }),
    )
  })
})
