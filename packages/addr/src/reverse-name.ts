import { type IpAddress, isIpv4 } from './ip.ts'
import { formatIpv4 } from './ipv4.ts'

/** The domain name under which DNS keeps the names of an address: RFC 1035 §3.5, RFC 3596 §2.5. No dot at the end. */
export function reverseName(a: IpAddress): string {
  if (isIpv4(a)) return `${formatIpv4(a).split('.').reverse().join('.')}.in-addr.arpa`
  const digits = [a.w0, a.w1, a.w2, a.w3].map((w) => (w >>> 0).toString(16).padStart(8, '0')).join('')
  return `${[...digits].reverse().join('.')}.ip6.arpa`
}
