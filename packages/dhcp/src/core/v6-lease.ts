import { type Ipv6, ipv6Equals, isIpv6Any, isIpv6LinkLocal, isIpv6Loopback, isIpv6Multicast } from '@fata/addr'
import type { V6Message } from '../wire/v6-message.ts'
import { getV6Option, type V6Option } from '../wire/v6-option-list.ts'
import {
  OPTION_V6_DNS_SERVERS,
  OPTION_V6_DOMAIN_SEARCH,
  OPTION_V6_IA_NA,
  OPTION_V6_REFRESH_TIME,
  OPTION_V6_SERVER_ID,
} from '../wire/v6-options.ts'
import type { IaAddress, IaNa } from '../wire/v6-values.ts'

/** What a server tells a host about its network. Lists are empty where it says nothing. */
export interface Dhcpv6Configuration {
  /** DUID of who says so. */
  readonly server: Uint8Array
  readonly dnsServers: readonly Ipv6[]
  readonly domainSearch: readonly string[]
  /** Every option, for what is not above; see `getV6Option` of `@fata/dhcp/wire`. */
  readonly options: readonly V6Option[]
}

/** The answer to an Information-request. */
export interface Dhcpv6Information extends Dhcpv6Configuration {
  /** When to ask again, a time of the clock's `now()`; Infinity for never (RFC 8415 §21.23). */
  readonly refreshAt: number
}

/** An address with its lifetimes: times of the clock's `now()`, Infinity for ever. It says nothing about what is on the link: a prefix of /128. */
export interface Dhcpv6Address {
  readonly address: Ipv6
  readonly preferredUntil: number
  readonly validUntil: number
}

/** Addresses for a time. */
export interface Dhcpv6Lease extends Dhcpv6Configuration {
  readonly addresses: readonly Dhcpv6Address[]
  /** From `renewAt` on the client asks its server, from `rebindAt` on any; at `expiresAt` no address is valid any more. */
  readonly renewAt: number
  readonly rebindAt: number
  readonly expiresAt: number
}

/** Why a message gives no lease. */
export type V6Refusal = 'no-server-id' | 'no-address' | 'bad-times' | 'short-lease' | 'no-binding'

const NO_BINDING = 3
/** RFC 8415 §21.4 */
const T1_SHARE = 0.5
const T2_SHARE = 0.8
/** Whoever has the server renew all the time is kept to this pace. */
const LEAST_T1_MS = 60_000
/** More than any server gives, and few enough for every message to fit. */
const MOST_ADDRESSES = 16
/** IRT_DEFAULT and IRT_MINIMUM, RFC 8415 §7.6 */
const DEFAULT_REFRESH_S = 86_400
const LEAST_REFRESH_S = 600

export function readV6Configuration({ options }: V6Message): Dhcpv6Configuration | 'no-server-id' {
  const server = getV6Option(options, OPTION_V6_SERVER_ID)
  if (server === undefined) return 'no-server-id'
  return {
    server,
    dnsServers: getV6Option(options, OPTION_V6_DNS_SERVERS) ?? [],
    domainSearch: getV6Option(options, OPTION_V6_DOMAIN_SEARCH) ?? [],
    options,
  }
}

export function readInformation(now: number, m: V6Message): Dhcpv6Information | 'no-server-id' {
  const configuration = readV6Configuration(m)
  if (typeof configuration === 'string') return configuration
  const seconds = getV6Option(m.options, OPTION_V6_REFRESH_TIME) ?? DEFAULT_REFRESH_S
  return { ...configuration, refreshAt: now + Math.max(seconds, LEAST_REFRESH_S) * 1000 }
}

/**
 * The lease that an Advertise or Reply gives for the association `iaid`, counted from `now`. Addresses of `before` that the server does not
 * mention stay as they are, unless they are over (RFC 8415 §18.2.10.1).
 */
export function readV6Lease(
  now: number,
  m: V6Message,
  iaid: number,
  shortestS: number,
  before: readonly Dhcpv6Address[] = [],
): Dhcpv6Lease | V6Refusal {
  const configuration = readV6Configuration(m)
  if (typeof configuration === 'string') return configuration
  const ia = associationOf(m, iaid)
  if (ia?.status?.code === NO_BINDING) return 'no-binding'
  if (ia === undefined || (ia.status !== undefined && ia.status.code !== 0)) return 'no-address'
  if (ia.t1 > ia.t2 && ia.t2 > 0) return 'bad-times'
  const kept = before.filter(
    ({ address, validUntil }) => validUntil > now && !ia.addresses.some((a) => ipv6Equals(a.address, address)),
  )
  const addresses = [...ia.addresses.filter(isUsable).map((a) => timed(now, a)), ...kept].slice(0, MOST_ADDRESSES)
  if (ia.addresses.length === 0 || addresses.length === 0) return 'no-address'
  const times = leaseTimes(now, ia, addresses)
  return times.expiresAt - now < shortestS * 1000 ? 'short-lease' : { ...configuration, addresses, ...times }
}

/** The association in a message, as the server has it. */
export function associationOf(m: V6Message, iaid: number): IaNa | undefined {
  for (const { code, value } of m.options) {
    const ia = code === OPTION_V6_IA_NA.code ? OPTION_V6_IA_NA.decode(value) : undefined
    if (ia?.iaid === iaid) return ia
  }
  return undefined
}

/** §21.6: an address that is preferred longer than valid is no good; one with a valid lifetime of 0 is over. */
function isUsable({ address, preferred, valid, status }: IaAddress): boolean {
  if (valid === 0 || preferred > valid || (status !== undefined && status.code !== 0)) return false
  return !isIpv6Any(address) && !isIpv6Multicast(address) && !isIpv6Loopback(address) && !isIpv6LinkLocal(address)
}

function timed(now: number, { address, preferred, valid }: IaAddress): Dhcpv6Address {
  return { address, preferredUntil: now + preferred * 1000, validUntil: now + valid * 1000 }
}

function leaseTimes(
  now: number,
  { t1, t2 }: IaNa,
  addresses: readonly Dhcpv6Address[],
): Pick<Dhcpv6Lease, 'renewAt' | 'rebindAt' | 'expiresAt'> {
  const expiresAt = Math.max(...addresses.map(({ validUntil }) => validUntil))
  const preferred = addresses.map(({ preferredUntil }) => preferredUntil).filter((at) => at > now)
  const shortest = (preferred.length > 0 ? Math.min(...preferred) : expiresAt) - now
  const rebindAt = Math.min(now + (t2 === 0 ? T2_SHARE * shortest : Math.max(t2, t1) * 1000), expiresAt)
  const least = Math.min(LEAST_T1_MS, T1_SHARE * shortest)
  const renewAt = now + Math.max(t1 === 0 ? T1_SHARE * shortest : t1 * 1000, least)
  return { renewAt: Math.min(renewAt, rebindAt), rebindAt, expiresAt }
}

/** Whether the server ends every address of the lease, by a valid lifetime of 0. */
export function isWithdrawn(m: V6Message, iaid: number, lease: Dhcpv6Lease): boolean {
  const ended = associationOf(m, iaid)?.addresses.filter(({ valid }) => valid === 0) ?? []
  return lease.addresses.every((a) => ended.some(({ address }) => ipv6Equals(address, a.address)))
}
