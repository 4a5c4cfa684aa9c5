import type { IpAddress } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type DirectStack, type LayerOptions } from '@fata/stack'
import { createSwitch, type Impairments, type Switch, type VnetPort } from '@fata/vnetif'

/** Two dual stacks on a switch, in virtual time. */
export interface TwoStacks {
  readonly runtime: VirtualRuntime
  readonly lan: Switch
  readonly ports: readonly [VnetPort, VnetPort]
  readonly a: DirectStack
  readonly b: DirectStack
  /** `b`'s address of a family. */
  address(family: 4 | 6): IpAddress
  close(): Promise<void>
}

/** How the two stacks differ from a perfect LAN. */
export interface NetworkOptions {
  readonly impairments?: Impairments
  readonly offload?: boolean
  readonly layers?: LayerOptions
}

/** Makes the network and runs it until every address may be used; only then the links are impaired. */
export async function twoStacks(seed: number, options: NetworkOptions = {}): Promise<TwoStacks> {
  const runtime = createVirtualRuntime(seed)
  const lan = createSwitch(runtime)
  const offload = options.offload ?? false
  const ports = [lan.port({ offload }), lan.port({ offload })] as const
  const stack = (port: VnetPort, host: number): DirectStack =>
    createStack(port, { ipv4: `10.0.0.${host}/24`, ipv6: `fd00::${host}/64` }, runtime, options.layers)
  const a = stack(ports[0], 1)
  const b = stack(ports[1], 2)
  await runtime.clock.settle(Promise.all([a.ready, b.ready]))
  lan.impair(options.impairments ?? {})
  return {
    runtime,
    lan,
    ports,
    a,
    b,
    address(family) {
      const found = b.addresses().find(({ address }) => (typeof address === 'number') === (family === 4))
      if (found === undefined) throw new Error(`no IPv${family} address`)
      return found.address
    },
    async close() {
      await runtime.clock.settle(Promise.all([a.close(), b.close()]))
      await lan.close()
    },
  }
}
