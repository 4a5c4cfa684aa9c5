import { formatIp, type IpAddress, isIpv4, parseIp } from './ip.ts'
import { IPV4_BROADCAST, type Ipv4 } from './ipv4.ts'
import { type Ipv6, ipv6FromWords } from './ipv6.ts'
import type { Mac } from './mac.ts'

/** An IPv4 address with the length of its network part, 0..32: `10.0.0.2/24`. Host bits are kept. */
export interface Ipv4Prefix {
  readonly address: Ipv4
  readonly length: number
}

/** An IPv6 address with the length of its network part, 0..128: `fd00::2/64`. Host bits are kept. */
export interface Ipv6Prefix {
  readonly address: Ipv6
  readonly length: number
}

/** A prefix of either family. */
export type Prefix = Ipv4Prefix | Ipv6Prefix

/** `address/length`. Undefined on anything else. */
export function parsePrefix(text: string): Prefix | undefined {
  const match = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text)
  const address = match === null ? undefined : parseIp(match[1]!)
  if (match === null || address === undefined) return undefined
  const length = Number(match[2])
  return length > (isIpv4(address) ? 32 : 128) ? undefined : ({ address, length } as Prefix)
}

/** As `parsePrefix`; throws a TypeError that quotes the text. */
export function prefix(text: string): Prefix {
  const p = parsePrefix(text)
  if (p === undefined) throw new TypeError(`not a prefix (address/length): '${text}'`)
  return p
}

/** An IPv4 prefix; throws a TypeError that quotes the text. */
export function ipv4Prefix(text: string): Ipv4Prefix {
  const p = prefix(text)
  if (!isIpv4(p.address)) throw new TypeError(`not an IPv4 prefix: '${text}'`)
  return p as Ipv4Prefix
}

/** An IPv6 prefix; throws a TypeError that quotes the text. */
export function ipv6Prefix(text: string): Ipv6Prefix {
  const p = prefix(text)
  if (isIpv4(p.address)) throw new TypeError(`not an IPv6 prefix: '${text}'`)
  return p as Ipv6Prefix
}

/** `address/length`. */
export function formatPrefix(p: Prefix): string {
  return `${formatIp(p.address)}/${p.length}`
}

/** The high `n` bits of a word set, `n` clipped to 0..32. */
function mask(n: number): number {
  return n <= 0 ? 0 : n >= 32 ? -1 : -1 << (32 - n)
}

/** `a` lies in the network of `p`; false for the other family. */
export function prefixContains(p: Prefix, a: IpAddress): boolean {
  const q = p.address
  const n = p.length
  if (isIpv4(q) || isIpv4(a)) return isIpv4(q) && isIpv4(a) && ((q ^ a) & mask(n)) === 0
  return (
    (((q.w0 ^ a.w0) & mask(n)) |
      ((q.w1 ^ a.w1) & mask(n - 32)) |
      ((q.w2 ^ a.w2) & mask(n - 64)) |
      ((q.w3 ^ a.w3) & mask(n - 96))) ===
    0
  )
}

/** The address with its host bits cleared. */
export function networkAddress(p: Ipv4Prefix): Ipv4
export function networkAddress(p: Ipv6Prefix): Ipv6
export function networkAddress(p: Prefix): IpAddress {
  const a = p.address
  const n = p.length
  if (isIpv4(a)) return ((a & mask(n)) >>> 0) as Ipv4
  return ipv6FromWords(a.w0 & mask(n), a.w1 & mask(n - 32), a.w2 & mask(n - 64), a.w3 & mask(n - 96), a.zone)
}

/** The subnet's directed broadcast address; undefined for /31 (RFC 3021) and /32, which have none. */
export function broadcastAddress(p: Ipv4Prefix): Ipv4 | undefined {
  if (p.length > 30) return undefined
  return p.length === 0 ? IPV4_BROADCAST : (((p.address | ~mask(p.length)) >>> 0) as Ipv4)
}

/** `fe80::/64` with the modified EUI-64 interface identifier of `m` (RFC 2464 §5). */
export function linkLocalFromMac(m: Mac): Ipv6 {
  const high = Math.floor(m / 0x100_0000)
  return ipv6FromWords(0xfe800000, 0, ((high ^ 0x020000) << 8) | 0xff, 0xfe000000 | (m & 0xffffff))
}
