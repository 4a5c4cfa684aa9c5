import type { Ipv4, Ipv4Prefix } from '@fata/addr'
import type { Ip, IpGroups, IpReportKind } from '@fata/ip'
import type { Link, Neighbors } from '@fata/link'
import type { DropCounts } from '@fata/net'
import type { Runtime } from '@fata/runtime'
import type { Ipv4Route } from './core/routes.ts'

/** What an IPv4 layer stands on. */
export interface Ipv4Deps extends Runtime {
  readonly link: Link
  /** Who has which link-layer address. Needed where the link has addresses, unused where it has none. */
  readonly neighbors?: Neighbors<Ipv4> | undefined
}

/** IPv4 with ICMP and IGMP over one link. */
export interface Ipv4Layer extends Ip, IpGroups {
  /** Counters, live. */
  readonly stats: Ipv4Stats

  addresses(): readonly Ipv4Prefix[]

  /**
   * Adds an own address and the route to its network; a known address gets the prefix length. Throws a RangeError where it is no
   * address of a host, or there are too many.
   */
  addAddress(prefix: Ipv4Prefix): void

  /** Removes an own address with the route to its network. Returns whether it was there. Other routes stay. */
  removeAddress(address: Ipv4): boolean

  /** Calls `changed` after every change of the addresses; returns the function that ends it. */
  onAddresses(changed: (addresses: readonly Ipv4Prefix[]) => void): () => void

  /** The routing table in order of preference. */
  routes(): readonly Ipv4Route[]

  /** Adds a route; one to the same network by the same gateway is replaced. Throws a RangeError on nonsense and on a full table. */
  addRoute(route: Ipv4Route): void

  /** Removes the routes to a network, by `gateway` only where one is given. Returns whether there were any. */
  removeRoute(route: Pick<Ipv4Route, 'prefix' | 'gateway'>): boolean

  /**
   * Sends one ICMP echo request and resolves with what became of it. Rejects with the signal's reason, with IpError as `write` throws,
   * and with NetError `ERR_NET_CLOSED`. Throws a RangeError on nonsense.
   */
  ping(dst: Ipv4, options?: PingOptions): Promise<PingOutcome>

  /** Ends everything: listeners are not called any more, pings reject, `write` throws NetError `ERR_NET_CLOSED`. Idempotent. */
  close(): void
}

/** How an echo request is sent. */
export interface PingOptions {
  /** Bytes of data, 0..65507. Default 56, or those of `data`. */
  readonly size?: number | undefined
  /** The data. Default: bytes that count up. */
  readonly data?: Uint8Array | undefined
  /** Time to live, 1..255. Default: the layer's. */
  readonly ttl?: number | undefined
  /** DSCP and ECN. Default 0. */
  readonly trafficClass?: number | undefined
  /** Source address. Default: as for every packet. */
  readonly src?: Ipv4 | undefined
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

/** What became of an echo request. */
export type PingOutcome = PingReply | PingFailure | PingTimeout

/** The destination answered. */
export interface PingReply {
  readonly kind: 'reply'
  readonly sequence: number
  /** Who answered: one of many where the destination was a group. */
  readonly from: Ipv4
  readonly rttMs: number
  /** Time to live of the answer as received. */
  readonly ttl: number
  /** Bytes of data. */
  readonly size: number
}

/** An ICMP error came, or this host found out by itself: then `from` is its own address. */
export interface PingFailure {
  readonly kind: IpReportKind
  readonly sequence: number
  readonly from: Ipv4
  readonly rttMs: number
  /** With `'packet-too-big'`: what the next link takes, 0 where the router did not say. Else 0. */
  readonly mtu: number
}

/** Nothing came in time. */
export interface PingTimeout {
  readonly kind: 'timeout'
  readonly sequence: number
}

/** Counters of an IPv4 layer. */
export interface Ipv4Stats {
  /** Well-formed packets for this host that came by the link, fragments one by one. */
  received: number
  /** Datagrams handed to a transport, ICMP or IGMP. */
  delivered: number
  /** Packets handed to the link, fragments one by one. */
  sent: number
  /** Packets to this host itself. */
  looped: number
  /** Datagrams that were sent in fragments. */
  fragmented: number
  /** Datagrams put together from fragments. */
  reassembled: number
  /** Received and dropped, by reason. */
  readonly dropped: DropCounts
  /** Accepted by `write` and not sent after all, by reason. */
  readonly unsent: DropCounts
  /** ICMP errors sent, by kind. */
  readonly errorsSent: DropCounts
  /** ICMP errors not sent since RFC 1122 §3.2.2 or the rate limit forbids it, by rule. */
  readonly errorsWithheld: DropCounts
  /** Errors received or found out about own packets and told to transports, by kind. */
  readonly errorsReported: DropCounts
}
