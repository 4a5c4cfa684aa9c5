import { type IpAddress, ipv4Prefix, ipv6Prefix, isIpv4, type Prefix } from '@fata/addr'
import { randomBelow, type VirtualRuntime } from '@fata/runtime'
import { createStack, type DirectStack } from '@fata/stack'
import { createSwitch, NO_IMPAIRMENTS, type Switch, type VnetPort } from '@fata/vnetif'

/** A stack on its port of the switch, and what it is called there. */
export interface Host {
  readonly stack: DirectStack
  readonly port: VnetPort
  readonly addresses: readonly Prefix[]
}

/** Three hosts of both families on a switch; one of the devices takes super-frames. */
export interface SoakNetwork {
  readonly lan: Switch
  readonly hosts: readonly Host[]
}

const HOSTS = 3

export async function createSoakNetwork(runtime: VirtualRuntime): Promise<SoakNetwork> {
  const lan = createSwitch(runtime)
  const hosts = Array.from({ length: HOSTS }, (_, i): Host => {
    const port = lan.port({ offload: i === 0 })
    const [ipv4, ipv6] = [`10.0.0.${i + 1}/24`, `fd00::${i + 1}/64`]
    const stack = createStack(port, { ipv4, ipv6 }, runtime)
    return { stack, port, addresses: [ipv4Prefix(ipv4), ipv6Prefix(ipv6)] }
  })
  await runtime.clock.settle(Promise.all(hosts.map(({ stack }) => stack.ready)))
  return { lan, hosts }
}

/** Makes one thing of the network worse, better or different; what is taken away comes back by itself. */
export function disturb({ hosts }: SoakNetwork, { clock, random }: VirtualRuntime): void {
  const host = hosts[randomBelow(random, hosts.length)]!
  const later = (mostMs: number, fn: () => void): void =>
    void clock.schedule(clock.now() + 1 + randomBelow(random, mostMs), fn)
  const what = randomBelow(random, 10)
  if (what < 6) {
    host.port.impair(weather(random))
  } else if (what < 8) {
    host.port.impair({ up: false })
    // As often as not longer than TCP's patience.
    later(randomBelow(random, 2) === 0 ? 20_000 : 600_000, () => host.port.impair({ up: true }))
  } else {
    const prefix = host.addresses[randomBelow(random, host.addresses.length)]!
    remove(host, prefix.address)
    later(120_000, () => add(host, prefix))
  }
}

/** Everything is there, and nothing is lost any more. */
export function heal({ hosts }: SoakNetwork): void {
  for (const host of hosts) {
    host.port.impair(NO_IMPAIRMENTS)
    for (const prefix of host.addresses) add(host, prefix)
  }
}

function weather(random: VirtualRuntime['random']): Parameters<VnetPort['impair']>[0] {
  const upTo = (most: number): number => (randomBelow(random, 1001) / 1000) * most
  const sometimes = (most: number): number => (randomBelow(random, 3) === 0 ? upTo(most) : 0)
  const latencyMs = upTo(40)
  return {
    loss: sometimes(0.03),
    duplicate: sometimes(0.02),
    corrupt: sometimes(0.01),
    reorder: sometimes(0.05),
    reorderMs: 1 + upTo(10),
    latencyMs,
    jitterMs: upTo(latencyMs),
    bitsPerSecond: randomBelow(random, 3) === 0 ? 1e6 + upTo(50e6) : Number.POSITIVE_INFINITY,
  }
}

function remove({ stack: { layers } }: Host, address: IpAddress): void {
  if (isIpv4(address)) layers.ipv4!.removeAddress(address)
  else layers.ipv6!.removeAddress(address)
}

function add({ stack: { layers } }: Host, prefix: Prefix): void {
  if (isV4(prefix)) layers.ipv4!.addAddress(prefix)
  else layers.ipv6!.addAddress(prefix)
}

const isV4 = (prefix: Prefix): prefix is ReturnType<typeof ipv4Prefix> => isIpv4(prefix.address)
