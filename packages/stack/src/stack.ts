import { createResolver } from '@fata/dns'
import type { Net } from '@fata/net'
import { type Runtime, systemRuntime } from '@fata/runtime'
import { createTcp } from '@fata/tcp'
import { createUdp } from '@fata/udp'
import { resolveConfig, type StackConfig } from './config.ts'
import { connectByName, sourcesOf } from './connect.ts'
import { StackError } from './errors.ts'
import type { DirectStack, StackInterface } from './interface.ts'
import type { InterfaceOptions, LayerOptions } from './layers.ts'
import { multihomedIp } from './multihomed-ip.ts'
import { followNetwork } from './name-servers.ts'
import { type OpenInterface, openInterface } from './open-interface.ts'
import { ping } from './ping.ts'

/** One of several interfaces of a stack. */
export interface InterfaceSpec {
  /** Letters, digits and `_.~-`; no two alike. */
  readonly name: string
  readonly device: Net
  readonly config?: StackConfig | undefined
  readonly options?: InterfaceOptions | undefined
}

/**
 * Puts a stack together and starts it on `device`, whose listener it becomes.
 *
 * Throws StackError `ERR_STACK_CONFIG` where the configuration makes no sense.
 */
export function createStack(
  device: Net,
  config: StackConfig = {},
  runtime: Runtime = systemRuntime(),
  options: LayerOptions = {},
): DirectStack {
  return assemble([{ name: '', device, config, options }], runtime, options)
}

/**
 * A stack over several devices: the same `tcp` and `udp` reach every network. Strong end system model, and nothing is forwarded: see `multihomedIp`.
 *
 * Throws StackError `ERR_STACK_CONFIG` where the configuration makes no sense.
 */
export function createMultihomedStack(
  interfaces: readonly InterfaceSpec[],
  runtime: Runtime = systemRuntime(),
  options: Omit<LayerOptions, keyof InterfaceOptions> = {},
): DirectStack {
  const names = interfaces.map(({ name }) => name)
  const bad = names.find((name, i) => !/^[\w.~-]+$/.test(name) || names.indexOf(name) !== i)
  if (bad !== undefined || names.length === 0)
    throw new StackError(
      'ERR_STACK_CONFIG',
      `interfaces need names, each its own: ${names.map((n) => `'${n}'`).join(', ')}`,
    )
  return assemble(interfaces, runtime, options)
}

/**
 *   connect --> resolver          names: DNS over the stack's own udp and tcp; then happy eyeballs
 *      |       /    |
 *     tcp   udp     |             each asks for protocol 6 or 17
 *       \   /       |
 *        ip         |             of the one interface, or multihomedIp: source, zone, route
 *       /  \        |
 *   interface ...  servers        openInterface: IPv4 and IPv6 over a device, and DHCP; it says which servers there are
 */
function assemble(
  specs: readonly InterfaceSpec[],
  runtime: Runtime,
  options: Omit<LayerOptions, keyof InterfaceOptions>,
): DirectStack {
  const settings = specs.map(({ device, config }) => resolveConfig(config ?? {}, device))
  const watchers = new Set<(of: StackInterface) => void>()
  const changed = (of: StackInterface): void => {
    servers.update()
    for (const watcher of [...watchers]) watcher(of)
  }
  const interfaces: OpenInterface[] = specs.map(({ name, device, options: own }, i) =>
    openInterface(name, device, settings[i]!, runtime, own ?? {}, changed),
  )
  const [first] = interfaces as [OpenInterface]
  const ip = interfaces.length === 1 ? first.ip : multihomedIp(interfaces, runtime.clock)
  const udp = createUdp({ ip, groups: ip, ...runtime }, options.udp)
  const tcp = createTcp({ ip, ...runtime }, options.tcp)
  const resolver = createResolver({ udp, tcp, ...runtime }, options.dns)
  const servers = followNetwork(resolver, interfaces, settings, runtime)
  const naming = {
    tcp,
    lookup: resolver.lookup.bind(resolver),
    families: ([4, 6] as const).filter((family) => settings.some((s) => s[family === 4 ? 'ipv4' : 'ipv6'])),
    sources: () => sourcesOf(ip.addresses()),
    runtime,
  }
  const ready = Promise.all(interfaces.map((each) => each.ready)).then(() => {})
  ready.catch(() => {})

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await tcp.close()
      await resolver.close()
      await Promise.all(interfaces.map((each) => each.release()))
      await udp.close()
      for (const each of interfaces) await each.close()
    })()
    return closing
  }
  return {
    tcp,
    udp,
    ip,
    resolver,
    interfaces,
    layers: first.layers,
    ready,
    addresses: () => ip.addresses(),
    connect: (host, port, connectOptions) => connectByName(naming, host, port, connectOptions, options.happyEyeballs),
    onConfiguration(watcher) {
      // A function of its own, so that one which is given twice is removed once at a time.
      const own = (of: StackInterface): void => watcher(of)
      watchers.add(own)
      return () => void watchers.delete(own)
    },
    ping: (dst, pingOptions) => ping(interfaces, dst, pingOptions),
    close,
    [Symbol.asyncDispose]: close,
  }
}
