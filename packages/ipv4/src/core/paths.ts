import { IPV4_ANY, type Ipv4, isIpv4LinkLocal, isIpv4Loopback, isIpv4Multicast } from '@fata/addr'
import type { Addresses } from './addresses.ts'
import type { Redirects } from './redirects.ts'
import type { Routes } from './routes.ts'

/** How a packet leaves: to a station on the link, to a group of them, or not at all since it is for this host. */
export type PathKind = 'station' | 'broadcast' | 'multicast' | 'local'

/** Which way packets to a destination go. Reused: valid until the next question. */
export interface Path {
  kind: PathKind
  /** The station on the link that gets them. */
  nextHop: Ipv4
  /** Their source address; 0.0.0.0 where the host has none. */
  source: Ipv4
}

/** Decides where packets go: RFC 1122 §3.3.1. */
export class Paths {
  readonly #addresses: Addresses
  readonly #routes: Routes
  readonly #redirects: Redirects
  readonly #path: Path = { kind: 'station', nextHop: IPV4_ANY, source: IPV4_ANY }
  /** Whom `#path` is for. Packets mostly go where the last one went. */
  #dst: Ipv4 = IPV4_ANY

  constructor(addresses: Addresses, routes: Routes, redirects: Redirects) {
    this.#addresses = addresses
    this.#routes = routes
    this.#redirects = redirects
  }

  /** Addresses, routes, redirects or dead gateways have changed. */
  changed(): void {
    this.#dst = IPV4_ANY
  }

  /** Undefined where no route leads to `dst`, and for 0.0.0.0/8, which is no destination (RFC 1122 §3.2.1.3). */
  to(dst: Ipv4): Path | undefined {
    if (dst === this.#dst && dst !== IPV4_ANY) return this.#path
    this.#dst = IPV4_ANY
    if (!this.#decide(dst)) return undefined
    this.#dst = dst
    return this.#path
  }

  #decide(dst: Ipv4): boolean {
    const own = this.#addresses
    if (dst >>> 24 === 0) return false
    if (own.has(dst) || isIpv4Loopback(dst)) return this.#set('local', dst, dst)
    if (own.isBroadcast(dst)) return this.#set('broadcast', dst, own.sourceFor(dst))
    if (isIpv4Multicast(dst)) return this.#set('multicast', dst, this.#routes.lookup(dst)?.source ?? own.sourceFor(dst))
    // RFC 3927 §2.6.2: never by a router.
    if (isIpv4LinkLocal(dst)) return own.list.length > 0 && this.#set('station', dst, own.sourceFor(dst))
    const route = this.#routes.lookup(dst)
    if (route === undefined) return false
    const nextHop = this.#redirects.gatewayFor(dst) ?? route.gateway ?? dst
    return this.#set('station', nextHop, route.source ?? own.sourceFor(nextHop))
  }

  #set(kind: PathKind, nextHop: Ipv4, source: Ipv4): true {
    this.#path.kind = kind
    this.#path.nextHop = nextHop
    this.#path.source = source
    return true
  }
}
