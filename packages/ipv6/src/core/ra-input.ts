import { type Ipv6, isIpv6LinkLocal, isIpv6Multicast, isMulticastMac, networkAddress, withZone } from '@fata/addr'
import { countDrop } from '@fata/net'
import type { RouterAdvertisement } from '../wire/nd.ts'
import type { PrefixInformation, RouteInformation } from '../wire/nd-options.ts'
import { type Host, MIN_MTU } from './host.ts'
import { DEFAULT_ROUTE } from './routes.ts'
import { autoconfigure, lifetimeEnd } from './slaac.ts'

/** RFC 4861 §6.2.1 has routers advertise no longer reachable time; the same is asked of the interval of solicitations. */
const MAX_TIME_MS = 3_600_000
/** A shorter interval of solicitations would make a flood of them. */
const MIN_RETRANS_TIMER_MS = 10

/** A valid router advertisement: RFC 4861 §6.3.4, RFC 4862 §5.5.3, RFC 4191 §3.1, RFC 8106 §5.3.1. Says why it is not heeded. */
export function handleRouterAdvertisement(
  host: Host,
  now: number,
  ra: RouterAdvertisement,
  from: { readonly src: Ipv6; readonly multicast: boolean },
): string | undefined {
  if (!host.settings.acceptRouterAdvertisements) return 'router-advertisement-refused'
  const { src } = from
  const { options } = ra
  if (ra.curHopLimit !== 0) host.hopLimit = ra.curHopLimit
  takeTimers(host, now, ra)
  if (
    options.sourceLinkLayer !== undefined &&
    host.link.mac !== undefined &&
    !isMulticastMac(options.sourceLinkLayer)
  ) {
    host.neighbors.heard(now, src, options.sourceLinkLayer)
  }
  host.neighbors.markRouter(src)

  let changed = takeRoute(host, now, src, {
    prefix: DEFAULT_ROUTE,
    preference: ra.preference,
    lifetime: ra.routerLifetime,
  })
  for (const route of options.routes ?? []) changed = takeRoute(host, now, src, route) || changed
  if (host.routes.hasDefault && ra.routerLifetime > 0) host.solicitation.found()

  if (options.mtu !== undefined) changed = takeMtu(host, options.mtu) || changed
  for (const info of options.prefixes ?? []) {
    if (info.onLink) changed = takePrefix(host, now, info) || changed
    if (!info.autonomous || !host.settings.autoconfigure) continue
    const reason = autoconfigure(host, now, info, src, from.multicast)
    if (reason !== undefined) countDrop(host.stats.ignored, reason)
  }
  if (changed) host.generation++
  takeDns(host, now, ra)
  takeDhcpFlags(host, ra)
  return undefined
}

function takeTimers(host: Host, now: number, { reachableTime, retransTimer }: RouterAdvertisement): void {
  const isGood = retransTimer === 0 || (retransTimer >= MIN_RETRANS_TIMER_MS && retransTimer <= MAX_TIME_MS)
  if (!isGood) countDrop(host.stats.ignored, 'bad-retrans-timer')
  if (reachableTime > MAX_TIME_MS) countDrop(host.stats.ignored, 'bad-reachable-time')
  host.neighbors.configure(now, reachableTime > MAX_TIME_MS ? 0 : reachableTime, isGood ? retransTimer : 0)
  host.addresses.retransTimerMs = host.neighbors.retransTimerMs
}

function takeRoute(host: Host, now: number, router: Ipv6, info: RouteInformation): boolean {
  const { preference, lifetime } = info
  const prefix = { address: networkAddress(info.prefix), length: info.prefix.length }
  const result = host.routes.advertise(now, { prefix, router, preference, until: lifetimeEnd(now, lifetime) })
  if (result === 'too-many-routers' || result === 'too-many-routes') countDrop(host.stats.ignored, result)
  if (result !== 'changed') return false
  host.out.push({ kind: 'routes' })
  return true
}

function takeMtu(host: Host, mtu: number): boolean {
  if (mtu < MIN_MTU || mtu > host.link.mtu) {
    countDrop(host.stats.ignored, 'bad-mtu')
    return false
  }
  if (host.advertisedMtu === mtu) return false
  host.advertisedMtu = mtu
  return true
}

function takePrefix(host: Host, now: number, info: PrefixInformation): boolean {
  const { prefix } = info
  if (isIpv6LinkLocal(prefix.address) || isIpv6Multicast(prefix.address)) {
    countDrop(host.stats.ignored, 'bad-prefix')
    return false
  }
  const network = { address: networkAddress(prefix), length: prefix.length }
  const result = host.prefixes.set(now, network, lifetimeEnd(now, info.validLifetime))
  if (result === 'full') countDrop(host.stats.ignored, 'too-many-prefixes')
  return result === 'changed'
}

/**
 * RFC 4861 §4.2: M makes O redundant. Flags are taken and never taken back (RFC 4862 §5.5 says nothing of what a host does then): routers that
 * disagree would start and stop a client with each advertisement.
 */
function takeDhcpFlags(host: Host, { managed, other }: RouterAdvertisement): void {
  const news = (managed && !host.managed) || ((managed || other) && !host.otherConfiguration)
  if (!news) return
  host.managed ||= managed
  host.otherConfiguration = true
  host.out.push({ kind: 'dhcp' })
}

function takeDns(host: Host, now: number, { options }: RouterAdvertisement): void {
  let changed = false
  for (const { servers, lifetime } of options.dnsServers ?? []) {
    if (servers.some((server) => isIpv6Multicast(server))) {
      countDrop(host.stats.ignored, 'bad-dns-server')
      continue
    }
    for (const server of servers) {
      // A link-local server is one on this link, RFC 8106 §5.1.
      const address = isIpv6LinkLocal(server) ? withZone(server, host.settings.zone) : server
      changed = host.dnsServers.set(now, address, lifetimeEnd(now, lifetime)) === 'changed' || changed
    }
  }
  for (const { domains, lifetime } of options.dnsSearchLists ?? []) {
    for (const domain of domains) {
      changed = host.searchDomains.set(now, domain, lifetimeEnd(now, lifetime)) === 'changed' || changed
    }
  }
  if (changed) host.out.push({ kind: 'dns' })
}
