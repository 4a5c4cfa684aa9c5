import { ipv4Prefix } from '@fata/addr'
import type { Arp, ArpOptions } from '@fata/arp'
import type { DhcpClientOptions, DhcpStore, Dhcpv6ClientOptions } from '@fata/dhcp'
import type { ResolverOptions } from '@fata/dns'
import type { HappyEyeballsOptions } from '@fata/happy-eyeballs'
import { createIpv4, type Ipv4Layer, type Ipv4Options } from '@fata/ipv4'
import { createIpv6, type Ipv6Layer, type Ipv6Options } from '@fata/ipv6'
import type { Link } from '@fata/link'
import type { Net } from '@fata/net'
import type { Runtime } from '@fata/runtime'
import type { TcpOptions } from '@fata/tcp'
import type { UdpOptions } from '@fata/udp'
import type { Ipv4Settings, Ipv6Settings } from './config.ts'

const DEFAULT_ROUTE = ipv4Prefix('0.0.0.0/0')

/** The layers of an interface by themselves, for what is particular to them; undefined where the configuration leaves one out. */
export interface Layers {
  readonly device: Net
  readonly link: Link
  /** Undefined on a point-to-point link, too. */
  readonly arp: Arp | undefined
  readonly ipv4: Ipv4Layer | undefined
  readonly ipv6: Ipv6Layer | undefined
}

/** How DHCP behaves on an interface. */
export interface DhcpOptions extends Omit<DhcpClientOptions, 'hostName'> {
  /** Look for others at an address before it is used, which takes 4 to 7 s (RFC 2131 §2.2, RFC 5227 §2.1). Default true. */
  readonly probe?: boolean | undefined
  /** How long `ready` waits for a lease until it rejects with `ERR_STACK_NO_LEASE`; the client goes on trying. Default 60 000. */
  readonly readyTimeoutMs?: number | undefined
}

/** How the layers of one interface behave, beyond the configuration; see each layer's own options. */
export interface InterfaceOptions {
  readonly arp?: ArpOptions | undefined
  readonly ipv4?: Ipv4Options | undefined
  /** With a `secret` that is the same at each start, so are the addresses that the stack makes (RFC 7217). */
  readonly ipv6?: Omit<Ipv6Options, 'addresses' | 'gateway' | 'acceptRouterAdvertisements'> | undefined
  readonly dhcp?: DhcpOptions | undefined
  readonly dhcpv6?: Dhcpv6ClientOptions | undefined
  /**
   * Keeps the DHCP lease, which the next start then asks for at once (INIT-REBOOT): any `KvRw` of @fata/kv. Without one `close` gives the lease
   * back.
   */
  readonly store?: DhcpStore | undefined
}

/** How a whole stack behaves, beyond the configuration. */
export interface LayerOptions extends InterfaceOptions {
  readonly tcp?: TcpOptions | undefined
  readonly udp?: UdpOptions | undefined
  readonly dns?: Omit<ResolverOptions, 'servers' | 'search'> | undefined
  readonly happyEyeballs?: HappyEyeballsOptions | undefined
}

/** IPv4 with its address and default route; ARP answers for the addresses that it has. */
export function buildIpv4(
  { dhcp, prefix, gateway }: Ipv4Settings,
  { link, arp }: { link: Link; arp: Arp | undefined },
  runtime: Runtime,
  options?: Ipv4Options,
): Ipv4Layer {
  const ipv4 = createIpv4({ link, neighbors: arp, ...runtime }, options)
  arp?.onConflict(({ address, lost }) => {
    if (lost) ipv4.removeAddress(address)
  })
  ipv4.onAddresses((addresses) => arp?.setAddresses(addresses.map(({ address }) => address)))
  if (prefix !== undefined) ipv4.addAddress(prefix)
  // The other end of a point-to-point link is where everything goes.
  if (gateway !== undefined || (link.mac === undefined && !dhcp)) ipv4.addRoute({ prefix: DEFAULT_ROUTE, gateway })
  return ipv4
}

/** IPv6 with its addresses: the link-local one, the configured one, those that routers lead to. */
export function buildIpv6(
  { prefix, gateway, acceptRouterAdvertisements }: Ipv6Settings,
  link: Link,
  runtime: Runtime,
  options?: InterfaceOptions['ipv6'],
): Ipv6Layer {
  return createIpv6(
    { link, ...runtime },
    {
      ...options,
      acceptRouterAdvertisements,
      ...(prefix === undefined ? {} : { addresses: [prefix] }),
      ...(gateway === undefined ? {} : { gateway }),
    },
  )
}
