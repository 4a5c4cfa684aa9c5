import type { Ipv4 } from '@fata/addr'
import { copyBytes, foldSum, putU16, putU32, sumBytes, u16, u32 } from '@fata/bytes'

export {
  createIcmpHeader,
  createIcmpQuote,
  decodeIcmp,
  decodeQuote,
  encodeIcmp,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LEN,
  ICMP_PARAMETER_PROBLEM,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  type IcmpHeader,
  type IcmpMalformed,
  type IcmpQuote,
  isIcmpQuery,
  type QuoteMalformed,
  TIME_EXCEEDED_REASSEMBLY,
  UNREACHABLE_FRAGMENTATION_NEEDED,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
  UNREACHABLE_SOURCE_ROUTE,
} from './icmp-wire.ts'
export {
  createIgmpMessage,
  decodeIgmp,
  encodeIgmp,
  encodeIgmpReport,
  IGMP_LEAVE,
  IGMP_LEN,
  IGMP_QUERY,
  IGMP_REPORT_V1,
  IGMP_REPORT_V2,
  IGMP_REPORT_V3,
  type IgmpMalformed,
  type IgmpMessage,
  type IgmpRecord,
  type IgmpRecordType,
  igmpRecordLength,
} from './igmp-wire.ts'
export {
  badOptionAt,
  copiedOptions,
  hasRouterAlert,
  ROUTER_ALERT,
  type SourceRoute,
  sourceRoute,
} from './ip-options.ts'

/**
 * IPv4 header, RFC 791 §3.1.
 *
 *     0               1               2               3
 *     +-------+-------+---------------+-------------------------------+
 *     |version|  IHL  | traffic class |         total length          |
 *     +-------+-------+---------------+-----+-------------------------+
 *     |        identification         |flags|     fragment offset     |
 *     +---------------+---------------+-----+-------------------------+
 *     |      TTL      |   protocol    |        header checksum        |
 *     +---------------+---------------+-------------------------------+
 *     |                            source                             |
 *     +---------------------------------------------------------------+
 *     |                          destination                          |
 *     +---------------------------------------------------------------+
 *     |               options, padded to 32 bits ...
 */
const VERSION_IHL = 0
const TRAFFIC_CLASS = 1
const TOTAL_LENGTH = 2
const ID = 4
const FLAGS_OFFSET = 6
const TTL = 8
const PROTOCOL = 9
const CHECKSUM = 10
const SRC = 12
const DST = 16

const DONT_FRAGMENT = 0x4000
const MORE_FRAGMENTS = 0x2000
const OFFSET_MASK = 0x1fff

/** Bytes of a header without options. */
export const HEADER_LEN = 20
/** Bytes of the longest header. */
export const MAX_HEADER_LEN = 60
/** Bytes of the longest packet, header included. */
export const MAX_LENGTH = 65535

/** Why bytes are no IPv4 packet. */
export type Malformed = 'truncated' | 'bad-version' | 'bad-header-length' | 'bad-total-length' | 'bad-header-checksum'

/** A validated header. Its options stay where they are, in the bytes from `HEADER_LEN` to `headerLength`. */
export interface Ipv4Header {
  /** Bytes, 20..60. */
  headerLength: number
  /** DSCP and ECN (RFC 2474, RFC 3168): the byte that RFC 791 calls type of service. */
  trafficClass: number
  /** Bytes, header included. */
  totalLength: number
  id: number
  dontFragment: boolean
  moreFragments: boolean
  /** Bytes, a multiple of 8. */
  fragmentOffset: number
  ttl: number
  protocol: number
  src: Ipv4
  dst: Ipv4
}

/** A record for reuse. */
export function createHeader(): Ipv4Header {
  return {
    headerLength: HEADER_LEN,
    trafficClass: 0,
    totalLength: HEADER_LEN,
    id: 0,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 0,
    protocol: 0,
    src: 0 as Ipv4,
    dst: 0 as Ipv4,
  }
}

/**
 * Reads the header at `b[o..end)` into `into` and returns it; the packet ends at `o + totalLength`, what follows is the link's padding.
 * The structure of options is not looked at: see `badOptionAt`. Never throws.
 */
export function decode(
  b: Uint8Array,
  o: number,
  end: number,
  into: Ipv4Header = createHeader(),
): Ipv4Header | Malformed {
  if (end - o < HEADER_LEN) return 'truncated'
  if (b[o]! >>> 4 !== 4) return 'bad-version'
  const headerLength = (b[o]! & 15) * 4
  if (headerLength < HEADER_LEN) return 'bad-header-length'
  if (end - o < headerLength) return 'truncated'
  const totalLength = u16(b, o + TOTAL_LENGTH)
  if (totalLength < headerLength || totalLength > end - o) return 'bad-total-length'
  if (foldSum(sumBytes(b, o, o + headerLength)) !== 0xffff) return 'bad-header-checksum'
  read(b, o, into)
  return into
}

/** Reads the fields of the header at `b[o..o+20)`, judging nothing. */
export function read(b: Uint8Array, o: number, into: Ipv4Header): void {
  const flags = u16(b, o + FLAGS_OFFSET)
  into.headerLength = (b[o + VERSION_IHL]! & 15) * 4
  into.trafficClass = b[o + TRAFFIC_CLASS]!
  into.totalLength = u16(b, o + TOTAL_LENGTH)
  into.id = u16(b, o + ID)
  into.dontFragment = (flags & DONT_FRAGMENT) !== 0
  into.moreFragments = (flags & MORE_FRAGMENTS) !== 0
  into.fragmentOffset = (flags & OFFSET_MASK) * 8
  into.ttl = b[o + TTL]!
  into.protocol = b[o + PROTOCOL]!
  into.src = u32(b, o + SRC) as Ipv4
  into.dst = u32(b, o + DST) as Ipv4
}

/**
 * Writes the header at `b[o..o+headerLength)` with its checksum. `options` are its `headerLength - 20` bytes, zeros (end of list) where
 * they are fewer.
 */
export function encode(b: Uint8Array, o: number, h: Ipv4Header, options?: Uint8Array): void {
  const { headerLength, src, dst } = h
  const flags = (h.dontFragment ? DONT_FRAGMENT : 0) | (h.moreFragments ? MORE_FRAGMENTS : 0) | (h.fragmentOffset >>> 3)
  const first = 0x4000 | (headerLength << 6) | h.trafficClass
  const life = (h.ttl << 8) | h.protocol
  putU16(b, o + VERSION_IHL, first)
  putU16(b, o + TOTAL_LENGTH, h.totalLength)
  putU16(b, o + ID, h.id)
  putU16(b, o + FLAGS_OFFSET, flags)
  putU16(b, o + TTL, life)
  putU32(b, o + SRC, src)
  putU32(b, o + DST, dst)
  // Summing the fields is faster than reading them back.
  let sum = first + h.totalLength + h.id + flags + life
  sum += (src >>> 16) + (src & 0xffff) + (dst >>> 16) + (dst & 0xffff)
  if (headerLength > HEADER_LEN) {
    const used = options === undefined ? 0 : copyBytes(b, o + HEADER_LEN, options)
    b.fill(0, o + HEADER_LEN + used, o + headerLength)
    sum = sumBytes(b, o + HEADER_LEN, o + headerLength, sum)
  }
  putU16(b, o + CHECKSUM, ~foldSum(sum))
}
