import {
  broadcastAddress,
  type Endpoint,
  formatIp,
  formatPrefix,
  type IpAddress,
  type Ipv4,
  type Ipv4Prefix,
  type Ipv6,
  type Ipv6Prefix,
  ipv4,
  ipv4Prefix,
  ipv6,
  ipv6Prefix,
  isIpv4Loopback,
  isIpv4Multicast,
  isIpv6Any,
  isIpv6LinkLocal,
  isIpv6Loopback,
  isIpv6Multicast,
  networkAddress,
  parseEndpoint,
  parseIp,
  prefixContains,
} from '@fata/addr'
import type { Net } from '@fata/net'
import { StackError } from './errors.ts'

/** How a stack is configured. Addresses are values of `@fata/addr` or their text. */
export interface StackConfig {
  /**
   * Own IPv4 address with the length of its network part, `'10.0.0.2/24'`, or `'dhcp'` for what a server on the link gives, and keeps giving, on Ethernet. Default:
   * none.
   */
  readonly ipv4?: Ipv4Prefix | string | undefined
  /** Where packets beyond the own network go. Default: nowhere, sending there is an error. */
  readonly ipv4Gateway?: Ipv4 | string | undefined
  /** Own IPv6 address, beside the link-local one that every stack has: `'fd00::2/64'`. Default: none. */
  readonly ipv6?: Ipv6Prefix | string | undefined
  /** Default router; without it routers are learnt from their advertisements. */
  readonly ipv6Gateway?: Ipv6 | string | undefined
  /** No IPv6 at all. Default false. */
  readonly ipv4Only?: boolean | undefined
  /** No IPv4 at all. Default false. */
  readonly ipv6Only?: boolean | undefined
  /** Learn routers, prefixes and addresses from router advertisements. Default true. */
  readonly acceptRouterAdvertisements?: boolean | undefined
  /** Ask by DHCPv6 for what router advertisements say is to be had so: addresses with their M flag, other configuration with O. Default true. */
  readonly dhcpv6?: boolean | undefined
  /** Host name, told to DHCP servers. Default: none. */
  readonly name?: string | undefined
  /** Name servers, which are then asked in place of those that DHCP and routers tell of. */
  readonly dnsServers?: readonly (Endpoint | IpAddress | string)[] | undefined
  /** Domains to complete names with, in place of those that DHCP and routers tell of. */
  readonly domainSearch?: readonly string[] | undefined
}

/** The configuration of one IPv4 layer. */
export interface Ipv4Settings {
  readonly dhcp: boolean
  readonly prefix: Ipv4Prefix | undefined
  readonly gateway: Ipv4 | undefined
}

/** The configuration of one IPv6 layer. */
export interface Ipv6Settings {
  readonly prefix: Ipv6Prefix | undefined
  readonly gateway: Ipv6 | undefined
  readonly acceptRouterAdvertisements: boolean
  readonly dhcp: boolean
}

/** A checked configuration: a family that is undefined is not to be built. */
export interface Settings {
  readonly ipv4: Ipv4Settings | undefined
  readonly ipv6: Ipv6Settings | undefined
  readonly hostName: string | undefined
  /** Undefined: as learnt. */
  readonly dnsServers: readonly Endpoint[] | undefined
  readonly domainSearch: readonly string[] | undefined
}

export function refuse(message: string): never {
  throw new StackError('ERR_STACK_CONFIG', message)
}

/** Reads `value` where it is text. Throws StackError `ERR_STACK_CONFIG` that names the option. */
export function read<T>(option: string, value: T | string | undefined, parse: (text: string) => T): T | undefined {
  if (typeof value !== 'string') return value
  try {
    return parse(value)
  } catch (cause) {
    throw new StackError('ERR_STACK_CONFIG', `${option}: ${(cause as Error).message}`, { cause })
  }
}

function ipv4Settings(config: StackConfig): Ipv4Settings {
  if (config.ipv4 === 'dhcp') {
    if (config.ipv4Gateway !== undefined) refuse('ipv4Gateway: the gateway comes by DHCP')
    return { dhcp: true, prefix: undefined, gateway: undefined }
  }
  const prefix = read('ipv4', config.ipv4, ipv4Prefix)
  const gateway = read('ipv4Gateway', config.ipv4Gateway, ipv4)
  if (prefix !== undefined) {
    const { address, length } = prefix
    const host = length < 31 && (address === networkAddress(prefix) || address === broadcastAddress(prefix))
    if (host || isIpv4Multicast(address) || isIpv4Loopback(address) || address === 0) {
      refuse(`ipv4: ${formatPrefix(prefix)} is not the address of a host`)
    }
  }
  if (gateway !== undefined) {
    if (prefix === undefined) refuse(`ipv4Gateway: ${formatIp(gateway)} needs an ipv4 address to be reached from`)
    if (!prefixContains(prefix, gateway)) refuse(`ipv4Gateway: ${formatIp(gateway)} is not in ${formatPrefix(prefix)}`)
    if (gateway === prefix.address) refuse(`ipv4Gateway: ${formatIp(gateway)} is the own address`)
  }
  return { dhcp: false, prefix, gateway }
}

function ipv6Settings(config: StackConfig): Ipv6Settings {
  const prefix = read('ipv6', config.ipv6, ipv6Prefix)
  const gateway = read('ipv6Gateway', config.ipv6Gateway, ipv6)
  if (prefix !== undefined) {
    const { address } = prefix
    if (isIpv6Multicast(address) || isIpv6Loopback(address) || isIpv6Any(address)) {
      refuse(`ipv6: ${formatPrefix(prefix)} is not the address of a host`)
    }
  }
  if (
    gateway !== undefined &&
    !isIpv6LinkLocal(gateway) &&
    !(prefix !== undefined && prefixContains(prefix, gateway))
  ) {
    refuse(`ipv6Gateway: ${formatIp(gateway)} is neither link-local nor in the own prefix`)
  }
  const acceptRouterAdvertisements = config.acceptRouterAdvertisements ?? true
  return { prefix, gateway, acceptRouterAdvertisements, dhcp: acceptRouterAdvertisements && (config.dhcpv6 ?? true) }
}

const DNS_PORT = 53

/** An address or an endpoint, as value or text. Throws StackError `ERR_STACK_CONFIG`. */
export function nameServer(server: Endpoint | IpAddress | string): Endpoint {
  if (typeof server === 'object' && 'port' in server) return server
  if (typeof server !== 'string') return { address: server, port: DNS_PORT }
  const address = parseIp(server)
  const found = address === undefined ? parseEndpoint(server) : { address, port: DNS_PORT }
  return found ?? refuse(`dnsServers: neither an address nor one with a port: '${server}'`)
}

/** Checks a configuration for a device. Throws StackError `ERR_STACK_CONFIG` that names the option. */
export function resolveConfig(config: StackConfig, device: Pick<Net, 'medium'>): Settings {
  const { ipv4Only = false, ipv6Only = false } = config
  if (ipv4Only && ipv6Only) refuse('ipv4Only and ipv6Only exclude each other')
  if (ipv4Only && (config.ipv6 !== undefined || config.ipv6Gateway !== undefined))
    refuse('ipv4Only leaves no use for an ipv6 address or gateway')
  if (ipv6Only && (config.ipv4 !== undefined || config.ipv4Gateway !== undefined))
    refuse('ipv6Only leaves no use for an ipv4 address or gateway')
  if (config.ipv4 === 'dhcp' && device.medium !== 'ethernet') refuse('ipv4: DHCP needs an Ethernet device')
  return {
    ipv4: ipv6Only ? undefined : ipv4Settings(config),
    ipv6: ipv4Only ? undefined : ipv6Settings(config),
    hostName: config.name,
    dnsServers: config.dnsServers?.map(nameServer),
    domainSearch: config.domainSearch,
  }
}
