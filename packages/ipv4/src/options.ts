import { MAX_SOURCES } from './core/igmp-records.ts'

/** How an IPv4 layer behaves. Times are milliseconds. */
export interface Ipv4Options {
  /** Time to live of packets whose writer names none, 1..255. Default 64. */
  readonly ttl?: number
  /** The same of multicast packets, RFC 1112 §6.1. Default 1. */
  readonly multicastTtl?: number
  /** Packets to a joined group are delivered here as well, RFC 1112 §6.1. Default true. */
  readonly multicastLoopback?: boolean
  /** Takes packets to any unicast address, and sends from any: for transparent proxies and gateways. Default false. */
  readonly transparent?: boolean
  /** Takes packets that came by a source route, once it is completed. Default false: they are dropped (RFC 7126 §4.3). */
  readonly acceptSourceRoutes?: boolean
  /** Follows ICMP redirects of the gateway in use, RFC 1122 §3.2.2.2. Default true. */
  readonly acceptRedirects?: boolean
  /** Answers ICMP echo requests. Default true. */
  readonly answerEcho?: boolean
  /** Tells multicast routers about joined groups, RFC 3376. Default true. */
  readonly igmp?: boolean

  /** ICMP errors sent per second on the average; 0 sends none. Default 100. */
  readonly icmpErrorsPerSecond?: number
  /** ICMP errors sent at once after a quiet time. Default 50. */
  readonly icmpErrorBurst?: number

  /** Payload bytes of incomplete datagrams; beyond it the least recently used is dropped. Default 262144. */
  readonly reassemblyBytes?: number
  /** The share of one source. Default 131072. */
  readonly reassemblyBytesPerSource?: number
  /** Fragments that one datagram may have waiting; one more may complete it. Default 16. */
  readonly maxFragments?: number
  /** Incomplete datagrams. Default 256. */
  readonly maxDatagrams?: number
  /** From a datagram's first fragment to its last. Default 10000. */
  readonly reassemblyTimeoutMs?: number

  /** Destinations whose path MTU is remembered; beyond it the oldest is forgotten. Default 1024. */
  readonly maxPathMtus?: number
  /** After this a larger path MTU is tried, RFC 1191 §6.3; Infinity for never. Default 600000. */
  readonly pathMtuLifetimeMs?: number
  /** Path MTUs below are not believed, 68..; packets go out without DF there, at this size. Default 552. */
  readonly minPathMtu?: number

  /** Packets that wait for one next hop; beyond it the oldest is dropped. Default 16. */
  readonly pendingPerHop?: number
  /** Next hops for which packets wait; beyond it the oldest one's packets are dropped. Default 64. */
  readonly pendingHops?: number
  /** Bytes of all waiting packets; beyond it the oldest are dropped. Default 262144. */
  readonly pendingBytes?: number
  /** Bytes of packets on their way to this host itself; beyond it new ones are dropped. Default 4194304. */
  readonly loopbackBytes?: number

  /** A gateway that did not answer is avoided that long where another route leads on, RFC 1122 §3.3.1.4. Default 60000. */
  readonly deadGatewayMs?: number
  /** Destinations with a redirect; beyond it the oldest is forgotten. Default 256. */
  readonly maxRedirects?: number
  /** A redirect is forgotten after this. Default 600000. */
  readonly redirectLifetimeMs?: number
  /** Own addresses. Default 256. */
  readonly maxAddresses?: number
  /** Routes, those of the addresses included. Default 1024. */
  readonly maxRoutes?: number
  /** Joined groups. Default 256. */
  readonly maxGroups?: number
  /** Sources that the filters of one group name together, 1..134. Default 64. */
  readonly maxSources?: number
  /** Pings under way. Default 1024. */
  readonly maxPings?: number
}

/** All options, with their defaults. */
export type Settings = Readonly<Required<Ipv4Options>>

export const defaults: Settings = Object.freeze({
  ttl: 64,
  multicastTtl: 1,
  multicastLoopback: true,
  transparent: false,
  acceptSourceRoutes: false,
  acceptRedirects: true,
  answerEcho: true,
  igmp: true,
  icmpErrorsPerSecond: 100,
  icmpErrorBurst: 50,
  reassemblyBytes: 262_144,
  reassemblyBytesPerSource: 131_072,
  maxFragments: 16,
  maxDatagrams: 256,
  reassemblyTimeoutMs: 10_000,
  maxPathMtus: 1024,
  pathMtuLifetimeMs: 600_000,
  minPathMtu: 552,
  pendingPerHop: 16,
  pendingHops: 64,
  pendingBytes: 262_144,
  loopbackBytes: 4_194_304,
  deadGatewayMs: 60_000,
  maxRedirects: 256,
  redirectLifetimeMs: 600_000,
  maxAddresses: 256,
  maxRoutes: 1024,
  maxGroups: 256,
  maxSources: 64,
  maxPings: 1024,
})

type Check = (value: unknown) => boolean
const positive: Check = (v) => Number.isInteger(v) && (v as number) >= 1
const atLeast =
  (least: number): Check =>
  (v) =>
    Number.isInteger(v) && (v as number) >= least
const duration: Check = (v) => typeof v === 'number' && v > 0
const within =
  (least: number, most: number): Check =>
  (v) =>
    Number.isInteger(v) && (v as number) >= least && (v as number) <= most

/** Allowed values of the options that are numbers; the others are booleans. */
const numbers: Readonly<Record<string, readonly [Check, string]>> = {
  ttl: [within(1, 255), 'in 1..255'],
  multicastTtl: [within(1, 255), 'in 1..255'],
  icmpErrorsPerSecond: [(v) => typeof v === 'number' && v >= 0 && Number.isFinite(v), '0 or more'],
  icmpErrorBurst: [positive, '1 or more'],
  reassemblyBytes: [positive, '1 or more'],
  reassemblyBytesPerSource: [positive, '1 or more'],
  maxFragments: [positive, '1 or more'],
  maxDatagrams: [positive, '1 or more'],
  reassemblyTimeoutMs: [duration, 'more than 0'],
  maxPathMtus: [positive, '1 or more'],
  pathMtuLifetimeMs: [duration, 'more than 0'],
  minPathMtu: [within(68, 65535), 'in 68..65535'],
  pendingPerHop: [positive, '1 or more'],
  pendingHops: [positive, '1 or more'],
  pendingBytes: [positive, '1 or more'],
  loopbackBytes: [atLeast(65535), '65535 or more'],
  deadGatewayMs: [duration, 'more than 0'],
  maxRedirects: [positive, '1 or more'],
  redirectLifetimeMs: [duration, 'more than 0'],
  maxAddresses: [positive, '1 or more'],
  maxRoutes: [positive, '1 or more'],
  maxGroups: [positive, '1 or more'],
  maxSources: [within(1, MAX_SOURCES), `in 1..${MAX_SOURCES}`],
  maxPings: [positive, '1 or more'],
}

/** Fills in the defaults. Throws a TypeError on an unknown option or a wrong type, a RangeError on a value that makes no sense. */
export function settings(options: Ipv4Options = {}): Settings {
  const all: Record<string, unknown> = { ...defaults }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    const wanted = typeof all[name]
    if (wanted === 'undefined') throw new TypeError(`no such option: ${name}`)
    if (wanted !== typeof value) throw new TypeError(`${name} must be a ${wanted}, got ${typeof value}`)
    const check = numbers[name]
    if (check !== undefined && !check[0](value))
      throw new RangeError(`${name} must be ${check[1]}, got ${String(value)}`)
    all[name] = value
  }
  return all as unknown as Settings
}
