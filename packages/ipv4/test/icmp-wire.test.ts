import { ipv4 } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  createIcmpHeader,
  createIcmpQuote,
  decodeIcmp,
  decodeQuote,
  encodeIcmp,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LEN,
  ICMP_PARAMETER_PROBLEM,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  isIcmpQuery,
} from '../src/wire.ts'

// 10.0.0.1 > 10.0.0.2: ICMP echo request, id 11883, seq 1, length 40
const ECHO = fromHex('0800afc22e6b0001 6657016b00000000d53b0a00000000005a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a')
// 10.0.0.2 > 10.0.0.1: ICMP 10.0.0.2 udp port 9999 unreachable, length 46
//     IP (tos 0x0, ttl 64, id 53798, offset 0, flags [DF], proto UDP (17), length 38)
//     10.0.0.1.40596 > 10.0.0.2.9999: UDP, length 10
const PORT_UNREACHABLE = fromHex(
  '0303046c00000000 45000026d22640004011549e0a0000010a000002 9e94270f0012142668656c6c6f2066617461',
)
// 10.0.0.2 > 10.0.0.1: ICMP parameter problem - octet 20, length 40
//     IP (tos 0x0, ttl 64, id 4660, offset 0, flags [none], proto UDP (17), length 32, options (RR [bad length 200]))
//     10.0.0.1.1 > 10.0.0.2.2: UDP, length 0
const PARAMETER_PROBLEM = fromHex('0c00dff414000000 46000020123400004011 47cf0a0000010a00000207c80400 0001000200080000')
// 10.0.0.2 > 10.0.0.1: ICMP 10.0.1.3 unreachable - need to frag (mtu 1000), length 556
//     IP (tos 0x0, ttl 64, id 0, offset 0, flags [DF], proto ICMP (1), length 1228)
//     10.0.0.1 > 10.0.1.3: ICMP echo request, id 11887, seq 1, length 1208
// The first 56 of its 556 bytes: the checksum is that of all.
const TOO_BIG = fromHex('030473e1000003e8 450004cc000040004001212e0a0000010a000103 0800fc512e6f00016657016b00000000')

describe('the ICMP header (RFC 792)', () => {
  it('decodes the captured packet', () => {
    expect(decodeIcmp(ECHO, 0, ECHO.length)).toEqual({ type: ICMP_ECHO_REQUEST, code: 0, rest: 11883 * 65536 + 1 })
    expect(decodeIcmp(PORT_UNREACHABLE, 0, 46)).toEqual({ type: ICMP_UNREACHABLE, code: 3, rest: 0 })
    expect(decodeIcmp(PARAMETER_PROBLEM, 0, 40)).toEqual({ type: ICMP_PARAMETER_PROBLEM, code: 0, rest: 0x14000000 })
  })

  it('encodes to the captured packet', () => {
    for (const [captured, header] of [
      [ECHO, { type: ICMP_ECHO_REQUEST, code: 0, rest: 11883 * 65536 + 1 }],
      [PORT_UNREACHABLE, { type: ICMP_UNREACHABLE, code: 3, rest: 0 }],
      [PARAMETER_PROBLEM, { type: ICMP_PARAMETER_PROBLEM, code: 0, rest: 0x14000000 }],
    ] as const) {
      const b = new Uint8Array(captured.length + 4).fill(0xa5)
      b.set(captured.subarray(ICMP_HEADER_LEN), 2 + ICMP_HEADER_LEN)
      encodeIcmp(b, 2, 2 + captured.length, header)
      expect(hex(b)).toBe(`a5a5${hex(captured)}a5a5`)
    }
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < ICMP_HEADER_LEN; n++) expect(decodeIcmp(ECHO, 0, n)).toBe('icmp-truncated')
    for (let n = ICMP_HEADER_LEN; n < ECHO.length; n++) expect(decodeIcmp(ECHO, 0, n)).toBe('icmp-bad-checksum')
  })

  it('refuses every flipped bit', () => {
    for (let bit = 0; bit < ECHO.length * 8; bit++) {
      const b = ECHO.slice()
      b[bit >>> 3]! ^= 1 << (bit & 7)
      expect(decodeIcmp(b, 0, b.length)).toBe('icmp-bad-checksum')
    }
  })

  it('survives a round trip', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.nat(0xffffffff), fc.uint8Array(), (type, code, rest, body) => {
        const b = new Uint8Array(ICMP_HEADER_LEN + body.length).fill(0xa5)
        b.set(body, ICMP_HEADER_LEN)
        encodeIcmp(b, 0, b.length, { type, code, rest })
        expect(decodeIcmp(b, 0, b.length, createIcmpHeader())).toEqual({ type, code, rest })
      }),
    )
  })

  it('knows queries from errors', () => {
    const queries = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18]
    for (let type = 0; type < 256; type++) expect(isIcmpQuery(type)).toBe(queries.includes(type))
    expect(isIcmpQuery(ICMP_ECHO_REPLY)).toBe(true)
  })
})

describe('the packet that an ICMP error quotes', () => {
  it('decodes the captured packet', () => {
    expect(decodeQuote(PORT_UNREACHABLE, 0, PORT_UNREACHABLE.length)).toEqual({
      src: ipv4('10.0.0.1'),
      dst: ipv4('10.0.0.2'),
      protocol: 17,
      totalLength: 38,
      headerLength: 20,
      dontFragment: true,
      fragmentOffset: 0,
      payload: 28,
      end: 46,
    })
    expect(decodeQuote(TOO_BIG, 0, TOO_BIG.length)).toMatchObject({
      totalLength: 1228,
      payload: 28,
      end: TOO_BIG.length,
    })
    expect(decodeQuote(PARAMETER_PROBLEM, 0, 40)).toMatchObject({ headerLength: 24, payload: 32, end: 40 })
  })

  it('refuses every truncated prefix', () => {
    for (let n = ICMP_HEADER_LEN; n < 36; n++) expect(decodeQuote(PORT_UNREACHABLE, 0, n)).toBe('icmp-short-quote')
    for (let n = 36; n <= 46; n++) expect(decodeQuote(PORT_UNREACHABLE, 0, n)).toMatchObject({ end: n })
    for (let n = ICMP_HEADER_LEN; n < 40; n++) expect(decodeQuote(PARAMETER_PROBLEM, 0, n)).toBe('icmp-short-quote')
  })

  it.each([
    ['another version', 8, 0x65],
    ['a short header', 8, 0x44],
    ['a total length below the header', 11, 19],
  ])('refuses %s', (_, at, value) => {
    const b = PORT_UNREACHABLE.slice()
    b[at] = value
    expect(decodeQuote(b, 0, b.length)).toBe('icmp-bad-quote')
  })

  it('refuses a packet that had less than 8 bytes', () => {
    const b = PORT_UNREACHABLE.slice()
    b[11] = 27
    expect(decodeQuote(b, 0, b.length)).toBe('icmp-short-quote')
  })

  it('does not quote padding behind the packet', () => {
    const b = PORT_UNREACHABLE.slice()
    b[11] = 30
    expect(decodeQuote(b, 0, b.length)).toMatchObject({ payload: 28, end: 38 })
  })

  it('ends before extensions (RFC 4884)', () => {
    const b = new Uint8Array(8 + 128 + 8)
    b.set(PORT_UNREACHABLE)
    b[0] = ICMP_TIME_EXCEEDED
    b[11] = 200
    expect(decodeQuote(b, 0, b.length)).toMatchObject({ end: 144 })
    b[5] = 32
    expect(decodeQuote(b, 0, b.length)).toMatchObject({ end: 136 })
    b[5] = 6
    expect(decodeQuote(b, 0, b.length)).toBe('icmp-short-quote')
    // In a redirect that byte belongs to the gateway's address.
    b[0] = 5
    expect(decodeQuote(b, 0, b.length)).toMatchObject({ end: 144 })
  })

  it('never throws, never leaves the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 120 }), (b) => {
        b[8] = 0x45
        const q = decodeQuote(b, 0, b.length, createIcmpQuote())
        if (typeof q === 'string') return
        expect(q.end).toBeLessThanOrEqual(b.length)
        expect(q.end - q.payload).toBeGreaterThanOrEqual(8)
      }),
    )
  })
})
