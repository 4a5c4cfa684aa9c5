import type { Endpoint, IpAddress } from '@fata/addr'
import { parseName } from './wire/name.ts'

/** How a resolver behaves. Times are milliseconds. */
export interface ResolverOptions {
  /** Whom to ask, the preferred one first; port 53 where only an address is given. Default: nobody, see `Resolver.setServers`. */
  readonly servers?: readonly (Endpoint | IpAddress)[]
  /** Domains that `lookup` appends to names; at most 32. Default: none. */
  readonly search?: readonly string[]
  /** Names with at least so many dots are tried as they are before they are with a domain, 0..15. Default 1. */
  readonly ndots?: number
  /** Wait for one server's answer; it doubles with each round over the servers. Default 2000. */
  readonly timeoutMs?: number
  /** Rounds over the servers, 1..10. Default 3. */
  readonly tries?: number
  /** Wait for an answer over TCP, the connection included. Default 5000. */
  readonly tcpTimeoutMs?: number
  /** A server that did not answer is asked after the others for so long. Default 30 000. */
  readonly penaltyMs?: number
  /** Bytes that are taken by UDP, 512..65535; 512 means no EDNS. Default 1232: fits every path of IPv6. */
  readonly udpPayloadBytes?: number
  /** Mixes the case of names, for servers to give back: harder to forge, too hard for some servers. Default false. */
  readonly mixCase?: boolean
  /** Answers that are kept, negative ones included, 0..65536; the least recently used gives way. Default 1024. */
  readonly cacheEntries?: number
  /** Longest time that an answer is kept, 0..604 800 000. Default a day. */
  readonly maxTtlMs?: number
  /** Longest time that a negative answer is kept (RFC 2308 §5). Default 15 minutes. */
  readonly maxNegativeTtlMs?: number
  /** Aliases (CNAME) that are followed, 0..64. Default 16. */
  readonly maxAliases?: number
  /** Questions under way, 1..65536. Default 256. */
  readonly maxQueries?: number
  /** Callers that wait, 1..65536. Default 4096. */
  readonly maxLookups?: number
}

/** Every option with its value. */
export interface ResolverSettings extends Required<Omit<ResolverOptions, 'servers'>> {
  readonly servers: readonly Endpoint[]
}

type Counts = Omit<ResolverSettings, 'servers' | 'search' | 'mixCase'>

export const defaults: ResolverSettings = Object.freeze({
  servers: [],
  search: [],
  ndots: 1,
  timeoutMs: 2000,
  tries: 3,
  tcpTimeoutMs: 5000,
  penaltyMs: 30_000,
  udpPayloadBytes: 1232,
  mixCase: false,
  cacheEntries: 1024,
  maxTtlMs: 86_400_000,
  maxNegativeTtlMs: 900_000,
  maxAliases: 16,
  maxQueries: 256,
  maxLookups: 4096,
})

const HOUR_MS = 3_600_000
const WEEK_MS = 604_800_000
const MAX_SEARCH = 32
const DNS_PORT = 53

const LIMITS: Readonly<Record<keyof Counts, readonly [number, number]>> = {
  ndots: [0, 15],
  timeoutMs: [1, HOUR_MS],
  tries: [1, 10],
  tcpTimeoutMs: [1, HOUR_MS],
  penaltyMs: [0, HOUR_MS],
  udpPayloadBytes: [512, 65535],
  cacheEntries: [0, 65536],
  maxTtlMs: [0, WEEK_MS],
  maxNegativeTtlMs: [0, WEEK_MS],
  maxAliases: [0, 64],
  maxQueries: [1, 65536],
  maxLookups: [1, 65536],
}

/** Fills in the defaults. Throws a RangeError that names what is out of range, a TypeError for what is no domain. */
export function settings(options: ResolverOptions): ResolverSettings {
  const s = { ...defaults, ...options }
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = s[name as keyof Counts]
    if (!(Number.isInteger(value) && value >= least && value <= most))
      throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${String(value)}`)
  }
  return { ...s, servers: serverList(s.servers), search: searchList(s.search) }
}

/** Servers as endpoints. Throws a RangeError for a port that is none. */
export function serverList(servers: readonly (Endpoint | IpAddress)[]): Endpoint[] {
  return servers.map((server) => {
    const { address, port } =
      typeof server === 'number' || !('address' in server) ? { address: server, port: DNS_PORT } : server
    if (!(Number.isInteger(port) && port >= 1 && port <= 65535))
      throw new RangeError(`the port of a server must be an integer in 1..65535, got ${String(port)}`)
    return { address, port }
  })
}

/** Throws a TypeError for what is no domain, a RangeError for too many. */
export function searchList(search: readonly string[]): readonly string[] {
  if (search.length > MAX_SEARCH) throw new RangeError(`search must have at most ${MAX_SEARCH} domains`)
  for (const domain of search) if (parseName(domain) === undefined) throw new TypeError(`not a domain: '${domain}'`)
  return search.map((domain) => domain.replace(/(?<!\\)\.$/, ''))
}
