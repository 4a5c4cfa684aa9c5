import {
  broadcastAddress,
  formatIp,
  formatPrefix,
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
  prefixContains,
} from '@fata/addr'
import { StackError } from './errors.ts'

/** How a stack is configured. Addresses are values of `@fata/addr` or their text. */
export interface StackConfig {
  /** Own IPv4 address with the length of its network part: `'10.0.0.2/24'`. Default: none. */
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
  /** Host name. */
  readonly name?: string | undefined
}

/** The configuration of one IPv4 layer. */
export interface Ipv4Settings {
  readonly prefix: Ipv4Prefix | undefined
  readonly gateway: Ipv4 | undefined
}

/** The configuration of one IPv6 layer. */
export interface Ipv6Settings {
  readonly prefix: Ipv6Prefix | undefined
  readonly gateway: Ipv6 | undefined
  readonly acceptRouterAdvertisements: boolean
}

/** A checked configuration: a family that is undefined is not to be built. */
export interface Settings {
  readonly ipv4: Ipv4Settings | undefined
  readonly ipv6: Ipv6Settings | undefined
}

function refuse(message: string): never {
  throw new StackError('ERR_STACK_CONFIG', message)
}

/** Reads `value` where it is text. */
function read<T>(option: string, value: T | string | undefined, parse: (text: string) => T): T | undefined {
  if (typeof value !== 'string') return value
  try {
    return parse(value)
  } catch (cause) {
    throw new StackError('ERR_STACK_CONFIG', `${option}: ${(cause as Error).message}`, { cause })
  }
}

function ipv4Settings(config: StackConfig): Ipv4Settings {
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
  return { prefix, gateway }
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
  return { prefix, gateway, acceptRouterAdvertisements: config.acceptRouterAdvertisements ?? true }
}

/** Checks a configuration. Throws StackError `ERR_STACK_CONFIG` that names the option. */
export function resolveConfig(config: StackConfig): Settings {
  const { ipv4Only = false, ipv6Only = false } = config
  if (ipv4Only && ipv6Only) refuse('ipv4Only and ipv6Only exclude each other')
  if (ipv4Only && (config.ipv6 !== undefined || config.ipv6Gateway !== undefined))
    refuse('ipv4Only leaves no use for an ipv6 address or gateway')
  if (ipv6Only && (config.ipv4 !== undefined || config.ipv4Gateway !== undefined))
    refuse('ipv6Only leaves no use for an ipv4 address or gateway')
  return {
    ipv4: ipv6Only ? undefined : ipv4Settings(config),
    ipv6: ipv4Only ? undefined : ipv6Settings(config),
  }
}
