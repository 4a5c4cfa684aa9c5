import { IPV6_ANY, type Ipv6, readIpv6, writeIpv6 } from '@fata/addr'
import { putU16, putU32, u16, u32 } from '@fata/bytes'

/**
 * IPv6 header, RFC 8200 §3.
 *
 *      0       4              12                                 31
 *     +-------+---------------+------------------------------------+
 *   0 |Version| Traffic Class |             Flow Label             |
 *   4 |        Payload Length         |  Next Header  |  Hop Limit |
 *   8 |                       Source Address (16)                  |
 *  24 |                     Destination Address (16)               |
 *     +------------------------------------------------------------+
 */
const PAYLOAD_LENGTH = 4
export const NEXT_HEADER = 6
const HOP_LIMIT = 7
export const SOURCE = 8
export const DESTINATION = 24

/** Bytes of the fixed header. */
export const IPV6_HEADER_LEN = 40

/** Where the Payload Length field stands in the header: what a parameter problem about it points at. */
export const PAYLOAD_LENGTH_FIELD: number = PAYLOAD_LENGTH

/** Largest payload that a header can name: extension headers and the transport segment. */
export const MAX_PAYLOAD = 65535

/** Why bytes are no IPv6 packet. A packet longer than 65535 bytes of payload (RFC 2675) is a `'jumbogram'`. */
export type MalformedIpv6 = 'too-short' | 'bad-version' | 'bad-length' | 'jumbogram'

/** A validated header. */
export interface Ipv6Header {
  /** DSCP and ECN. */
  trafficClass: number
  /** 20 bits. */
  flowLabel: number
  /** Bytes behind the fixed header. */
  payloadLength: number
  nextHeader: number
  hopLimit: number
  src: Ipv6
  dst: Ipv6
}

/** A record for reuse. */
export function createIpv6Header(): Ipv6Header {
  return {
    trafficClass: 0,
    flowLabel: 0,
    payloadLength: 0,
    nextHeader: 0,
    hopLimit: 0,
    src: IPV6_ANY,
    dst: IPV6_ANY,
  }
}

/** Checks that a whole packet stands at `b[o..end)`; bytes behind it are padding of the link. The field readers below may be used then. */
export function checkIpv6(b: Uint8Array, o: number, end: number): MalformedIpv6 | undefined {
  if (end - o < IPV6_HEADER_LEN) return 'too-short'
  if (b[o]! >>> 4 !== 6) return 'bad-version'
  const length = u16(b, o + PAYLOAD_LENGTH)
  if (length > end - o - IPV6_HEADER_LEN) return 'bad-length'
  // A hop-by-hop header needs 8 bytes, so a length of 0 with one says that an option has the length.
  if (length === 0 && b[o + NEXT_HEADER] === 0) return 'jumbogram'
  return undefined
}

/** DSCP and ECN of the header at `b[o..)`. */
export function trafficClassOf(b: Uint8Array, o: number): number {
  return ((b[o]! & 15) << 4) | (b[o + 1]! >>> 4)
}

/** Payload length of the header at `b[o..)`. */
export function payloadLengthOf(b: Uint8Array, o: number): number {
  return u16(b, o + PAYLOAD_LENGTH)
}

/** Hop limit of the header at `b[o..)`. */
export function hopLimitOf(b: Uint8Array, o: number): number {
  return b[o + HOP_LIMIT]!
}

/** Reads the header at `b[o..end)`; its payload follows it. Never throws. */
export function decodeIpv6Header(b: Uint8Array, o: number, end: number): Ipv6Header | MalformedIpv6 {
  const malformed = checkIpv6(b, o, end)
  if (malformed !== undefined) return malformed
  return {
    trafficClass: trafficClassOf(b, o),
    flowLabel: u32(b, o) & 0xfffff,
    payloadLength: payloadLengthOf(b, o),
    nextHeader: b[o + NEXT_HEADER]!,
    hopLimit: hopLimitOf(b, o),
    src: readIpv6(b, o + SOURCE),
    dst: readIpv6(b, o + DESTINATION),
  }
}

/** Writes the header at `b[o..o + IPV6_HEADER_LEN)`. */
export function encodeIpv6Header(b: Uint8Array, o: number, h: Ipv6Header): void {
  putU32(b, o, 0x60000000 | (h.trafficClass << 20) | h.flowLabel)
  putU16(b, o + PAYLOAD_LENGTH, h.payloadLength)
  b[o + NEXT_HEADER] = h.nextHeader
  b[o + HOP_LIMIT] = h.hopLimit
  writeIpv6(b, o + SOURCE, h.src)
  writeIpv6(b, o + DESTINATION, h.dst)
}
