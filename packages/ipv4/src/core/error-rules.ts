import { IPV4_BROADCAST, type Ipv4, isIpv4Loopback, isIpv4Multicast, isIpv4Reserved } from '@fata/addr'
import { PROTOCOL_ICMP } from '@fata/ip'
import { type Ipv4Header, isIcmpQuery } from '../wire.ts'

/** Why no ICMP error is sent about a packet. */
export type ErrorRule = 'group' | 'not-first-fragment' | 'source-not-a-host' | 'about-icmp-error' | 'rate-limit'

/** `a` names one host: RFC 1122 §3.2.2. Directed broadcasts are the caller's to know. */
export function isSingleHost(a: Ipv4): boolean {
  return !(a >>> 24 === 0 || isIpv4Loopback(a) || isIpv4Multicast(a) || isIpv4Reserved(a) || a === IPV4_BROADCAST)
}

/**
 * Whether RFC 1122 §3.2.2 forbids an ICMP error about the packet with header `h` at `b[off..end)`. `group`: it came to a multicast or
 * broadcast address of IP or the link layer.
 */
export function forbidsError(
  h: Ipv4Header,
  b: Uint8Array,
  off: number,
  end: number,
  group: boolean,
): ErrorRule | undefined {
  if (group) return 'group'
  if (h.fragmentOffset !== 0) return 'not-first-fragment'
  // What comes by a link has no loopback source (RFC 1122 §3.2.1.3); what this host sends to itself may.
  if (!isSingleHost(h.src) && !isIpv4Loopback(h.src)) return 'source-not-a-host'
  if (h.protocol !== PROTOCOL_ICMP) return undefined
  const type = off + h.headerLength
  return type >= end || !isIcmpQuery(b[type]!) ? 'about-icmp-error' : undefined
}
