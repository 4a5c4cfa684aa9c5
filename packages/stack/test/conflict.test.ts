import { formatPrefix, ipv4, mac } from '@fata/addr'
import { createArp } from '@fata/arp'
import { createEthernet } from '@fata/ethernet'
import { createVirtualRuntime } from '@fata/runtime'
import { createStack } from '@fata/stack'
import { createSwitch } from '@fata/vnetif'
import { expect, it } from 'vitest'

it.each([
  ['yield', []],
  ['defend', ['10.0.0.1/24']],
] as const)(
  'by policy %s a contested address leaves the stack with %j (RFC 5227 §2.4)',
  async (conflictPolicy, left) => {
    const runtime = createVirtualRuntime(1)
    const lan = createSwitch(runtime)
    const stack = createStack(lan.port(), { ipv4: '10.0.0.1/24', ipv4Only: true }, runtime, { arp: { conflictPolicy } })
    runtime.clock.advance(10_000)
    const other = createArp({ ...runtime, link: createEthernet(lan.port({ mac: mac('02:00:00:00:00:99') })) })
    other.addAddress(ipv4('10.0.0.1'))
    runtime.clock.advance(10)
    expect(stack.addresses().map(formatPrefix)).toEqual(left)
    expect(stack.layers.arp!.addresses()).toHaveLength(left.length)
    other.close()
    await runtime.clock.settle(stack.close())
  },
)
