import type { Ipv6 } from '@fata/addr'
import type { DhcpOption } from './option.ts'
import {
  addresses6,
  bytes,
  codes16,
  flag,
  type IaAddress,
  type IaNa,
  iaAddress,
  iaNa,
  number8,
  number16,
  type Status,
  searchList,
  seconds32,
  status,
} from './v6-values.ts'

/** RFC 8415 §21; a DUID has 3 to 130 bytes (§11.1). */
export const OPTION_V6_CLIENT_ID: DhcpOption<Uint8Array> = bytes(1, 3, 130)
export const OPTION_V6_SERVER_ID: DhcpOption<Uint8Array> = bytes(2, 3, 130)
export const OPTION_V6_IA_NA: DhcpOption<IaNa> = iaNa(3)
export const OPTION_V6_IA_ADDRESS: DhcpOption<IaAddress> = iaAddress(5)
export const OPTION_V6_REQUEST: DhcpOption<readonly number[]> = codes16(6)
export const OPTION_V6_PREFERENCE: DhcpOption<number> = number8(7)
/** In hundredths of a second. */
export const OPTION_V6_ELAPSED_TIME: DhcpOption<number> = number16(8)
export const OPTION_V6_STATUS: DhcpOption<Status> = status(13)
export const OPTION_V6_RAPID_COMMIT: DhcpOption<true> = flag(14)
export const OPTION_V6_REFRESH_TIME: DhcpOption<number> = seconds32(32)
export const OPTION_V6_SOL_MAX_RT: DhcpOption<number> = seconds32(82)
export const OPTION_V6_INF_MAX_RT: DhcpOption<number> = seconds32(83)
/** RFC 3646 */
export const OPTION_V6_DNS_SERVERS: DhcpOption<readonly Ipv6[]> = addresses6(23)
export const OPTION_V6_DOMAIN_SEARCH: DhcpOption<readonly string[]> = searchList(24)
