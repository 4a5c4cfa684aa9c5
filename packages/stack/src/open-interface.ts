import { formatIp, type IpAddress, ipEquals } from '@fata/addr'
import { createArp } from '@fata/arp'
import { createEthernet } from '@fata/ethernet'
import { createPointToPoint } from '@fata/link'
import type { Net } from '@fata/net'
import type { Runtime, Timer } from '@fata/runtime'
import { createUdp } from '@fata/udp'
import type { Settings } from './config.ts'
import { configurationIp } from './configuration-ip.ts'
import { type DhcpOfInterface, startDhcp } from './dhcp.ts'
import { type Dhcpv6OfInterface, followRouters } from './dhcpv6.ts'
import { dualIp, type MulticastIp } from './dual-ip.ts'
import { StackError } from './errors.ts'
import type { StackInterface } from './interface.ts'
import { buildIpv4, buildIpv6, type InterfaceOptions } from './layers.ts'
import { limitedLink } from './limited-link.ts'

const DHCP_PORTS = [68, 546]
const READY_TIMEOUT_MS = 60_000

/** An interface that runs. */
export interface OpenInterface extends StackInterface {
  /** Both families. */
  readonly ip: MulticastIp
  /** See `Stack.ready`. */
  readonly ready: Promise<void>
  /** Gives leases back and stops what configures the layers. */
  release(): Promise<void>
  /** Ends the layers and the device. */
  close(): Promise<void>
}

/**
 * Puts the layers over one device and starts them, and with them what configures them.
 *
 *     ip                        dualIp: the address decides the family; the stack's TCP and UDP stand on it
 *    /  \     udp'              heard for the DHCP clients' ports alone
 *  ipv4  ipv6 <-- dhcpv6        as routers say; addresses
 *   | ^----|----- dhcp          address, routes and, by the link's limit, the MTU
 *  arp     |                    next hops: ARP's answers, or IPv6's own Neighbor Discovery
 *    \    /
 *     link                      Ethernet, or point to point where the device carries bare packets
 *      |
 *    device
 */
export function openInterface(
  name: string,
  device: Net,
  settings: Settings,
  runtime: Runtime,
  options: InterfaceOptions,
  changed: (of: StackInterface) => void,
): OpenInterface {
  const link = device.medium === 'ethernet' ? createEthernet(device) : createPointToPoint(device)
  const ipv4Link = settings.ipv4?.dhcp === true ? limitedLink(link) : undefined
  const arp = settings.ipv4 && link.mac !== undefined ? createArp({ link, ...runtime }, options.arp) : undefined
  const ipv4 = settings.ipv4 && buildIpv4(settings.ipv4, { link: ipv4Link ?? link, arp }, runtime, options.ipv4)
  const ipv6 = settings.ipv6 && buildIpv6(settings.ipv6, link, runtime, { ...zoneOf(name), ...options.ipv6 })
  const ip = dualIp(ipv4, ipv6)

  const tell = (): void => changed(opened)
  const udp = createUdp({ ip: configurationIp(ip, DHCP_PORTS), ...runtime })
  let dhcp: DhcpOfInterface | undefined
  if (ipv4 !== undefined && ipv4Link !== undefined && arp !== undefined) {
    const { probe = true, readyTimeoutMs: _, ...clientOptions } = options.dhcp ?? {}
    const { hostName } = settings
    dhcp = startDhcp(
      { ipv4, arp, link: ipv4Link, udp, store: options.store, runtime, probe, changed: tell },
      { ...clientOptions, ...(hostName === undefined ? {} : { hostName }) },
    )
  }
  let dhcpv6: Dhcpv6OfInterface | undefined
  if (ipv6 !== undefined && settings.ipv6?.dhcp === true && link.mac !== undefined) {
    dhcpv6 = followRouters({ ipv6, link, udp, runtime, changed: tell }, options.dhcpv6 ?? {})
  }
  ipv6?.onEvent(({ kind }) => {
    if (kind === 'dns') tell()
  })

  const ready = Promise.all([
    ipv6?.ready,
    dhcp && inTime(dhcp.configured, options.dhcp?.readyTimeoutMs ?? READY_TIMEOUT_MS, name, runtime),
  ]).then(() => {})
  ready.catch(() => {})
  const opened: OpenInterface = {
    name,
    layers: { device, link, arp, ipv4, ipv6 },
    get lease() {
      return dhcp?.lease
    },
    get leaseV6() {
      return dhcpv6?.lease
    },
    get informationV6() {
      return dhcpv6?.information
    },
    get dnsServers() {
      const { lease, leaseV6, informationV6 } = opened
      const told = [lease?.dnsServers, (leaseV6 ?? informationV6)?.dnsServers, ipv6?.state().dnsServers]
      return distinct(told.flatMap((servers): readonly IpAddress[] => servers ?? []))
    },
    get domainSearch() {
      const { lease, leaseV6, informationV6 } = opened
      const told = [lease?.domainSearch, (leaseV6 ?? informationV6)?.domainSearch, ipv6?.state().searchDomains]
      const domains = told.flatMap((list) => list ?? [])
      return [...new Set(domains.length > 0 || lease?.domainName === undefined ? domains : [lease.domainName])]
    },
    ip,
    ready,
    async release() {
      await Promise.all([dhcp?.close(), dhcpv6?.close()])
      await udp.close()
    },
    async close() {
      ipv6?.close()
      ipv4?.close()
      arp?.close()
      await device.close()
    },
  }
  return opened
}

/** A link has a zone of its own where the stack has several (RFC 4007 §6). */
function zoneOf(name: string): { readonly zone?: string } {
  return name === '' ? {} : { zone: name }
}

/** The same lease, unless it takes longer than whoever waits for `ready` should. */
function inTime(lease: Promise<unknown>, ms: number, name: string, { clock }: Runtime): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer: Timer = clock.schedule(clock.now() + ms, () =>
      reject(new StackError('ERR_STACK_NO_LEASE', `no DHCP server has answered${name === '' ? '' : ` on ${name}`}`)),
    )
    lease.then(
      () => resolve(),
      (cause) => reject(new StackError('ERR_STACK_CLOSED', 'the stack was closed', { cause })),
    )
    lease.finally(() => timer.cancel()).catch(() => {})
  })
}

function distinct(addresses: readonly IpAddress[]): IpAddress[] {
  return addresses.filter((address, i) => {
    const first = addresses.findIndex((other) => ipEquals(other, address) && formatIp(other) === formatIp(address))
    return first === i
  })
}
