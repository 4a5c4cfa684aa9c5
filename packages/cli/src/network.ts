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
import { type BootArguments, configOf, type DirectStack, type Stack, type StackConfig } from '@fata/stack'

/** MirageOS's default of an interface without DHCP. */
const DEFAULT_IPV4: Ipv4Prefix = ipv4Prefix('10.0.0.2/24')
const DEFAULT_IPV6: Ipv6Prefix = ipv6Prefix('fd00::2/64')

/** A stack that runs, and how to reach it. */
export interface Network {
  readonly stack: Stack
  /** The same where it stands on devices; undefined over the host's sockets. */
  readonly direct: DirectStack | undefined
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
export interface AddressedConfig extends StackConfig {
  readonly ipv4?: Ipv4Prefix | 'dhcp' | undefined
  readonly ipv4Gateway?: Ipv4 | undefined
  readonly ipv6?: Ipv6Prefix | undefined
  readonly ipv6Gateway?: Ipv6 | undefined
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

/** What an interface of the machine is configured with: by DHCP where there is no `--ipv4`, and with `--no-dhcp` by MirageOS's default. */
export function interfaceConfig(boot: BootArguments): AddressedConfig {
  const config = configOf(boot) as AddressedConfig
  return config.ipv4 === undefined && config.ipv6Only !== true ? { ...config, ipv4: DEFAULT_IPV4 } : config
}

/** What the stack on the virtual LAN is configured with: its own addresses where the arguments name none. */
export function lanConfig(boot: BootArguments): AddressedConfig {
  const { ipv4Only, ipv6Only } = boot
  const { ipv4 = DEFAULT_IPV4, ipv6 = DEFAULT_IPV6, ...rest } = { ...boot, interface: undefined }
  return { ...rest, ipv4: ipv6Only === true ? undefined : ipv4, ipv6: ipv4Only === true ? undefined : ipv6 }
}

/** `promise`, unless the user asks to stop before: then it rejects with an AbortError. */
export function unlessStopped<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
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
export function addressList(stack: Stack): string {
  return stack.addresses().map(formatPrefix).join(', ')
}

/** Addresses as they stand in a URL, IPv4 first, without link-local ones: they need a zone, which URLs don't carry. */
export function hostsOf(stack: Stack): string[] {
  return stack
    .addresses()
    .map((prefix): IpAddress => prefix.address)
    .filter((address) => isIpv4(address) || !isIpv6LinkLocal(address))
    .sort((a, b) => Number(isIpv4(b)) - Number(isIpv4(a)))
    .map((address) => (isIpv4(address) ? formatIp(address) : `[${formatIp(address)}]`))
}
