import {
  broadcastAddress,
  formatIpv4,
  formatPrefix,
  type Ipv4,
  type Ipv4Prefix,
  type Mac,
  networkAddress,
  prefixContains,
} from '@fata/addr'
import { hex } from '@fata/bytes'
import { requireIntegers } from './check.ts'
import { Bindings, type FixedHost } from './core/bindings.ts'
import { isHost } from './core/lease.ts'
import { AddressPool, type AddressRange } from './core/pool.ts'
import type { ServerCoreSettings } from './core/server.ts'
import { type Subnet, type SubnetConfiguration, subnetOptions } from './core/subnet.ts'
import { OPTION_CLIENT_ID, OPTION_HOST_NAME } from './wire/options.ts'

/** A host that always gets the same address, known by its MAC or by its client identifier, which goes first. */
export interface DhcpHost {
  readonly address: Ipv4
  readonly mac?: Mac
  readonly clientId?: Uint8Array
  /** Told to the host. */
  readonly hostName?: string
}

/** A network whose hosts the server configures. */
export interface DhcpSubnet extends SubnetConfiguration {
  readonly prefix: Ipv4Prefix
  /**
   * What is given to hosts that are not in `hosts`; default every address of the network. Network and broadcast address, the server, the routers
   * and `hosts` are left out by themselves.
   */
  readonly ranges?: readonly AddressRange[]
  readonly hosts?: readonly DhcpHost[]
  /** For hosts that ask for no lease time. Infinity: for ever. Default 3600. */
  readonly leaseSeconds?: number
  /** For those that ask for more. Default 86400, or `leaseSeconds` where that is more. */
  readonly longestLeaseSeconds?: number
}

/** What a server serves and how. */
export interface DhcpServerOptions {
  /** Own address, on the socket's link: the server identifier. */
  readonly address: Ipv4
  /** The network of `address` first of all, and those behind relay agents. They must not overlap. */
  readonly subnets: readonly DhcpSubnet[]
  /** No lease is shorter, in seconds, 10..86400. Default 120. */
  readonly shortestLeaseSeconds?: number
  /** How long an offered address is kept for its client. Default 60 000. */
  readonly offerMs?: number
  /** How long an address is not given away after a client found somebody else there. Default 3 600 000. */
  readonly declineMs?: number
  /**
   * Nobody else serves these networks, so clients that are not known and say that they have an address get it, or a DHCPNAK. Default false: they are
   * not answered, since another server may know them (RFC 2131 §4.3.2).
   */
  readonly authoritative?: boolean
  /** Bindings remembered for each subnet, 1..1048576. What expired first gives way. Default 65536. */
  readonly maxBindings?: number
  /** Answers that may wait for the store, 1..65536. Default 256. */
  readonly maxPendingWrites?: number
  /** Where in the store the bindings are kept. Default `/dhcp/bindings`. */
  readonly storeKey?: string
}

/** Every option with its value. */
export type DhcpServerSettings = Required<DhcpServerOptions>

const DEFAULT_LEASE_SECONDS = 3600
const DEFAULT_LONGEST_LEASE_SECONDS = 86_400

export const serverDefaults: Omit<DhcpServerSettings, 'address' | 'subnets'> = Object.freeze({
  shortestLeaseSeconds: 120,
  offerMs: 60_000,
  declineMs: 3_600_000,
  authoritative: false,
  maxBindings: 65_536,
  maxPendingWrites: 256,
  storeKey: '/dhcp/bindings',
})

const LIMITS = {
  shortestLeaseSeconds: [10, 86_400],
  offerMs: [1000, 3_600_000],
  declineMs: [0, 86_400_000],
  maxBindings: [1, 1_048_576],
  maxPendingWrites: [1, 65_536],
} as const

/** Fills in the defaults. Throws a RangeError or TypeError that says what is wrong. */
export function serverSettings(options: DhcpServerOptions): DhcpServerSettings {
  const s = { ...serverDefaults, ...options }
  requireIntegers<DhcpServerSettings>(s, LIMITS)
  if (!isHost(s.address)) throw new RangeError(`${formatIpv4(s.address)} is not the address of a host`)
  if (s.subnets.length === 0) throw new RangeError('a server needs a subnet')
  s.subnets.forEach(({ prefix }, i) => {
    for (const other of s.subnets.slice(0, i))
      if (prefixContains(prefix, other.prefix.address) || prefixContains(other.prefix, prefix.address))
        throw new RangeError(`${formatPrefix(prefix)} and ${formatPrefix(other.prefix)} overlap`)
  })
  return s
}

/** What the core works with. Throws as `serverSettings`. */
export function coreSettings(s: DhcpServerSettings): ServerCoreSettings {
  return { ...s, subnets: s.subnets.map((subnet) => resolveSubnet(subnet, s)) }
}

function resolveSubnet(subnet: DhcpSubnet, { address, maxBindings, shortestLeaseSeconds }: DhcpServerSettings): Subnet {
  const { prefix, hosts = [], leaseSeconds = DEFAULT_LEASE_SECONDS } = subnet
  const { longestLeaseSeconds = Math.max(leaseSeconds, DEFAULT_LONGEST_LEASE_SECONDS) } = subnet
  requireLease(leaseSeconds, shortestLeaseSeconds, longestLeaseSeconds)
  const network = networkAddress(prefix)
  const broadcast = broadcastAddress(prefix)
  // /31 and /32 have neither network nor broadcast address (RFC 3021).
  const noHosts = broadcast === undefined ? [] : [network, broadcast]
  const fixed = fixedHosts(hosts, prefix, [...noHosts, address])
  const apart = [...noHosts, address, ...(subnet.routers ?? []), ...fixed.map((host) => host.address)]
  const whole = { first: network, last: (network + 2 ** (32 - prefix.length) - 1) as Ipv4 }
  const pool = new AddressPool(checkedRanges(subnet.ranges ?? [whole], prefix), apart)
  return {
    prefix,
    leaseSeconds,
    longestLeaseSeconds,
    options: subnetOptions(prefix, subnet),
    bindings: new Bindings(pool, fixed, maxBindings),
  }
}

function requireLease(seconds: number, shortest: number, longest: number): void {
  const valid = (n: number): boolean => n === Number.POSITIVE_INFINITY || (Number.isInteger(n) && n < 0xffffffff)
  if (!(valid(seconds) && valid(longest) && seconds >= shortest && seconds <= longest))
    throw new RangeError(`leaseSeconds must be in ${shortest}..${longest}, got ${seconds}`)
}

function checkedRanges(ranges: readonly AddressRange[], prefix: Ipv4Prefix): readonly AddressRange[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first)
  sorted.forEach(({ first, last }, i) => {
    const name = `${formatIpv4(first)}-${formatIpv4(last)}`
    if (first > last || !prefixContains(prefix, first) || !prefixContains(prefix, last))
      throw new RangeError(`${name} is not a range of ${formatPrefix(prefix)}`)
    if (i > 0 && sorted[i - 1]!.last >= first) throw new RangeError(`${name} overlaps another range`)
  })
  return sorted
}

function fixedHosts(hosts: readonly DhcpHost[], prefix: Ipv4Prefix, taken: readonly Ipv4[]): readonly FixedHost[] {
  const seen = new Set<Ipv4 | string>(taken)
  return hosts.map(({ address, mac, clientId, hostName }) => {
    const client = clientId && `id:${hex(OPTION_CLIENT_ID.encode(clientId))}`
    if (hostName !== undefined) OPTION_HOST_NAME.encode(hostName)
    const key = client ?? (mac === undefined ? undefined : `mac:${mac}`)
    if (key === undefined) throw new TypeError(`the host ${formatIpv4(address)} needs a mac or a clientId`)
    if (!prefixContains(prefix, address) || seen.has(address) || seen.has(key))
      throw new RangeError(
        `the host ${formatIpv4(address)} is not in ${formatPrefix(prefix)}, or not the only one there`,
      )
    seen.add(address).add(key)
    return { address, mac, client, hostName }
  })
}
