import { type Ipv4, MAC_BROADCAST, type Mac, multicastMac } from '@fata/addr'
import { u32 } from '@fata/bytes'
import type { Path } from './core/paths.ts'
import { PendingPackets, type StoredPacket } from './core/pending.ts'
import type { Emitter } from './emitter.ts'
import type { Host } from './host.ts'
import type { Reports } from './reports.ts'

/** The link-layer address of a link that has none. */
const NOBODY = 0 as Mac

/** Finds stations on the link, and keeps packets while they are being looked for. */
export class NextHops {
  readonly #host: Host
  readonly #emitter: Emitter
  readonly #reports: Reports
  readonly #pending: PendingPackets
  #closed = false

  constructor(host: Host, emitter: Emitter, reports: Reports) {
    this.#host = host
    this.#emitter = emitter
    this.#reports = reports
    this.#pending = new PendingPackets(host.settings, host.stats.unsent)
  }

  /** Who gets packets that go to `dst` by `path`; undefined where the next hop must be asked for. */
  lookup(path: Path, dst: Ipv4): Mac | undefined {
    const { link, neighbors } = this.#host
    if (link.mac === undefined) return NOBODY
    if (path.kind === 'broadcast') return MAC_BROADCAST
    if (path.kind === 'multicast') return multicastMac(dst)
    return neighbors!.lookup(path.nextHop)
  }

  /** Sends `packet`, which is kept by reference, when `hop` has answered; reports it when it does not. */
  wait(hop: Ipv4, packet: StoredPacket): void {
    if (!this.#pending.push(hop, packet)) return
    let writing = true
    this.#host.neighbors!.resolve(hop, (mac) => {
      // Bad news must not reach the writer while it is still writing.
      if (mac === undefined && writing) this.#host.clock.defer(() => this.#resolved(hop, undefined))
      else this.#resolved(hop, mac)
    })
    writing = false
  }

  #resolved(hop: Ipv4, mac: Mac | undefined): void {
    if (this.#closed) return
    const { core, driver } = this.#host
    const packets = this.#pending.take(hop)
    if (mac !== undefined) {
      for (const packet of packets) this.#emitter.emitLater(mac, packet)
      return
    }
    core.redirects.forget(hop)
    if (core.routes.isGateway(hop)) driver.step((c, now) => c.routes.gatewayDied(now, hop))
    core.paths.changed()
    for (const packet of packets) this.#reroute(hop, packet)
  }

  /** `failed` is dead: by another gateway where there is one (RFC 1122 §3.3.1.5), else the writer is told. */
  #reroute(failed: Ipv4, packet: StoredPacket) {
    const { core } = this.#host
    const { buf, off, end } = packet
    const dst = u32(buf, off + 16) as Ipv4
    const path = core.paths.to(dst)
    if (path?.kind !== 'station' || path.nextHop === failed || core.routes.isDead(path.nextHop))
      return this.#reports.tellOwn('host-unreachable', 0, buf, off, end)
    const { nextHop } = path
    const mac = this.lookup(path, dst)
    if (mac === undefined) this.wait(nextHop, packet)
    else this.#emitter.emitLater(mac, packet)
  }

  /** Forgets what waits. */
  close(): void {
    this.#closed = true
    this.#pending.clear()
  }
}
