import { type Ipv6, ipv6FromWords } from './ipv6.ts'
import type { Mac } from './mac.ts'
import { type Ipv6Prefix, prefixOf, withHostPart } from './prefix.ts'

const LINK_LOCAL: Ipv6Prefix = /* @__PURE__ */ prefixOf(/* @__PURE__ */ ipv6FromWords(0xfe800000, 0, 0, 0), 64)

/** The modified EUI-64 interface identifier of `m` (RFC 4291 appendix A) in the low 64 bits, zeros above. */
function interfaceId(m: Mac): Ipv6 {
  const high = Math.floor(m / 0x100_0000)
  return ipv6FromWords(0, 0, ((high ^ 0x020000) << 8) | 0xff, 0xfe000000 | (m & 0xffffff))
}

/** The address in `p` with the modified EUI-64 interface identifier of `m` (RFC 2464 §4). Throws a RangeError unless `p` is a /64. */
export function addressFromMac(p: Ipv6Prefix, m: Mac): Ipv6 {
  if (p.length !== 64) throw new RangeError(`an EUI-64 interface identifier needs a /64 prefix, got /${p.length}`)
  return withHostPart(p, interfaceId(m))
}

/** `fe80::/64` with the modified EUI-64 interface identifier of `m` (RFC 2464 §5). */
export function linkLocalFromMac(m: Mac): Ipv6 {
  return addressFromMac(LINK_LOCAL, m)
}
