import { type IpAddress, type Ipv6Prefix, ipv4Mapped, ipv6Prefix, isIpv4, prefixContains } from '@fata/addr'

/** What RFC 6724 §2.1 knows of a range of addresses. */
export interface Policy {
  readonly prefix: Ipv6Prefix
  readonly precedence: number
  readonly label: number
}

/** The default policy table, RFC 6724 §2.1, longest prefixes first. */
const TABLE: readonly (readonly [string, number, number])[] = [
  ['::1/128', 50, 0],
  ['::ffff:0:0/96', 35, 4],
  ['::/96', 1, 3],
  ['2001::/32', 5, 5],
  ['2002::/16', 30, 2],
  ['3ffe::/16', 1, 12],
  ['fec0::/10', 1, 11],
  ['fc00::/7', 3, 13],
  ['::/0', 40, 1],
]

let policies: readonly Policy[] | undefined

/** The entry of the table for an address; IPv4 addresses are looked up as IPv4-mapped ones. */
export function policyOf(address: IpAddress): Policy {
  policies ??= TABLE.map(([prefix, precedence, label]) => ({ prefix: ipv6Prefix(prefix), precedence, label }))
  const a = isIpv4(address) ? ipv4Mapped(address) : address
  return policies.find((p) => prefixContains(p.prefix, a))!
}
