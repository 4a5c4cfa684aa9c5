import { type Ipv6, type Ipv6Prefix, ipv6Equals } from '@fata/addr'
import { assert } from '@fata/bytes'
import type { Core, Random } from '@fata/runtime'
import type { Settings } from '../options.ts'
import { type AddressChange, Addresses, isUsable, type OwnAddress, samePrefix } from './addresses.ts'
import { type Destination, DestinationCache } from './destination-cache.ts'
import { ExpiringList } from './expiring-list.ts'
import type { Host, Ipv6Out, Ipv6Stats, LinkFacts } from './host.ts'
import { sourceOfReply } from './icmp-errors.ts'
import { InterfaceIds } from './interface-id.ts'
import { Mld } from './mld.ts'
import { type Neighbor, NeighborCache, type NeighborOut } from './neighbor-cache.ts'
import { Outbox } from './outbox.ts'
import {
  sendAnnouncement,
  sendDadProbe,
  sendMld,
  sendNeighborSolicitation,
  sendPacket,
  sendRouterSolicitation,
} from './output.ts'
import { type Ping, Pings } from './pings.ts'
import { destinationOf, type QueuedPacket, sourceOf } from './queued-packet.ts'
import { Reassembly } from './reassembly.ts'
import { Receiver, sendReassemblyTimeout, type Verdict } from './receive.ts'
import { reportUndeliverable } from './reports.ts'
import { RouterSolicitation } from './router-solicitation.ts'
import { DEFAULT_ROUTE, Routes } from './routes.ts'
import { destinationFor, type Unroutable } from './routing.ts'
import { replaceDuplicate } from './slaac.ts'
import { TokenBucket } from './token-bucket.ts'

const FOR_EVER = Number.POSITIVE_INFINITY

/** Puts the parts of a host together. `secret` is the key of opaque interface identifiers. */
function createHost(settings: Settings, link: LinkFacts, random: Random, secret: Uint8Array, stats: Ipv6Stats): Host {
  const s = settings
  const transmits = s.dupAddrDetectTransmits ?? (link.mac === undefined ? 0 : 1)
  return {
    settings,
    link,
    random,
    stats,
    out: new Outbox<Ipv6Out>(),
    ids: new InterfaceIds({ mac: link.mac, name: s.zone }, s.interfaceIds, secret, random),
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
    errors: new TokenBucket(s.icmpErrorBurst, s.icmpErrorsPerSecond),
    generation: 0,
    hopLimit: s.hopLimit,
    advertisedMtu: FOR_EVER,
    disabled: false,
  }
}

/** One IPv6 host on one link, without I/O: RFC 8504. It has the parts of `host` act on each other. */
export class Ipv6Core implements Core<Ipv6Out> {
  readonly host: Host
  readonly receiver: Receiver
  /** Of the last input. */
  #now = 0
  #linkLocalTries = 0

  constructor(settings: Settings, link: LinkFacts, random: Random, secret: Uint8Array, stats: Ipv6Stats) {
    this.host = createHost(settings, link, random, secret, stats)
    this.receiver = new Receiver(this.host)
  }

  /** Begins to acquire the addresses: RFC 4862 §5.3, §5.4. They are tried after one random delay. */
  start(now: number): void {
    this.#now = now
    const { settings, ids, addresses, random, routes } = this.host
    const probeAt = now + (settings.maxStartDelayMs * random.uint32()) / 0x1_0000_0000
    this.#addLinkLocal(now, ids.linkLocal, probeAt)
    for (const prefix of settings.addresses) {
      if (addresses.get(prefix.address) === undefined) this.#addStatic(now, prefix, probeAt)
    }
    if (settings.gateway !== undefined) routes.addStatic(DEFAULT_ROUTE, settings.gateway)
  }

  #addLinkLocal(now: number, address: Ipv6, probeAt: number): void {
    const lifetimes = { preferredUntil: FOR_EVER, validUntil: FOR_EVER }
    this.#add(
      now,
      { address, prefixLength: 64, origin: 'link-local', ...lifetimes, dadCounter: 0, router: undefined },
      probeAt,
    )
  }

  #addStatic(now: number, { address, length }: Ipv6Prefix, probeAt: number): void {
    const lifetimes = { preferredUntil: FOR_EVER, validUntil: FOR_EVER }
    this.#add(
      now,
      { address, prefixLength: length, origin: 'static', ...lifetimes, dadCounter: 0, router: undefined },
      probeAt,
    )
  }

  #add(now: number, address: Parameters<Addresses['add']>[1], probeAt: number): void {
    const { addresses } = this.host
    addresses.add(now, address, addresses.transmits === 0 ? now : probeAt)
  }

  /** Adds a configured address, or makes one out of an autoconfigured one. False where there are too many. */
  addAddress(now: number, prefix: Ipv6Prefix): boolean {
    this.#now = now
    const { addresses, settings } = this.host
    const known = addresses.get(prefix.address)
    if (known !== undefined && known.origin === 'static' && known.prefixLength === prefix.length) return true
    if (addresses.list.filter((own) => own.origin === 'static').length >= settings.maxAddresses) return false
    if (known !== undefined) addresses.remove(known)
    this.#addStatic(now, prefix, now)
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
    this.#routesChanged()
    return added
  }

  /** Removes configured routes. Says whether there were any. */
  removeRoute(now: number, prefix: Ipv6Prefix, gateway: Ipv6 | undefined): boolean {
    this.#now = now
    const removed = this.host.routes.removeStatic(prefix, gateway)
    if (removed) this.#routesChanged()
    return removed
  }

  /** False where there are too many groups. */
  join(now: number, group: Ipv6): boolean {
    this.#now = now
    const { mld } = this.host
    if (mld.isFull && !mld.isMember(group)) return false
    mld.join(now, group)
    this.host.generation++
    return true
  }

  leave(now: number, group: Ipv6): void {
    this.#now = now
    this.host.mld.leave(now, group)
    this.host.generation++
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
    if (h.routes.timeout(now)) this.#routesChanged()
    if (h.prefixes.timeout(now)) h.generation++
    const serversEnded = h.dnsServers.timeout(now)
    if (h.searchDomains.timeout(now) || serversEnded) h.out.push({ kind: 'dns' })
    h.destinations.timeout(now)
    h.solicitation.timeout(now)
    h.mld.timeout(now)
    h.reassembly.timeout(now)
    h.pings.timeout(now)
  }

  #routesChanged(): void {
    this.host.generation++
    this.host.out.push({ kind: 'routes' })
  }

  poll(): Ipv6Out | undefined {
    for (;;) {
      const out = this.host.out.poll()
      if (out !== undefined) return out
      if (!this.#settle()) return undefined
    }
  }

  /** Has one output of a part take effect on the others. Reports of groups go first: a switch must know before an answer can come. */
  #settle(): boolean {
    const h = this.host
    const now = this.#now
    const mld = h.mld.poll()
    if (mld !== undefined) sendMld(h, mld)
    else if (!this.#settleNeighbor(h.neighbors.poll()) && !this.#settleAddress(h.addresses.poll())) {
      const timedOut = h.reassembly.poll()
      const pong = h.pings.poll()
      if (timedOut !== undefined) sendReassemblyTimeout(h, now, timedOut)
      if (pong !== undefined) h.out.push({ kind: 'pong', pong })
      if (timedOut !== undefined || pong !== undefined) return true
      if (h.solicitation.poll() === undefined) return false
      sendRouterSolicitation(h, now)
    }
    return true
  }

  #settleNeighbor(out: NeighborOut | undefined): boolean {
    if (out === undefined) return false
    const h = this.host
    const now = this.#now
    switch (out.kind) {
      case 'solicit':
        sendNeighborSolicitation(h, now, out.target, out.to, out.src)
        break
      case 'transmit':
        h.out.push(out)
        break
      case 'unreachable':
        this.#lost(out.address, out.packets)
        break
      case 'reachable':
        if (h.routes.trust(out.address)) h.generation++
        break
      case 'no-router':
        h.routes.demote(out.address)
        h.destinations.forgetRedirects(out.address)
        this.#routesChanged()
        break
      default:
        out satisfies never
    }
    return true
  }

  /** RFC 4861 §7.3.3: what went by `neighbor` needs another next hop, if there is one. */
  #lost(neighbor: Ipv6, packets: readonly QueuedPacket[]): void {
    const h = this.host
    const now = this.#now
    h.destinations.forgetRedirects(neighbor)
    if (h.routes.suspect(now, neighbor)) h.generation++
    for (const packet of packets) {
      const dst = destinationOf(packet)
      const destination = destinationFor(h, now, dst)
      const other = typeof destination !== 'string' && destination.nextHop.kind === 'neighbor' && destination.nextHop
      const isDead = !other || ipv6Equals(other.address, neighbor) || h.routes.isSuspect(other.address)
      if (isDead) reportUndeliverable(h, now, packet)
      else sendPacket(h, now, sourceOf(packet), dst, packet)
    }
  }

  #settleAddress(out: ReturnType<Addresses['poll']>): boolean {
    if (out === undefined) return false
    const h = this.host
    const now = this.#now
    switch (out.kind) {
      case 'join':
        h.mld.join(now, out.group)
        break
      case 'leave':
        h.mld.leave(now, out.group)
        break
      case 'probe':
        sendDadProbe(h, now, out.target, out.nonce)
        break
      case 'announce':
        sendAnnouncement(h, now, out.target)
        break
      case 'address':
        this.#addressChanged(out.address, out.change)
        break
      default:
        out satisfies never
    }
    return true
  }

  #addressChanged(address: OwnAddress, change: AddressChange): void {
    const h = this.host
    h.generation++
    h.out.push({ kind: 'address', address, change })
    const { origin } = address
    if (change === 'duplicate' && origin === 'autoconfigured') replaceDuplicate(h, this.#now, address)
    if (change === 'duplicate' && origin === 'link-local') this.#linkLocalTaken(address)
    if (change === 'preferred' && origin === 'link-local' && isUsable(address)) this.#linkLocalReady()
  }

  /** Routers heed reports from here on, RFC 3810 §5.2.13, and may be asked, RFC 4861 §6.3.7. */
  #linkLocalReady(): void {
    this.host.mld.linkLocalReady(this.#now)
    if (this.host.settings.acceptRouterAdvertisements) this.host.solicitation.start(this.#now)
  }

  /** RFC 4862 §5.4.5: the MAC address is not unique, so nothing on this link can work; a random identifier is replaced. */
  #linkLocalTaken(address: OwnAddress): void {
    const next = this.#linkLocalTries < this.host.settings.idgenRetries ? this.host.ids.nextLinkLocal() : undefined
    if (next === undefined) {
      this.host.disabled = true
      return
    }
    this.#linkLocalTries++
    this.host.addresses.remove(address)
    this.#addLinkLocal(this.#now, next, this.#now)
  }
}
