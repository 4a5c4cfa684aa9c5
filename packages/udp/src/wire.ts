import { checksum, putU16, u16 } from '@fata/bytes'

/**
 * UDP header, RFC 768.
 *
 *     0         2         4         6         8
 *     +---------+---------+---------+---------+---------
 *     | source  |  dest.  | length  | check-  |  data ...
 *     |  port   |  port   |         |  sum    |
 *     +---------+---------+---------+---------+---------
 */
const SRC_PORT = 0
const DST_PORT = 2
const LENGTH = 4

/** Where the checksum is, for offloads. */
export const CHECKSUM_OFFSET = 6
export const HEADER_LEN = 8

/** Why bytes are no datagram. */
export type Malformed = 'too-short' | 'bad-length' | 'zero-port'

/** A validated header. */
export interface UdpHeader {
  /** 0 where the sender wants no answer. */
  srcPort: number
  dstPort: number
  /** Header and data. */
  length: number
  /** 0 where the sender made none. */
  checksum: number
}

/** A record for reuse. */
export function createHeader(): UdpHeader {
  return { srcPort: 0, dstPort: 0, length: HEADER_LEN, checksum: 0 }
}

/**
 * Reads the header at `b[o..end)` into `into` and returns it; the data is `b[o + HEADER_LEN..o + length)`, and what follows up to `end` is
 * not part of the datagram. The checksum is not verified. Never throws.
 */
export function decode(b: Uint8Array, o: number, end: number, into: UdpHeader = createHeader()): UdpHeader | Malformed {
  if (end - o < HEADER_LEN) return 'too-short'
  const length = u16(b, o + LENGTH)
  if (length < HEADER_LEN || length > end - o) return 'bad-length'
  const dstPort = u16(b, o + DST_PORT)
  if (dstPort === 0) return 'zero-port'
  into.srcPort = u16(b, o + SRC_PORT)
  into.dstPort = dstPort
  into.length = length
  into.checksum = u16(b, o + CHECKSUM_OFFSET)
  return into
}

/** Writes the header at `b[o..o + HEADER_LEN)`. */
export function encode(b: Uint8Array, o: number, h: UdpHeader): void {
  putU16(b, o + SRC_PORT, h.srcPort)
  putU16(b, o + DST_PORT, h.dstPort)
  putU16(b, o + LENGTH, h.length)
  putU16(b, o + CHECKSUM_OFFSET, h.checksum)
}

/** The checksum of the datagram at `b[o..end)`, whose checksum field is 0, over the partial sum of its pseudo-header; never 0 itself. */
export function datagramChecksum(b: Uint8Array, o: number, end: number, pseudoHeader: number): number {
  return checksum(b, o, end, pseudoHeader) || 0xffff
}

/** Whether the datagram at `b[o..end)` is what its sender summed; its checksum must not be 0. */
export function checksumHolds(b: Uint8Array, o: number, end: number, pseudoHeader: number): boolean {
  return checksum(b, o, end, pseudoHeader) === 0
}
