import type { Ipv6, Ipv6Prefix, Mac } from '@fata/addr'
import type { IpReport, TokenBucket } from '@fata/ip'
import type { DropCounts } from '@fata/net'
import type { Random } from '@fata/runtime'
import type { Settings } from '../options.ts'
import type { AddressChange, Addresses, OwnAddress } from './addresses.ts'
import type { DestinationCache } from './destination-cache.ts'
import type { ExpiringList } from './expiring-list.ts'
import type { InterfaceIds } from './interface-id.ts'
import type { Mld } from './mld.ts'
import type { NeighborCache } from './neighbor-cache.ts'
import type { Outbox } from './outbox.ts'
import type { Pings, Pong } from './pings.ts'
import type { QueuedPacket } from './queued-packet.ts'
import type { Reassembly } from './reassembly.ts'
import type { RouterSolicitation } from './router-solicitation.ts'
import type { Routes } from './routes.ts'

/** What the core has to know of its link. */
export interface LinkFacts {
  readonly mac: Mac | undefined
  readonly mtu: number
}

/** Counters of an IPv6 layer. */
export interface Ipv6Stats {
  /** Well-formed packets for this host that came by the link, fragments one by one. */
  received: number
  /** Segments and messages handed to transports. */
  delivered: number
  /** Packets handed to the link, fragments one by one. */
  sent: number
  /** Packets to this host itself. */
  looped: number
  /** Packets that were sent in fragments. */
  fragmented: number
  /** Packets put together from fragments. */
  reassembled: number
  /** Received and dropped, by reason. */
  readonly dropped: DropCounts
  /** Accepted by `write`, or to be sent by this layer itself, and not sent after all, by reason. */
  readonly unsent: DropCounts
  /** What routers advertised and was not heeded, by reason. */
  readonly ignored: DropCounts
  /** ICMPv6 errors sent, by kind. */
  readonly errorsSent: DropCounts
  /** ICMPv6 errors not sent since RFC 4443 §2.4 (e) or (f) forbids it, by rule. */
  readonly errorsWithheld: DropCounts
  /** Errors received or found out about own packets and told to transports, by kind. */
  readonly errorsReported: DropCounts
}

/** What the core wants done. */
export type Ipv6Out =
  | { readonly kind: 'transmit'; readonly to: Mac; readonly packet: QueuedPacket }
  /** Back to this host. */
  | { readonly kind: 'loopback'; readonly packet: QueuedPacket }
  | { readonly kind: 'report'; readonly protocol: number; readonly report: IpReport }
  | { readonly kind: 'address'; readonly address: OwnAddress; readonly change: AddressChange }
  /** The address of another node turned out to be an own one that is in use. */
  | { readonly kind: 'conflict'; readonly address: OwnAddress }
  | { readonly kind: 'routes' }
  | { readonly kind: 'dns' }
  | { readonly kind: 'dhcp' }
  | { readonly kind: 'pong'; readonly pong: Pong }

/** The parts of one layer and what they share: what the functions of the core work on. */
export interface Host {
  readonly settings: Settings
  readonly link: LinkFacts
  readonly random: Random
  readonly stats: Ipv6Stats
  readonly out: Outbox<Ipv6Out>

  readonly ids: InterfaceIds
  readonly addresses: Addresses
  readonly neighbors: NeighborCache
  readonly routes: Routes
  /** Prefixes on the link. */
  readonly prefixes: ExpiringList<Ipv6Prefix>
  readonly dnsServers: ExpiringList<Ipv6>
  readonly searchDomains: ExpiringList<string>
  readonly destinations: DestinationCache
  readonly solicitation: RouterSolicitation
  readonly mld: Mld
  readonly reassembly: Reassembly
  readonly pings: Pings
  readonly errors: TokenBucket

  /** Of everything that next hops, sources and own addresses depend on: it grows with each change. */
  generation: number
  /** CurHopLimit of RFC 4861 §6.3.2. */
  hopLimit: number
  /** LinkMTU as advertised; Infinity where it is not. */
  advertisedMtu: number
  /** A router has said that DHCPv6 has addresses (the M flag), or other configuration (the O flag, or M, which includes it). */
  managed: boolean
  otherConfiguration: boolean
  /** Random link-local addresses that were found taken. */
  linkLocalTries: number
  /** The link-local address is taken, and it is made of the MAC address: RFC 4862 §5.4.5. */
  disabled: boolean
}

/** IPv6 asks for no less of a link, RFC 8200 §5. */
export const MIN_MTU = 1280

/** Largest packet that the link takes. */
export function linkMtu(host: Host): number {
  return Math.min(host.link.mtu, host.advertisedMtu)
}
