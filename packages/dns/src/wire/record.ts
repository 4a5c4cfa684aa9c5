import { readIpv4, readIpv6, writeIpv4, writeIpv6 } from '@fata/addr'
import type { Reader } from './reader.ts'
import { readParams, writeParams } from './svcb.ts'
import { CLASS_IN, type DnsRecord, type RecordType, typeCode, typeOf } from './types.ts'
import type { Writer } from './writer.ts'

/** What stands in front of a record's data. */
export interface RecordHead {
  readonly name: string
  readonly code: number
  readonly class: number
  readonly ttl: number
}

/** Reads a record's data, which fills the reader to its end. */
export function readRecord(r: Reader, { name, code, class: cls, ttl: wireTtl }: RecordHead): DnsRecord {
  const type = typeOf(code)
  // RFC 2181 §8: a TTL with its highest bit set is 0.
  const ttl = wireTtl > 0x7fffffff ? 0 : wireTtl
  if (cls !== CLASS_IN || typeof type === 'number')
    return { name, ttl, type: code, class: cls, data: r.bytes(r.end - r.at) }
  const record = readData(r, type, name, ttl)
  if (r.at !== r.end) r.fail('bad-rdata')
  return record
}

function readData(r: Reader, type: RecordType, name: string, ttl: number): DnsRecord {
  switch (type) {
    case 'A':
      return { name, ttl, type, address: r.has(4) ? readIpv4(r.buf, advance(r, 4)) : readIpv4(ZEROS, 0) }
    case 'AAAA':
      return { name, ttl, type, address: r.has(16) ? readIpv6(r.buf, advance(r, 16)) : readIpv6(ZEROS, 0) }
    case 'NS':
    case 'CNAME':
    case 'PTR':
      return { name, ttl, type, target: r.name() } as DnsRecord
    case 'SOA':
      return {
        ...{ name, ttl, type, mname: r.name(), rname: r.name() },
        ...{ serial: r.u32(), refresh: r.u32(), retry: r.u32(), expire: r.u32(), minimum: r.u32() },
      }
    case 'MX':
      return { name, ttl, type, preference: r.u16(), exchange: r.name() }
    case 'TXT':
      return { name, ttl, type, strings: readStrings(r) }
    case 'SRV':
      // RFC 2782 forbids compression of the target, RFC 3597 §4 has receivers take it.
      return { name, ttl, type, priority: r.u16(), weight: r.u16(), port: r.u16(), target: r.name() }
    case 'SVCB':
    case 'HTTPS':
      return { name, ttl, type, priority: r.u16(), target: r.name(false), params: readParams(r) } as DnsRecord
    default:
      return type satisfies never
  }
}

const ZEROS = new Uint8Array(16)

/** Steps over `n` bytes and says where they are. */
function advance(r: Reader, n: number): number {
  r.at += n
  return r.at - n
}

function readStrings(r: Reader): Uint8Array[] {
  const strings = [r.bytes(r.u8())]
  while (r.at < r.end) strings.push(r.bytes(r.u8()))
  return strings
}

export function writeRecord(w: Writer, record: DnsRecord): void {
  w.name(record.name)
  w.u16(typeCode(record.type))
  w.u16('class' in record ? record.class : CLASS_IN)
  w.u32(record.ttl)
  w.sized(() => writeData(w, record))
}

function writeData(w: Writer, record: DnsRecord): void {
  switch (record.type) {
    case 'A':
      w.bytes(address(4, (b) => writeIpv4(b, 0, record.address)))
      break
    case 'AAAA':
      w.bytes(address(16, (b) => writeIpv6(b, 0, record.address)))
      break
    case 'NS':
    case 'CNAME':
    case 'PTR':
      w.name(record.target)
      break
    case 'SOA':
      w.name(record.mname)
      w.name(record.rname)
      for (const value of [record.serial, record.refresh, record.retry, record.expire, record.minimum]) w.u32(value)
      break
    case 'MX':
      w.u16(record.preference)
      w.name(record.exchange)
      break
    case 'TXT':
      writeStrings(w, record.strings)
      break
    case 'SRV':
      for (const value of [record.priority, record.weight, record.port]) w.u16(value)
      w.name(record.target, false)
      break
    case 'SVCB':
    case 'HTTPS':
      w.u16(record.priority)
      w.name(record.target, false)
      writeParams(w, record.params)
      break
    default:
      w.bytes(record.data)
  }
}

function address(length: number, write: (b: Uint8Array) => void): Uint8Array {
  const b = new Uint8Array(length)
  write(b)
  return b
}

function writeStrings(w: Writer, strings: readonly Uint8Array[]): void {
  if (strings.length === 0) throw new TypeError('a TXT record has at least one string')
  for (const s of strings) {
    if (s.length > 255) throw new TypeError(`a string of a TXT record has at most 255 bytes, got ${s.length}`)
    w.u8(s.length)
    w.bytes(s)
  }
}
