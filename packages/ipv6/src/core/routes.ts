import { type Ipv6, type Ipv6Prefix, ipv6Equals, ipv6FromWords, prefixContains } from '@fata/addr'
import type { Preference } from '../wire/preference.ts'
import { samePrefix } from './addresses.ts'

/**
 * Which router a packet goes to that leaves the link: a routing table as of the type C host of RFC 4191 §3, which is the Default Router
 * List of RFC 4861 §5.1 where all routes are to ::/0.
 *
 * Differs from the RFC in: of equally good routers the destination picks one (RFC 4311), where RFC 4861 leaves the choice open.
 */
export interface Route {
  readonly prefix: Ipv6Prefix
  readonly router: Ipv6
  readonly origin: 'static' | 'advertised'
  preference: Preference
  /** Absolute; Infinity for never. */
  until: number
}

export interface RouteOptions {
  readonly maxRouters: number
  readonly maxRoutes: number
}

/** The result of a look-up: the router, and better ones that do not answer and may be asked again. */
export interface Selection {
  readonly router: Ipv6
  readonly probe: readonly Ipv6[]
}

/** ::/0 */
export const DEFAULT_ROUTE: Ipv6Prefix = { address: ipv6FromWords(0, 0, 0, 0), length: 0 }

const RANK: Record<Preference, number> = { low: 0, medium: 1, high: 2 }
/** RFC 4191 §3.5: no more than one probe per minute and router. */
const PROBE_INTERVAL_MS = 60_000

export class Routes {
  readonly #options: RouteOptions
  readonly #list: Route[] = []
  /** Routers that did not answer when they were last used, and when they may be asked again. Each has a route. */
  readonly #suspects: { readonly router: Ipv6; probeAt: number }[] = []
  #turn = 0

  constructor(options: RouteOptions) {
    this.#options = options
  }

  get list(): readonly Route[] {
    return this.#list
  }

  /** There is a default router. */
  get hasDefault(): boolean {
    return this.#list.some((route) => route.prefix.length === 0)
  }

  /** A route that stays, and is preferred to those that are advertised. False where the table is full. */
  addStatic(prefix: Ipv6Prefix, router: Ipv6): boolean {
    this.removeStatic(prefix, router)
    if (this.#list.length >= this.#options.maxRoutes) return false
    this.#list.push({ prefix, router, origin: 'static', preference: 'high', until: Number.POSITIVE_INFINITY })
    return true
  }

  /** Removes the configured routes to `prefix`, those by `router` only where one is given. Says whether there were any. */
  removeStatic(prefix: Ipv6Prefix, router: Ipv6 | undefined): boolean {
    const { length } = this.#list
    this.#keep(
      (route) =>
        route.origin !== 'static' ||
        !samePrefix(route.prefix, prefix) ||
        (router !== undefined && !ipv6Equals(route.router, router)),
    )
    return this.#list.length < length
  }

  /**
   * `router` advertises a route: RFC 4191 §3.1. An `until` that has come withdraws it. Says whether next hops may have changed, or that
   * there is no room.
   */
  advertise(
    now: number,
    route: Omit<Route, 'origin'>,
  ): 'changed' | 'unchanged' | 'too-many-routers' | 'too-many-routes' {
    const { prefix, router, preference, until } = route
    const known = this.#list.find((r) => ipv6Equals(r.router, router) && samePrefix(r.prefix, prefix))
    if (known?.origin === 'static') return 'unchanged'
    if (until <= now) {
      if (known === undefined) return 'unchanged'
      this.#keep((r) => r !== known)
      return 'changed'
    }
    if (known === undefined) {
      if (this.#isFull(router)) return 'too-many-routers'
      if (this.#list.length >= this.#options.maxRoutes) return 'too-many-routes'
      this.#list.push({ ...route, origin: 'advertised' })
      return 'changed'
    }
    const changed = known.preference !== preference
    known.until = until
    known.preference = preference
    return changed ? 'changed' : 'unchanged'
  }

  #isFull(router: Ipv6): boolean {
    const routers: Ipv6[] = []
    for (const route of this.#list) {
      if (ipv6Equals(route.router, router)) return false
      if (!routers.some((r) => ipv6Equals(r, route.router))) routers.push(route.router)
    }
    return routers.length >= this.#options.maxRouters
  }

  /** `router` forwards no more: RFC 4861 §7.3.3. Routes that were configured stay. */
  demote(router: Ipv6): void {
    this.#keep((route) => route.origin === 'static' || !ipv6Equals(route.router, router))
  }

  #keep(wanted: (route: Route) => boolean): void {
    const kept = this.#list.filter(wanted)
    this.#list.splice(0, this.#list.length, ...kept)
    const suspects = this.#suspects.filter((s) => kept.some((route) => ipv6Equals(route.router, s.router)))
    this.#suspects.splice(0, this.#suspects.length, ...suspects)
  }

  /** `router` did not answer. False where it is none. */
  suspect(now: number, router: Ipv6): boolean {
    if (!this.#list.some((route) => ipv6Equals(route.router, router))) return false
    const known = this.#suspects.find((s) => ipv6Equals(s.router, router))
    if (known === undefined) this.#suspects.push({ router, probeAt: now + PROBE_INTERVAL_MS })
    else known.probeAt = now + PROBE_INTERVAL_MS
    return true
  }

  /** `router` did not answer when it was last used. */
  isSuspect(router: Ipv6): boolean {
    return this.#suspectOf(router) !== undefined
  }

  /** `router` answers. Says whether it was suspect. */
  trust(router: Ipv6): boolean {
    const index = this.#suspects.findIndex((s) => ipv6Equals(s.router, router))
    if (index < 0) return false
    this.#suspects.splice(index, 1)
    return true
  }

  /**
   * The router for `dst`: longest prefix, then preference, routers that answer before those that do not (RFC 4191 §3.2); where none
   * answers, each in its turn (RFC 4861 §6.3.6).
   */
  select(now: number, dst: Ipv6): Selection | undefined {
    const matching = this.#list.filter((route) => prefixContains(route.prefix, dst)).sort(byWorth)
    const answering = matching.find((route) => !this.isSuspect(route.router))
    const best = answering ?? matching[0]
    if (best === undefined) return undefined
    const equals = matching.filter(
      (route) => byWorth(route, best) === 0 && (answering === undefined || !this.isSuspect(route.router)),
    )
    const index = answering === undefined ? this.#turn++ : (dst.w0 ^ dst.w1 ^ dst.w2 ^ dst.w3) >>> 0
    const { router } = equals[index % equals.length]!
    return { router, probe: answering === undefined ? [] : this.#dueProbes(now, matching, answering) }
  }

  #suspectOf(router: Ipv6): { probeAt: number } | undefined {
    return this.#suspects.find((s) => ipv6Equals(s.router, router))
  }

  #dueProbes(now: number, matching: readonly Route[], chosen: Route): Ipv6[] {
    const due: Ipv6[] = []
    for (const route of matching) {
      if (byWorth(route, chosen) > 0) break
      const suspect = this.#suspectOf(route.router)
      if (suspect === undefined || suspect.probeAt > now) continue
      suspect.probeAt = now + PROBE_INTERVAL_MS
      due.push(route.router)
    }
    return due
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const route of this.#list) at = Math.min(at, route.until)
    return at
  }

  /** Lets go of routes whose lifetime has ended. Says whether there were any. */
  timeout(now: number): boolean {
    if (this.deadline() > now) return false
    this.#keep((route) => route.until > now)
    return true
  }
}

/** Better routes first. */
function byWorth(a: Route, b: Route): number {
  return b.prefix.length - a.prefix.length || RANK[b.preference] - RANK[a.preference]
}
