import { createStack, type DirectStack } from '@fata/stack'
import type { Context } from './command.ts'
import { openDevice } from './device.ts'
import { createLan } from './lan.ts'
import { addressList, hostsOf, type Network, stackConfig } from './network.ts'
import { integer } from './values.ts'

/** Opens the device that the arguments name, or the virtual LAN, and starts the stack on it; its addresses are ready. */
export async function openNetwork(context: Context): Promise<Network> {
  const mtu = context.values['mtu'] === undefined ? undefined : integer(context.values, 'mtu', 1500, 1280, 65535)
  return context.boot.interface === undefined
    ? createLan(context, mtu)
    : overDevice(context, context.boot.interface, mtu)
}

async function overDevice(context: Context, name: string, mtu: number | undefined): Promise<Network> {
  const config = stackConfig(context, { ipv6: false })
  const device = openDevice(context, name, config, mtu)
  const close = async (stack?: DirectStack): Promise<void> => {
    await stack?.close()
    await device.close()
  }
  let stack: DirectStack | undefined
  try {
    stack = createStack(device.net, config, context.runtime)
    await stack.ready
  } catch (error) {
    await close(stack)
    throw error
  }
  const started = stack
  return {
    stack: started,
    hosts: hostsOf(started),
    forward: undefined,
    announce: (print) => print(`${device.described}: ${addressList(started)}`),
    failed: device.failed,
    close: () => close(started),
  }
}
