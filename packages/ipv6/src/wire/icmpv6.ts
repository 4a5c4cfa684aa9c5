import type { Ipv6 } from '@fata/addr'
import { checksum, putU16, putU32, u16, u32 } from '@fata/bytes'
import { PROTOCOL_ICMPV6, pseudoHeaderSum } from '@fata/ip'

/**
 * ICMPv6 messages, RFC 4443 §2.1: type, code, checksum, and 32 bits whose meaning depends on the type.
 *
 *      0               8               16                       31
 *     +---------------+---------------+---------------------------+
 *   0 |     Type      |     Code      |          Checksum         |
 *   4 |   unused, MTU, pointer, or identifier and sequence        |
 *   8 |   the invoking packet, or data                            |
 *     +-----------------------------------------------------------+
 */
const CHECKSUM = 2
const REST = 4

export const ICMPV6_DESTINATION_UNREACHABLE = 1
export const ICMPV6_PACKET_TOO_BIG = 2
export const ICMPV6_TIME_EXCEEDED = 3
export const ICMPV6_PARAMETER_PROBLEM = 4
export const ICMPV6_ECHO_REQUEST = 128
export const ICMPV6_ECHO_REPLY = 129
export const ICMPV6_MLD_QUERY = 130
export const ICMPV6_MLD_REPORT_V1 = 131
export const ICMPV6_MLD_DONE_V1 = 132
export const ICMPV6_ROUTER_SOLICITATION = 133
export const ICMPV6_ROUTER_ADVERTISEMENT = 134
export const ICMPV6_NEIGHBOR_SOLICITATION = 135
export const ICMPV6_NEIGHBOR_ADVERTISEMENT = 136
export const ICMPV6_REDIRECT = 137
export const ICMPV6_MLD_REPORT_V2 = 143

// Codes of destination unreachable.
export const UNREACHABLE_NO_ROUTE = 0
export const UNREACHABLE_PROHIBITED = 1
export const UNREACHABLE_BEYOND_SCOPE = 2
export const UNREACHABLE_ADDRESS = 3
export const UNREACHABLE_PORT = 4
export const UNREACHABLE_SOURCE_POLICY = 5
export const UNREACHABLE_REJECT_ROUTE = 6

// Codes of time exceeded.
export const EXCEEDED_HOP_LIMIT = 0
export const EXCEEDED_REASSEMBLY = 1

// Codes of parameter problem; the last is RFC 7112's.
export const PARAMETER_ERRONEOUS_FIELD = 0
export const PARAMETER_UNRECOGNIZED_NEXT_HEADER = 1
export const PARAMETER_UNRECOGNIZED_OPTION = 2
export const PARAMETER_INCOMPLETE_CHAIN = 3

/** Bytes in front of what an error quotes and of what an echo carries. */
export const ICMPV6_HEADER_LEN = 8

/** Why bytes are no ICMPv6 message. */
export type MalformedIcmpv6 = 'icmp-too-short' | 'icmp-bad-checksum'

/** The part that all messages have. */
export interface Icmpv6Header {
  type: number
  code: number
  /** The 32 bits behind the checksum. */
  rest: number
}

/** Reads the message at `b[o..end)`. The checksum is verified where `verify` says so. Never throws. */
export function decodeIcmpv6(
  b: Uint8Array,
  o: number,
  end: number,
  src: Ipv6,
  dst: Ipv6,
  verify = true,
): Icmpv6Header | MalformedIcmpv6 {
  if (end - o < ICMPV6_HEADER_LEN) return 'icmp-too-short'
  if (verify && checksum(b, o, end, pseudoHeaderSum(src, dst, PROTOCOL_ICMPV6, end - o)) !== 0) {
    return 'icmp-bad-checksum'
  }
  return { type: b[o]!, code: b[o + 1]!, rest: u32(b, o + REST) }
}

/** Writes the first 8 bytes of a message at `b[o..)`, with a checksum of 0: `finishIcmpv6` puts it when the rest is there. */
export function encodeIcmpv6(b: Uint8Array, o: number, h: Icmpv6Header): void {
  b[o] = h.type
  b[o + 1] = h.code
  putU16(b, o + CHECKSUM, 0)
  putU32(b, o + REST, h.rest)
}

/** Puts the checksum of the message at `b[o..end)`. */
export function finishIcmpv6(b: Uint8Array, o: number, end: number, src: Ipv6, dst: Ipv6): void {
  putU16(b, o + CHECKSUM, 0)
  putU16(b, o + CHECKSUM, checksum(b, o, end, pseudoHeaderSum(src, dst, PROTOCOL_ICMPV6, end - o)))
}

/** Identifier of the echo message at `b[o..)`. */
export function echoId(b: Uint8Array, o: number): number {
  return u16(b, o + REST)
}

/** Sequence number of the echo message at `b[o..)`. */
export function echoSequence(b: Uint8Array, o: number): number {
  return u16(b, o + REST + 2)
}

/** An error message, as RFC 4443 §2.1 tells them apart by the type's high bit. */
export function isIcmpv6Error(type: number): boolean {
  return type < 128
}
