import { IPV4_BROADCAST, type Ipv4, isIpv4Loopback, isIpv4Multicast, type Mac, readMac, writeMac } from '@fata/addr'
import { putU16, putU32, u16, u32 } from '@fata/bytes'
import { ETHERTYPE_IPV4 } from '@fata/link'

/**
 * ARP for IPv4 over Ethernet, RFC 826; the fields have the RFC's names without their `ar$`.
 *
 *     0      2      4     5     6      8            14       18           24       28
 *     +------+------+-----+-----+------+------------+--------+------------+--------+
 *     | hrd  | pro  | hln | pln |  op  |    sha     |  spa   |    tha     |  tpa   |
 *     +------+------+-----+-----+------+------------+--------+------------+--------+
 */
const HRD = 0
const PRO = 2
const HLN = 4
const PLN = 5
const OP = 6
const SHA = 8
const SPA = 14
const THA = 18
const TPA = 24

/** Bytes of a packet; Ethernet padding may follow. */
export const PACKET_LEN = 28

const HRD_ETHERNET = 1
const MAC_LEN = 6
const IPV4_LEN = 4
const OP_REQUEST = 1
const OP_REPLY = 2

/** Why bytes are no ARP packet that anything may be concluded from. */
export type Malformed =
  | 'too-short'
  | 'not-ethernet'
  | 'not-ipv4'
  | 'unknown-operation'
  | 'bad-sender-hardware'
  | 'bad-sender-address'

/** A validated packet. */
export interface ArpPacket {
  readonly operation: 'request' | 'reply'
  /** Sender hardware address: one station's. */
  readonly sha: Mac
  /** Sender protocol address; 0 in an ARP Probe (RFC 5227 §1.1). */
  readonly spa: Ipv4
  /** Target hardware address; means nothing in a request. */
  readonly tha: Mac
  /** Target protocol address. */
  readonly tpa: Ipv4
}

/** Reads the packet at `b[o..end)`. Never throws; what it returns is safe to act on, which does not say that it is true. */
export function decode(b: Uint8Array, o: number, end: number): ArpPacket | Malformed {
  if (end - o < PACKET_LEN) return 'too-short'
  if (u16(b, o + HRD) !== HRD_ETHERNET || b[o + HLN] !== MAC_LEN) return 'not-ethernet'
  if (u16(b, o + PRO) !== ETHERTYPE_IPV4 || b[o + PLN] !== IPV4_LEN) return 'not-ipv4'
  const op = u16(b, o + OP)
  if (op !== OP_REQUEST && op !== OP_REPLY) return 'unknown-operation'
  const sha = readMac(b, o + SHA)
  // RFC 1812 §3.3.2: nobody's link-layer address is a group.
  if (sha === 0 || (b[o + SHA]! & 1) !== 0) return 'bad-sender-hardware'
  const spa = u32(b, o + SPA) as Ipv4
  const nobodys = spa === IPV4_BROADCAST || isIpv4Multicast(spa) || isIpv4Loopback(spa)
  if (nobodys || (spa === 0 && op === OP_REPLY)) return 'bad-sender-address'
  return {
    operation: op === OP_REQUEST ? 'request' : 'reply',
    sha,
    spa,
    tha: readMac(b, o + THA),
    tpa: u32(b, o + TPA) as Ipv4,
  }
}

/** Writes the packet at `b[o..o + PACKET_LEN)`. */
export function encode(b: Uint8Array, o: number, p: ArpPacket): void {
  putU16(b, o + HRD, HRD_ETHERNET)
  putU16(b, o + PRO, ETHERTYPE_IPV4)
  b[o + HLN] = MAC_LEN
  b[o + PLN] = IPV4_LEN
  putU16(b, o + OP, p.operation === 'request' ? OP_REQUEST : OP_REPLY)
  writeMac(b, o + SHA, p.sha)
  putU32(b, o + SPA, p.spa)
  writeMac(b, o + THA, p.tha)
  putU32(b, o + TPA, p.tpa)
}
