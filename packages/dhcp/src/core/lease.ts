import { type Ipv4, isIpv4Loopback, isIpv4Multicast, isIpv4Reserved, netmaskLength, prefixOf } from '@fata/addr'
import type { DhcpMessage } from '../wire/message.ts'
import { getOption } from '../wire/option.ts'
import {
  OPTION_CLASSLESS_ROUTES,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_NAME,
  OPTION_DOMAIN_SEARCH,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_MTU,
  OPTION_NTP_SERVERS,
  OPTION_REBINDING_TIME,
  OPTION_RENEWAL_TIME,
  OPTION_ROUTERS,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
} from '../wire/options.ts'
import type { DhcpRoute } from '../wire/values.ts'

/** What a server tells a host about its network. Lists are empty where it says nothing. */
export interface DhcpConfiguration {
  /** Who says so. */
  readonly server: Ipv4
  /** Of the subnet mask, 0..32. That of the address's class where the server gives none. */
  readonly prefixLength: number
  /**
   * Ways beyond the own network, in order of preference. Those of RFC 3442 where the server gives any, and then no others; else a default
   * route by each router.
   */
  readonly routes: readonly DhcpRoute[]
  readonly dnsServers: readonly Ipv4[]
  readonly domainName: string | undefined
  readonly domainSearch: readonly string[]
  readonly ntpServers: readonly Ipv4[]
  readonly mtu: number | undefined
  readonly hostName: string | undefined
  /** Every option by its code, for what is not above; see `getOption` of `@fata/dhcp/wire`. */
  readonly options: ReadonlyMap<number, Uint8Array>
}

/** An address for a time. */
export interface DhcpLease extends DhcpConfiguration {
  readonly address: Ipv4
  /** Times of the clock's `now()`; Infinity for never. From `renewAt` on the client asks its server, from `rebindAt` on any. */
  readonly renewAt: number
  readonly rebindAt: number
  readonly expiresAt: number
}

/** Why an offer or acknowledgement is no good, though well-formed. */
export type LeaseRefusal = 'no-server-id' | 'bad-address' | 'bad-mask' | 'no-lease-time' | 'short-lease'

/** RFC 2131 §4.4.5 */
const T1_SHARE = 0.5
const T2_SHARE = 0.875

/** Whoever has the server renew all the time is kept to this pace. */
const LEAST_T1_S = 60

const DEFAULT_ROUTE = prefixOf(0 as Ipv4, 0)

/** What a message says to the host with `address`. */
export function readConfiguration(m: DhcpMessage, address: Ipv4): DhcpConfiguration | LeaseRefusal {
  const { options } = m
  const server = getOption(options, OPTION_SERVER_ID)
  if (server === undefined || server === 0) return 'no-server-id'
  const mask = getOption(options, OPTION_SUBNET_MASK)
  const prefixLength = mask === undefined ? classLength(address) : netmaskLength(mask)
  if (prefixLength === undefined || prefixLength === 0) return 'bad-mask'
  const routers = getOption(options, OPTION_ROUTERS) ?? []
  return {
    server,
    prefixLength,
    routes:
      getOption(options, OPTION_CLASSLESS_ROUTES) ?? routers.map((gateway) => ({ prefix: DEFAULT_ROUTE, gateway })),
    dnsServers: getOption(options, OPTION_DNS_SERVERS) ?? [],
    domainName: getOption(options, OPTION_DOMAIN_NAME),
    domainSearch: getOption(options, OPTION_DOMAIN_SEARCH) ?? [],
    ntpServers: getOption(options, OPTION_NTP_SERVERS) ?? [],
    mtu: getOption(options, OPTION_MTU),
    hostName: getOption(options, OPTION_HOST_NAME),
    options,
  }
}

/** The lease that a DHCPOFFER or DHCPACK gives, counted from `since`, when it was asked for (RFC 2131 §4.4.1). */
export function readLease(m: DhcpMessage, since: number, shortestS: number): DhcpLease | LeaseRefusal {
  const address = m.yiaddr
  if (!isHost(address)) return 'bad-address'
  const configuration = readConfiguration(m, address)
  if (typeof configuration === 'string') return configuration
  const seconds = getOption(m.options, OPTION_LEASE_TIME)
  if (seconds === undefined) return 'no-lease-time'
  if (seconds < shortestS) return 'short-lease'
  const [t1, t2] = renewalTimes(m, seconds)
  return {
    ...configuration,
    address,
    renewAt: since + t1 * 1000,
    rebindAt: since + t2 * 1000,
    expiresAt: since + seconds * 1000,
  }
}

/** T1 and T2 in seconds: the server's, unless they come in another order than they must (RFC 2131 §4.4.5). */
function renewalTimes({ options }: DhcpMessage, lease: number): readonly [number, number] {
  const t1 = Math.max(getOption(options, OPTION_RENEWAL_TIME) ?? T1_SHARE * lease, LEAST_T1_S)
  const t2 = getOption(options, OPTION_REBINDING_TIME) ?? T2_SHARE * lease
  return t1 < t2 && t2 < lease ? [t1, t2] : [T1_SHARE * lease, T2_SHARE * lease]
}

/** Whether `a` can be the address of one host. */
export function isHost(a: Ipv4): boolean {
  return a >>> 24 !== 0 && !isIpv4Multicast(a) && !isIpv4Loopback(a) && !isIpv4Reserved(a) && a !== 0xffffffff
}

/** The prefix length of an address's class, RFC 791 §3.2. */
function classLength(a: Ipv4): number {
  return a >>> 31 === 0 ? 8 : a >>> 30 === 2 ? 16 : 24
}
