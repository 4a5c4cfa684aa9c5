import type { Ipv4 } from '@fata/addr'
import { checksum, foldSum, putU16, putU32, sumBytes, u16, u32 } from '@fata/bytes'

/**
 * ICMP message, RFC 792.
 *
 *     0               1               2               3
 *     +---------------+---------------+-------------------------------+
 *     |     type      |     code      |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |      rest: id and sequence, next-hop MTU, pointer, gateway     |
 *     +---------------------------------------------------------------+
 *     |      body: echo data, or the packet that an error is about ...
 */
const TYPE = 0
const CODE = 1
const CHECKSUM = 2
const REST = 4

/** Bytes in front of the body. */
export const ICMP_HEADER_LEN = 8

export const ICMP_ECHO_REPLY = 0
export const ICMP_UNREACHABLE = 3
export const ICMP_SOURCE_QUENCH = 4
export const ICMP_REDIRECT = 5
export const ICMP_ECHO_REQUEST = 8
export const ICMP_TIME_EXCEEDED = 11
export const ICMP_PARAMETER_PROBLEM = 12

export const UNREACHABLE_PROTOCOL = 2
export const UNREACHABLE_PORT = 3
export const UNREACHABLE_FRAGMENTATION_NEEDED = 4
export const UNREACHABLE_SOURCE_ROUTE = 5
export const TIME_EXCEEDED_REASSEMBLY = 1

/** Why bytes are no ICMP message. */
export type IcmpMalformed = 'icmp-truncated' | 'icmp-bad-checksum'

/** The fixed part of a message. What `rest` holds depends on the type. */
export interface IcmpHeader {
  type: number
  code: number
  /** Bytes 4..8: id and sequence of an echo, the next-hop MTU in the low half (RFC 1191 §4), a pointer in the high byte, a gateway. */
  rest: number
}

/** A record for reuse. */
export function createIcmpHeader(): IcmpHeader {
  return { type: 0, code: 0, rest: 0 }
}

/** Reads the message at `b[o..end)` into `into` and returns it; the body begins at `o + ICMP_HEADER_LEN`. Never throws. */
export function decodeIcmp(
  b: Uint8Array,
  o: number,
  end: number,
  into: IcmpHeader = createIcmpHeader(),
): IcmpHeader | IcmpMalformed {
  if (end - o < ICMP_HEADER_LEN) return 'icmp-truncated'
  if (foldSum(sumBytes(b, o, end)) !== 0xffff) return 'icmp-bad-checksum'
  into.type = b[o + TYPE]!
  into.code = b[o + CODE]!
  into.rest = u32(b, o + REST)
  return into
}

/** Writes the fixed part at `b[o..o+8)` with the checksum of all; the body stands at `b[o+8..end)` already. */
export function encodeIcmp(b: Uint8Array, o: number, end: number, h: IcmpHeader): void {
  b[o + TYPE] = h.type
  b[o + CODE] = h.code
  putU16(b, o + CHECKSUM, 0)
  putU32(b, o + REST, h.rest)
  putU16(b, o + CHECKSUM, checksum(b, o, end))
}

/** The type is a query or an answer to one. Every other type may be an error, about which no error is sent (RFC 1122 §3.2.2). */
export function isIcmpQuery(type: number): boolean {
  return (
    type === ICMP_ECHO_REPLY || type === ICMP_ECHO_REQUEST || type === 9 || type === 10 || (type >= 13 && type <= 18)
  )
}

/** Why an error tells nothing about a packet. */
export type QuoteMalformed = 'icmp-short-quote' | 'icmp-bad-quote'

/** The beginning of the packet that an error is about. Its header checksum and TTL are what the last router made of them. */
export interface IcmpQuote {
  src: Ipv4
  dst: Ipv4
  protocol: number
  /** Of the quoted packet, as its header says. */
  totalLength: number
  headerLength: number
  dontFragment: boolean
  /** Bytes. */
  fragmentOffset: number
  /** Its payload is quoted at `[payload..end)`: 8 bytes or more. */
  payload: number
  end: number
}

/** A record for reuse. */
export function createIcmpQuote(): IcmpQuote {
  return {
    src: 0 as Ipv4,
    dst: 0 as Ipv4,
    protocol: 0,
    totalLength: 0,
    headerLength: 0,
    dontFragment: false,
    fragmentOffset: 0,
    payload: 0,
    end: 0,
  }
}

/** Least number of payload bytes that an error must quote (RFC 792). */
const LEAST_PAYLOAD = 8

/**
 * Reads what the error at `b[o..end)` quotes into `into` and returns it. Where byte 5 tells that extensions follow, the quotation ends
 * before them (RFC 4884 §3). Never throws.
 */
export function decodeQuote(
  b: Uint8Array,
  o: number,
  end: number,
  into: IcmpQuote = createIcmpQuote(),
): IcmpQuote | QuoteMalformed {
  const ip = o + ICMP_HEADER_LEN
  if (end - ip < 20 + LEAST_PAYLOAD) return 'icmp-short-quote'
  const headerLength = (b[ip]! & 15) * 4
  const totalLength = u16(b, ip + 2)
  if (b[ip]! >>> 4 !== 4 || headerLength < 20 || totalLength < headerLength) return 'icmp-bad-quote'
  const words = b[o + TYPE] === ICMP_REDIRECT ? 0 : b[o + 5]!
  const quoted = words > 0 ? Math.min(end - ip, words * 4) : end - ip
  const length = Math.min(quoted, totalLength)
  if (length < headerLength + LEAST_PAYLOAD) return 'icmp-short-quote'
  const flags = u16(b, ip + 6)
  into.src = u32(b, ip + 12) as Ipv4
  into.dst = u32(b, ip + 16) as Ipv4
  into.protocol = b[ip + 9]!
  into.totalLength = totalLength
  into.headerLength = headerLength
  into.dontFragment = (flags & 0x4000) !== 0
  into.fragmentOffset = (flags & 0x1fff) * 8
  into.payload = ip + headerLength
  into.end = ip + length
  return into
}
