import { type Ipv6, ipv6Equals, ipv6MulticastScope, isIpv6LinkLocal, isIpv6Loopback, isIpv6Multicast } from '@fata/addr'
import { isUsable, type OwnAddress } from './addresses.ts'

// Source address selection, RFC 6724 §5: rules 1, 2, 3, 5.5, 6, 7 and 8. Rule 4 is about home addresses, of which there are none; rule 5
// about several interfaces, of which there is one.

/** Scopes are numbered as those of multicast addresses, RFC 6724 §3.1. */
const LINK_LOCAL_SCOPE = 2
const SITE_LOCAL_SCOPE = 5
const GLOBAL_SCOPE = 14

/** The default policy table of RFC 6724 §2.1: prefix, bits, label, longest prefixes first. */
const LABELS: readonly (readonly [w0: number, w1: number, w2: number, w3: number, bits: number, label: number])[] = [
  [0, 0, 0, 1, 128, 0],
  [0, 0, 0xffff, 0, 96, 4],
  [0, 0, 0, 0, 96, 3],
  [0x20010000, 0, 0, 0, 32, 5],
  [0x20020000, 0, 0, 0, 16, 2],
  [0x3ffe0000, 0, 0, 0, 16, 12],
  [0xfec00000 | 0, 0, 0, 0, 10, 11],
  [0xfc000000 | 0, 0, 0, 0, 7, 13],
]
const DEFAULT_LABEL = 1

/** Leading bits that two addresses have in common. */
function commonBits(
  a: Ipv6,
  b: { readonly w0: number; readonly w1: number; readonly w2: number; readonly w3: number },
): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0)
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1)
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2)
  return 96 + Math.clz32(a.w3 ^ b.w3)
}

function labelOf(a: Ipv6): number {
  for (const [w0, w1, w2, w3, bits, label] of LABELS) if (commonBits(a, { w0, w1, w2, w3 }) >= bits) return label
  return DEFAULT_LABEL
}

function scopeOf(a: Ipv6): number {
  if (isIpv6Multicast(a)) return ipv6MulticastScope(a)
  if (isIpv6LinkLocal(a) || isIpv6Loopback(a)) return LINK_LOCAL_SCOPE
  return a.w0 >>> 22 === 0x3fb ? SITE_LOCAL_SCOPE : GLOBAL_SCOPE
}

/** Positive where `a` is preferred as a source for `dst` through the router `via`, negative for `b`, 0 for a tie. */
function compare(a: OwnAddress, b: OwnAddress, dst: Ipv6, via: Ipv6 | undefined): number {
  const prefer = (first: boolean, second: boolean): number => Number(first) - Number(second)
  return (
    prefer(ipv6Equals(a.address, dst), ipv6Equals(b.address, dst)) ||
    compareScopes(scopeOf(a.address), scopeOf(b.address), scopeOf(dst)) ||
    prefer(a.state.kind === 'preferred', b.state.kind === 'preferred') ||
    prefer(isAdvertisedBy(a, via), isAdvertisedBy(b, via)) ||
    prefer(labelOf(a.address) === labelOf(dst), labelOf(b.address) === labelOf(dst)) ||
    prefer(a.origin === 'temporary', b.origin === 'temporary') ||
    matchingBits(a, dst) - matchingBits(b, dst)
  )
}

/** Rule 2. */
function compareScopes(a: number, b: number, dst: number): number {
  if (a === b) return 0
  return a < b ? (a < dst ? -1 : 1) : b < dst ? 1 : -1
}

/** Rule 5.5. */
function isAdvertisedBy(own: OwnAddress, via: Ipv6 | undefined): boolean {
  return own.router !== undefined && via !== undefined && ipv6Equals(own.router, via)
}

/** Rule 8; RFC 6724 §2.2 counts no bits beyond the source's prefix. */
function matchingBits(own: OwnAddress, dst: Ipv6): number {
  return Math.min(commonBits(own.address, dst), own.prefixLength)
}

/**
 * The source for packets to `dst`, which go through the router `via` where that is defined; undefined where no address will do: none is
 * usable, or only link-local ones, whose packets a router may not forward (RFC 4291 §2.5.6). Of equals, the first one.
 */
export function selectSource(
  candidates: readonly OwnAddress[],
  dst: Ipv6,
  via: Ipv6 | undefined,
): OwnAddress | undefined {
  let best: OwnAddress | undefined
  for (const own of candidates) {
    if (!isUsable(own)) continue
    if (via !== undefined && isIpv6LinkLocal(own.address)) continue
    if (best === undefined || compare(own, best, dst, via) > 0) best = own
  }
  return best
}
