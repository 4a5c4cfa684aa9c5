import { type Ipv6, ipv6Equals, isIpv6Any, isIpv6LinkLocal, isIpv6Multicast, readIpv6, writeIpv6 } from '@fata/addr'
import { putU16, putU32, u16, u32 } from '@fata/bytes'
import {
  encodeIcmpv6,
  ICMPV6_HEADER_LEN,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_NEIGHBOR_SOLICITATION,
  ICMPV6_REDIRECT,
  ICMPV6_ROUTER_ADVERTISEMENT,
  ICMPV6_ROUTER_SOLICITATION,
} from './icmpv6.ts'
import {
  decodeNdOptions,
  encodeNdOptions,
  type MalformedNdOptions,
  type NdOptions,
  ndOptionsLength,
} from './nd-options.ts'
import { type Preference, preferenceBits, preferenceOf } from './preference.ts'

const ROUTER = 0x80000000
const SOLICITED = 0x40000000
const OVERRIDE = 0x20000000
const MANAGED = 0x80
const OTHER = 0x40

/** RFC 4861 §4.1. */
export interface RouterSolicitation {
  readonly kind: 'router-solicitation'
  readonly options: NdOptions
}

/** RFC 4861 §4.2, with the preference of RFC 4191 §2.2. */
export interface RouterAdvertisement {
  readonly kind: 'router-advertisement'
  /** 0: unspecified. */
  readonly curHopLimit: number
  /** Addresses by DHCPv6. */
  readonly managed: boolean
  /** Other configuration by DHCPv6. */
  readonly other: boolean
  readonly preference: Preference
  /** Seconds; 0: not a default router. */
  readonly routerLifetime: number
  /** Milliseconds; 0: unspecified. */
  readonly reachableTime: number
  /** Milliseconds; 0: unspecified. */
  readonly retransTimer: number
  readonly options: NdOptions
}

/** RFC 4861 §4.3. */
export interface NeighborSolicitation {
  readonly kind: 'neighbor-solicitation'
  readonly target: Ipv6
  readonly options: NdOptions
}

/** RFC 4861 §4.4. */
export interface NeighborAdvertisement {
  readonly kind: 'neighbor-advertisement'
  readonly router: boolean
  readonly solicited: boolean
  readonly override: boolean
  readonly target: Ipv6
  readonly options: NdOptions
}

/** RFC 4861 §4.5. */
export interface Redirect {
  readonly kind: 'redirect'
  readonly target: Ipv6
  readonly destination: Ipv6
  readonly options: NdOptions
}

/** A Neighbor Discovery message. */
export type NdMessage =
  | RouterSolicitation
  | RouterAdvertisement
  | NeighborSolicitation
  | NeighborAdvertisement
  | Redirect

/** Why a message fails the validity checks of RFC 4861 §6.1, §7.1, §8.1. */
export type MalformedNd =
  | MalformedNdOptions
  | 'nd-too-short'
  | 'nd-bad-hop-limit'
  | 'nd-bad-code'
  | 'nd-bad-source'
  | 'nd-bad-destination'
  | 'nd-bad-target'
  | 'nd-solicited-multicast'
  | 'nd-unspecified-with-link-layer'

/** What the validity checks need of the IPv6 header. */
export interface NdContext {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly hopLimit: number
}

/** One of the five types. */
export function isNd(type: number): boolean {
  return type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT
}

/**
 * Reads the message at `b[o..end)`, whose ICMPv6 header has been decoded (so that there are 8 bytes) and is of a type for which `isNd`
 * holds. What it returns passed every validity check but that of redirects against the first-hop router. Never throws.
 */
export function decodeNd(b: Uint8Array, o: number, end: number, context: NdContext): NdMessage | MalformedNd {
  if (context.hopLimit !== 255) return 'nd-bad-hop-limit'
  if (b[o + 1] !== 0) return 'nd-bad-code'
  switch (b[o]) {
    case ICMPV6_ROUTER_SOLICITATION:
      return decodeRouterSolicitation(b, o, end, context)
    case ICMPV6_ROUTER_ADVERTISEMENT:
      return decodeRouterAdvertisement(b, o, end, context)
    case ICMPV6_NEIGHBOR_SOLICITATION:
      return decodeNeighborSolicitation(b, o, end, context)
    case ICMPV6_NEIGHBOR_ADVERTISEMENT:
      return decodeNeighborAdvertisement(b, o, end, context)
    default:
      return decodeRedirect(b, o, end, context)
  }
}

function decodeRouterSolicitation(b: Uint8Array, o: number, end: number, { src }: NdContext): NdMessage | MalformedNd {
  const options = decodeNdOptions(b, o + ICMPV6_HEADER_LEN, end)
  if (typeof options === 'string') return options
  if (isIpv6Any(src) && options.sourceLinkLayer !== undefined) return 'nd-unspecified-with-link-layer'
  return { kind: 'router-solicitation', options }
}

function decodeRouterAdvertisement(b: Uint8Array, o: number, end: number, { src }: NdContext): NdMessage | MalformedNd {
  if (end - o < 16) return 'nd-too-short'
  if (!isIpv6LinkLocal(src)) return 'nd-bad-source'
  const options = decodeNdOptions(b, o + 16, end)
  if (typeof options === 'string') return options
  return {
    kind: 'router-advertisement',
    curHopLimit: b[o + 4]!,
    managed: (b[o + 5]! & MANAGED) !== 0,
    other: (b[o + 5]! & OTHER) !== 0,
    // RFC 4191 §2.2: the reserved value is to be treated as medium.
    preference: preferenceOf(b[o + 5]!) ?? 'medium',
    routerLifetime: u16(b, o + 6),
    reachableTime: u32(b, o + 8),
    retransTimer: u32(b, o + 12),
    options,
  }
}

function decodeNeighborSolicitation(
  b: Uint8Array,
  o: number,
  end: number,
  { src, dst }: NdContext,
): NdMessage | MalformedNd {
  if (end - o < 24) return 'nd-too-short'
  const target = readIpv6(b, o + 8)
  if (isIpv6Multicast(target)) return 'nd-bad-target'
  const options = decodeNdOptions(b, o + 24, end)
  if (typeof options === 'string') return options
  if (isIpv6Any(src)) {
    if (!isSolicitedNode(dst)) return 'nd-bad-destination'
    if (options.sourceLinkLayer !== undefined) return 'nd-unspecified-with-link-layer'
  }
  return { kind: 'neighbor-solicitation', target, options }
}

/** ff02::1:ff00:0/104, RFC 4291 §2.7.1. */
function isSolicitedNode(a: Ipv6): boolean {
  return a.w0 === (0xff020000 | 0) && a.w1 === 0 && a.w2 === 1 && a.w3 >>> 24 === 0xff
}

function decodeNeighborAdvertisement(
  b: Uint8Array,
  o: number,
  end: number,
  { dst }: NdContext,
): NdMessage | MalformedNd {
  if (end - o < 24) return 'nd-too-short'
  const target = readIpv6(b, o + 8)
  if (isIpv6Multicast(target)) return 'nd-bad-target'
  const flags = u32(b, o + 4)
  const solicited = (flags & SOLICITED) !== 0
  if (solicited && isIpv6Multicast(dst)) return 'nd-solicited-multicast'
  const options = decodeNdOptions(b, o + 24, end)
  if (typeof options === 'string') return options
  return {
    kind: 'neighbor-advertisement',
    router: (flags & ROUTER) !== 0,
    solicited,
    override: (flags & OVERRIDE) !== 0,
    target,
    options,
  }
}

function decodeRedirect(b: Uint8Array, o: number, end: number, { src }: NdContext): NdMessage | MalformedNd {
  if (end - o < 40) return 'nd-too-short'
  if (!isIpv6LinkLocal(src)) return 'nd-bad-source'
  const target = readIpv6(b, o + 8)
  const destination = readIpv6(b, o + 24)
  if (isIpv6Multicast(destination)) return 'nd-bad-destination'
  if (!isIpv6LinkLocal(target) && !ipv6Equals(target, destination)) return 'nd-bad-target'
  const options = decodeNdOptions(b, o + 40, end)
  return typeof options === 'string' ? options : { kind: 'redirect', target, destination, options }
}

/** Bytes that `encodeNd` writes. */
export function ndLength(message: NdMessage): number {
  return FIXED[message.kind] + ndOptionsLength(message.options)
}

const FIXED: Record<NdMessage['kind'], number> = {
  'router-solicitation': 8,
  'router-advertisement': 16,
  'neighbor-solicitation': 24,
  'neighbor-advertisement': 24,
  redirect: 40,
}

/** Writes the message at `b[o..)`, with a checksum of 0 (see `finishIcmpv6`), and returns where it ends. */
export function encodeNd(b: Uint8Array, o: number, message: NdMessage): number {
  switch (message.kind) {
    case 'router-solicitation':
      encodeIcmpv6(b, o, { type: ICMPV6_ROUTER_SOLICITATION, code: 0, rest: 0 })
      break
    case 'router-advertisement':
      encodeRouterAdvertisement(b, o, message)
      break
    case 'neighbor-solicitation':
      encodeIcmpv6(b, o, { type: ICMPV6_NEIGHBOR_SOLICITATION, code: 0, rest: 0 })
      writeIpv6(b, o + 8, message.target)
      break
    case 'neighbor-advertisement':
      encodeIcmpv6(b, o, { type: ICMPV6_NEIGHBOR_ADVERTISEMENT, code: 0, rest: advertisementFlags(message) })
      writeIpv6(b, o + 8, message.target)
      break
    case 'redirect':
      encodeIcmpv6(b, o, { type: ICMPV6_REDIRECT, code: 0, rest: 0 })
      writeIpv6(b, o + 8, message.target)
      writeIpv6(b, o + 24, message.destination)
      break
    default:
      message satisfies never
  }
  return encodeNdOptions(b, o + FIXED[message.kind], message.options)
}

function advertisementFlags({ router, solicited, override }: NeighborAdvertisement): number {
  return (router ? ROUTER : 0) | (solicited ? SOLICITED : 0) | (override ? OVERRIDE : 0)
}

function encodeRouterAdvertisement(b: Uint8Array, o: number, m: RouterAdvertisement): void {
  encodeIcmpv6(b, o, { type: ICMPV6_ROUTER_ADVERTISEMENT, code: 0, rest: 0 })
  b[o + 4] = m.curHopLimit
  b[o + 5] = (m.managed ? MANAGED : 0) | (m.other ? OTHER : 0) | preferenceBits(m.preference)
  putU16(b, o + 6, m.routerLifetime)
  putU32(b, o + 8, m.reachableTime)
  putU32(b, o + 12, m.retransTimer)
}
