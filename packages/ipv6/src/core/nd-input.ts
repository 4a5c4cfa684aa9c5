import { type Ipv6, ipv6Equals, isIpv6Any, isMulticastMac, type Mac } from '@fata/addr'
import type { NdMessage, NeighborAdvertisement, NeighborSolicitation, Redirect } from '../wire/nd.ts'
import { isOptimistic, isUsable } from './addresses.ts'
import type { Host } from './host.ts'
import { sendSolicitedAdvertisement } from './output.ts'
import { handleRouterAdvertisement } from './ra-input.ts'
import { destinationFor } from './routing.ts'

/** Where an ND message comes from. */
export interface NdOrigin {
  readonly src: Ipv6
  /** It was sent to a group. */
  readonly multicast: boolean
}

/** Acts on a Neighbor Discovery message that has passed its validity checks; says why it was dropped. */
export function handleNd(host: Host, now: number, message: NdMessage, from: NdOrigin): string | undefined {
  switch (message.kind) {
    case 'router-solicitation':
      // RFC 4861 §6.1.1: for routers.
      return 'router-solicitation'
    case 'router-advertisement':
      return handleRouterAdvertisement(host, now, message, from)
    case 'neighbor-solicitation':
      return handleNeighborSolicitation(host, now, message, from)
    case 'neighbor-advertisement':
      return handleNeighborAdvertisement(host, now, message)
    case 'redirect':
      return handleRedirect(host, now, message, from)
    default:
      return message satisfies never
  }
}

/** RFC 4861 §7.2.3; for tentative addresses RFC 4862 §5.4.3. */
function handleNeighborSolicitation(
  host: Host,
  now: number,
  ns: NeighborSolicitation,
  { src }: NdOrigin,
): string | undefined {
  const own = host.addresses.get(ns.target)
  if (own === undefined || own.state.kind === 'duplicate') return 'solicitation-of-another'
  if (own.state.kind === 'tentative' && !isIpv6Any(src)) return 'solicitation-of-tentative'
  if (own.state.kind === 'tentative' || (isOptimistic(own) && isIpv6Any(src))) {
    return host.addresses.heardProbe(own, ns.options.nonce) === 'own-probe' ? 'own-probe' : undefined
  }
  const mac = stationMac(host, ns.options.sourceLinkLayer)
  if (mac !== undefined && !isIpv6Any(src)) host.neighbors.heard(now, src, mac)
  sendSolicitedAdvertisement(host, now, own, src)
  return undefined
}

/** RFC 4861 §7.2.5; for own addresses RFC 4862 §5.4.4. */
function handleNeighborAdvertisement(host: Host, now: number, na: NeighborAdvertisement): string | undefined {
  const { target, router, solicited, override, options } = na
  const own = host.addresses.get(target)
  // What DAD has found to be another's is a neighbor's.
  if (own !== undefined && own.state.kind !== 'duplicate') {
    if (options.targetLinkLayer !== undefined && options.targetLinkLayer === host.link.mac) {
      return 'own-advertisement'
    }
    if (!host.addresses.heardAdvertisement(own) && isUsable(own)) host.out.push({ kind: 'conflict', address: own })
    return undefined
  }
  if (host.link.mac === undefined) return undefined
  const mac = stationMac(host, options.targetLinkLayer)
  if (mac === undefined && options.targetLinkLayer !== undefined) return 'nd-bad-link-layer'
  host.neighbors.advertised(now, target, { mac, router, solicited, override })
  return undefined
}

/** RFC 4861 §8.1, §8.3. */
function handleRedirect(host: Host, now: number, redirect: Redirect, { src }: NdOrigin): string | undefined {
  if (!host.settings.acceptRedirects || host.link.mac === undefined) return 'redirect-refused'
  const destination = destinationFor(host, now, redirect.destination)
  if (typeof destination === 'string' || destination.nextHop.kind !== 'neighbor') {
    return 'redirect-not-from-router'
  }
  // An on-link destination is its own next hop, which cannot redirect.
  const { address } = destination.nextHop
  if (!ipv6Equals(address, src) || ipv6Equals(address, destination.address)) {
    return 'redirect-not-from-router'
  }
  const { target } = redirect
  if (host.addresses.get(target) !== undefined) return 'redirect-to-self'
  destination.redirect = target
  destination.generation = -1
  const mac = stationMac(host, redirect.options.targetLinkLayer)
  if (mac !== undefined) host.neighbors.heard(now, target, mac)
  if (!ipv6Equals(target, redirect.destination)) host.neighbors.markRouter(target)
  return undefined
}

/** The link-layer address of a single station; undefined where there is none, or it can't be one. */
function stationMac(host: Host, mac: Mac | undefined): Mac | undefined {
  if (mac === undefined || host.link.mac === undefined) return undefined
  return isMulticastMac(mac) || mac === 0 ? undefined : mac
}
