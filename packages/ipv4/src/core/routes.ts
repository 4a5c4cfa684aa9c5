import {
  formatIpv4,
  formatPrefix,
  IPV4_BROADCAST,
  type Ipv4,
  type Ipv4Prefix,
  isIpv4Loopback,
  isIpv4Multicast,
  networkAddress,
} from '@fata/addr'

/** Where packets to a network go. */
export interface Ipv4Route {
  /** The destinations; host bits are ignored. 0.0.0.0/0 is the default route. */
  readonly prefix: Ipv4Prefix
  /** The next hop, which must be on the link. Undefined: the destinations are on the link themselves. */
  readonly gateway?: Ipv4 | undefined
  /** Of routes to one network the least goes first, 0 or more. Default 0. */
  readonly metric?: number | undefined
  /** Source address of packets that go this way. Default: the own address nearest to the next hop. */
  readonly source?: Ipv4 | undefined
}

interface Entry extends Ipv4Route {
  readonly network: number
  readonly mask: number
  readonly metric: number
  /** Made by an own address. */
  readonly connected: boolean
}

function maskOf(length: number): number {
  return length === 0 ? 0 : -1 << (32 - length)
}

function checkRoute(route: Ipv4Route): void {
  const { prefix, gateway: g, metric = 0 } = route
  if (!(Number.isInteger(prefix.length) && prefix.length >= 0 && prefix.length <= 32))
    throw new RangeError(`no prefix length: ${prefix.length}`)
  if (!(Number.isInteger(metric) && metric >= 0)) throw new RangeError(`no metric: ${metric}`)
  if (g !== undefined && (g >>> 24 === 0 || isIpv4Multicast(g) || isIpv4Loopback(g) || g === IPV4_BROADCAST))
    throw new RangeError(`not the address of a gateway: ${formatIpv4(g)}`)
}

/**
 * The routing table: longest prefix, then least metric, then the older route. A gateway that was found dead is passed over while
 * another route leads to the destination (RFC 1122 §3.3.1.5).
 */
export class Routes {
  readonly #max: number
  readonly #deadMs: number
  /** In order of preference, so that the first match is the answer. */
  #entries: Entry[] = []
  /** Gateways found dead, with the time until which they are avoided; oldest first. */
  readonly #dead = new Map<Ipv4, number>()

  constructor(limits: { readonly maxRoutes: number; readonly deadGatewayMs: number }) {
    this.#max = limits.maxRoutes
    this.#deadMs = limits.deadGatewayMs
  }

  /** In order of preference. */
  list(): Ipv4Route[] {
    return this.#entries.map(({ prefix, gateway, metric, source }) => ({ prefix, gateway, metric, source }))
  }

  /** Adds a route; one to the same network by the same gateway is replaced. Throws a RangeError on nonsense and on a full table. */
  add(route: Ipv4Route, connected = false): void {
    checkRoute(route)
    const { prefix, gateway, metric = 0, source } = route
    const mask = maskOf(prefix.length)
    const network = prefix.address & mask
    const entry: Entry = {
      prefix: { address: networkAddress(prefix), length: prefix.length },
      gateway,
      metric,
      source,
      network,
      mask,
      connected,
    }
    const rest = this.#entries.filter((e) => !same(e, entry))
    if (rest.length >= this.#max) throw new RangeError(`more than ${this.#max} routes: ${formatPrefix(prefix)}`)
    const at = rest.findIndex((e) => e.prefix.length < prefix.length || (e.mask === mask && e.metric > metric))
    rest.splice(at < 0 ? rest.length : at, 0, entry)
    this.#entries = rest
  }

  /** Removes the routes to a network, by `gateway` only where one is given. Returns whether there were any. */
  remove(route: Pick<Ipv4Route, 'prefix' | 'gateway'>): boolean {
    const mask = maskOf(route.prefix.length)
    const network = route.prefix.address & mask
    return this.#removeWhere(
      (e) =>
        !e.connected &&
        e.mask === mask &&
        e.network === network &&
        (route.gateway === undefined || e.gateway === route.gateway),
    )
  }

  /** Removes the route that `source` made. */
  disconnect(source: Ipv4): void {
    this.#removeWhere((e) => e.connected && e.source === source)
  }

  #removeWhere(gone: (e: Entry) => boolean): boolean {
    const rest = this.#entries.filter((e) => !gone(e))
    const any = rest.length < this.#entries.length
    this.#entries = rest
    return any
  }

  /** The route for `dst`. */
  lookup(dst: Ipv4): Ipv4Route | undefined {
    let fallback: Ipv4Route | undefined
    for (const e of this.#entries) {
      if (((dst ^ e.network) & e.mask) !== 0) continue
      if (this.#dead.size === 0 || e.gateway === undefined || !this.#dead.has(e.gateway)) return e
      fallback ??= e
    }
    return fallback
  }

  /** Some route goes by `hop`. */
  isGateway(hop: Ipv4): boolean {
    return this.#entries.some((e) => e.gateway === hop)
  }

  /** `gateway` did not answer lately. */
  isDead(gateway: Ipv4): boolean {
    return this.#dead.has(gateway)
  }

  /** `gateway` did not answer. */
  gatewayDied(now: number, gateway: Ipv4): void {
    this.#dead.delete(gateway)
    this.#dead.set(gateway, now + this.#deadMs)
  }

  /** `gateway` answered. Returns whether it was thought dead. */
  gatewayLives(gateway: Ipv4): boolean {
    return this.#dead.delete(gateway)
  }

  /** Gives gateways another chance whose time is over. */
  timeout(now: number): void {
    for (const [gateway, until] of this.#dead) {
      if (until > now) return
      this.#dead.delete(gateway)
    }
  }

  deadline(): number {
    for (const until of this.#dead.values()) return until
    return Number.POSITIVE_INFINITY
  }
}

function same(a: Entry, b: Entry): boolean {
  return (
    a.mask === b.mask &&
    a.network === b.network &&
    a.gateway === b.gateway &&
    a.connected === b.connected &&
    (!a.connected || a.source === b.source)
  )
}
