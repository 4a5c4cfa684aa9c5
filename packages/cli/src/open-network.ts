import { type BootArguments, createMultihomedStack, type DirectStack, type InterfaceSpec } from '@fata/stack'
import { createSocketStack } from '@fata/stack/socket'
import type { Context } from './command.ts'
import { openDevice } from './device.ts'
import { UsageError } from './errors.ts'
import { createLan, type LanOptions } from './lan.ts'
import { addressList, hostsOf, interfaceConfig, type Network, type OpenDevice, unlessStopped } from './network.ts'
import { integer } from './values.ts'

/**
 * Opens the devices that the arguments name, or the virtual LAN, or the host's sockets, and starts the stack on them; its addresses are ready. Rejects
 * with an AbortError where the user stops it before.
 */
export async function openNetwork(context: Context, lan: LanOptions = {}): Promise<Network> {
  const mtu = context.values['mtu'] === undefined ? undefined : integer(context.values, 'mtu', 1500, 1280, 65535)
  if (context.values['socket'] === true) return overSockets(context)
  const groups = [context.boot, ...context.groups.values()]
  if (context.boot.interface === undefined && groups.length === 1) return createLan(context, mtu, lan)
  return overDevices(context, groups, mtu)
}

/** The stack of a network, for what the host's sockets do not offer. */
export function requireDirect(network: Network, what: string): DirectStack {
  if (network.direct === undefined) throw new UsageError(`${what} needs a stack of its own: not with --socket`)
  return network.direct
}

async function overSockets({ boot, groups, values }: Context): Promise<Network> {
  const useless = (['interface', 'ipv4Gateway', 'ipv6Gateway'] as const).find((name) => boot[name] !== undefined)
  if (useless !== undefined || groups.size > 0)
    throw new UsageError(`--socket goes by the host's own interfaces: no --${dashed(useless ?? 'interface')}`)
  if (values['pcap'] !== undefined) throw new UsageError('--socket has no frames to write: no --pcap')
  const { ipv4, ipv6, ipv4Only, ipv6Only, dnsServers } = boot
  const stack = createSocketStack({ ipv4, ipv6, ipv4Only, ipv6Only, dnsServers })
  const hosts = hostsOf(stack)
  return {
    stack,
    direct: undefined,
    hosts,
    forward: undefined,
    announce: (print) => print(`sockets of this host: ${addressList(stack)}`),
    failed: new Promise(() => {}),
    close: () => stack.close(),
  }
}

async function overDevices(
  context: Context,
  groups: readonly BootArguments[],
  mtu: number | undefined,
): Promise<Network> {
  const devices: OpenDevice[] = []
  const close = async (stack?: DirectStack): Promise<void> => {
    await stack?.close()
    for (const device of devices) await device.close()
  }
  let stack: DirectStack | undefined
  try {
    const specs = groups.map((boot): InterfaceSpec => {
      const name = boot.interface
      if (name === undefined) throw new UsageError('each group of arguments needs an --interface of its own')
      const config = interfaceConfig(boot)
      const device = openDevice(context, name, config, mtu)
      devices.push(device)
      if (config.ipv4 === 'dhcp') context.note(`asking for an address by DHCP on ${name}`)
      return { name, device: device.net, config }
    })
    stack = createMultihomedStack(specs, context.runtime)
    await unlessStopped(stack.ready, context.signal)
  } catch (error) {
    await close(stack)
    throw error
  }
  const started = stack
  return {
    stack: started,
    direct: started,
    hosts: hostsOf(started),
    forward: undefined,
    announce: (print) => print(`${devices.map(({ described }) => described).join(', ')}: ${addressList(started)}`),
    failed: Promise.race(devices.map(({ failed }) => failed)),
    close: () => close(started),
  }
}

function dashed(name: string): string {
  return name.replace(/[A-Z0-9]*[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
