import { type Ipv6, ipv6Equals, solicitedNode } from '@fata/addr'
import { EVERY_SOURCE } from '@fata/ip'
import { type AddressChange, type AddressOut, LINK_LOCAL_BITS, type OwnAddress } from './addresses.ts'
import type { Host } from './host.ts'
import type { NeighborOut } from './neighbor.ts'
import {
  sendAnnouncement,
  sendDadProbe,
  sendMld,
  sendNeighborSolicitation,
  sendPacket,
  sendRouterSolicitation,
} from './output.ts'
import { destinationOf, type QueuedPacket, sourceOf } from './queued-packet.ts'
import { sendReassemblyTimeout } from './receive.ts'
import { reportUndeliverable } from './reports.ts'
import { destinationFor } from './routing.ts'
import { replaceDuplicate } from './slaac.ts'
import { regenerate, replaceTemporary } from './temporary.ts'

// What the parts of a host say to each other.

/**
 * Has one output of a part take effect on the others; false where there is none. Reports of groups go first: a switch must know before an
 * answer can come.
 */
export function settle(host: Host, now: number): boolean {
  const mld = host.mld.poll()
  if (mld !== undefined) sendMld(host, mld)
  else if (!settleNeighbor(host, now, host.neighbors.poll()) && !settleAddress(host, now, host.addresses.poll())) {
    const timedOut = host.reassembly.poll()
    const pong = host.pings.poll()
    if (timedOut !== undefined) sendReassemblyTimeout(host, now, timedOut)
    if (pong !== undefined) host.out.push({ kind: 'pong', pong })
    if (timedOut !== undefined || pong !== undefined) return true
    if (host.solicitation.poll() === undefined) return false
    sendRouterSolicitation(host, now)
  }
  return true
}

/** Next hops have to be determined again. */
export function routesChanged(host: Host): void {
  host.generation++
  host.out.push({ kind: 'routes' })
}

function settleNeighbor(host: Host, now: number, out: NeighborOut | undefined): boolean {
  if (out === undefined) return false
  switch (out.kind) {
    case 'solicit':
      sendNeighborSolicitation(host, now, out.target, out.to, out.src)
      break
    case 'transmit':
      host.out.push(out)
      break
    case 'unreachable':
      lose(host, now, out.address, out.packets)
      break
    case 'reachable':
      if (host.routes.trust(out.address)) host.generation++
      break
    case 'no-router':
      host.routes.demote(out.address)
      host.destinations.forgetRedirects(out.address)
      routesChanged(host)
      break
    default:
      out satisfies never
  }
  return true
}

/** RFC 4861 §7.3.3: what went by `neighbor` needs another next hop, if there is one. */
function lose(host: Host, now: number, neighbor: Ipv6, packets: readonly QueuedPacket[]): void {
  host.destinations.forgetRedirects(neighbor)
  if (host.routes.suspect(now, neighbor)) host.generation++
  for (const packet of packets) {
    const dst = destinationOf(packet)
    const destination = destinationFor(host, now, dst)
    const other = typeof destination !== 'string' && destination.nextHop.kind === 'neighbor' && destination.nextHop
    const isDead = !other || ipv6Equals(other.address, neighbor) || host.routes.isSuspect(other.address)
    if (isDead) reportUndeliverable(host, now, packet)
    else sendPacket(host, now, sourceOf(packet), dst, packet)
  }
}

function settleAddress(host: Host, now: number, out: AddressOut | undefined): boolean {
  if (out === undefined) return false
  switch (out.kind) {
    case 'join':
      host.mld.set(now, solicitedNode(out.address.address), out.address, EVERY_SOURCE)
      break
    case 'leave':
      host.mld.set(now, solicitedNode(out.address.address), out.address, undefined)
      break
    case 'probe':
      sendDadProbe(host, now, out.target, out.nonce)
      break
    case 'announce':
      sendAnnouncement(host, now, out.target)
      break
    case 'regenerate':
      regenerate(host, now, out.address)
      break
    case 'address':
      addressChanged(host, now, out.address, out.change)
      break
    default:
      out satisfies never
  }
  return true
}

function addressChanged(host: Host, now: number, address: OwnAddress, change: AddressChange): void {
  host.generation++
  host.out.push({ kind: 'address', address, change })
  const { origin } = address
  if (change === 'duplicate' && origin === 'autoconfigured') replaceDuplicate(host, now, address)
  if (change === 'duplicate' && origin === 'temporary') replaceTemporary(host, now, address)
  if (change === 'duplicate' && origin === 'link-local') linkLocalTaken(host, now, address)
  if (change === 'preferred' && origin === 'link-local') linkLocalReady(host, now)
}

/** Routers heed reports from here on, RFC 3810 §5.2.13, and may be asked, RFC 4861 §6.3.7. */
function linkLocalReady(host: Host, now: number): void {
  host.mld.linkLocalReady(now)
  if (host.settings.acceptRouterAdvertisements) host.solicitation.start(now)
}

/** RFC 4862 §5.4.5: the MAC address is not unique, so nothing on this link can work; an opaque identifier is replaced, RFC 7217 §6. */
function linkLocalTaken(host: Host, now: number, address: OwnAddress): void {
  const next = host.linkLocalTries < host.settings.idgenRetries ? host.ids.nextLinkLocal() : undefined
  if (next !== undefined) {
    host.linkLocalTries++
    host.addresses.remove(address)
    const probeAt = now + (host.settings.idgenDelayMs * host.random.uint32()) / 0x1_0000_0000
    host.addresses.addConfigured(now, { address: next, length: LINK_LOCAL_BITS }, 'link-local', probeAt)
    return
  }
  host.disabled = true
  for (const own of [...host.addresses.list]) if (own !== address) host.addresses.remove(own)
}
