import { type Ipv6, ipv6Equals, prefixOf } from '@fata/addr'
import { createDhcpv6Client, type Dhcpv6ClientOptions, type Dhcpv6Information, type Dhcpv6Lease } from '@fata/dhcp'
import type { Ipv6Layer } from '@fata/ipv6'
import type { Link } from '@fata/link'
import type { Runtime, Timer } from '@fata/runtime'
import type { Udp } from '@fata/udp'

const CLIENT_PORT = 546
/** How long `close` waits for a server to say that it has heard of the end of a lease. RFC 8415 §18.2.7 would have it try for 15 s. */
const RELEASE_MS = 1000

/** The DHCPv6 client of an interface. */
export interface Dhcpv6OfInterface {
  /** In use. */
  readonly lease: Dhcpv6Lease | undefined
  /** What a server has said besides addresses, where routers say that only this is to be had. */
  readonly information: Dhcpv6Information | undefined
  /** Gives the lease back and stops. */
  close(): Promise<void>
}

/** What the client configures, and with what. */
export interface Dhcpv6Parts {
  readonly ipv6: Ipv6Layer
  readonly link: Link
  readonly udp: Udp
  readonly runtime: Runtime
  /** Called after each change. */
  readonly changed: () => void
}

/** Does what router advertisements say (RFC 4861 §4.2): asks for addresses with the M flag, for other configuration alone with the O flag. */
export function followRouters(parts: Dhcpv6Parts, options: Dhcpv6ClientOptions): Dhcpv6OfInterface {
  const { ipv6, link, udp, runtime, changed } = parts
  const { clock } = runtime
  const socket = udp.bind({ port: CLIENT_PORT })
  const client = createDhcpv6Client({ socket, mac: link.mac!, ...runtime }, options)
  const ended = new AbortController()
  let information: Dhcpv6Information | undefined
  let informing = false
  let refresh: Timer | undefined

  let applied: readonly Ipv6[] = []
  client.onLease(({ kind, lease }) => {
    const next = kind === 'lost' ? [] : lease.addresses
    const addresses = next.map(({ address }) => address)
    for (const address of applied) if (!holds(addresses, address)) ipv6.removeAddress(address)
    for (const { address, ...lifetimes } of next) ipv6.addAddress(prefixOf(address, 128), lifetimes)
    applied = addresses
    changed()
  })

  async function inform(): Promise<void> {
    if (informing) return
    informing = true
    try {
      information = await client.inform({ signal: ended.signal })
    } catch {
      // Closed, there is no other way out.
      return
    } finally {
      informing = false
    }
    if (information.refreshAt < Number.POSITIVE_INFINITY)
      refresh = clock.schedule(information.refreshAt, () => void inform())
    changed()
  }

  const follow = (): void => {
    const { managed, otherConfiguration } = ipv6.state()
    if (managed) client.start({ signal: ended.signal }).catch(() => {})
    else if (otherConfiguration) void inform()
  }
  const unwatch = ipv6.onEvent((event) => {
    if (event.kind === 'dhcp') follow()
    // RFC 8415 §18.2.10.1: what duplicate address detection finds in use is declined.
    else if (event.kind === 'address' && event.change === 'duplicate' && holds(applied, event.address.address))
      client.conflict(event.address.address)
  })
  return {
    get lease() {
      return client.lease
    },
    get information() {
      return information
    },
    async close() {
      unwatch()
      refresh?.cancel()
      ended.abort()
      if (client.lease !== undefined) await within(client.release(), RELEASE_MS, runtime)
      await client.close()
      await socket.close()
    },
  }
}

function holds(addresses: readonly Ipv6[], address: Ipv6): boolean {
  return addresses.some((other) => ipv6Equals(other, address))
}

/** Resolves when `promise` does, at the latest after `ms`. */
async function within(promise: Promise<void>, ms: number, { clock }: Runtime): Promise<void> {
  let timer: Timer | undefined
  const late = new Promise<void>((resolve) => {
    timer = clock.schedule(clock.now() + ms, resolve)
  })
  await Promise.race([promise.catch(() => {}), late])
  timer?.cancel()
}
