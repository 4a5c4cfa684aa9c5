import { type IpAddress, isIpv4 } from './ip.ts'
import { type Ipv4, isIpv4LinkLocal, isIpv4Loopback, isIpv4Multicast } from './ipv4.ts'
import { ipv6MulticastScope, isIpv6LinkLocal, isIpv6Loopback, isIpv6Multicast, unmapIpv4 } from './ipv6.ts'
import { type Prefix, prefix, prefixContains } from './prefix.ts'

/** Multicast scopes, RFC 4291 §2.7 and RFC 7346; unicast ones are mapped to them by RFC 6724 §3.1. */
const LINK_LOCAL = 2
const REALM_LOCAL = 3
const SITE_LOCAL = 5
const ORGANIZATION = 8
const GLOBAL = 14

/**
 * How far an address reaches, as a multicast scope value (RFC 4291 §2.7): 2 link, 5 site, 8 organization, 14 global. Unicast addresses
 * by RFC 6724 §3.1 and §3.2, where private and unique local ones are global and loopback is link; IPv4 multicast by RFC 2365 §6 and
 * RFC 5771 §4; IPv4-mapped addresses as the IPv4 address.
 */
export function ipScope(a: IpAddress): number {
  if (isIpv4(a)) return ipv4Scope(a)
  if (isIpv6Multicast(a)) return ipv6MulticastScope(a)
  if (isIpv6LinkLocal(a) || isIpv6Loopback(a)) return LINK_LOCAL
  if (a.w0 >>> 22 === 0x3fb) return SITE_LOCAL
  const mapped = unmapIpv4(a)
  return mapped === undefined ? GLOBAL : ipv4Scope(mapped)
}

function ipv4Scope(a: Ipv4): number {
  if (isIpv4LinkLocal(a) || isIpv4Loopback(a)) return LINK_LOCAL
  if (!isIpv4Multicast(a)) return GLOBAL
  if (a >>> 8 === 0xe00000) return LINK_LOCAL
  if (a >>> 16 === 0xefff) return REALM_LOCAL
  return a >>> 18 === 0x3bf0 ? ORGANIZATION : GLOBAL
}

// IANA's special-purpose address registries (RFC 6890, RFC 8190): what is globally reachable inside of what is not. Entries that the
// registries call N/A (6to4, Teredo and their relays, ORCHID) are not: nothing says that anybody carries them.
const REACHABLE =
  '192.0.0.9/32 192.0.0.10/32 2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:3::/32 2001:4:112::/48 2001:20::/28 2001:30::/28'
const UNREACHABLE =
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 ' +
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 240.0.0.0/4 ::/127 ::ffff:0:0/96 64:ff9b:1::/48 100::/63 2001::/23 ' +
  '2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10'

let table: readonly [Prefix[], Prefix[]] | undefined

/**
 * The public Internet may carry packets to and from `a`: a unicast address outside of the special-purpose ranges that are not
 * globally reachable (RFC 8190 §2.1), or a multicast address of global scope.
 */
export function isGlobal(a: IpAddress): boolean {
  if (isIpv4(a) ? isIpv4Multicast(a) : isIpv6Multicast(a)) return ipScope(a) === GLOBAL
  table ??= [REACHABLE.split(' ').map(prefix), UNREACHABLE.split(' ').map(prefix)]
  const listed = (prefixes: Prefix[]): boolean => prefixes.some((p) => prefixContains(p, a))
  return listed(table[0]) || !listed(table[1])
}
