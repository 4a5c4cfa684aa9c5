import { type Ipv4, ipv4, ipv4Prefix, type Mac, mac } from '@fata/addr'
import { concatBytes, fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  clientIdFromDuid,
  clientIdFromMac,
  type DhcpMessage,
  decode,
  duidFromMac,
  encode,
  getOption,
  iaidFromMac,
  OPTION_BROADCAST_ADDRESS,
  OPTION_CLASSLESS_ROUTES,
  OPTION_CLIENT_ID,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_NAME,
  OPTION_DOMAIN_SEARCH,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_MAX_MESSAGE_SIZE,
  OPTION_MESSAGE,
  OPTION_MTU,
  OPTION_NTP_SERVERS,
  OPTION_PARAMETERS,
  OPTION_REBINDING_TIME,
  OPTION_RENEWAL_TIME,
  OPTION_REQUESTED_ADDRESS,
  OPTION_ROUTERS,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
  OPTION_VENDOR_CLASS,
  SHORTEST_MESSAGE,
  setOption,
} from '../src/wire.ts'
import { ACK, DISCOVER, OFFER, REQUEST } from './captures.ts'

function decoded(bytes: Uint8Array): DhcpMessage {
  const m = decode(bytes, 0, bytes.length)
  if (typeof m === 'string') throw new Error(m)
  return m
}

/** The encoding, from memory that holds something else. */
function encoded(m: DhcpMessage, room = 1500): Uint8Array | undefined {
  const b = new Uint8Array(room + 2).fill(0xa5)
  const length = encode(b, 1, 1 + room, m)
  if (length === undefined) return undefined
  expect(b[0]).toBe(0xa5)
  expect(b[room + 1]).toBe(0xa5)
  return b.slice(1, 1 + length)
}

function withOptions(options: [number, Uint8Array][], fields: Partial<DhcpMessage> = {}): DhcpMessage {
  return { ...decoded(DISCOVER), ...fields, options: new Map(options) }
}

/** A message of a type whose option field is exactly these bytes. */
function raw(options: string, { op = '01', sname = '', file = '' } = {}): Uint8Array {
  const b = concatBytes([DISCOVER.slice(0, 240), fromHex(options)])
  b.set(fromHex(op), 0)
  b.set(fromHex(sname), 44)
  b.set(fromHex(file), 108)
  return b
}

describe('the DHCP message', () => {
  it('decodes the captured packets', () => {
    expect(decoded(OFFER)).toMatchObject({
      type: 'offer',
      hops: 0,
      xid: 0xc3459b64,
      secs: 0,
      broadcast: false,
      ciaddr: 0,
      yiaddr: ipv4('192.168.7.105'),
      siaddr: ipv4('192.168.7.1'),
      giaddr: 0,
      chaddr: mac('02:00:00:12:34:56'),
      serverName: '',
      bootFile: '',
    })
    const { options } = decoded(ACK)
    expect(getOption(options, OPTION_SERVER_ID)).toBe(ipv4('192.168.7.1'))
    expect(getOption(options, OPTION_LEASE_TIME)).toBe(3600)
    expect(getOption(options, OPTION_RENEWAL_TIME)).toBe(1800)
    expect(getOption(options, OPTION_REBINDING_TIME)).toBe(3150)
    expect(getOption(options, OPTION_SUBNET_MASK)).toBe(ipv4('255.255.255.0'))
    expect(getOption(options, OPTION_BROADCAST_ADDRESS)).toBe(ipv4('192.168.7.255'))
    expect(getOption(options, OPTION_ROUTERS)).toEqual([ipv4('192.168.7.1')])
    expect(getOption(options, OPTION_DOMAIN_NAME)).toBe('example.test')
    expect(getOption(options, OPTION_HOST_NAME)).toBe('alice')
    expect(getOption(options, OPTION_NTP_SERVERS)).toEqual([ipv4('192.168.7.1')])
    expect(getOption(options, OPTION_DOMAIN_SEARCH)).toEqual(['example.test', 'lab.example.test'])
    expect(getOption(options, OPTION_CLASSLESS_ROUTES)).toEqual([
      { prefix: ipv4Prefix('0.0.0.0/0'), gateway: ipv4('192.168.7.1') },
      { prefix: ipv4Prefix('10.1.0.0/16'), gateway: ipv4('192.168.7.2') },
    ])
    expect(getOption(options, OPTION_MTU)).toBe(1400)
    expect(getOption(options, OPTION_DNS_SERVERS)).toEqual([ipv4('192.168.7.1'), ipv4('9.9.9.9')])
    const request = decoded(REQUEST)
    expect(request.type).toBe('request')
    expect(getOption(request.options, OPTION_REQUESTED_ADDRESS)).toBe(ipv4('192.168.7.105'))
    expect(getOption(request.options, OPTION_CLIENT_ID)).toEqual(clientIdFromMac(mac('02:00:00:12:34:56')))
    expect(getOption(request.options, OPTION_PARAMETERS)).toEqual([1, 3, 6, 12, 15, 26, 28, 42, 119, 121])
    expect(getOption(request.options, OPTION_MAX_MESSAGE_SIZE)).toBe(576)
    expect(getOption(request.options, OPTION_VENDOR_CLASS)).toBe('udhcp 1.35.0')
    expect(decoded(DISCOVER)).toMatchObject({ type: 'discover', xid: 0xf8e33404 })
  })

  it.each([
    ['offer', OFFER],
    ['request', REQUEST],
    ['ack', ACK],
    ['discover', DISCOVER],
  ])('encodes to the captured packet: %s', (_name, bytes) => {
    expect(hex(encoded(decoded(bytes))!)).toBe(hex(bytes))
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < OFFER.length; n++) {
      const refusal = decode(OFFER, 0, n)
      expect(['too-short', 'truncated-option', 'no-end']).toContain(refusal)
    }
    expect(decode(OFFER, 0, OFFER.length)).toMatchObject({ type: 'offer' })
  })

  it.each([
    ['bad-op', (b: Uint8Array) => b.fill(3, 0, 1)],
    ['not-ethernet', (b: Uint8Array) => b.fill(6, 1, 2)],
    ['not-ethernet', (b: Uint8Array) => b.fill(16, 2, 3)],
    ['bad-hardware-address', (b: Uint8Array) => b.fill(0, 28, 34)],
    ['bad-hardware-address', (b: Uint8Array) => b.fill(255, 28, 34)],
    ['no-cookie', (b: Uint8Array) => b.fill(0, 236, 237)],
    ['wrong-direction', (b: Uint8Array) => b.fill(1, 0, 1)],
  ])('refuses %s', (reason, spoil) => {
    const b = OFFER.slice()
    spoil(b)
    expect(decode(b, 0, b.length)).toBe(reason)
  })

  it.each([
    ['truncated-option', '350101 3204c0a80701 37'],
    ['truncated-option', '350101 3704010203'],
    ['no-end', '350101 0000'],
    ['no-message-type', '3204c0a80701 ff'],
    ['unknown-message-type', '35010a ff'],
    ['unknown-message-type', '350100 ff'],
    ['unknown-message-type', '350101 350101 ff'],
    ['bad-overload', '350101 340104 ff'],
    ['bad-overload', '350101 340100 ff'],
    ['bad-overload', '350101 34020101 ff'],
    ['bad-overload', '350101 340101 340101 ff'],
    ['bad-option', '350101 3203c0a807 ff'],
    ['bad-option', '350101 3305000000010a ff'],
    ['bad-option', '350101 3600 ff'],
    ['bad-option', '350101 3a0101 ff'],
    ['bad-option', '350101 3b0101 ff'],
    ['bad-option', '350101 3d0101 ff'],
  ])('refuses %s: %s', (reason, options) => {
    const b = raw(options)
    expect(decode(b, 0, b.length)).toBe(reason)
  })

  it('takes what is wrong with other options as absent, and keeps their bytes', () => {
    const m = decoded(raw('350101 0c03612062 1a0100 0f00 06050102030405 7902ff00 770103 ff'))
    for (const option of [
      OPTION_HOST_NAME,
      OPTION_MTU,
      OPTION_DOMAIN_NAME,
      OPTION_DNS_SERVERS,
      OPTION_CLASSLESS_ROUTES,
      OPTION_DOMAIN_SEARCH,
    ])
      expect(getOption(m.options as Map<number, Uint8Array>, option as typeof OPTION_MTU)).toBeUndefined()
    expect([...m.options.keys()]).toEqual([12, 26, 15, 6, 121, 119])
  })

  it('reads options from file and server name where option 52 says so, file first', () => {
    const both = raw('340103 350101 3701 01 ff', { file: '3702 0306 ff', sname: '3701 0f 0c0161 ff' })
    const m = decoded(both)
    expect(getOption(m.options, OPTION_PARAMETERS)).toEqual([1, 3, 6, 15])
    expect(getOption(m.options, OPTION_HOST_NAME)).toBe('a')
    expect(m).toMatchObject({ serverName: '', bootFile: '' })
    const named = decoded(raw('340101 350101 ff', { file: 'ff', sname: '626f6f74' }))
    expect(named).toMatchObject({ serverName: 'boot', bootFile: '' })
    const unended = raw('340101 350101 ff', { file: '00'.repeat(128) })
    expect(decode(unended, 0, unended.length)).toBe('no-end')
    const nested = raw('340101 350101 ff', { file: '340101 ff' })
    expect(decode(nested, 0, nested.length)).toBe('bad-overload')
  })

  it('puts what is too long for the options field into file and server name', () => {
    const options: [number, Uint8Array][] = [200, 201, 202, 203].map((code) => [code, new Uint8Array(48).fill(code)])
    const m = withOptions(options)
    const small = encoded(m, SHORTEST_MESSAGE)!
    expect(small).toHaveLength(SHORTEST_MESSAGE)
    expect(hex(small, 240, 243)).toBe('340103')
    expect(decoded(small)).toEqual(m)
    const named = encoded({ ...m, bootFile: 'kernel' }, 512)!
    expect(decoded(named)).toEqual({ ...m, bootFile: 'kernel' })
    expect(encoded({ ...m, bootFile: 'kernel', serverName: 'x' }, SHORTEST_MESSAGE)).toBeUndefined()
    expect(encoded(withOptions([[200, new Uint8Array(300)]]), SHORTEST_MESSAGE)).toBeUndefined()
  })

  it('splits a long option into parts and joins them again', () => {
    const long = Uint8Array.from({ length: 700 }, (_, i) => i * 7)
    const b = encoded(withOptions([[200, long]]))!
    expect(hex(b, 243, 245)).toBe('c8ff')
    expect(b[243 + 257]).toBe(200)
    expect(b[243 + 2 * 257 + 1]).toBe(700 - 2 * 255)
    expect(decoded(b).options.get(200)).toEqual(long)
    const across = encoded(withOptions([[200, long.slice(0, 400)]]), 520)!
    expect(decoded(across).options.get(200)).toEqual(long.slice(0, 400))
  })

  it('refuses names that do not fit their fields', () => {
    expect(() => encoded(withOptions([], { serverName: 'x'.repeat(65) }))).toThrow(RangeError)
    expect(() => encoded(withOptions([], { bootFile: 'x'.repeat(129) }))).toThrow(RangeError)
    expect(() => encode(new Uint8Array(299), 0, 299, withOptions([]))).toThrow(RangeError)
    const full = encoded(withOptions([], { serverName: 'x'.repeat(64), bootFile: 'y'.repeat(128) }))!
    expect(decoded(full)).toMatchObject({ serverName: 'x'.repeat(64), bootFile: 'y'.repeat(128) })
  })

  it('round trips', () => {
    const address = fc.integer({ min: 0, max: 0xffffffff }) as fc.Arbitrary<Ipv4>
    const byte = fc.integer({ min: 0, max: 255 })
    const code = fc.integer({ min: 128, max: 254 })
    const field = (maxLength: number) => fc.string({ maxLength, unit: fc.constantFrom('a', 'Z', '-', '\xff') })
    const message = fc.record({
      type: fc.constantFrom('discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform'),
      hops: byte,
      xid: fc.integer({ min: 0, max: 0xffffffff }),
      secs: fc.integer({ min: 0, max: 0xffff }),
      broadcast: fc.boolean(),
      ciaddr: address,
      yiaddr: address,
      siaddr: address,
      giaddr: address,
      chaddr: fc.integer({ min: 1, max: 0xfeffffffff }).map((n) => n as Mac),
      serverName: field(64),
      bootFile: field(128),
      options: fc.array(fc.tuple(code, fc.uint8Array({ maxLength: 300 })), { maxLength: 12 }).map((o) => new Map(o)),
    }) as fc.Arbitrary<DhcpMessage>
    fc.assert(
      fc.property(message, fc.integer({ min: SHORTEST_MESSAGE, max: 5000 }), (m, room) => {
        const b = encoded(m, room)
        if (b !== undefined) expect(decoded(b)).toEqual(m)
        else expect(room).toBeLessThan(4100)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (tail, overload) => {
        const b = concatBytes([DISCOVER.slice(0, 240), fromHex(overload ? '350101340103' : '350101'), tail])
        b.set(tail.subarray(0, 60), 44)
        const m = decode(b, 0, b.length)
        if (typeof m === 'string') return
        for (const [code, value] of m.options) {
          expect(code).not.toBe(0)
          expect(value.length).toBeLessThanOrEqual(b.length)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('option values', () => {
  const over = <T>(option: { encode(v: T): Uint8Array; decode(b: Uint8Array): T | undefined }, v: T) =>
    option.decode(option.encode(v))

  it('keep times, all ones as for ever', () => {
    expect(over(OPTION_LEASE_TIME, 0)).toBe(0)
    expect(over(OPTION_LEASE_TIME, 0xfffffffe)).toBe(0xfffffffe)
    expect(hex(OPTION_LEASE_TIME.encode(Number.POSITIVE_INFINITY))).toBe('ffffffff')
    expect(over(OPTION_LEASE_TIME, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
    expect(() => OPTION_LEASE_TIME.encode(1.5)).toThrow(RangeError)
    expect(() => OPTION_LEASE_TIME.encode(0xffffffff)).toThrow(RangeError)
  })

  it('have the routes of RFC 3442', () => {
    const table: [string, string][] = [
      ['0.0.0.0/0', '00'],
      ['10.0.0.0/8', '080a'],
      ['10.0.0.0/24', '180a0000'],
      ['10.17.0.0/16', '100a11'],
      ['10.27.129.0/24', '180a1b81'],
      ['10.229.0.128/25', '190a e50080'],
      ['10.198.122.47/32', '200ac67a2f'],
    ]
    for (const [prefix, bytes] of table) {
      const route = [{ prefix: ipv4Prefix(prefix), gateway: ipv4('192.0.2.1') }]
      expect(hex(OPTION_CLASSLESS_ROUTES.encode(route))).toBe(hex(fromHex(`${bytes}c0000201`)))
      expect(over(OPTION_CLASSLESS_ROUTES, route)).toEqual(route)
    }
    const onLink = [{ prefix: ipv4Prefix('10.0.0.0/9'), gateway: undefined }]
    expect(over(OPTION_CLASSLESS_ROUTES, onLink)).toEqual(onLink)
    expect(OPTION_CLASSLESS_ROUTES.decode(fromHex('090aff c0000201'))![0]!.prefix).toEqual(ipv4Prefix('10.128.0.0/9'))
    for (const bad of ['', '21c0000201c0000201', '180a0000c00002', '08'])
      expect(OPTION_CLASSLESS_ROUTES.decode(fromHex(bad))).toBeUndefined()
  })

  it('have names that can do no harm', () => {
    for (const bad of ['', 'a b', 'a;reboot', '-x', 'x-', 'a..b', 'a\nb', '$(x)', 'x'.repeat(64), 'é'])
      expect(OPTION_HOST_NAME.decode(Uint8Array.from(bad, (c) => c.charCodeAt(0)))).toBeUndefined()
    expect(OPTION_HOST_NAME.decode(fromHex('616c696365 0000'))).toBe('alice')
    expect(over(OPTION_DOMAIN_NAME, 'a-1.example.test')).toBe('a-1.example.test')
    expect(() => OPTION_HOST_NAME.encode('a b')).toThrow(TypeError)
    expect(OPTION_MESSAGE.decode(fromHex('6e6f1b5b0a'))).toBe('no?[?')
    expect(() => OPTION_MESSAGE.encode('\n')).toThrow(TypeError)
  })

  it('follow pointers in search lists backwards only', () => {
    expect(over(OPTION_DOMAIN_SEARCH, ['a.test', 'b.a.test'])).toEqual(['a.test', 'b.a.test'])
    // RFC 3397 §2 in small: a label, then a pointer to the first name.
    expect(OPTION_DOMAIN_SEARCH.decode(fromHex('016104746573 7400 0162c000'))).toEqual(['a.test', 'b.a.test'])
    for (const bad of ['c000', '0161c000', '0161c002', '0161c005 00', '0161', '4061', '8000', '00', 'c0', '01610162'])
      expect(OPTION_DOMAIN_SEARCH.decode(fromHex(bad))).toBeUndefined()
    const long = new Uint8Array([
      ...Array(5)
        .fill([63, ...Array(63).fill(97)])
        .flat(),
      0,
    ])
    expect(OPTION_DOMAIN_SEARCH.decode(long)).toBeUndefined()
  })

  it('are set where there is a value', () => {
    const options = new Map<number, Uint8Array>()
    setOption(options, OPTION_MTU, undefined)
    expect(options.size).toBe(0)
    setOption(options, OPTION_MTU, 1500)
    expect(getOption(options, OPTION_MTU)).toBe(1500)
    expect(() => setOption(options, OPTION_MTU, 67)).toThrow(RangeError)
  })
})

describe('client identifiers', () => {
  const own = mac('02:00:00:12:34:56')

  it('are of IAID and DUID as RFC 4361 has them', () => {
    expect(hex(duidFromMac(own))).toBe('00030001020000123456')
    expect(iaidFromMac(own)).toBe(0x00123456)
    expect(hex(clientIdFromDuid(iaidFromMac(own), duidFromMac(own)))).toBe('ff0012345600030001020000123456')
  })
})
