import { type IpAddress, type Ipv4Prefix, type Ipv6Prefix, isIpv4, isIpv6LinkLocal } from '@fata/addr'
import { createStack, type Stack } from '@fata/stack'
import { hostAddressFor } from '@fata/tap'
import { createSwitch } from '@fata/vnetif'
import { capture } from './capture.ts'
import type { Context } from './command.ts'
import { type Forward, forwardTcp } from './forward.ts'
import { type AddressedConfig, addressList, hostsOf, type Network, stackConfig } from './network.ts'

/** A LAN inside this process: a switch with the stack at one port and a stack that stands for this machine at another. */
export async function createLan(context: Context, mtu: number | undefined): Promise<Network> {
  const { runtime, values } = context
  const config = stackConfig(context, { ipv6: true })
  const portOptions = { offload: values['no-offload'] !== true, ...(mtu === undefined ? {} : { mtu }) }
  const lan = createSwitch(runtime)
  const recorded = capture(context, lan.port(portOptions), 'lan0')
  const stack = createStack(recorded.net, config, runtime)
  const host = createStack(lan.port(portOptions), hostConfig(config), runtime)
  const forwards: Forward[] = []
  await Promise.all([stack.ready, host.ready])
  return {
    stack,
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
    async close() {
      await Promise.all(forwards.map((forward) => forward.close()))
      await Promise.all([stack.close(), host.close()])
      await lan.close()
      recorded.close()
    },
  }
}

/** The neighbour of a stack: the gateway where one is configured. */
function hostConfig(config: AddressedConfig): AddressedConfig {
  const { ipv4, ipv6, ipv4Only, ipv6Only } = config
  return {
    ipv4: ipv4 && (hostAddressFor(ipv4, config.ipv4Gateway) as Ipv4Prefix | undefined),
    ipv6: ipv6 && (hostAddressFor(ipv6, config.ipv6Gateway) as Ipv6Prefix | undefined),
    ipv4Only,
    ipv6Only,
  }
}

/** The address by which the neighbour reaches `stack`: any but a link-local one, which it would need a zone for. */
function reachable(stack: Stack): IpAddress {
  const addresses = stack.addresses().map((prefix): IpAddress => prefix.address)
  const address = addresses.find((a) => isIpv4(a) || !isIpv6LinkLocal(a)) ?? addresses[0]
  if (address === undefined) throw new Error('the stack has no address that can be used')
  return address
}
