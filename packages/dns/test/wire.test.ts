import { ip } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, encode, type Message } from '../src/wire.ts'
import { message } from './support/arbitrary.ts'
import { CAPTURES } from './support/captures.ts'

const PACKETS = CAPTURES.flatMap(([name, query, answer]) => [
  [`${name}: query`, query] as const,
  [`${name}: answer`, answer] as const,
])

function decoded(bytes: Uint8Array): Message {
  const m = decode(bytes, 0, bytes.length)
  if (typeof m === 'string') throw new Error(m)
  return m
}

function answerOf(name: string): Message {
  return decoded(CAPTURES.find(([n]) => n === name)![2])
}

describe('captured messages', () => {
  it.each(PACKETS)('%s: decodes, and encodes to the same bytes', (name, bytes) => {
    const m = decoded(bytes)
    expect(m.response).toBe(name.endsWith('answer'))
    const b = new Uint8Array(bytes.length + 2).fill(0xa5)
    // dnsmasq and unbound differ in what they compress: targets of records that others might not understand.
    const length = encode(b, 1, b.length - 1, m)
    if (length === bytes.length) expect(hex(b)).toBe(`a5${hex(bytes)}a5`)
    else expect(decode(b, 1, 1 + length)).toEqual(m)
    expect(length).toBeLessThanOrEqual(bytes.length)
    expect(b[0]).toBe(0xa5)
    expect(b[length + 1]).toBe(0xa5)
  })

  it.each(PACKETS)('%s: refuses every truncated prefix', (_name, bytes) => {
    for (let n = 0; n < bytes.length; n++) expect(decode(bytes, 0, n)).toBe('truncated')
  })

  it.each(PACKETS)('%s: reads the same at another offset', (_name, bytes) => {
    const shifted = new Uint8Array([1, 2, 3, ...bytes, 9])
    expect(decode(shifted, 3, 3 + bytes.length)).toEqual(decoded(bytes))
  })

  it.each(PACKETS)('%s: has no room in less', (_name, bytes) => {
    const b = new Uint8Array(bytes.length)
    const m = decoded(bytes)
    const length = encode(b, 0, b.length, m)
    for (let n = 0; n < length; n++) expect(encode(b, 0, n, m)).toBe(0)
  })

  it('the query of dig', () => {
    expect(decoded(CAPTURES[0]![1])).toEqual({
      ...{ id: 0x4304, response: false, opcode: 0, authoritative: false, truncated: false, recursionDesired: true },
      ...{ recursionAvailable: false, authenticData: false, checkingDisabled: false, rcode: 0 },
      questions: [{ name: 'www.example.test', type: 'A', class: 1 }],
      ...{ answers: [], authorities: [], additionals: [] },
      edns: { udpPayload: 1232, version: 0, dnssecOk: false, options: [] },
    })
  })

  it('an EDNS option', () => {
    const query = CAPTURES.find(([n]) => n === 'query with a cookie')![1]
    expect(decoded(query).edns!.options).toEqual([{ code: 10, data: fromHex('0102030405060708') }])
  })

  it.each([
    ['A', { name: 'www.example.test', type: 'A', ttl: 300, address: ip('192.0.2.80') }],
    ['AAAA', { name: 'www.example.test', type: 'AAAA', ttl: 300, address: ip('2001:db8::80') }],
    ['CNAME chain', { name: 'alias.example.test', type: 'CNAME', ttl: 300, target: 'www.example.test' }],
    ['NS', { name: 'example.test', type: 'NS', ttl: 3600, target: 'ns.example.test' }],
    ['PTR', { name: '80.2.0.192.in-addr.arpa', type: 'PTR', ttl: 300, target: 'www.example.test' }],
    ['MX', { name: 'example.test', type: 'MX', ttl: 3600, preference: 10, exchange: 'mail.example.test' }],
    ['SRV', { type: 'SRV', priority: 1, weight: 5, port: 80, target: 'www.example.test' }],
    ['TXT', { type: 'TXT', strings: [fromHex('68656c6c6f20776f726c64'), fromHex('763d31')] }],
    [
      'SOA',
      { type: 'SOA', mname: 'ns.example.test', rname: 'hostmaster.example.test', serial: 2026010101, minimum: 300 },
    ],
    [
      'HTTPS, ServiceMode',
      {
        ...{ type: 'HTTPS', priority: 1, target: '' },
        params: { alpn: ['h2', 'h3'], port: 8443, ipv4hint: [ip('192.0.2.80')], ipv6hint: [ip('2001:db8::80')] },
      },
    ],
    ['HTTPS, AliasMode', { type: 'HTTPS', priority: 0, target: 'svc.example.test', params: {} }],
  ])('%s record', (name, record) => {
    expect(answerOf(name).answers[0]).toMatchObject(record)
  })

  it('a negative answer', () => {
    const m = answerOf('NXDOMAIN')
    expect(m).toMatchObject({ rcode: 3, authoritative: true, recursionAvailable: true, answers: [] })
    expect(m.authorities[0]).toMatchObject({ type: 'SOA', name: 'example.test', ttl: 300 })
  })
})

/** A response with one answer: question `a`, then `answer` in hex. */
function withAnswer(answer: string): Uint8Array {
  return fromHex(`0001 8180 0001 0001 0000 0000 0161 00 0001 0001 ${answer}`)
}

function refusal(bytes: Uint8Array): string | undefined {
  const m = decode(bytes, 0, bytes.length)
  return typeof m === 'string' ? m : undefined
}

describe('refuses', () => {
  it.each([
    ['truncated', 'data beyond the end', 'c00c 0001 0001 00000000 0005 01020304'],
    ['bad-rdata', 'too little data', 'c00c 0001 0001 00000000 0003 010203'],
    ['bad-rdata', 'too much data', 'c00c 0001 0001 00000000 0005 0102030405'],
    ['bad-rdata', 'no text', 'c00c 0010 0001 00000000 0000'],
    ['bad-rdata', 'text that is too short', 'c00c 0010 0001 00000000 0002 0261'],
    ['bad-rdata', 'a name that ends before its data', 'c00c 0005 0001 00000000 0003 c00c00'],
    ['bad-rdata', 'a name that ends behind its data', 'c00c 0005 0001 00000000 0001 0161 00'],
    ['bad-label', 'a label of the reserved kind 01', '4161 00 0001 0001 00000000 0004 01020304'],
    ['bad-label', 'a label of the reserved kind 10', '8161 00 0001 0001 00000000 0004 01020304'],
    ['bad-pointer', 'a pointer to itself', 'c013 0001 0001 00000000 0004 01020304'],
    ['bad-pointer', 'a pointer forward', 'c020 0001 0001 00000000 0004 01020304'],
    ['bad-pointer', 'a pointer into the header', 'c000 0001 0001 00000000 0004 01020304'],
    ['bad-pointer', 'a loop', '0162 c013 0001 0001 00000000 0004 01020304'],
    ['bad-pointer', 'labels that run into the pointer', `c010 ff00 0001 00000000 0008 ${'00'.repeat(8)}`],
    ['bad-pointer', 'a compressed target of HTTPS', 'c00c 0041 0001 00000000 0004 0001 c00c'],
    ['bad-opt', 'OPT among the answers', '00 0029 1000 00000000 0000'],
    ['trailing-bytes', 'what follows', 'c00c 0001 0001 00000000 0004 01020304 00'],
    ['bad-rdata', 'parameters out of order', 'c00c 0041 0001 00000000 000d 0001 00 0004 0000 0003 0002 0050'],
    ['bad-rdata', 'a parameter twice', 'c00c 0041 0001 00000000 000f 0001 00 0003 0002 0050 0003 0002 0050'],
    ['bad-rdata', 'a port of one byte', 'c00c 0041 0001 00000000 0008 0001 00 0003 0001 50'],
    ['bad-rdata', 'no protocols', 'c00c 0041 0001 00000000 0007 0001 00 0001 0000'],
    ['bad-rdata', 'an empty protocol', 'c00c 0041 0001 00000000 0008 0001 00 0001 0001 00'],
    ['bad-rdata', 'a protocol beyond the value', 'c00c 0041 0001 00000000 0009 0001 00 0001 0002 0261'],
    ['bad-rdata', 'a hint of three bytes', 'c00c 0041 0001 00000000 000a 0001 00 0004 0003 010203'],
    ['bad-rdata', 'an empty hint', 'c00c 0041 0001 00000000 0007 0001 00 0006 0000'],
    ['bad-rdata', 'an empty ech', 'c00c 0041 0001 00000000 0007 0001 00 0005 0000'],
    ['bad-rdata', 'no-default-alpn without alpn', 'c00c 0041 0001 00000000 0007 0001 00 0002 0000'],
    ['bad-rdata', 'no-default-alpn with a value', 'c00c 0041 0001 00000000 000f 0001 00 0001 0003 026832 0002 0001 00'],
    ['bad-rdata', 'mandatory keys that are missing', 'c00c 0041 0001 00000000 0009 0001 00 0000 0002 0003'],
    ['bad-rdata', 'mandatory as mandatory', 'c00c 0041 0001 00000000 0009 0001 00 0000 0002 0000'],
    ['bad-rdata', 'a parameter beyond the data', 'c00c 0041 0001 00000000 0008 0001 00 0003 0002 50'],
  ])('%s: %s', (reason, _what, answer) => {
    expect(refusal(withAnswer(answer))).toBe(reason)
  })

  it('bad-opt: two of them, one with a name', () => {
    const opt = '00 0029 04d0 00000000 0000'
    expect(refusal(fromHex(`0001 8180 0000 0000 0000 0001 ${opt}`))).toBeUndefined()
    expect(refusal(fromHex(`0001 8180 0000 0000 0000 0002 ${opt} ${opt}`))).toBe('bad-opt')
    expect(refusal(fromHex('0001 8180 0000 0000 0000 0001 0161 00 0029 04d0 00000000 0000'))).toBe('bad-opt')
    expect(refusal(fromHex('0001 8180 0000 0000 0000 0001 00 0029 04d0 00000000 0003 000a00'))).toBe('bad-rdata')
  })

  it('name-too-long: by pointers that add up', () => {
    const label = `3f${'78'.repeat(63)}`
    const long = `${label.repeat(3)}3d${'78'.repeat(61)}00`
    expect(refusal(fromHex(`0001 8180 0001 0000 0000 0000 ${long} 0001 0001`))).toBeUndefined()
    expect(refusal(fromHex(`0001 8180 0002 0000 0000 0000 ${long} 0001 0001 0179 c00c 0001 0001`))).toBe(
      'name-too-long',
    )
  })

  it('more records than there are', () => {
    expect(refusal(fromHex('0001 8180 ffff ffff ffff ffff'))).toBe('truncated')
  })
})

describe('takes', () => {
  it('pointers to pointers, backwards', () => {
    const m = decoded(withAnswer('0162 c00c 0005 0001 00000000 0004 0163 c013'))
    expect(m.answers[0]).toMatchObject({ name: 'b.a', target: 'c.b.a' })
  })

  it('a TTL above 2^31-1 as 0 (RFC 2181 §8)', () => {
    expect(decoded(withAnswer('c00c 0001 0001 80000000 0004 01020304')).answers[0]!.ttl).toBe(0)
  })

  it('types and classes that it does not know', () => {
    const data = fromHex('0102')
    expect(decoded(withAnswer('c00c ff00 0001 00000001 0002 0102')).answers[0]).toEqual({
      name: 'a',
      ttl: 1,
      type: 0xff00,
      class: 1,
      data,
    })
    expect(decoded(withAnswer('c00c 0001 0003 00000001 0002 0102')).answers[0]).toEqual({
      name: 'a',
      ttl: 1,
      type: 1,
      class: 3,
      data,
    })
  })

  it('an extended response code', () => {
    expect(decoded(fromHex('0001 8181 0000 0000 0000 0001 00 0029 04d0 01000000 0000')).rcode).toBe(17)
  })
})

describe('encoding', () => {
  const base = decoded(CAPTURES[0]![1])
  const b = new Uint8Array(65535)

  it('throws at what has no wire form', () => {
    const question = { type: 'A', class: 1 } as const
    expect(() => encode(b, 0, 999, { ...base, questions: [{ ...question, name: 'a..b' }] })).toThrow(TypeError)
    expect(() => encode(b, 0, 999, { ...base, questions: [{ ...question, name: 'x'.repeat(64) }] })).toThrow(TypeError)
    expect(() => encode(b, 0, 999, { ...base, edns: undefined, rcode: 16 })).toThrow(TypeError)
    for (const strings of [[], [new Uint8Array(256)]])
      expect(() => encode(b, 0, 999, { ...base, answers: [{ name: 'a', ttl: 1, type: 'TXT', strings }] })).toThrow(
        TypeError,
      )
  })

  it('does not point beyond 2^14', () => {
    const strings = Array.from({ length: 80 }, () => new Uint8Array(255))
    const answers = [
      { name: 'x', ttl: 1, type: 'TXT', strings } as const,
      { name: 'far.away', ttl: 1, type: 'NS', target: 'far.away' } as const,
    ]
    const length = encode(b, 0, b.length, { ...base, answers })
    expect(decode(b, 0, length)).toEqual({ ...base, answers })
  })
})

describe('whatever comes', () => {
  it('round trips', () => {
    fc.assert(
      fc.property(message, (m) => {
        const b = new Uint8Array(65535).fill(0xa5)
        const length = encode(b, 0, b.length, m)
        expect(decode(b, 0, length)).toEqual(m)
        expect(b[length]).toBe(0xa5)
      }),
    )
  })

  it('never throws, and what it takes it can write', () => {
    const start = fc.constantFrom(...PACKETS.map(([, bytes]) => bytes))
    const change = fc.record({ at: fc.nat(200), value: fc.nat(255) })
    const mutated = fc.tuple(start, fc.array(change, { maxLength: 6 })).map(([bytes, changes]) => {
      const copy = bytes.slice()
      for (const { at, value } of changes) copy[at % copy.length] = value
      return copy
    })
    const out = new Uint8Array(65535)
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 100 })), (bytes) => {
        const m = decode(bytes, 0, bytes.length)
        if (typeof m === 'string') return
        const length = encode(out, 0, out.length, m)
        expect(decode(out, 0, length)).toEqual(m)
      }),
      { numRuns: 3000 },
    )
  })
})
