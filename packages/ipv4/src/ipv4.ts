import { formatIp, formatPrefix, type IpAddress, type Ipv4, type Ipv4Prefix, isIpv4 } from '@fata/addr'
import {
  type GroupMembership,
  IpError,
  type IpListener,
  IpListeners,
  type IpWriteOptions,
  type SourceFilter,
} from '@fata/ip'
import { ETHERTYPE_IPV4 } from '@fata/link'
import type { Fill, Offload } from '@fata/net'
import { createDriver, type Driver } from '@fata/runtime'
import { Ipv4Core, type Ipv4Out } from './core/index.ts'
import type { Ipv4Route } from './core/routes.ts'
import { Emitter } from './emitter.ts'
import { Groups } from './groups.ts'
import { closedError, type Host, linkMtu, type Ticket } from './host.ts'
import { Icmp } from './icmp.ts'
import { IcmpErrors } from './icmp-errors.ts'
import { LocalDelivery } from './local-delivery.ts'
import { NextHops } from './next-hops.ts'
import { type Ipv4Options, settings } from './options.ts'
import { Pinger } from './pinger.ts'
import { Receiver } from './receiver.ts'
import { Reports } from './reports.ts'
import { Sender } from './sender.ts'
import type { Ipv4Deps, Ipv4Layer, Ipv4Stats, PingOptions, PingOutcome } from './types.ts'
import { HEADER_LEN, MAX_LENGTH } from './wire.ts'

/** Packets to this host never reach a wire: their checksums need not be complete. */
const LOCAL_OFFLOAD: Offload = Object.freeze({ checksum: true, tso4: false, tso6: false })

function createStats(): Ipv4Stats {
  return {
    received: 0,
    delivered: 0,
    sent: 0,
    looped: 0,
    fragmented: 0,
    reassembled: 0,
    dropped: {},
    unsent: {},
    errorsSent: {},
    errorsWithheld: {},
    errorsReported: {},
  }
}

/**
 * IPv4 over `deps.link`, whose listener for IPv4 it becomes. Without an address it takes broadcasts only, and sends to them from 0.0.0.0
 * only. Throws a TypeError or RangeError on options that make no sense, and where the link needs `neighbors`.
 */
export function createIpv4(deps: Ipv4Deps, options: Ipv4Options = {}): Ipv4Layer {
  if (deps.link.mac !== undefined && deps.neighbors === undefined)
    throw new TypeError('a link whose stations have addresses needs neighbors')
  return new Layer(deps, options)
}

class Layer implements Ipv4Layer {
  readonly stats: Ipv4Stats = createStats()
  readonly #core: Ipv4Core<Ticket>
  readonly #driver: Driver<Ipv4Core<Ticket>>
  readonly #listeners = new IpListeners()
  readonly #host: Host
  readonly #pinger: Pinger
  readonly #nextHops: NextHops
  readonly #local: LocalDelivery
  readonly #sender: Sender
  readonly #groups: Groups
  readonly #receiver: Receiver
  readonly #unlisten: () => void
  readonly #watchers = new Set<(addresses: readonly Ipv4Prefix[]) => void>()
  #closed = false

  constructor(deps: Ipv4Deps, options: Ipv4Options) {
    const { link, neighbors, clock, random, log } = deps
    const chosen = settings(options)
    this.#core = new Ipv4Core<Ticket>(chosen, random, this.stats.dropped)
    this.#driver = createDriver<Ipv4Out<Ticket>, Ipv4Core<Ticket>>(this.#core, clock, (out) => this.#handle(out))
    const host: Host = {
      link,
      neighbors,
      clock,
      random,
      log,
      settings: chosen,
      core: this.#core,
      driver: this.#driver,
      listeners: this.#listeners,
      stats: this.stats,
    }
    this.#host = host
    this.#pinger = new Pinger(host)
    const reports = new Reports(host, this.#pinger)
    const emitter = new Emitter(host, reports)
    this.#groups = new Groups(host)
    this.#nextHops = new NextHops(host, emitter, reports)
    this.#local = new LocalDelivery(host, {
      receiveLocal: (packet) => this.#receiver.receiveLocal(packet),
      batchEnd: () => this.#listeners.batchEnd(),
    })
    this.#sender = new Sender(host, { emitter, nextHops: this.#nextHops, local: this.#local, groups: this.#groups })
    const icmp = new Icmp(host, this.#sender, this.#pinger, new IcmpErrors(host, reports))
    this.#receiver = new Receiver(host, icmp, this.#groups)
    this.#unlisten = link.listen(ETHERTYPE_IPV4, this.#receiver)
  }

  #handle(out: Ipv4Out<Ticket>) {
    switch (out.kind) {
      case 'reassembly-timeout':
        return this.#receiver.timedOut(out.datagram)
      case 'ping-timeout':
        return out.ping.ticket.settle({ kind: 'timeout', sequence: out.ping.sequence })
      case 'igmp':
        return this.#groups.send(out.message)
    }
  }

  addresses(): readonly Ipv4Prefix[] {
    return this.#core.addresses.list
  }

  addAddress(prefix: Ipv4Prefix): void {
    const { addresses, routes } = this.#core
    if (!addresses.add(prefix)) return
    routes.disconnect(prefix.address)
    if (prefix.length < 32) routes.add({ prefix, source: prefix.address }, true)
    this.#addressesChanged('address added', prefix)
  }

  removeAddress(address: Ipv4): boolean {
    const gone = this.#core.addresses.remove(address)
    if (gone === undefined) return false
    this.#core.routes.disconnect(address)
    this.#addressesChanged('address removed', gone)
    return true
  }

  #addressesChanged(what: string, prefix: Ipv4Prefix): void {
    const { log } = this.#host
    this.#routesChanged()
    if (log.enabled('info')) log.log('info', 'ipv4', what, { address: formatPrefix(prefix) })
    const list = this.addresses()
    for (const watcher of [...this.#watchers]) watcher(list)
  }

  #routesChanged(): void {
    this.#core.redirects.clear()
    this.#core.paths.changed()
  }

  onAddresses(changed: (addresses: readonly Ipv4Prefix[]) => void): () => void {
    const watcher: typeof changed = (addresses) => changed(addresses)
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  routes(): readonly Ipv4Route[] {
    return this.#core.routes.list()
  }

  addRoute(route: Ipv4Route): void {
    this.#core.routes.add(route)
    this.#routesChanged()
  }

  removeRoute(route: Pick<Ipv4Route, 'prefix' | 'gateway'>): boolean {
    const found = this.#core.routes.remove(route)
    this.#routesChanged()
    return found
  }

  join(group: IpAddress, filter?: SourceFilter): GroupMembership {
    if (this.#closed) throw closedError()
    if (!isIpv4(group)) throw new IpError('ERR_IP_FAMILY', `not an IPv4 address: ${formatIp(group)}`)
    return this.#groups.join(group, filter)
  }

  source(dst: IpAddress): Ipv4 {
    return this.#sender.source(dst)
  }

  mtu(dst: IpAddress): number {
    const { kind } = this.#sender.path(dst)
    return (kind === 'local' ? MAX_LENGTH : linkMtu(this.#host, dst as Ipv4)) - HEADER_LEN
  }

  offload(dst: IpAddress): Offload {
    return this.#sender.path(dst).kind === 'local' ? LOCAL_OFFLOAD : this.#host.link.offload
  }

  write(dst: IpAddress, protocol: number, size: number, fill: Fill, options?: IpWriteOptions): void {
    this.#sender.write(dst, protocol, size, fill, options)
  }

  /** Says nothing to ARP, which asks for the neighbors in use again before it lets go of them. */
  confirm(): void {}

  listen(protocol: number, listener: IpListener): () => void {
    if (this.#closed) throw closedError()
    return this.#listeners.add(protocol, listener)
  }

  ping(dst: Ipv4, options: PingOptions = {}): Promise<PingOutcome> {
    if (this.#closed) return Promise.reject(closedError())
    return this.#pinger.start(this.#sender, dst, options)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#unlisten()
    this.#sender.close()
    this.#nextHops.close()
    this.#local.close()
    this.#listeners.clear()
    this.#watchers.clear()
    this.#pinger.close()
    this.#driver.stop()
  }
}
