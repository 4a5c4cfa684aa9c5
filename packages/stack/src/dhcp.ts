import { formatPrefix, IPV4_ANY, prefixContains, prefixOf } from '@fata/addr'
import type { Arp } from '@fata/arp'
import { createDhcpClient, type DhcpClientOptions, type DhcpLease, type DhcpRoute, type DhcpStore } from '@fata/dhcp'
import type { Ipv4Layer } from '@fata/ipv4'
import type { Runtime, Timer } from '@fata/runtime'
import type { Udp } from '@fata/udp'
import type { LimitedLink } from './limited-link.ts'

const CLIENT_PORT = 68
/** Of any link that carries IPv4 in practice: whoever says less wants packets too small to be of use (RFC 791 §3.2). */
const LEAST_MTU = 576
/** How long `close` waits for the server's neighbour on the way to it. */
const RESOLVE_MS = 1000

/** The DHCP client of an interface. */
export interface DhcpOfInterface {
  /** In use. */
  readonly lease: DhcpLease | undefined
  /** Resolves with the first lease; rejects as `DhcpClient.start`. */
  readonly configured: Promise<DhcpLease>
  /** Gives the lease back, unless a store keeps it for the next start, and stops. */
  close(): Promise<void>
}

/** What the client configures, and with what. */
export interface DhcpParts {
  readonly ipv4: Ipv4Layer
  readonly arp: Arp
  readonly link: LimitedLink
  readonly udp: Udp
  readonly store: DhcpStore | undefined
  readonly runtime: Runtime
  /** Whether to look for others at an address before it is used (RFC 2131 §2.2, RFC 5227 §2.1). */
  readonly probe: boolean
  /** Called after each change. */
  readonly changed: () => void
}

/** Keeps an IPv4 layer configured as the DHCP servers of its link want it: RFC 2131. */
export function startDhcp(parts: DhcpParts, options: DhcpClientOptions): DhcpOfInterface {
  const { arp, udp, link, store, runtime, changed } = parts
  const socket = udp.bind({ address: IPV4_ANY, port: CLIENT_PORT, broadcast: true })
  const probe = parts.probe ? arp.probe.bind(arp) : undefined
  const client = createDhcpClient({ socket, mac: link.mac!, store, probe, ...runtime }, options)
  let applied: DhcpLease | undefined
  client.onLease(({ kind, lease }) => {
    const next = kind === 'lost' ? undefined : lease
    apply(parts, applied, next)
    applied = next
    changed()
  })
  // RFC 5227 §2.4: who does not yield has the address.
  const unwatch = arp.onConflict(({ address, defended }) => {
    if (!defended && address === applied?.address) client.conflict()
  })
  const configured = client.start()
  configured.catch(() => {})
  return {
    get lease() {
      return client.lease
    },
    configured,
    async close() {
      unwatch()
      if (store === undefined && client.lease !== undefined) {
        await resolveNextHop(parts, client.lease)
        await client.release()
      }
      await client.close()
      await socket.close()
    },
  }
}

/**
 * A DHCPRELEASE is sent once, by unicast, from an address that is gone right after: whoever does not know its next hop then will not find
 * it out any more.
 */
async function resolveNextHop({ arp, runtime: { clock } }: DhcpParts, lease: DhcpLease): Promise<void> {
  const { address, prefixLength, server, routes } = lease
  const onLink = prefixContains(prefixOf(address, prefixLength), server)
  const hop = onLink ? server : routes.find(({ prefix }) => prefixContains(prefix, server))?.gateway
  if (hop === undefined || arp.lookup(hop) !== undefined) return
  let timer: Timer | undefined
  await new Promise<void>((resolve) => {
    timer = clock.schedule(clock.now() + RESOLVE_MS, resolve)
    arp.resolve(hop, () => resolve())
  })
  timer?.cancel()
}

/** Turns what one lease has made of the layer into what the next one asks for. */
function apply(parts: DhcpParts, before: DhcpLease | undefined, next: DhcpLease | undefined): void {
  const { ipv4, link } = parts
  for (const route of before?.routes ?? []) if (!includes(next?.routes, route)) ipv4.removeRoute(route)
  const same = before?.address === next?.address && before?.prefixLength === next?.prefixLength
  if (before !== undefined && !same) ipv4.removeAddress(before.address)
  if (next !== undefined && !same) ipv4.addAddress(prefixOf(next.address, next.prefixLength))
  for (const route of next?.routes ?? []) if (!includes(before?.routes, route)) addRoute(parts, route)
  link.limit = next?.mtu !== undefined && next.mtu >= LEAST_MTU ? next.mtu : Number.POSITIVE_INFINITY
}

function addRoute({ ipv4, runtime: { log } }: DhcpParts, route: DhcpRoute): void {
  try {
    ipv4.addRoute(route)
  } catch (error) {
    // The server's nonsense, or more than the table holds: the other routes may do.
    log.log('warn', 'dhcp', 'a route of the lease cannot be used', {
      destination: formatPrefix(route.prefix),
      error: (error as Error).message,
    })
  }
}

function includes(routes: readonly DhcpRoute[] | undefined, { prefix, gateway }: DhcpRoute): boolean {
  return (
    routes?.some(
      (r) => r.gateway === gateway && r.prefix.address === prefix.address && r.prefix.length === prefix.length,
    ) ?? false
  )
}
