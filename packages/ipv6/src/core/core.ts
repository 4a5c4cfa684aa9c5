import type { Ipv6, Ipv6Prefix } from '@fata/addr'
import { assert } from '@fata/bytes'
import type { SourceFilter } from '@fata/ip'
import type { Core, Random } from '@fata/runtime'
import type { Settings } from '../options.ts'
import { LINK_LOCAL_BITS } from './addresses.ts'
import { createHost } from './create-host.ts'
import type { Destination } from './destination-cache.ts'
import type { Host, Ipv6Out, Ipv6Stats, LinkFacts } from './host.ts'
import { sourceOfReply } from './icmp-errors.ts'
import type { Neighbor } from './neighbor.ts'
import type { Ping } from './pings.ts'
import { Receiver, type Verdict } from './receive.ts'
import { DEFAULT_ROUTE } from './routes.ts'
import { destinationFor, type Unroutable } from './routing.ts'
import { routesChanged, settle } from './settle.ts'

/** One IPv6 host on one link, without I/O: RFC 8504. It has the parts of `host` act on each other. */
export class Ipv6Core implements Core<Ipv6Out> {
  readonly host: Host
  readonly receiver: Receiver
  /** Of the last input. */
  #now = 0

  constructor(settings: Settings, link: LinkFacts, random: Random, secret: Uint8Array, stats: Ipv6Stats) {
    this.host = createHost(settings, link, random, secret, stats)
    this.receiver = new Receiver(this.host)
  }

  /** Begins to acquire the addresses: RFC 4862 §5.3, §5.4. They are tried after one random delay. */
  start(now: number): void {
    this.#now = now
    const { settings, ids, addresses, random, routes } = this.host
    const probeAt = now + (settings.maxStartDelayMs * random.uint32()) / 0x1_0000_0000
    addresses.addConfigured(now, { address: ids.linkLocal, length: LINK_LOCAL_BITS }, 'link-local', probeAt)
    for (const prefix of settings.addresses) {
      if (addresses.get(prefix.address) === undefined) addresses.addConfigured(now, prefix, 'static', probeAt)
    }
    if (settings.gateway !== undefined) routes.addStatic(DEFAULT_ROUTE, settings.gateway)
  }

  /** Adds a configured address, or makes one out of an autoconfigured one. False where there are too many. */
  addAddress(now: number, prefix: Ipv6Prefix, preferredUntil: number, validUntil: number): boolean {
    this.#now = now
    const { addresses, settings } = this.host
    const known = addresses.get(prefix.address)
    if (known !== undefined && known.origin === 'static' && known.prefixLength === prefix.length) {
      addresses.setLifetimes(now, known, preferredUntil, validUntil)
      return true
    }
    if (addresses.list.filter((own) => own.origin === 'static').length >= settings.maxAddresses) return false
    if (known !== undefined) addresses.remove(known)
    addresses.addConfigured(now, prefix, 'static', now, { preferredUntil, validUntil })
    return true
  }

  /** Removes an address, but not the link-local one. Says whether it was there. */
  removeAddress(now: number, address: Ipv6): boolean {
    this.#now = now
    const own = this.host.addresses.get(address)
    if (own === undefined || own.origin === 'link-local') return false
    this.host.addresses.remove(own)
    return true
  }

  /** Adds a configured route. False where there are too many. */
  addRoute(now: number, prefix: Ipv6Prefix, gateway: Ipv6): boolean {
    this.#now = now
    const added = this.host.routes.addStatic(prefix, gateway)
    routesChanged(this.host)
    return added
  }

  /** Removes configured routes. Says whether there were any. */
  removeRoute(now: number, prefix: Ipv6Prefix, gateway: Ipv6 | undefined): boolean {
    this.#now = now
    const removed = this.host.routes.removeStatic(prefix, gateway)
    if (removed) routesChanged(this.host)
    return removed
  }

  /** `membership` wants `group` as `filter` says from here on, or no more. Says why that cannot be; nothing has changed then. */
  setMembership(
    now: number,
    group: Ipv6,
    membership: object,
    filter: SourceFilter | undefined,
  ): 'too-many-groups' | 'too-many-sources' | undefined {
    this.#now = now
    const { mld, settings } = this.host
    if (filter !== undefined) {
      if (mld.isFull && !mld.isMember(group)) return 'too-many-groups'
      if (mld.merge(group, membership, filter).sources.length > settings.maxSources) return 'too-many-sources'
    }
    mld.set(now, group, membership, filter)
    this.host.generation++
    return undefined
  }

  /** An upper layer makes progress with `dst`: RFC 4861 §7.3.1. */
  confirm(now: number, dst: Ipv6): void {
    this.#now = now
    const neighbor = this.host.destinations.get(dst)?.neighbor
    if (neighbor !== undefined) this.host.neighbors.confirm(now, neighbor)
  }

  /** `confirm` would make no difference. Called with every acknowledgement that a transport gets. */
  isConfirmed(now: number, dst: Ipv6): boolean {
    const neighbor = this.host.destinations.get(dst)?.neighbor
    return neighbor === undefined || this.host.neighbors.isFresh(now, neighbor)
  }

  /** Takes leave of every group. */
  close(now: number): void {
    this.#now = now
    this.host.mld.close(now)
  }

  /** The way to `dst`, or why there is none. */
  destinationFor(now: number, dst: Ipv6): Destination | Unroutable {
    this.#now = now
    return destinationFor(this.host, now, dst)
  }

  /** A packet of source `src` goes to `destination` by way of a neighbor, which is returned. */
  useNeighbor(now: number, destination: Destination, src: Ipv6): Neighbor {
    this.#now = now
    assert(destination.nextHop.kind === 'neighbor', 'only neighbors have link-layer addresses')
    destination.neighbor = this.host.neighbors.use(now, destination.nextHop.address, src)
    return destination.neighbor
  }

  /** Sees to the packet that the receiver has accepted. */
  process(now: number): Verdict {
    this.#now = now
    return this.receiver.process(now)
  }

  /** Nobody took the segment that the receiver has at hand. */
  unclaimed(now: number, known: boolean): void {
    this.#now = now
    this.receiver.unclaimed(now, known)
  }

  /** An address to answer the packet from that the receiver has at hand. */
  sourceOfReply(now: number): Ipv6 | undefined {
    this.#now = now
    return sourceOfReply(this.host, now, this.receiver)
  }

  startPing(now: number, ping: Ping): void {
    this.#now = now
    this.host.pings.start(ping)
  }

  deadline(): number {
    const h = this.host
    return Math.min(
      h.addresses.deadline(),
      h.neighbors.deadline(),
      h.routes.deadline(),
      h.prefixes.deadline(),
      h.dnsServers.deadline(),
      h.searchDomains.deadline(),
      h.destinations.deadline(),
      h.solicitation.deadline(),
      h.mld.deadline(),
      h.reassembly.deadline(),
      h.pings.deadline(),
    )
  }

  timeout(now: number): void {
    this.#now = now
    const h = this.host
    h.addresses.timeout(now)
    h.neighbors.timeout(now)
    if (h.routes.timeout(now)) routesChanged(h)
    if (h.prefixes.timeout(now)) h.generation++
    const serversEnded = h.dnsServers.timeout(now)
    if (h.searchDomains.timeout(now) || serversEnded) h.out.push({ kind: 'dns' })
    h.destinations.timeout(now)
    h.solicitation.timeout(now)
    h.mld.timeout(now)
    h.reassembly.timeout(now)
    h.pings.timeout(now)
  }

  poll(): Ipv6Out | undefined {
    for (;;) {
      const out = this.host.out.poll()
      if (out !== undefined) return out
      if (!settle(this.host, this.#now)) return undefined
    }
  }
}
