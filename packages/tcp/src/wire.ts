import { putU16, putU32, u16, u32 } from '@fata/bytes'

/**
 * TCP header, RFC 9293 §3.1.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-------------------------------+-------------------------------+
 *   0 |          Source Port          |       Destination Port        |
 *     +-------------------------------+-------------------------------+
 *   4 |                        Sequence Number                        |
 *     +---------------------------------------------------------------+
 *   8 |                    Acknowledgment Number                      |
 *     +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
 *  12 | Data  |Rsrvd|A|C|E|U|A|P|R|S|F|                               |
 *     | Offset|     |E|W|C|R|C|S|S|Y|I|            Window             |
 *     |       |     | |R|E|G|K|H|T|N|N|                               |
 *     +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
 *  16 |           Checksum            |         Urgent Pointer        |
 *     +-------------------------------+-------------------------------+
 *  20 |                 Options, padded to 32 bits                    |
 *     +---------------------------------------------------------------+
 */
const SRC_PORT = 0
const DST_PORT = 2
const SEQ = 4
const ACK_NUMBER = 8
const DATA_OFFSET = 12
const FLAGS = 13
const WINDOW = 14
const URGENT = 18

/** Where the checksum stands; it covers the pseudo-header, the header and the data. */
export const CHECKSUM = 16
/** Length of a header without options. */
export const HEADER_LEN = 20
/** A header cannot be longer: 15 words. */
export const MAX_HEADER_LEN = 60

export const FIN = 0x001
export const SYN = 0x002
export const RST = 0x004
export const PSH = 0x008
export const ACK = 0x010
export const URG = 0x020
export const ECE = 0x040
export const CWR = 0x080
export const AE = 0x100

/** Why a segment was refused. */
export type Malformed = 'truncated' | 'bad-offset' | 'zero-port'

/** The fixed part of a header. */
export interface TcpHeader {
  srcPort: number
  dstPort: number
  /** Sequence numbers are signed 32-bit integers, which engines keep unboxed; serial arithmetic is indifferent to the sign. */
  seq: number
  ack: number
  /** Header with options, in bytes: 20..60. */
  headerLen: number
  /** `FIN | SYN | ...`. Reserved bits are neither read nor set. */
  flags: number
  /** As it stands, without the window scale. */
  window: number
  checksum: number
  urgent: number
}

/** A record of zeros. */
export function createTcpHeader(): TcpHeader {
  return {
    srcPort: 0,
    dstPort: 0,
    seq: 0,
    ack: 0,
    headerLen: HEADER_LEN,
    flags: 0,
    window: 0,
    checksum: 0,
    urgent: 0,
  }
}

/**
 * Reads the header at `b[o..end)` into `h` and returns it. Never throws. On success the options are `b[o+20..o+headerLen)`, within
 * `end`, and the data is the rest. The checksum is not verified.
 */
export function decode(b: Uint8Array, o: number, end: number, h: TcpHeader = createTcpHeader()): TcpHeader | Malformed {
  if (end - o < HEADER_LEN) return 'truncated'
  const headerLen = (b[o + DATA_OFFSET]! >>> 4) * 4
  if (headerLen < HEADER_LEN || headerLen > end - o) return 'bad-offset'
  const srcPort = u16(b, o + SRC_PORT)
  const dstPort = u16(b, o + DST_PORT)
  if (srcPort === 0 || dstPort === 0) return 'zero-port'
  h.srcPort = srcPort
  h.dstPort = dstPort
  h.seq = u32(b, o + SEQ) | 0
  h.ack = u32(b, o + ACK_NUMBER) | 0
  h.headerLen = headerLen
  h.flags = ((b[o + DATA_OFFSET]! & 1) << 8) | b[o + FLAGS]!
  h.window = u16(b, o + WINDOW)
  h.checksum = u16(b, o + CHECKSUM)
  h.urgent = u16(b, o + URGENT)
  return h
}

/** Writes the fixed part at `b[o..o+20)`; `headerLen - 20` bytes of options follow it, written by the caller. */
export function encode(b: Uint8Array, o: number, h: Readonly<TcpHeader>): void {
  putU16(b, o + SRC_PORT, h.srcPort)
  putU16(b, o + DST_PORT, h.dstPort)
  putU32(b, o + SEQ, h.seq)
  putU32(b, o + ACK_NUMBER, h.ack)
  b[o + DATA_OFFSET] = ((h.headerLen >>> 2) << 4) | ((h.flags >>> 8) & 1)
  b[o + FLAGS] = h.flags
  putU16(b, o + WINDOW, h.window)
  putU16(b, o + CHECKSUM, h.checksum)
  putU16(b, o + URGENT, h.urgent)
}

/** Ports and sequence number of a header of which only 8 bytes are there, as ICMP errors quote it. */
export function quotedPorts(b: Uint8Array, o: number): { srcPort: number; dstPort: number; seq: number } {
  return { srcPort: u16(b, o + SRC_PORT), dstPort: u16(b, o + DST_PORT), seq: u32(b, o + SEQ) | 0 }
}

/** The names of the set flags, for logs: `SYN|ACK`. */
export function formatFlags(flags: number): string {
  return ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE']
    .filter((_, bit) => (flags & (1 << bit)) !== 0)
    .join('|')
}
