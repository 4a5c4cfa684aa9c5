import { formatIpv4, type Ipv4, isIpv4Multicast, parseIpv4 } from './ipv4.ts'
import { compareIpv6, type Ipv6, ipv6Equals, ipv6FromWords, isIpv6Any, isIpv6Multicast } from './ipv6.ts'
import { formatIpv6, parseIpv6 } from './ipv6-text.ts'

/** An address of either family: a number is IPv4, an object IPv6. `isIpv4` and `isIpv6` tell them apart. */
export type IpAddress = Ipv4 | Ipv6

/** Narrows to IPv4. */
export function isIpv4(a: IpAddress): a is Ipv4 {
  return typeof a === 'number'
}

/** Narrows to IPv6. */
export function isIpv6(a: IpAddress): a is Ipv6 {
  return typeof a !== 'number'
}

/** An address of either family; undefined on anything else. IPv4-mapped IPv6 addresses stay IPv6. */
export function parseIp(text: string): IpAddress | undefined {
  return parseIpv4(text) ?? parseIpv6(text)
}

/** As `parseIp`; throws a TypeError that quotes the text. */
export function ip(text: string): IpAddress {
  const a = parseIp(text)
  if (a === undefined) throw new TypeError(`not an IP address: '${text}'`)
  return a
}

/** The canonical text form. */
export function formatIp(a: IpAddress): string {
  return isIpv4(a) ? formatIpv4(a) : formatIpv6(a)
}

/** Same family and same bits; zones are not compared. */
export function ipEquals(a: IpAddress, b: IpAddress): boolean {
  return isIpv4(a) || isIpv4(b) ? a === b : ipv6Equals(a, b)
}

/** IPv4 before IPv6, then numeric. */
export function compareIp(a: IpAddress, b: IpAddress): number {
  if (isIpv4(a)) return isIpv4(b) ? a - b : -1
  return isIpv4(b) ? 1 : compareIpv6(a, b)
}

/** A key for Map and Set: equal for equal addresses, whatever their zone. */
export function ipKey(a: IpAddress): number | string {
  return isIpv4(a)
    ? a
    : String.fromCharCode(
        a.w0 >>> 16,
        a.w0 & 0xffff,
        a.w1 >>> 16,
        a.w1 & 0xffff,
        a.w2 >>> 16,
        a.w2 & 0xffff,
        a.w3 >>> 16,
        a.w3 & 0xffff,
      )
}

/** A multicast address of its family. */
export function isMulticast(a: IpAddress): boolean {
  return isIpv4(a) ? isIpv4Multicast(a) : isIpv6Multicast(a)
}

/** 0.0.0.0 or `::`. */
export function isUnspecified(a: IpAddress): boolean {
  return isIpv4(a) ? a === 0 : isIpv6Any(a)
}

/** The numerically next address; undefined behind the last one. */
export function nextIp(a: Ipv4): Ipv4 | undefined
export function nextIp(a: Ipv6): Ipv6 | undefined
export function nextIp(a: IpAddress): IpAddress | undefined
export function nextIp(a: IpAddress): IpAddress | undefined {
  if (isIpv4(a)) return a === 0xffffffff ? undefined : ((a + 1) as Ipv4)
  const w3 = (a.w3 + 1) | 0
  const w2 = w3 === 0 ? (a.w2 + 1) | 0 : a.w2
  const w1 = w3 === 0 && w2 === 0 ? (a.w1 + 1) | 0 : a.w1
  const w0 = w3 === 0 && w2 === 0 && w1 === 0 ? (a.w0 + 1) | 0 : a.w0
  return (w0 | w1 | w2 | w3) === 0 ? undefined : ipv6FromWords(w0, w1, w2, w3, a.zone)
}
