import {
  formatIp,
  formatPrefix,
  type IpAddress,
  type Ipv4,
  type Ipv4Prefix,
  type Ipv6,
  type Ipv6Prefix,
  ipv4Prefix,
  ipv6Prefix,
  isIpv4,
  isIpv6LinkLocal,
} from '@fata/addr'
import type { Net } from '@fata/net'
import type { DirectStack } from '@fata/stack'
import type { Context } from './command.ts'

/** MirageOS's default of an interface without DHCP. */
const DEFAULT_IPV4: Ipv4Prefix = ipv4Prefix('10.0.0.2/24')
const DEFAULT_IPV6: Ipv6Prefix = ipv6Prefix('fd00::2/64')

/** A stack that runs, and how to reach it. */
export interface Network {
  readonly stack: DirectStack
  /** Own addresses as they stand in a URL, the ones worth trying first. */
  readonly hosts: readonly string[]
  /** Makes a port of 127.0.0.1 lead to a TCP port of the stack, and resolves with it. Undefined where the host reaches the stack itself. */
  readonly forward: ((port: number, to: number) => Promise<number>) | undefined
  /** Prints what the stack stands on and which addresses it has. */
  announce(print: (line: string) => void): void
  /** Rejects when the network can't go on by itself, as when its device is gone. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** A stack's configuration from boot arguments: addresses are values. */
export interface AddressedConfig {
  readonly ipv4?: Ipv4Prefix | undefined
  readonly ipv4Gateway?: Ipv4 | undefined
  readonly ipv6?: Ipv6Prefix | undefined
  readonly ipv6Gateway?: Ipv6 | undefined
  readonly ipv4Only?: boolean | undefined
  readonly ipv6Only?: boolean | undefined
  readonly acceptRouterAdvertisements?: boolean | undefined
  readonly name?: string | undefined
}

/** A device that is open, and what has to be told about it. */
export interface OpenDevice {
  readonly net: Net
  /** The device in words, with how the host's side of it is configured. */
  readonly described: string
  /** Rejects when the device is gone. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** The stack's configuration from the boot arguments, with MirageOS's default for IPv4 and, where `ipv6` says so, one for IPv6. */
export function stackConfig(context: Context, defaults: { ipv6: boolean }): AddressedConfig {
  const { ipv4, ipv4Gateway, ipv6, ipv6Gateway, ipv4Only, ipv6Only, acceptRouterAdvertisements, name } = context.boot
  return {
    ipv4: ipv4 ?? (ipv6Only === true ? undefined : DEFAULT_IPV4),
    ipv4Gateway,
    ipv6: ipv6 ?? (ipv4Only === true || !defaults.ipv6 ? undefined : DEFAULT_IPV6),
    ipv6Gateway,
    ipv4Only,
    ipv6Only,
    acceptRouterAdvertisements,
    name,
  }
}

/** Resolves when the user asks to stop, rejects when the network fails. */
export function untilStopped(signal: AbortSignal, network: Network): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  return Promise.race([stopped, network.failed])
}

/** The addresses of a stack in one line. */
export function addressList(stack: DirectStack): string {
  return stack.addresses().map(formatPrefix).join(', ')
}

/** Addresses as they stand in a URL, IPv4 first, without link-local ones: they need a zone, which URLs don't carry. */
export function hostsOf(stack: DirectStack): string[] {
  return stack
    .addresses()
    .map((prefix): IpAddress => prefix.address)
    .filter((address) => isIpv4(address) || !isIpv6LinkLocal(address))
    .sort((a, b) => Number(isIpv4(b)) - Number(isIpv4(a)))
    .map((address) => (isIpv4(address) ? formatIp(address) : `[${formatIp(address)}]`))
}
