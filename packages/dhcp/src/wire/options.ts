import type { Ipv4 } from '@fata/addr'
import type { DhcpOption } from './option.ts'
import {
  address,
  addresses,
  codes,
  type DhcpRoute,
  integer16,
  name,
  names,
  opaque,
  routes,
  seconds,
  text,
} from './values.ts'

/** RFC 2132 §3 */
export const OPTION_SUBNET_MASK: DhcpOption<Ipv4> = address(1)
export const OPTION_ROUTERS: DhcpOption<readonly Ipv4[]> = addresses(3)
export const OPTION_DNS_SERVERS: DhcpOption<readonly Ipv4[]> = addresses(6)
export const OPTION_HOST_NAME: DhcpOption<string> = name(12)
export const OPTION_DOMAIN_NAME: DhcpOption<string> = name(15)
/** RFC 2132 §5 */
export const OPTION_MTU: DhcpOption<number> = integer16(26, 68)
export const OPTION_BROADCAST_ADDRESS: DhcpOption<Ipv4> = address(28)
/** RFC 2132 §8.3 */
export const OPTION_NTP_SERVERS: DhcpOption<readonly Ipv4[]> = addresses(42)
/** RFC 2132 §9 */
export const OPTION_REQUESTED_ADDRESS: DhcpOption<Ipv4> = address(50)
export const OPTION_LEASE_TIME: DhcpOption<number> = seconds(51)
export const OPTION_SERVER_ID: DhcpOption<Ipv4> = address(54)
export const OPTION_PARAMETERS: DhcpOption<readonly number[]> = codes(55)
export const OPTION_MESSAGE: DhcpOption<string> = text(56)
export const OPTION_MAX_MESSAGE_SIZE: DhcpOption<number> = integer16(57, 576)
export const OPTION_RENEWAL_TIME: DhcpOption<number> = seconds(58)
export const OPTION_REBINDING_TIME: DhcpOption<number> = seconds(59)
export const OPTION_VENDOR_CLASS: DhcpOption<string> = text(60)
export const OPTION_CLIENT_ID: DhcpOption<Uint8Array> = opaque(61, 2)
/** RFC 3046: what a relay agent adds, and gets back. */
export const OPTION_RELAY_AGENT: DhcpOption<Uint8Array> = opaque(82, 2)
/** RFC 3397 */
export const OPTION_DOMAIN_SEARCH: DhcpOption<readonly string[]> = names(119)
/** RFC 3442 */
export const OPTION_CLASSLESS_ROUTES: DhcpOption<readonly DhcpRoute[]> = routes(121)
