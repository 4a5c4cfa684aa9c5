import { type IpAddress, type Ipv4Prefix, type Ipv6Prefix, isIpv4, isIpv6LinkLocal } from '@fata/addr'
import { createDhcpServer } from '@fata/dhcp'
import type { Runtime } from '@fata/runtime'
import { createStack, type DirectStack, type Stack } from '@fata/stack'
import { hostAddressFor } from '@fata/tap'
import { createSwitch } from '@fata/vnetif'
import { capture } from './capture.ts'
import type { Context } from './command.ts'
import { type Forward, forwardTcp } from './forward.ts'
import { type AddressedConfig, addressList, hostsOf, lanConfig, type Network, unlessStopped } from './network.ts'

/** How the stack on the LAN gets its IPv4 address. */
export interface LanOptions {
  readonly dhcp?: boolean
}

/** A LAN inside this process: a switch with the stack at one port and a stack that stands for this machine, and serves DHCP, at another. */
export async function createLan(
  context: Context,
  mtu: number | undefined,
  { dhcp = false }: LanOptions = {},
): Promise<Network> {
  const { runtime, values } = context
  const config = lanConfig(context.boot)
  const portOptions = { offload: values['no-offload'] !== true, ...(mtu === undefined ? {} : { mtu }) }
  const lan = createSwitch(runtime)
  const recorded = capture(context, lan.port(portOptions), 'lan0')
  const stack = createStack(recorded.net, dhcp ? { ...config, ipv4: 'dhcp' } : config, runtime)
  const host = createStack(lan.port(portOptions), hostConfig(config), runtime)
  if (dhcp) serveDhcp(host, config, runtime)
  const forwards: Forward[] = []
  const close = async (): Promise<void> => {
    await Promise.all(forwards.map((forward) => forward.close()))
    await stack.close()
    await host.close()
    await lan.close()
    recorded.close()
  }
  try {
    await unlessStopped(Promise.all([stack.ready, host.ready]), context.signal)
  } catch (error) {
    await close()
    throw error
  }
  return {
    stack,
    direct: stack,
    hosts: hostsOf(stack),
    async forward(port, to) {
      const forward = await forwardTcp(port, host.tcp, reachable(stack), to, runtime.log)
      forwards.push(forward)
      return forward.port
    },
    announce(print) {
      print(`virtual LAN: ${addressList(stack)}`)
      print(`its other end: ${addressList(host)}`)
    },
    failed: new Promise(() => {}),
    close,
  }
}

/** The neighbour of a stack: the gateway where one is configured. */
function hostConfig(config: AddressedConfig): AddressedConfig {
  const { ipv4, ipv6, ipv4Only, ipv6Only } = config
  return {
    ipv4: typeof ipv4 === 'object' ? (hostAddressFor(ipv4, config.ipv4Gateway) as Ipv4Prefix | undefined) : undefined,
    ipv6: ipv6 && (hostAddressFor(ipv6, config.ipv6Gateway) as Ipv6Prefix | undefined),
    ipv4Only,
    ipv6Only,
  }
}

/** Gives out addresses of the network that the neighbour is in. */
function serveDhcp(host: DirectStack, { ipv4 }: AddressedConfig, runtime: Runtime): void {
  const own = host.layers.ipv4?.addresses()[0]
  if (own === undefined || typeof ipv4 !== 'object') return
  createDhcpServer(
    { socket: host.udp.bind({ port: 67, broadcast: true }), ...runtime },
    { address: own.address, subnets: [{ prefix: ipv4, routers: [own.address] }] },
  )
}

/** The address by which the neighbour reaches `stack`: any but a link-local one, which it would need a zone for. */
function reachable(stack: Stack): IpAddress {
  const addresses = stack.addresses().map((prefix): IpAddress => prefix.address)
  const address = addresses.find((a) => isIpv4(a) || !isIpv6LinkLocal(a)) ?? addresses[0]
  if (address === undefined) throw new Error('the stack has no address that can be used')
  return address
}
