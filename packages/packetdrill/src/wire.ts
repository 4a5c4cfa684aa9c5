import { type IpAddress, isIpv4, readIpv4, readIpv6, writeIpv4, writeIpv6 } from '@fata/addr'
import { checksum, putU16, putU32, u16, u32 } from '@fata/bytes'
import { PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'

const V4_HEADER = 20
const V6_HEADER = 40
const DEFAULT_TTL = 255
const DONT_FRAGMENT = 0x4000

/** Both ends of a packet, as it travels. */
export interface Addresses {
  readonly src: IpAddress
  readonly dst: IpAddress
}

/** An IP packet without options or extension headers, taken apart. */
export interface IpPacketView extends Addresses {
  readonly protocol: number
  readonly trafficClass: number
  readonly ttl: number
  readonly flowLabel: number
  readonly payload: Uint8Array
}

/** Reads a packet that the stack has sent; undefined where it is of no kind that scripts speak of. */
export function readIp(b: Uint8Array): IpPacketView | undefined {
  if (b[0]! >>> 4 === 4) {
    const header = (b[0]! & 15) * 4
    return {
      src: readIpv4(b, 12),
      dst: readIpv4(b, 16),
      protocol: b[9]!,
      trafficClass: b[1]!,
      ttl: b[8]!,
      flowLabel: 0,
      payload: b.subarray(header, u16(b, 2)),
    }
  }
  const first = u32(b, 0) >>> 0
  return {
    src: readIpv6(b, 8),
    dst: readIpv6(b, 24),
    protocol: b[6]!,
    trafficClass: (first >>> 20) & 0xff,
    ttl: b[7]!,
    flowLabel: first & 0xfffff,
    payload: b.subarray(V6_HEADER, V6_HEADER + u16(b, 4)),
  }
}

/** Where the checksum of each protocol is. */
const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [PROTOCOL_TCP]: 16,
  [PROTOCOL_UDP]: 6,
  [PROTOCOL_ICMP]: 2,
  [PROTOCOL_ICMPV6]: 2,
}

/** Puts an IP header before `payload` and completes its checksum. */
export function writeIp(
  a: Addresses,
  protocol: number,
  payload: Uint8Array,
  trafficClass: number,
  ttl: number = DEFAULT_TTL,
): Uint8Array {
  const at = CHECKSUM_AT[protocol]!
  putU16(payload, at, 0)
  const pseudo = protocol === PROTOCOL_ICMP ? 0 : pseudoHeaderSum(a.src, a.dst, protocol, payload.length)
  putU16(payload, at, checksum(payload, 0, payload.length, pseudo))
  const header = writeHeader(a, protocol, payload.length, trafficClass, ttl)
  const packet = new Uint8Array(header.length + payload.length)
  packet.set(header)
  packet.set(payload, header.length)
  return packet
}

/** An IP header alone, for what follows it. */
export function writeHeader(
  a: Addresses,
  protocol: number,
  length: number,
  trafficClass: number,
  ttl: number = DEFAULT_TTL,
): Uint8Array {
  if (isIpv4(a.src) && isIpv4(a.dst)) {
    const b = new Uint8Array(V4_HEADER)
    b[0] = 0x45
    b[1] = trafficClass
    putU16(b, 2, V4_HEADER + length)
    putU16(b, 6, DONT_FRAGMENT)
    b[8] = ttl
    b[9] = protocol
    writeIpv4(b, 12, a.src)
    writeIpv4(b, 16, a.dst)
    putU16(b, 10, checksum(b, 0, V4_HEADER, 0))
    return b
  }
  if (isIpv4(a.src) || isIpv4(a.dst)) throw new TypeError('both ends of a packet are of one family')
  const b = new Uint8Array(V6_HEADER)
  putU32(b, 0, (6 << 28) | (trafficClass << 20))
  putU16(b, 4, length)
  b[6] = protocol
  b[7] = ttl
  writeIpv6(b, 8, a.src)
  writeIpv6(b, 24, a.dst)
  return b
}
