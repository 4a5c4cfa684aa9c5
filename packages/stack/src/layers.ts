import { ipv4Prefix } from '@fata/addr'
import type { Arp, ArpOptions } from '@fata/arp'
import { createIpv4, type Ipv4Layer, type Ipv4Options } from '@fata/ipv4'
import { createIpv6, type Ipv6Layer, type Ipv6Options } from '@fata/ipv6'
import type { Link } from '@fata/link'
import type { Net } from '@fata/net'
import type { Runtime } from '@fata/runtime'
import type { TcpOptions } from '@fata/tcp'
import type { UdpOptions } from '@fata/udp'
import type { Ipv4Settings, Ipv6Settings } from './config.ts'

const DEFAULT_ROUTE = ipv4Prefix('0.0.0.0/0')

/** The layers of a stack by themselves, for what is particular to them; undefined where the configuration leaves one out. */
export interface Layers {
  readonly device: Net
  readonly link: Link
  /** Undefined on a point-to-point link, too. */
  readonly arp: Arp | undefined
  readonly ipv4: Ipv4Layer | undefined
  readonly ipv6: Ipv6Layer | undefined
}

/** How the layers behave, beyond the configuration; see each layer's own options. */
export interface LayerOptions {
  readonly arp?: ArpOptions | undefined
  readonly ipv4?: Ipv4Options | undefined
  readonly ipv6?: Omit<Ipv6Options, 'addresses' | 'gateway' | 'acceptRouterAdvertisements'> | undefined
  readonly tcp?: TcpOptions | undefined
  readonly udp?: UdpOptions | undefined
}

/** IPv4 with its address and default route; ARP answers for the addresses that it has. */
export function buildIpv4(
  { prefix, gateway }: Ipv4Settings,
  { link, arp }: { link: Link; arp: Arp | undefined },
  runtime: Runtime,
  options?: Ipv4Options,
): Ipv4Layer {
  const ipv4 = createIpv4({ link, neighbors: arp, ...runtime }, options)
  ipv4.onAddresses((addresses) => arp?.setAddresses(addresses.map(({ address }) => address)))
  if (prefix !== undefined) ipv4.addAddress(prefix)
  // The other end of a point-to-point link is where everything goes.
  if (gateway !== undefined || link.mac === undefined) ipv4.addRoute({ prefix: DEFAULT_ROUTE, gateway })
  return ipv4
}

/** IPv6 with its addresses: the link-local one, the configured one, those that routers lead to. */
export function buildIpv6(
  { prefix, gateway, acceptRouterAdvertisements }: Ipv6Settings,
  link: Link,
  runtime: Runtime,
  options?: LayerOptions['ipv6'],
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
