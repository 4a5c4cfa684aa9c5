import { foldSum, putU16, sumBytes, u16 } from '@fata/bytes'

const ETHERNET = 14
const TCP = 6
const UDP = 17
const ICMP = 1
const IGMP = 2
const ICMPV6 = 58
/** Extension headers that say their length in units of 8 bytes: hop-by-hop options, routing, destination options. */
const EXTENSIONS = [0, 43, 60]

/** Makes every checksum of an Ethernet frame right that can be found in it, so that what was changed in it gets behind them. */
export function repairChecksums(b: Uint8Array): void {
  if (b.length < ETHERNET + 20) return
  const type = u16(b, 12)
  if (type === 0x0800) repairIpv4(b)
  else if (type === 0x86dd && b.length >= ETHERNET + 40) repairIpv6(b)
}

function repairIpv4(b: Uint8Array): void {
  const data = ETHERNET + Math.max(20, (b[ETHERNET]! & 15) * 4)
  if (data > b.length) return
  putU16(b, ETHERNET + 10, 0)
  putU16(b, ETHERNET + 10, ~foldSum(sumBytes(b, ETHERNET, data)))
  const isFragment = (u16(b, ETHERNET + 6) & 0x3fff) !== 0
  const end = Math.min(b.length, ETHERNET + u16(b, ETHERNET + 2))
  if (!isFragment) repairTransport(b, b[ETHERNET + 9]!, data, end, sumBytes(b, ETHERNET + 12, ETHERNET + 20))
}

function repairIpv6(b: Uint8Array): void {
  let next = b[ETHERNET + 6]!
  let data = ETHERNET + 40
  const end = Math.min(b.length, data + u16(b, ETHERNET + 4))
  while (EXTENSIONS.includes(next) && data + 8 <= end) {
    next = b[data]!
    data += 8 + b[data + 1]! * 8
  }
  repairTransport(b, next, data, end, sumBytes(b, ETHERNET + 8, ETHERNET + 40))
}

function repairTransport(b: Uint8Array, protocol: number, off: number, end: number, addresses: number): void {
  const at = checksumOf(protocol)
  if (at < 0 || off + at + 2 > end) return
  const plain = protocol === ICMP || protocol === IGMP
  const pseudo = plain ? 0 : addresses + protocol + (end - off)
  putU16(b, off + at, 0)
  putU16(b, off + at, ~foldSum(sumBytes(b, off, end, pseudo)))
}

function checksumOf(protocol: number): number {
  if (protocol === TCP) return 16
  if (protocol === UDP) return 6
  return protocol === ICMP || protocol === IGMP || protocol === ICMPV6 ? 2 : -1
}
