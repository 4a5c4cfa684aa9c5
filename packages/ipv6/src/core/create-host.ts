import { type Ipv6, type Ipv6Prefix, ipv6Equals } from '@fata/addr'
import { TokenBucket } from '@fata/ip'
import type { Random } from '@fata/runtime'
import type { Settings } from '../options.ts'
import { Addresses, samePrefix } from './addresses.ts'
import { DestinationCache } from './destination-cache.ts'
import { ExpiringList } from './expiring-list.ts'
import type { Host, Ipv6Out, Ipv6Stats, LinkFacts } from './host.ts'
import { InterfaceIds } from './interface-id.ts'
import { Mld } from './mld.ts'
import { NeighborCache } from './neighbor-cache.ts'
import { Outbox } from './outbox.ts'
import { Pings } from './pings.ts'
import { Reassembly } from './reassembly.ts'
import { RouterSolicitation } from './router-solicitation.ts'
import { Routes } from './routes.ts'

/** Puts the parts of a host together. `secret` is the key of opaque interface identifiers. */
export function createHost(
  settings: Settings,
  link: LinkFacts,
  random: Random,
  secret: Uint8Array,
  stats: Ipv6Stats,
): Host {
  const s = settings
  const transmits = s.dupAddrDetectTransmits ?? (link.mac === undefined ? 0 : 1)
  return {
    settings,
    link,
    random,
    stats,
    out: new Outbox<Ipv6Out>(),
    ids: new InterfaceIds({ mac: link.mac, name: s.zone }, s.interfaceIds, secret),
    addresses: new Addresses(
      { transmits, probesAfterLoop: s.maxMulticastSolicit, announcements: s.unsolicitedAdvertisements },
      random,
      s.retransTimerMs,
    ),
    neighbors: new NeighborCache(s, random, stats.unsent),
    routes: new Routes(s),
    prefixes: new ExpiringList<Ipv6Prefix>(s.maxPrefixes, samePrefix),
    dnsServers: new ExpiringList<Ipv6>(s.maxDnsServers, ipv6Equals),
    searchDomains: new ExpiringList<string>(s.maxSearchDomains, (a, b) => a === b),
    destinations: new DestinationCache(s, random),
    solicitation: new RouterSolicitation(
      { initialMs: s.routerSolicitationMs, maxMs: s.maxRouterSolicitationMs },
      random,
    ),
    mld: new Mld(
      {
        robustness: s.mldRobustness,
        unsolicitedReportIntervalMs: s.unsolicitedReportIntervalMs,
        maxGroups: s.maxGroups,
      },
      random,
    ),
    reassembly: new Reassembly(
      {
        maxBytes: s.reassemblyBytes,
        maxBytesPerSource: s.reassemblyBytesPerSource,
        maxPackets: s.maxIncomplete,
        maxFragments: s.maxFragments,
        timeoutMs: s.reassemblyTimeoutMs,
      },
      stats.dropped,
    ),
    pings: new Pings(),
    errors: new TokenBucket(s.icmpErrorsPerSecond, s.icmpErrorBurst),
    generation: 0,
    hopLimit: s.hopLimit,
    advertisedMtu: Number.POSITIVE_INFINITY,
    managed: false,
    otherConfiguration: false,
    linkLocalTries: 0,
    disabled: false,
  }
}
