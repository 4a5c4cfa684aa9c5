import {
  IPV6_LOOPBACK,
  type Ipv6,
  ipv6Equals,
  ipv6MulticastScope,
  isIpv6Any,
  isIpv6LinkLocal,
  isIpv6Loopback,
  isIpv6Multicast,
  multicastMac,
  prefixContains,
  withZone,
} from '@fata/addr'
import type { IpErrorCode } from '@fata/ip'
import { isOptimistic, isUsable, prefixOf } from './addresses.ts'
import type { Destination, NextHop } from './destination-cache.ts'
import { type Host, linkMtu } from './host.ts'
import { selectSource } from './source-selection.ts'

/** Why no packet can be sent to a destination: no route leads there, or the interface is disabled. */
export type Unroutable = IpErrorCode & ('ERR_IP_NO_ROUTE' | 'ERR_IP_NO_SOURCE')

const LOCAL: NextHop = { kind: 'local' }
const POINT_TO_POINT: NextHop = { kind: 'point-to-point' }

/**
 * The entry for `dst`, with a next hop that is good now: next-hop determination of RFC 4861 §5.2. Nothing is remembered of destinations
 * that cannot be reached.
 */
export function destinationFor(host: Host, now: number, dst: Ipv6): Destination | Unroutable {
  if (!isInZone(host, dst)) return 'ERR_IP_NO_ROUTE'
  const known = host.destinations.get(dst)
  if (known !== undefined && known.generation === host.generation) return known
  const address = known?.address ?? inZone(host, dst)
  const way = determine(host, now, address, known?.redirect)
  if (typeof way === 'string') return way
  if (known === undefined) return host.destinations.add(address, way.nextHop, way.source, host.generation)
  known.nextHop = way.nextHop
  known.source = way.source
  known.generation = host.generation
  known.neighbor = undefined
  return known
}

/** A link has one zone, RFC 4007 §5; packets say nothing of it. */
export function isInZone({ settings }: Host, { zone }: Ipv6): boolean {
  return zone === '' || settings.zone === '' || zone === settings.zone
}

/** `dst` with the zone of the link, where it needs one. */
function inZone({ settings }: Host, dst: Ipv6): Ipv6 {
  const zone = isIpv6LinkLocal(dst) ? settings.zone : ''
  return dst.zone === zone ? dst : withZone(dst, zone)
}

interface Way {
  readonly nextHop: NextHop
  readonly source: Ipv6 | undefined
}

function determine(host: Host, now: number, dst: Ipv6, redirect: Ipv6 | undefined): Way | Unroutable {
  if (host.disabled) return 'ERR_IP_NO_SOURCE'
  if (isIpv6Any(dst)) return 'ERR_IP_NO_ROUTE'
  const own = host.addresses.get(dst)
  if (own !== undefined && isUsable(own)) return { nextHop: LOCAL, source: own.address }
  if (isIpv6Loopback(dst)) return { nextHop: LOCAL, source: IPV6_LOOPBACK }
  if (isIpv6Multicast(dst)) return multicastWay(host, dst)
  if (host.link.mac === undefined) {
    // Whatever is not here is at the other end, or behind it.
    return { nextHop: POINT_TO_POINT, source: selectSource(host.addresses.list, dst, undefined)?.address }
  }
  const via = redirect ?? (isOnLink(host, dst) ? dst : selectRouter(host, now, dst))
  if (via === undefined) return 'ERR_IP_NO_ROUTE'
  const direct = ipv6Equals(via, dst)
  const source = selectSource(host.addresses.list, dst, direct ? undefined : via)
  const detour = direct && source !== undefined && isOptimistic(source) ? detourTo(host, now, dst) : undefined
  return { nextHop: { kind: 'neighbor', address: detour ?? via }, source: source?.address }
}

/** RFC 4429 §3.2: neighbors are not asked for on behalf of an optimistic address, but a router that is known may know them. */
function detourTo(host: Host, now: number, dst: Ipv6): Ipv6 | undefined {
  if (isIpv6LinkLocal(dst) || host.neighbors.get(dst)?.mac !== undefined) return undefined
  const router = selectRouter(host, now, dst)
  return router !== undefined && host.neighbors.get(router)?.mac !== undefined ? router : undefined
}

/** Scopes 0 and 1 do not leave the node, RFC 4291 §2.7. */
function multicastWay(host: Host, dst: Ipv6): Way | Unroutable {
  if (ipv6MulticastScope(dst) <= 1) return 'ERR_IP_NO_ROUTE'
  const source = selectSource(host.addresses.list, dst, undefined)?.address
  const nextHop: NextHop = host.link.mac === undefined ? POINT_TO_POINT : { kind: 'multicast', mac: multicastMac(dst) }
  return { nextHop, source }
}

/**
 * `dst` is a neighbor: the link-local prefix always is on the link (RFC 4861 §5.1), others by advertisement or configuration. An
 * autoconfigured address says nothing of it (RFC 5942 §4).
 */
function isOnLink({ addresses, prefixes }: Host, dst: Ipv6): boolean {
  if (isIpv6LinkLocal(dst) || prefixes.items.some(({ value }) => prefixContains(value, dst))) return true
  return addresses.list.some((own) => own.origin === 'static' && isUsable(own) && prefixContains(prefixOf(own), dst))
}

function selectRouter(host: Host, now: number, dst: Ipv6): Ipv6 | undefined {
  const selection = host.routes.select(now, dst)
  if (selection === undefined) return undefined
  for (const router of selection.probe) host.neighbors.probe(now, router)
  return selection.router
}

/** Largest packet to `destination`, as far as is known. */
export function pathMtu(host: Host, destination: Destination | undefined): number {
  return Math.min(linkMtu(host), destination?.pathMtu ?? Number.POSITIVE_INFINITY)
}
