import { formatIp, type IpAddress, isIpv4, nextIp, parseIp } from './ip.ts'
import type { Ipv4 } from './ipv4.ts'
import { type Ipv6, ipv6FromWords } from './ipv6.ts'

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

/** The prefix of an address and a length. Throws a RangeError where the family has no such length. */
export function prefixOf(address: Ipv4, length: number): Ipv4Prefix
export function prefixOf(address: Ipv6, length: number): Ipv6Prefix
export function prefixOf(address: IpAddress, length: number): Prefix
export function prefixOf(address: IpAddress, length: number): Prefix {
  const longest = isIpv4(address) ? 32 : 128
  if (!(Number.isInteger(length) && length >= 0 && length <= longest))
    throw new RangeError(`a prefix length must be in 0..${longest}, got ${length}`)
  return { address, length } as Prefix
}

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
export function networkAddress(p: Prefix): IpAddress
export function networkAddress(p: Prefix): IpAddress {
  const a = p.address
  const n = p.length
  if (isIpv4(a)) return ((a & mask(n)) >>> 0) as Ipv4
  return ipv6FromWords(a.w0 & mask(n), a.w1 & mask(n - 32), a.w2 & mask(n - 64), a.w3 & mask(n - 96), a.zone)
}

/** The subnet's directed broadcast address; undefined for /31 (RFC 3021) and /32, which have none. */
export function broadcastAddress(p: Ipv4Prefix): Ipv4 | undefined {
  return p.length > 30 ? undefined : (((p.address | ~mask(p.length)) >>> 0) as Ipv4)
}

/** The network mask of an IPv4 prefix: 255.255.255.0 for a length of 24. */
export function netmask(p: Ipv4Prefix): Ipv4 {
  return (mask(p.length) >>> 0) as Ipv4
}

/** The prefix length that an IPv4 network mask stands for; undefined where its ones are not contiguous. */
export function netmaskLength(netmask: Ipv4): number | undefined {
  const length = Math.clz32(~netmask)
  return mask(length) >>> 0 === netmask ? length : undefined
}

/** The network part of `p` with the host part of `host`: how an interface identifier becomes an address. */
export function withHostPart(p: Ipv4Prefix, host: Ipv4): Ipv4
export function withHostPart(p: Ipv6Prefix, host: Ipv6): Ipv6
export function withHostPart(p: Prefix, host: IpAddress): IpAddress {
  const a = p.address
  if (isIpv4(a) || isIpv4(host)) return merge(a as Ipv4, host as Ipv4, mask(p.length)) as Ipv4
  const word = (net: number, rest: number, from: number): number => merge(net, rest, mask(p.length - from))
  return ipv6FromWords(
    word(a.w0, host.w0, 0),
    word(a.w1, host.w1, 32),
    word(a.w2, host.w2, 64),
    word(a.w3, host.w3, 96),
    a.zone,
  )
}

function merge(network: number, host: number, m: number): number {
  return ((network & m) | (host & ~m)) >>> 0
}

/**
 * Every address of `p` that a host may have, in order: without network and broadcast address (IPv4 up to /30), without the
 * subnet-router anycast address (IPv6 up to /126; RFC 4291 §2.6.1, RFC 6164 §6). Lazy: a /64 has 2^64.
 */
export function hosts(p: Ipv4Prefix): Generator<Ipv4, void>
export function hosts(p: Ipv6Prefix): Generator<Ipv6, void>
export function hosts(p: Prefix): Generator<IpAddress, void>
export function* hosts(p: Prefix): Generator<IpAddress, void> {
  const network = networkAddress(p)
  const few = p.length > (isIpv4(network) ? 30 : 126)
  const broadcast = isIpv4(network) && broadcastAddress(p as Ipv4Prefix)
  let a: IpAddress | undefined = few ? network : nextIp(network)
  for (; a !== undefined && prefixContains(p, a) && a !== broadcast; a = nextIp(a)) yield a
}
