import { type Ipv6, ipv6Equals, type Mac } from '@fata/addr'
import type { Random } from '@fata/runtime'
import { AddressTable, type TableEntry } from './address-table.ts'
import type { Neighbor } from './neighbor.ts'

/** How packets to a destination leave this host. */
export type NextHop =
  /** They do not: the destination is this host. */
  | { readonly kind: 'local' }
  /** To everybody who listens on the link. */
  | { readonly kind: 'multicast'; readonly mac: Mac }
  /** To the other end of a link without addresses. */
  | { readonly kind: 'point-to-point' }
  /** To a neighbor: the destination itself or a router. */
  | { readonly kind: 'neighbor'; readonly address: Ipv6 }

/** What is remembered of a destination that packets were sent to: the Destination Cache of RFC 4861 §5.1, with the path MTU of RFC 8201. */
export interface Destination extends TableEntry<Destination> {
  /** As found when `generation` was the present one; otherwise it has to be determined again. An entry that was given up has -1. */
  nextHop: NextHop
  /** Undefined where no own address will do. */
  source: Ipv6 | undefined
  generation: number
  /** The neighbor that the last packet went to; to be looked up again where it is gone. */
  neighbor: Neighbor | undefined
  /** A router has said that another next hop is better, RFC 4861 §8.3. */
  redirect: Ipv6 | undefined
  /** As far as routers have complained; Infinity where none has. */
  pathMtu: number
  pathMtuUntil: number
  /** Of the next fragmented packet: RFC 7739 §5.1. */
  fragmentId: number
}

export interface DestinationOptions {
  readonly maxDestinations: number
  /** How long a path MTU is believed, RFC 8201 §4. */
  readonly pathMtuTimeoutMs: number
}

const NEVER = Number.POSITIVE_INFINITY

export class DestinationCache {
  readonly #options: DestinationOptions
  readonly #random: Random
  readonly #table: AddressTable<Destination>
  #nextAt = NEVER

  constructor(options: DestinationOptions, random: Random) {
    this.#options = options
    this.#random = random
    this.#table = new AddressTable(options.maxDestinations, random.uint32())
  }

  get(address: Ipv6): Destination | undefined {
    return this.#table.get(address)
  }

  touch(destination: Destination): void {
    this.#table.touch(destination)
  }

  /** A new entry; the least recently used one makes room. */
  add(address: Ipv6, nextHop: NextHop, source: Ipv6 | undefined, generation: number): Destination {
    if (this.#table.size === this.#table.capacity) {
      const victim = this.#table.victim(() => 0)
      this.#table.delete(victim)
      victim.generation = -1
    }
    const destination: Destination = {
      address,
      used: 0,
      chained: undefined,
      nextHop,
      source,
      generation,
      neighbor: undefined,
      redirect: undefined,
      pathMtu: NEVER,
      pathMtuUntil: NEVER,
      fragmentId: this.#random.uint32(),
    }
    this.#table.add(destination)
    this.#table.touch(destination)
    return destination
  }

  /** A router says that only packets of `mtu` bytes reach `destination`: RFC 8201 §4. Says whether that is news. */
  shrink(now: number, destination: Destination, mtu: number): boolean {
    if (mtu >= destination.pathMtu) return false
    destination.pathMtu = mtu
    destination.pathMtuUntil = now + this.#options.pathMtuTimeoutMs
    this.#nextAt = Math.min(this.#nextAt, destination.pathMtuUntil)
    return true
  }

  /** Undoes the redirects to `router`. */
  forgetRedirects(router: Ipv6): void {
    for (const destination of this.#table) {
      const { redirect } = destination
      if (redirect === undefined || !ipv6Equals(redirect, router)) continue
      destination.redirect = undefined
      destination.generation = -1
    }
  }

  deadline(): number {
    return this.#nextAt
  }

  /** A path may have become wider: the next large packet finds out. */
  timeout(now: number): void {
    if (now < this.#nextAt) return
    this.#nextAt = NEVER
    for (const destination of this.#table) {
      if (destination.pathMtuUntil <= now) {
        destination.pathMtu = NEVER
        destination.pathMtuUntil = NEVER
      }
      this.#nextAt = Math.min(this.#nextAt, destination.pathMtuUntil)
    }
  }
}
