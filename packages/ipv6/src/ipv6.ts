import {
  formatIpv4,
  formatIpv6,
  formatPrefix,
  type IpAddress,
  type Ipv6,
  type Ipv6Prefix,
  isIpv4,
  isIpv6Multicast,
} from '@fata/addr'
import {
  EVERY_SOURCE,
  type GroupMembership,
  IpError,
  type IpListener,
  IpListeners,
  type IpWriteOptions,
  type SourceFilter,
} from '@fata/ip'
import { ETHERTYPE_IPV6, type Link } from '@fata/link'
import type { Fill, Offload } from '@fata/net'
import { type Clock, createDriver, type Driver } from '@fata/runtime'
import { Ipv6Core } from './core/core.ts'
import { type Ipv6Out, type Ipv6Stats, linkMtu, MIN_MTU } from './core/host.ts'
import type { PingOutcome } from './core/pings.ts'
import { infoOf, Readiness, usablePrefixes, Watchers } from './events.ts'
import { Input } from './input.ts'
import { Loopback } from './loopback.ts'
import { type Ipv6Options, isHostAddress, isHostPrefix, settings } from './options.ts'
import { Pinger } from './pinger.ts'
import { closedError, Sender } from './sender.ts'
import type { AddressLifetimes, Ipv6Deps, Ipv6Event, Ipv6Layer, Ipv6Route, Ipv6State, PingOptions } from './types.ts'
import { IPV6_HEADER_LEN } from './wire/ipv6-header.ts'

const SECRET_LEN = 16

/**
 * IPv6 on a link, whose listener for IPv6 it becomes. It acquires its link-local address and those of the options at once: see
 * `Ipv6Layer.ready`. Throws a TypeError on an unknown option and where the link has a listener for IPv6 already, a RangeError on an
 * option that makes no sense and on a link whose MTU is below 1280 (RFC 8200 §5).
 */
export function createIpv6(deps: Ipv6Deps, options: Ipv6Options = {}): Ipv6Layer {
  return new Layer(deps, options)
}

class Layer implements Ipv6Layer {
  readonly stats: Ipv6Stats = createStats()
  readonly #link: Link
  readonly #clock: Clock
  readonly #core: Ipv6Core
  readonly #driver: Driver<Ipv6Core>
  readonly #listeners = new IpListeners()
  readonly #watchers: Watchers
  readonly #readiness: Readiness
  readonly #loopback: Loopback
  readonly #sender: Sender
  readonly #pinger: Pinger
  readonly #input: Input
  readonly #stopListening: () => void
  #closed = false

  constructor({ link, clock, random, log }: Ipv6Deps, options: Ipv6Options) {
    const all = settings(options)
    if (link.mtu < MIN_MTU) throw new RangeError(`IPv6 needs an MTU of ${MIN_MTU}, the link has ${link.mtu}`)
    const secret = all.secret ?? new Uint8Array(SECRET_LEN)
    if (all.secret === undefined) random.fill(secret)
    this.#link = link
    this.#clock = clock
    this.#core = new Ipv6Core(all, link, random, secret, this.stats)
    this.#driver = createDriver<Ipv6Out, Ipv6Core>(this.#core, clock, (out) => this.#handle(out))
    this.#watchers = new Watchers(this.#core, log)
    this.#readiness = new Readiness(this.#core)
    this.#loopback = new Loopback(clock, all.loopbackBytes, this.stats.unsent, (packets) => this.#input.looped(packets))
    this.#sender = new Sender(link, this.#core, this.#driver, this.#loopback, random)
    this.#pinger = new Pinger(this.#core, this.#driver, clock, random, this.#sender)
    this.#input = new Input(this.#core, this.#driver, this.#listeners, this.#sender)
    this.#stopListening = link.listen(ETHERTYPE_IPV6, {
      packet: (buf, off, end, frame) => this.#input.packet(buf, off, end, frame),
      batchEnd: () => this.#listeners.batchEnd(),
    })
    this.#driver.step((core, now) => core.start(now))
  }

  /** Does what the core wants done. */
  #handle(out: Ipv6Out): void {
    switch (out.kind) {
      case 'transmit':
        this.#sender.transmit(out.to, out.packet)
        break
      case 'loopback':
        this.#loopback.push(out.packet)
        break
      case 'report':
        this.#listeners.report(out.protocol, out.report)
        break
      case 'pong':
        this.#pinger.settle(out.pong)
        break
      case 'address':
        this.#readiness.check()
        this.#watchers.addressChanged(out.address, out.change)
        break
      case 'conflict':
        this.#watchers.conflict(out.address)
        break
      case 'routes':
      case 'dns':
      case 'dhcp':
        this.#watchers.tell(out)
        break
      default:
        out satisfies never
    }
  }

  get ready(): Promise<void> {
    return this.#readiness.promise
  }

  addresses(): readonly Ipv6Prefix[] {
    return usablePrefixes(this.#core)
  }

  source(dst: IpAddress): IpAddress {
    return this.#sender.source(dst)
  }

  mtu(dst: IpAddress): number {
    return this.#sender.packetMtu(dst) - IPV6_HEADER_LEN
  }

  offload(dst: IpAddress): Offload {
    this.#sender.source(dst)
    return this.#link.offload
  }

  write(dst: IpAddress, protocol: number, size: number, fill: Fill, options?: IpWriteOptions): void {
    this.#sender.write(dst, protocol, size, fill, options)
  }

  listen(protocol: number, listener: IpListener): () => void {
    return this.#listeners.add(protocol, listener)
  }

  addAddress(prefix: Ipv6Prefix, lifetimes: AddressLifetimes = {}): void {
    if (!isHostPrefix(prefix)) throw new RangeError(`not the address of a host: ${formatPrefix(prefix)}`)
    const { validUntil = Number.POSITIVE_INFINITY, preferredUntil = validUntil } = lifetimes
    if (!(preferredUntil <= validUntil))
      throw new RangeError(`preferredUntil must not be after validUntil, got ${preferredUntil} and ${validUntil}`)
    if (this.#driver.step((core, now) => core.addAddress(now, prefix, preferredUntil, validUntil))) return
    throw new RangeError(`no more than ${this.#core.host.settings.maxAddresses} addresses`)
  }

  removeAddress(address: Ipv6): boolean {
    return this.#driver.step((core, now) => core.removeAddress(now, address))
  }

  onAddresses(changed: (addresses: readonly Ipv6Prefix[]) => void): () => void {
    return this.#watchers.onAddresses(changed)
  }

  onEvent(listener: (event: Ipv6Event) => void): () => void {
    return this.#watchers.onEvent(listener)
  }

  state(): Ipv6State {
    const h = this.#core.host
    return {
      addresses: h.addresses.list.map(infoOf),
      routes: h.routes.list.map((route) => ({ ...route })),
      prefixes: h.prefixes.items.map(({ value, until }) => ({ prefix: value, until })),
      neighbors: [...h.neighbors].map(({ address, mac, state, isRouter }) => ({
        address,
        mac,
        state: state.kind,
        isRouter,
      })),
      dnsServers: h.dnsServers.values,
      searchDomains: h.searchDomains.values,
      groups: h.mld.groups,
      reassembly: { packets: h.reassembly.size, bytes: h.reassembly.bytes },
      managed: h.managed,
      otherConfiguration: h.otherConfiguration,
      hopLimit: h.hopLimit,
      mtu: linkMtu(h),
    }
  }

  addRoute({ prefix, gateway }: Ipv6Route): void {
    if (!isHostAddress(gateway)) throw new RangeError(`not the address of a router: ${formatIpv6(gateway)}`)
    if (this.#driver.step((core, now) => core.addRoute(now, prefix, gateway))) return
    throw new RangeError(`no more than ${this.#core.host.settings.maxRoutes} routes`)
  }

  removeRoute({ prefix, gateway }: { prefix: Ipv6Prefix; gateway?: Ipv6 | undefined }): boolean {
    return this.#driver.step((core, now) => core.removeRoute(now, prefix, gateway))
  }

  join(group: IpAddress, filter: SourceFilter = EVERY_SOURCE): GroupMembership {
    if (isIpv4(group)) throw new IpError('ERR_IP_FAMILY', `not an IPv6 address: ${formatIpv4(group)}`)
    if (!isIpv6Multicast(group)) throw new RangeError(`not a multicast address: ${formatIpv6(group)}`)
    // Its own object, by which it is found.
    const membership = {}
    this.#setMembership(group, membership, filter)
    let joined = true
    return {
      change: (next) => {
        if (joined && !this.#closed) this.#setMembership(group, membership, next)
      },
      leave: () => {
        if (!joined || this.#closed) return
        joined = false
        this.#setMembership(group, membership, undefined)
      },
    }
  }

  #setMembership(group: Ipv6, membership: object, filter: SourceFilter | undefined): void {
    if (this.#closed) throw closedError()
    const { maxGroups, maxSources } = this.#core.host.settings
    const checked = filter === undefined ? undefined : checkedFilter(filter)
    const refusal = this.#driver.step((core, now) => core.setMembership(now, group, membership, checked))
    if (refusal === 'too-many-groups') throw new RangeError(`no more than ${maxGroups} groups`)
    if (refusal === 'too-many-sources') throw new RangeError(`no more than ${maxSources} sources of a group`)
  }

  confirm(dst: IpAddress): void {
    if (isIpv4(dst) || this.#core.isConfirmed(this.#clock.now(), dst)) return
    this.#driver.step((core, now) => core.confirm(now, dst))
  }

  ping(dst: Ipv6, options: PingOptions = {}): Promise<PingOutcome> {
    return this.#pinger.start(dst, options)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stopListening()
    this.#driver.step((core, now) => core.close(now))
    this.#driver.stop()
    this.#sender.close()
    this.#loopback.close()
    this.#listeners.clear()
    this.#watchers.clear()
    this.#pinger.close()
    this.#readiness.close()
  }
}

/** A copy. Throws where a source is of the other family or not the address of a host. */
function checkedFilter({ mode, sources }: SourceFilter): SourceFilter {
  for (const source of sources) {
    if (isIpv4(source)) throw new IpError('ERR_IP_FAMILY', `not an IPv6 address: ${formatIpv4(source)}`)
    if (!isHostAddress(source)) throw new RangeError(`not the address of a sender: ${formatIpv6(source)}`)
  }
  return { mode, sources: [...sources] }
}

function createStats(): Ipv6Stats {
  return {
    received: 0,
    delivered: 0,
    sent: 0,
    looped: 0,
    fragmented: 0,
    reassembled: 0,
    dropped: {},
    unsent: {},
    ignored: {},
    errorsSent: {},
    errorsWithheld: {},
    errorsReported: {},
  }
}
