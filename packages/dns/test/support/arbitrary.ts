import { type Ipv4, type Ipv6, ipv6FromWords } from '@fata/addr'
import fc from 'fast-check'
import { formatLabel } from '../../src/wire/name.ts'
import { type DnsRecord, type Message, type SvcParams, TYPES } from '../../src/wire/types.ts'

const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffffffff)
const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max })

/** Any bytes in a label; a few labels that recur, so that names are compressed. */
export const name: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom('www', 'example', 'test', 'WWW'),
      bytes(1, 63).map((b) => formatLabel(b, 0, b.length)),
    ),
    { maxLength: 3 },
  )
  .map((labels) => labels.join('.'))

const ipv4 = u32 as fc.Arbitrary<Ipv4>
const ipv6: fc.Arbitrary<Ipv6> = fc.tuple(u32, u32, u32, u32).map(([a, b, c, d]) => ipv6FromWords(a, b, c, d))

const params: fc.Arbitrary<SvcParams> = fc
  .record(
    {
      alpn: fc.array(fc.constantFrom('h2', 'h3', 'http/1.1', 'x'), { minLength: 1, maxLength: 3 }),
      port: u16,
      ipv4hint: fc.array(ipv4, { minLength: 1, maxLength: 2 }),
      ech: bytes(1, 20),
      ipv6hint: fc.array(ipv6, { minLength: 1, maxLength: 2 }),
      others: fc
        .uniqueArray(fc.integer({ min: 7, max: 0xffff }), { minLength: 1, maxLength: 3 })
        .chain((keys) =>
          fc.tuple(...keys.sort((a, b) => a - b).map((key) => bytes(0, 9).map((value) => ({ key, value })))),
        ),
    },
    { requiredKeys: [] },
  )
  .map((p) => (p.alpn === undefined ? p : { ...p, mandatory: [1], noDefaultAlpn: true as const }))

const rdata: fc.Arbitrary<object> = fc.oneof(
  ipv4.map((address) => ({ type: 'A', address })),
  ipv6.map((address) => ({ type: 'AAAA', address })),
  fc.record({ type: fc.constantFrom('NS', 'CNAME', 'PTR'), target: name }),
  fc.record({
    ...{ type: fc.constant('SOA'), mname: name, rname: name },
    ...{ serial: u32, refresh: u32, retry: u32, expire: u32, minimum: u32 },
  }),
  fc.record({ type: fc.constant('MX'), preference: u16, exchange: name }),
  fc.record({ type: fc.constant('TXT'), strings: fc.array(bytes(0, 255), { minLength: 1, maxLength: 3 }) }),
  fc.record({ type: fc.constant('SRV'), priority: u16, weight: u16, port: u16, target: name }),
  fc.record({ type: fc.constantFrom('SVCB', 'HTTPS'), priority: u16, target: name, params }),
  fc.record({
    type: u16.filter((t) => t !== 41 && !(Object.values(TYPES) as number[]).includes(t)),
    class: u16,
    data: bytes(0, 40),
  }),
  fc.record({ type: fc.constantFrom(1, 28, 64), class: fc.integer({ min: 2, max: 0xffff }), data: bytes(0, 40) }),
)

const record = fc
  .tuple(fc.record({ name, ttl: fc.nat(0x7fffffff) }), rdata)
  .map(([head, data]) => ({ ...head, ...data }) as DnsRecord)

const section = fc.array(record, { maxLength: 3 })
const edns = fc.record({
  udpPayload: u16,
  version: fc.nat(255),
  dnssecOk: fc.boolean(),
  options: fc.array(fc.record({ code: u16, data: bytes(0, 10) }), { maxLength: 2 }),
})

export const message: fc.Arbitrary<Message> = fc
  .record({
    id: u16,
    response: fc.boolean(),
    opcode: fc.nat(15),
    authoritative: fc.boolean(),
    truncated: fc.boolean(),
    recursionDesired: fc.boolean(),
    recursionAvailable: fc.boolean(),
    authenticData: fc.boolean(),
    checkingDisabled: fc.boolean(),
    rcode: fc.nat(4095),
    questions: fc.array(fc.record({ name, type: fc.constantFrom('A' as const, 'HTTPS' as const, 255), class: u16 }), {
      maxLength: 2,
    }),
    answers: section,
    authorities: section,
    additionals: section,
    edns: fc.option(edns, { nil: undefined }),
  })
  .map((m) => (m.edns === undefined ? { ...m, rcode: m.rcode & 15 } : m))
