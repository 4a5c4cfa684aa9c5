import { type Ipv6, type Ipv6Prefix, type Mac, readIpv6, readMac, writeIpv6, writeMac } from '@fata/addr'
import { copyBytes, putU16, putU32, u32, zeroBytes } from '@fata/bytes'
import { decodeDomainNames, domainNamesLength, encodeDomainNames } from './domain-names.ts'
import { type Preference, preferenceBits, preferenceOf } from './preference.ts'

/**
 * Options of Neighbor Discovery messages: a type, a length in units of 8 bytes, a body. RFC 4861 §4.6, RFC 4191 §2.3,
 * RFC 8106 §5, RFC 3971 §5.3.2 (nonce).
 */
const SOURCE_LINK_LAYER = 1
const TARGET_LINK_LAYER = 2
const PREFIX_INFORMATION = 3
const REDIRECTED_HEADER = 4
const MTU = 5
const NONCE = 14
const ROUTE_INFORMATION = 24
const RECURSIVE_DNS_SERVERS = 25
const DNS_SEARCH_LIST = 31

const ON_LINK = 0x80
const AUTONOMOUS = 0x40

/** A lifetime that never ends, in seconds on the wire. */
export const INFINITE_LIFETIME = 0xffffffff

/** RFC 4861 §4.6.2. Lifetimes in seconds; `INFINITE_LIFETIME` for ever. */
export interface PrefixInformation {
  readonly prefix: Ipv6Prefix
  readonly onLink: boolean
  readonly autonomous: boolean
  readonly validLifetime: number
  readonly preferredLifetime: number
}

/** RFC 4191 §2.3. */
export interface RouteInformation {
  readonly prefix: Ipv6Prefix
  readonly preference: Preference
  readonly lifetime: number
}

/** RFC 8106 §5.1. */
export interface RecursiveDnsServers {
  readonly servers: readonly Ipv6[]
  readonly lifetime: number
}

/** RFC 8106 §5.2. */
export interface DnsSearchList {
  readonly domains: readonly string[]
  readonly lifetime: number
}

/** The options of one message that this host knows; absent ones are undefined or empty. */
export interface NdOptions {
  sourceLinkLayer?: Mac | undefined
  targetLinkLayer?: Mac | undefined
  mtu?: number | undefined
  nonce?: Uint8Array | undefined
  /** The beginning of the redirected packet. */
  redirectedHeader?: Uint8Array | undefined
  prefixes?: readonly PrefixInformation[] | undefined
  routes?: readonly RouteInformation[] | undefined
  dnsServers?: readonly RecursiveDnsServers[] | undefined
  dnsSearchLists?: readonly DnsSearchList[] | undefined
}

/** Why the options make the whole message invalid. An option with a body that makes no sense is skipped like an unknown one. */
export type MalformedNdOptions = 'nd-option-length-zero' | 'nd-option-truncated'

/** Reads the options at `b[o..end)`. Never throws. Of an option that may stand once, the first counts. */
export function decodeNdOptions(b: Uint8Array, o: number, end: number): NdOptions | MalformedNdOptions {
  const options: NdOptions = {}
  for (let at = o; at < end; ) {
    if (end - at < 2) return 'nd-option-truncated'
    const length = b[at + 1]! * 8
    if (length === 0) return 'nd-option-length-zero'
    if (length > end - at) return 'nd-option-truncated'
    decodeOption(options, b, at, length)
    at += length
  }
  return options
}

function decodeOption(options: NdOptions, b: Uint8Array, at: number, length: number): void {
  switch (b[at]!) {
    case SOURCE_LINK_LAYER:
      if (length === 8) options.sourceLinkLayer ??= readMac(b, at + 2)
      break
    case TARGET_LINK_LAYER:
      if (length === 8) options.targetLinkLayer ??= readMac(b, at + 2)
      break
    case PREFIX_INFORMATION:
      if (length === 32 && b[at + 2]! <= 128) options.prefixes = append(options.prefixes, decodePrefix(b, at))
      break
    case REDIRECTED_HEADER:
      options.redirectedHeader ??= b.slice(at + 8, at + length)
      break
    case MTU:
      if (length === 8) options.mtu ??= u32(b, at + 4)
      break
    case NONCE:
      options.nonce ??= b.slice(at + 2, at + length)
      break
    case ROUTE_INFORMATION: {
      const route = decodeRoute(b, at, length)
      if (route !== undefined) options.routes = append(options.routes, route)
      break
    }
    case RECURSIVE_DNS_SERVERS:
      if (length >= 24 && length % 16 === 8) options.dnsServers = append(options.dnsServers, decodeDns(b, at, length))
      break
    case DNS_SEARCH_LIST: {
      const domains = decodeDomainNames(b, at + 8, at + length)
      if (domains !== undefined) {
        options.dnsSearchLists = append(options.dnsSearchLists, { domains, lifetime: u32(b, at + 4) })
      }
      break
    }
    default:
  }
}

function append<T>(list: readonly T[] | undefined, item: T): readonly T[] {
  const items = (list ?? []) as T[]
  items.push(item)
  return items
}

function decodePrefix(b: Uint8Array, at: number): PrefixInformation {
  return {
    prefix: { address: readIpv6(b, at + 16), length: b[at + 2]! },
    onLink: (b[at + 3]! & ON_LINK) !== 0,
    autonomous: (b[at + 3]! & AUTONOMOUS) !== 0,
    validLifetime: u32(b, at + 4),
    preferredLifetime: u32(b, at + 8),
  }
}

/** An address that may stand there in part. */
const scratch = new Uint8Array(16)

function decodeRoute(b: Uint8Array, at: number, length: number): RouteInformation | undefined {
  const bits = b[at + 2]!
  const preference = preferenceOf(b[at + 3]!)
  if (preference === undefined || bits > 128 || length > 24 || length < routeLength(bits)) return undefined
  scratch.fill(0)
  copyBytes(scratch, 0, b, at + 8, at + length)
  return { prefix: { address: readIpv6(scratch, 0), length: bits }, preference, lifetime: u32(b, at + 4) }
}

function decodeDns(b: Uint8Array, at: number, length: number): RecursiveDnsServers {
  const servers: Ipv6[] = []
  for (let o = at + 8; o < at + length; o += 16) servers.push(readIpv6(b, o))
  return { servers, lifetime: u32(b, at + 4) }
}

/** Bytes that `encodeNdOptions` writes. */
export function ndOptionsLength(options: NdOptions): number {
  let length = 0
  if (options.sourceLinkLayer !== undefined) length += 8
  if (options.targetLinkLayer !== undefined) length += 8
  if (options.mtu !== undefined) length += 8
  if (options.nonce !== undefined) length += padded(2 + options.nonce.length)
  if (options.redirectedHeader !== undefined) length += padded(8 + options.redirectedHeader.length)
  length += 32 * (options.prefixes?.length ?? 0)
  for (const { prefix } of options.routes ?? []) length += routeLength(prefix.length)
  for (const { servers } of options.dnsServers ?? []) length += 8 + 16 * servers.length
  for (const { domains } of options.dnsSearchLists ?? []) length += padded(8 + domainNamesLength(domains))
  return length
}

function padded(n: number): number {
  return (n + 7) & ~7
}

function routeLength(bits: number): number {
  return bits === 0 ? 8 : bits <= 64 ? 16 : 24
}

/** Writes the options at `b[o..)` and returns where they end. Bodies that do not fill their last 8 bytes are padded with zeros. */
export function encodeNdOptions(b: Uint8Array, o: number, options: NdOptions): number {
  let at = o
  if (options.sourceLinkLayer !== undefined) at = encodeMac(b, at, SOURCE_LINK_LAYER, options.sourceLinkLayer)
  if (options.targetLinkLayer !== undefined) at = encodeMac(b, at, TARGET_LINK_LAYER, options.targetLinkLayer)
  if (options.mtu !== undefined) at = begin(b, at, MTU, 8, options.mtu)
  if (options.nonce !== undefined) {
    const length = padded(2 + options.nonce.length)
    begin(b, at, NONCE, length, 0)
    copyBytes(b, at + 2, options.nonce)
    at += length
  }
  if (options.redirectedHeader !== undefined) {
    const length = padded(8 + options.redirectedHeader.length)
    begin(b, at, REDIRECTED_HEADER, length, 0)
    copyBytes(b, at + 8, options.redirectedHeader)
    at += length
  }
  for (const prefix of options.prefixes ?? []) at = encodePrefix(b, at, prefix)
  for (const route of options.routes ?? []) at = encodeRoute(b, at, route)
  for (const { servers, lifetime } of options.dnsServers ?? []) {
    const end = begin(b, at, RECURSIVE_DNS_SERVERS, 8 + 16 * servers.length, lifetime)
    for (const [i, server] of servers.entries()) writeIpv6(b, at + 8 + 16 * i, server)
    at = end
  }
  for (const { domains, lifetime } of options.dnsSearchLists ?? []) {
    const end = begin(b, at, DNS_SEARCH_LIST, padded(8 + domainNamesLength(domains)), lifetime)
    encodeDomainNames(b, at + 8, domains)
    at = end
  }
  return at
}

/** Writes type, length, two bytes of zeros, `rest`, and zeros up to the end, which is returned. */
function begin(b: Uint8Array, at: number, type: number, length: number, rest: number): number {
  zeroBytes(b, at, at + length)
  b[at] = type
  b[at + 1] = length / 8
  putU32(b, at + 4, rest)
  return at + length
}

function encodeMac(b: Uint8Array, at: number, type: number, address: Mac): number {
  putU16(b, at, (type << 8) | 1)
  writeMac(b, at + 2, address)
  return at + 8
}

function encodePrefix(b: Uint8Array, at: number, info: PrefixInformation): number {
  const end = begin(b, at, PREFIX_INFORMATION, 32, info.validLifetime)
  b[at + 2] = info.prefix.length
  b[at + 3] = (info.onLink ? ON_LINK : 0) | (info.autonomous ? AUTONOMOUS : 0)
  putU32(b, at + 8, info.preferredLifetime)
  writeIpv6(b, at + 16, info.prefix.address)
  return end
}

function encodeRoute(b: Uint8Array, at: number, info: RouteInformation): number {
  const length = routeLength(info.prefix.length)
  const end = begin(b, at, ROUTE_INFORMATION, length, info.lifetime)
  b[at + 2] = info.prefix.length
  b[at + 3] = preferenceBits(info.preference)
  writeIpv6(scratch, 0, info.prefix.address)
  copyBytes(b, at + 8, scratch, 0, length - 8)
  return end
}
