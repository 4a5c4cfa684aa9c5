import { type Ipv6, type Ipv6Prefix, isIpv6Any, isIpv6Loopback, isIpv6Multicast } from '@fata/addr'
import type { InterfaceIdScheme } from './core/interface-id.ts'
import { MAX_SOURCES } from './core/mld-records.ts'

/** How an IPv6 layer behaves. Times are milliseconds. */
export interface Ipv6Options {
  /** Own addresses beside the link-local one, each with the length of the prefix that is on the link. Default: none. */
  readonly addresses?: readonly Ipv6Prefix[]
  /** Default router, preferred to those that advertise themselves. Default: none. */
  readonly gateway?: Ipv6
  /** Name of the link, as in `fe80::1%tap0`: link-local addresses that are received carry it, others are refused. Default '': any is accepted. */
  readonly zone?: string

  /** Hop limit of packets whose writer names none, 1..255; routers may advertise another. Default 64. */
  readonly hopLimit?: number
  /** The same of multicast packets. Default 1. */
  readonly multicastHopLimit?: number
  /** Packets to a joined group are delivered here as well. Default true. */
  readonly multicastLoopback?: boolean
  /** Takes packets to any unicast address, and sends from any: for transparent proxies and gateways. Default false. */
  readonly transparent?: boolean
  /** Answers ICMPv6 echo requests. Default true. */
  readonly answerEcho?: boolean
  /** Follows redirects of the router in use, RFC 4861 §8.3. Default true. */
  readonly acceptRedirects?: boolean
  /** Learns routers, prefixes, MTU and name servers from router advertisements, and solicits them. Default true. */
  readonly acceptRouterAdvertisements?: boolean
  /** Makes addresses in advertised prefixes, RFC 4862 §5.5. Default true. */
  readonly autoconfigure?: boolean
  /** How these addresses and the link-local one end: opaque and stable (RFC 7217), or with the MAC address. Default 'stable-opaque'. */
  readonly interfaceIds?: InterfaceIdScheme
  /**
   * Key of the opaque identifiers, 16 bytes, to be kept to oneself: together with `zone`, or with the MAC address where that is '', it makes
   * the same addresses in the same prefixes. Default: random, other addresses with every start.
   */
  readonly secret?: Uint8Array
  /**
   * Makes temporary addresses beside the stable ones and prefers them as sources, RFC 8981: in every advertised prefix, or only in those
   * that lie in one of these. Default false.
   */
  readonly temporaryAddresses?: boolean | readonly Ipv6Prefix[]
  /** TEMP_PREFERRED_LIFETIME: a temporary address gives way to a new one in less. Default one day. */
  readonly temporaryPreferredLifetimeMs?: number
  /** TEMP_VALID_LIFETIME: it is gone after this; longer than the other. Default two days. */
  readonly temporaryValidLifetimeMs?: number
  /** Uses autoconfigured addresses before it is sure that nobody else has them, RFC 4429. Default false. */
  readonly optimisticDad?: boolean
  /** Tells multicast routers and switches about joined groups, RFC 3810. Default true. */
  readonly mld?: boolean

  /** Probes of Duplicate Address Detection, RFC 4862 §5.1; 0 for none. Default 1; on a link without addresses 0. */
  readonly dupAddrDetectTransmits?: number
  /** Random delay before the first message, at most: MAX_RTR_SOLICITATION_DELAY. Default 1000. */
  readonly maxStartDelayMs?: number
  /** Further addresses that are tried when an opaque one is taken: IDGEN_RETRIES of RFC 7217 §7. Default 3. */
  readonly idgenRetries?: number
  /** Random delay before each, at most: IDGEN_DELAY. Default 1000. */
  readonly idgenDelayMs?: number
  /** Advertisements that tell routers about a new address, RFC 9131; 0 for none. Default 1. */
  readonly unsolicitedAdvertisements?: number

  /** MAX_MULTICAST_SOLICIT of RFC 4861 §10. Default 3. */
  readonly maxMulticastSolicit?: number
  /** MAX_UNICAST_SOLICIT. Default 3. */
  readonly maxUnicastSolicit?: number
  /** DELAY_FIRST_PROBE_TIME. Default 5000. */
  readonly delayFirstProbeMs?: number
  /** BaseReachableTime where routers advertise none. Default 30000. */
  readonly reachableTimeMs?: number
  /** RetransTimer where routers advertise none. Default 1000. */
  readonly retransTimerMs?: number
  /** First interval of router solicitations, RFC 7559. Default 4000. */
  readonly routerSolicitationMs?: number
  /** Their longest interval. Default 3600000. */
  readonly maxRouterSolicitationMs?: number

  /** Neighbors that are remembered; the least recently used is forgotten. Default 512. */
  readonly maxNeighbors?: number
  /** Packets that wait for one neighbor's address; beyond it the oldest is dropped. Default 16. */
  readonly maxQueuedPackets?: number
  /** Bytes that wait for all neighbors; beyond it the oldest for the same neighbor, else the new packet is dropped. Default 262144. */
  readonly maxQueuedBytes?: number
  /** Destinations whose next hop and path MTU are remembered; the least recently used is forgotten. Default 1024. */
  readonly maxDestinations?: number
  /** How long a path MTU is believed; Infinity for ever. Default 600000. */
  readonly pathMtuTimeoutMs?: number
  /** Routers that are learnt; others are ignored. Default 8. */
  readonly maxRouters?: number
  /** Routes, configured ones included; others are ignored. Default 64. */
  readonly maxRoutes?: number
  /** Prefixes on the link; others are ignored. Default 32. */
  readonly maxPrefixes?: number
  /** Own addresses that are configured. Default 256. */
  readonly maxAddresses?: number
  /** Own addresses made of advertised prefixes; others are ignored. Default 16. */
  readonly maxAutoconfigured?: number
  /** Name servers that are learnt; the one that expires first gives way. Default 8. */
  readonly maxDnsServers?: number
  /** Search domains that are learnt; the one that expires first gives way. Default 8. */
  readonly maxSearchDomains?: number

  /** Bytes of incomplete packets; the least recently used is dropped. Default 262144. */
  readonly reassemblyBytes?: number
  /** The share of one source. Default 131072. */
  readonly reassemblyBytesPerSource?: number
  /** Incomplete packets; the least recently used is dropped. Default 256. */
  readonly maxIncomplete?: number
  /** Fragments of one packet; with more it is dropped. Default 64. */
  readonly maxFragments?: number
  /** From a packet's first fragment to its last, RFC 8200 §4.5. Default 60000. */
  readonly reassemblyTimeoutMs?: number

  /** Extension headers of one packet; with more it is dropped, RFC 8504 §5.3. Default 8. */
  readonly maxExtensionHeaders?: number
  /** Options of one header that are no padding. Default 8. */
  readonly maxHeaderOptions?: number
  /** Bytes of padding in a row. Default 7. */
  readonly maxHeaderPadding?: number

  /** ICMPv6 errors sent per second on the average; 0 sends none. Default 100. */
  readonly icmpErrorsPerSecond?: number
  /** ICMPv6 errors sent at once after a quiet time. Default 50. */
  readonly icmpErrorBurst?: number

  /** Robustness Variable of RFC 3810 §9.1. Default 2. */
  readonly mldRobustness?: number
  /** Unsolicited Report Interval of RFC 3810 §9.11. Default 1000. */
  readonly unsolicitedReportIntervalMs?: number
  /** Groups that may be joined. Default 256. */
  readonly maxGroups?: number
  /** Sources that the filter of one group may name, 1..75. Default 64. */
  readonly maxSources?: number

  /** Pings under way. Default 1024. */
  readonly maxPings?: number
  /** Bytes of packets on their way to this host itself; beyond it new ones are dropped. Default 4194304. */
  readonly loopbackBytes?: number
}

type Optional = 'gateway' | 'secret' | 'dupAddrDetectTransmits'

/** All options; those without a constant default may be undefined. */
export type Settings = Readonly<Required<Omit<Ipv6Options, Optional>> & { [K in Optional]: Ipv6Options[K] | undefined }>

export const defaults: Settings = Object.freeze({
  addresses: Object.freeze([]),
  gateway: undefined,
  zone: '',
  hopLimit: 64,
  multicastHopLimit: 1,
  multicastLoopback: true,
  transparent: false,
  answerEcho: true,
  acceptRedirects: true,
  acceptRouterAdvertisements: true,
  autoconfigure: true,
  interfaceIds: 'stable-opaque',
  secret: undefined,
  temporaryAddresses: false,
  temporaryPreferredLifetimeMs: 24 * 3600_000,
  temporaryValidLifetimeMs: 48 * 3600_000,
  optimisticDad: false,
  mld: true,
  dupAddrDetectTransmits: undefined,
  maxStartDelayMs: 1000,
  idgenRetries: 3,
  idgenDelayMs: 1000,
  unsolicitedAdvertisements: 1,
  maxMulticastSolicit: 3,
  maxUnicastSolicit: 3,
  delayFirstProbeMs: 5000,
  reachableTimeMs: 30_000,
  retransTimerMs: 1000,
  routerSolicitationMs: 4000,
  maxRouterSolicitationMs: 3_600_000,
  maxNeighbors: 512,
  maxQueuedPackets: 16,
  maxQueuedBytes: 262_144,
  maxDestinations: 1024,
  pathMtuTimeoutMs: 600_000,
  maxRouters: 8,
  maxRoutes: 64,
  maxPrefixes: 32,
  maxAddresses: 256,
  maxAutoconfigured: 16,
  maxDnsServers: 8,
  maxSearchDomains: 8,
  reassemblyBytes: 262_144,
  reassemblyBytesPerSource: 131_072,
  maxIncomplete: 256,
  maxFragments: 64,
  reassemblyTimeoutMs: 60_000,
  maxExtensionHeaders: 8,
  maxHeaderOptions: 8,
  maxHeaderPadding: 7,
  icmpErrorsPerSecond: 100,
  icmpErrorBurst: 50,
  mldRobustness: 2,
  unsolicitedReportIntervalMs: 1000,
  maxGroups: 256,
  maxSources: 64,
  maxPings: 1024,
  loopbackBytes: 4_194_304,
})

type Check = readonly [check: (value: unknown) => boolean, meaning: string]
const between = (least: number, most: number): Check => [
  (v) => Number.isInteger(v) && (v as number) >= least && (v as number) <= most,
  `an integer in ${least}..${most}`,
]
const atLeast = (least: number): Check => [
  (v) => Number.isInteger(v) && (v as number) >= least,
  `an integer of ${least} or more`,
]
const duration: Check = [(v) => typeof v === 'number' && v > 0, 'more than 0']
const delay: Check = [(v) => typeof v === 'number' && v >= 0 && Number.isFinite(v), '0 or more']
const flag: Check = [(v) => typeof v === 'boolean', 'true or false']

/** What each option must be. */
const CHECKS: { readonly [K in keyof Settings]: Check } = {
  addresses: [(v) => Array.isArray(v) && v.every(isHostPrefix), 'a list of prefixes with the addresses of hosts'],
  gateway: [(v) => isHostAddress(v as Ipv6), 'the address of a host'],
  zone: [(v) => typeof v === 'string' && /^[\w.~-]*$/.test(v), 'a zone name'],
  hopLimit: between(1, 255),
  multicastHopLimit: between(1, 255),
  multicastLoopback: flag,
  transparent: flag,
  answerEcho: flag,
  acceptRedirects: flag,
  acceptRouterAdvertisements: flag,
  autoconfigure: flag,
  interfaceIds: [(v) => v === 'stable-opaque' || v === 'eui-64', "'stable-opaque' or 'eui-64'"],
  secret: [(v) => v instanceof Uint8Array && v.length === 16, '16 bytes'],
  temporaryAddresses: [
    (v) => typeof v === 'boolean' || (Array.isArray(v) && v.every(isPrefix)),
    'true, false, or a list of prefixes',
  ],
  temporaryPreferredLifetimeMs: between(60_000, 2 ** 40),
  temporaryValidLifetimeMs: between(60_000, 2 ** 40),
  optimisticDad: flag,
  mld: flag,
  dupAddrDetectTransmits: between(0, 100),
  maxStartDelayMs: delay,
  idgenRetries: between(0, 100),
  idgenDelayMs: delay,
  unsolicitedAdvertisements: between(0, 3),
  maxMulticastSolicit: between(1, 100),
  maxUnicastSolicit: between(1, 100),
  delayFirstProbeMs: duration,
  reachableTimeMs: duration,
  retransTimerMs: duration,
  routerSolicitationMs: duration,
  maxRouterSolicitationMs: duration,
  maxNeighbors: atLeast(1),
  maxQueuedPackets: atLeast(1),
  maxQueuedBytes: atLeast(1),
  maxDestinations: atLeast(1),
  pathMtuTimeoutMs: duration,
  maxRouters: atLeast(2),
  maxRoutes: atLeast(2),
  maxPrefixes: atLeast(1),
  maxAddresses: atLeast(1),
  maxAutoconfigured: atLeast(0),
  maxDnsServers: atLeast(0),
  maxSearchDomains: atLeast(0),
  reassemblyBytes: atLeast(1500),
  reassemblyBytesPerSource: atLeast(1500),
  maxIncomplete: atLeast(1),
  maxFragments: atLeast(2),
  reassemblyTimeoutMs: duration,
  maxExtensionHeaders: atLeast(0),
  maxHeaderOptions: atLeast(0),
  maxHeaderPadding: atLeast(5),
  icmpErrorsPerSecond: delay,
  icmpErrorBurst: atLeast(1),
  mldRobustness: between(1, 7),
  unsolicitedReportIntervalMs: duration,
  maxGroups: atLeast(1),
  maxSources: between(1, MAX_SOURCES),
  maxPings: atLeast(1),
  loopbackBytes: atLeast(65_575),
}

/** Addresses and prefixes that a host may have. */
export function isHostPrefix(value: Ipv6Prefix): boolean {
  return isPrefix(value) && isHostAddress(value.address)
}

function isPrefix({ address, length }: Ipv6Prefix): boolean {
  return typeof address === 'object' && Number.isInteger(length) && length >= 0 && length <= 128
}

/** A unicast address that is nobody's in particular. */
export function isHostAddress(value: Ipv6): boolean {
  if (typeof value !== 'object' || value === null) return false
  return !(isIpv6Multicast(value) || isIpv6Loopback(value) || isIpv6Any(value))
}

/** Fills in the defaults. Throws a TypeError on an unknown option, a RangeError on a value that makes no sense. */
export function settings(options: Ipv6Options = {}): Settings {
  const all: Record<string, unknown> = { ...defaults }
  for (const [name, value] of Object.entries(options)) {
    const check = (CHECKS as Record<string, Check>)[name]
    if (check === undefined) throw new TypeError(`no such option: ${name}`)
    if (value === undefined) continue
    if (!check[0](value)) throw new RangeError(`${name} must be ${check[1]}, got ${String(value)}`)
    all[name] = value
  }
  const checked = all as unknown as Settings
  if (checked.temporaryPreferredLifetimeMs >= checked.temporaryValidLifetimeMs) {
    throw new RangeError('temporaryPreferredLifetimeMs must be less than temporaryValidLifetimeMs')
  }
  return checked
}
