import { putU32, u32 } from '@fata/bytes'
import type { Ipv4 } from './ipv4.ts'

/**
 * An IPv6 address: four words of 32 bits as signed numbers (small integers in V8), most significant first, and a zone
 * (RFC 4007 §11; '' for none), as in `fe80::1%eth0`. Immutable. Compare with `ipv6Equals`.
 */
export interface Ipv6 {
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number
  readonly zone: string
}

/** Any 32-bit words, signed or not. */
export function ipv6FromWords(w0: number, w1: number, w2: number, w3: number, zone = ''): Ipv6 {
  return { w0: w0 | 0, w1: w1 | 0, w2: w2 | 0, w3: w3 | 0, zone }
}

/** `::` */
export const IPV6_ANY: Ipv6 = /* @__PURE__ */ ipv6FromWords(0, 0, 0, 0)
/** `::1` */
export const IPV6_LOOPBACK: Ipv6 = /* @__PURE__ */ ipv6FromWords(0, 0, 0, 1)
/** `ff02::1` */
export const IPV6_ALL_NODES: Ipv6 = /* @__PURE__ */ ipv6FromWords(0xff020000, 0, 0, 1)
/** `ff02::2` */
export const IPV6_ALL_ROUTERS: Ipv6 = /* @__PURE__ */ ipv6FromWords(0xff020000, 0, 0, 2)

/** The 16 bytes at `b[o..o+16)`. */
export function readIpv6(b: Uint8Array, o: number, zone = ''): Ipv6 {
  return ipv6FromWords(u32(b, o), u32(b, o + 4), u32(b, o + 8), u32(b, o + 12), zone)
}

/** Writes 16 bytes at `b[o..o+16)`. */
export function writeIpv6(b: Uint8Array, o: number, a: Ipv6): void {
  putU32(b, o, a.w0)
  putU32(b, o + 4, a.w1)
  putU32(b, o + 8, a.w2)
  putU32(b, o + 12, a.w3)
}

/** Same 128 bits; zones are not compared, since packets carry none. */
export function ipv6Equals(a: Ipv6, b: Ipv6): boolean {
  return a === b || (a.w3 === b.w3 && a.w2 === b.w2 && a.w1 === b.w1 && a.w0 === b.w0)
}

/** Numeric order: negative, 0 or positive. */
export function compareIpv6(a: Ipv6, b: Ipv6): number {
  return (
    (a.w0 >>> 0) - (b.w0 >>> 0) ||
    (a.w1 >>> 0) - (b.w1 >>> 0) ||
    (a.w2 >>> 0) - (b.w2 >>> 0) ||
    (a.w3 >>> 0) - (b.w3 >>> 0)
  )
}

/** The same address in another zone. */
export function withZone(a: Ipv6, zone: string): Ipv6 {
  return ipv6FromWords(a.w0, a.w1, a.w2, a.w3, zone)
}

/** `::` (RFC 4291 §2.5.2). */
export function isIpv6Any(a: Ipv6): boolean {
  return (a.w0 | a.w1 | a.w2 | a.w3) === 0
}

/** `::1` (RFC 4291 §2.5.3). */
export function isIpv6Loopback(a: Ipv6): boolean {
  return (a.w0 | a.w1 | a.w2) === 0 && a.w3 === 1
}

/** ff00::/8 (RFC 4291 §2.7). */
export function isIpv6Multicast(a: Ipv6): boolean {
  return a.w0 >>> 24 === 0xff
}

/** fe80::/10 (RFC 4291 §2.5.6). */
export function isIpv6LinkLocal(a: Ipv6): boolean {
  return a.w0 >>> 22 === 0x3fa
}

/** fc00::/7 (RFC 4193 §3.1). */
export function isIpv6UniqueLocal(a: Ipv6): boolean {
  return a.w0 >>> 25 === 0x7e
}

/** ::ffff:0:0/96 (RFC 4291 §2.5.5.2). */
export function isIpv4Mapped(a: Ipv6): boolean {
  return (a.w0 | a.w1) === 0 && a.w2 === 0xffff
}

/** ::ffff:a.b.c.d, how an IPv6 interface shows an IPv4 address (RFC 4291 §2.5.5.2). */
export function ipv4Mapped(a: Ipv4): Ipv6 {
  return ipv6FromWords(0, 0, 0xffff, a)
}

/** The IPv4 address of an IPv4-mapped one; undefined for any other. */
export function unmapIpv4(a: Ipv6): Ipv4 | undefined {
  return isIpv4Mapped(a) ? ((a.w3 >>> 0) as Ipv4) : undefined
}

/** The scope field of a multicast address (RFC 4291 §2.7): 1 interface, 2 link, 5 site, 8 organization, 14 global. */
export function ipv6MulticastScope(a: Ipv6): number {
  return (a.w0 >>> 16) & 15
}

/** The solicited-node multicast address (RFC 4291 §2.7.1). */
export function solicitedNode(a: Ipv6): Ipv6 {
  return ipv6FromWords(0xff020000, 0, 1, 0xff000000 | (a.w3 & 0xffffff))
}
