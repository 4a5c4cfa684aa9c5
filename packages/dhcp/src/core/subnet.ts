import { broadcastAddress, type Ipv4, type Ipv4Prefix, netmask } from '@fata/addr'
import { setOption } from '../wire/option.ts'
import type { OptionMap } from '../wire/option-area.ts'
import {
  OPTION_BROADCAST_ADDRESS,
  OPTION_CLASSLESS_ROUTES,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_NAME,
  OPTION_DOMAIN_SEARCH,
  OPTION_MTU,
  OPTION_NTP_SERVERS,
  OPTION_ROUTERS,
  OPTION_SUBNET_MASK,
} from '../wire/options.ts'
import type { DhcpRoute } from '../wire/values.ts'
import type { Bindings } from './bindings.ts'

/** What the hosts of a subnet are told. */
export interface SubnetConfiguration {
  readonly routers?: readonly Ipv4[]
  readonly dnsServers?: readonly Ipv4[]
  readonly domainName?: string
  readonly domainSearch?: readonly string[]
  readonly ntpServers?: readonly Ipv4[]
  readonly mtu?: number
  /** Routes (RFC 3442), the default route among them: who understands these ignores `routers`. */
  readonly routes?: readonly DhcpRoute[]
  /** Any other options by code; they go over those above. */
  readonly options?: ReadonlyMap<number, Uint8Array>
}

/** A subnet as the server works with it. */
export interface Subnet {
  readonly prefix: Ipv4Prefix
  readonly bindings: Bindings
  readonly options: ReadonlyMap<number, Uint8Array>
  /** Lease times in seconds, Infinity for ever. */
  readonly leaseSeconds: number
  readonly longestLeaseSeconds: number
}

/** The options for every host of a subnet. Throws as the options do. */
export function subnetOptions(prefix: Ipv4Prefix, c: SubnetConfiguration): OptionMap {
  const options: OptionMap = new Map()
  const some = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
    list === undefined || list.length === 0 ? undefined : list
  setOption(options, OPTION_SUBNET_MASK, netmask(prefix))
  setOption(options, OPTION_BROADCAST_ADDRESS, broadcastAddress(prefix))
  setOption(options, OPTION_CLASSLESS_ROUTES, some(c.routes))
  setOption(options, OPTION_ROUTERS, some(c.routers))
  setOption(options, OPTION_DNS_SERVERS, some(c.dnsServers))
  setOption(options, OPTION_DOMAIN_NAME, c.domainName)
  setOption(options, OPTION_DOMAIN_SEARCH, some(c.domainSearch))
  setOption(options, OPTION_NTP_SERVERS, some(c.ntpServers))
  setOption(options, OPTION_MTU, c.mtu)
  for (const [code, value] of c.options ?? []) options.set(code, value)
  return options
}
