import type { Ipv6, Ipv6Prefix, Mac } from '@fata/addr'
import type { Ip, IpGroups } from '@fata/ip'
import type { Link } from '@fata/link'
import type { Runtime } from '@fata/runtime'
import type { AddressChange, AddressOrigin } from './core/addresses.ts'
import type { Ipv6Stats } from './core/host.ts'
import type { PingOutcome } from './core/pings.ts'
import type { Preference } from './wire/preference.ts'

/** What an IPv6 layer stands on. */
export interface Ipv6Deps extends Runtime {
  readonly link: Link
}

/** IPv6 with ICMPv6, Neighbor Discovery and Multicast Listener Discovery over one link. */
export interface Ipv6Layer extends Ip, IpGroups {
  /** Counters, live. */
  readonly stats: Ipv6Stats

  /**
   * Resolves when the link-local address and those of the options may be used. Rejects with IpError `ERR_IP_DUPLICATE_ADDRESS` where
   * another node has one of them, and with NetError `ERR_NET_CLOSED` where the layer is closed before. It may be ignored.
   */
  readonly ready: Promise<void>

  addresses(): readonly Ipv6Prefix[]

  /**
   * Adds an own address and its prefix, which is on the link. It can be used when Duplicate Address Detection is through: see
   * `onEvent`. One that was added before has the new lifetimes from then on. Throws a RangeError where it is no address of a host,
   * there are too many, or it would be preferred for longer than it is valid.
   */
  addAddress(prefix: Ipv6Prefix, lifetimes?: AddressLifetimes): void

  /** Removes an own address, but never the link-local one. Returns whether it was there. */
  removeAddress(address: Ipv6): boolean

  /** Calls `changed` after every change of what `addresses` returns; returns the function that ends it. */
  onAddresses(changed: (addresses: readonly Ipv6Prefix[]) => void): () => void

  /** Calls `listener` with whatever happens to addresses, routes and name servers; returns the function that ends it. */
  onEvent(listener: (event: Ipv6Event) => void): () => void

  /** A snapshot of everything that the layer has learnt or was told. */
  state(): Ipv6State

  /** Adds a route; one to the same prefix by the same gateway is replaced. Throws a RangeError on nonsense and on a full table. */
  addRoute(route: Ipv6Route): void

  /** Removes configured routes to a prefix, by `gateway` only where one is given. Returns whether there were any. */
  removeRoute(route: { readonly prefix: Ipv6Prefix; readonly gateway?: Ipv6 | undefined }): boolean

  /**
   * Sends one ICMPv6 echo request and resolves with what became of it. Rejects with the signal's reason, with IpError as `write`
   * throws, and with NetError `ERR_NET_CLOSED`. Throws a RangeError on nonsense.
   */
  ping(dst: Ipv6, options?: PingOptions): Promise<PingOutcome>

  /** Ends everything: listeners are not called any more, pings reject, `write` throws NetError `ERR_NET_CLOSED`. Idempotent. */
  close(): void
}

/** How long an address lasts, as times of the clock's `now()`: RFC 4862 §5.5.4. */
export interface AddressLifetimes {
  /** From then on it is deprecated: a source only where there is no other. Default: as long as it is valid. */
  readonly preferredUntil?: number | undefined
  /** Then it is removed. Default Infinity: for ever. */
  readonly validUntil?: number | undefined
}

/** A route that was configured. */
export interface Ipv6Route {
  readonly prefix: Ipv6Prefix
  /** A router on the link. */
  readonly gateway: Ipv6
}

/** How an echo request is sent. */
export interface PingOptions {
  /** Bytes of data, 0..65527. Default 56, or those of `data`. */
  readonly size?: number | undefined
  /** The data. Default: bytes that count up. */
  readonly data?: Uint8Array | undefined
  /** Hop limit, 1..255. Default: the layer's. */
  readonly hopLimit?: number | undefined
  /** DSCP and ECN. Default 0. */
  readonly trafficClass?: number | undefined
  /** Source address. Default: as for every packet. */
  readonly src?: Ipv6 | undefined
  /** May the request be fragmented? Default true. */
  readonly fragment?: boolean | undefined
  /** Identifier, 0..65535. Default: one of the layer's, at random. */
  readonly id?: number | undefined
  /** Sequence number, 0..65535. Default: counts up. */
  readonly sequence?: number | undefined
  /** How long to wait for an answer. Default 1000. */
  readonly timeoutMs?: number | undefined
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
}

/** Something that a program may want to know. */
export type Ipv6Event =
  /** An own address entered another state. `'duplicate'`: another node has it, so it is not used. */
  | { readonly kind: 'address'; readonly address: AddressInfo; readonly change: AddressChange }
  /** Another node claims an own address that is in use. */
  | { readonly kind: 'conflict'; readonly address: AddressInfo }
  | { readonly kind: 'routes' }
  | { readonly kind: 'dns' }
  /** A router says for the first time that DHCPv6 has addresses or other configuration, see `Ipv6State.managed`. */
  | { readonly kind: 'dhcp' }

/** An own address. Times are those of the clock, Infinity for never. */
export interface AddressInfo {
  readonly address: Ipv6
  readonly prefixLength: number
  readonly origin: AddressOrigin
  /** RFC 4862 §2; `'optimistic'`: in use while it is still being tried (RFC 4429); `'duplicate'`: another node has it. */
  readonly state: 'tentative' | 'optimistic' | 'preferred' | 'deprecated' | 'duplicate'
  readonly preferredUntil: number
  readonly validUntil: number
}

/** What a layer knows. Times are those of the clock, Infinity for never. */
export interface Ipv6State {
  readonly addresses: readonly AddressInfo[]
  readonly routes: readonly {
    readonly prefix: Ipv6Prefix
    readonly router: Ipv6
    readonly origin: 'static' | 'advertised'
    readonly preference: Preference
    readonly until: number
  }[]
  /** Advertised prefixes on the link; those of configured addresses are so besides. */
  readonly prefixes: readonly { readonly prefix: Ipv6Prefix; readonly until: number }[]
  readonly neighbors: readonly {
    readonly address: Ipv6
    readonly mac: Mac | undefined
    /** RFC 4861 §7.3.2. */
    readonly state: 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'gone'
    readonly isRouter: boolean
  }[]
  readonly dnsServers: readonly Ipv6[]
  readonly searchDomains: readonly string[]
  readonly groups: readonly Ipv6[]
  /** Packets of which fragments are missing, and the memory that they take. */
  readonly reassembly: { readonly packets: number; readonly bytes: number }
  /** Some router has advertised that addresses are to be had by DHCPv6 (the M flag of RFC 4861 §4.2). */
  readonly managed: boolean
  /** Some router has advertised that DHCPv6 has other configuration (the O flag, or the M flag, which includes it). */
  readonly otherConfiguration: boolean
  readonly hopLimit: number
  readonly mtu: number
}
