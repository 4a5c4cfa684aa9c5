import { type IpAddress, ip } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import { createSwitch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ConnectOptions, connect } from '../src/index.ts'

describe('over TCP, IPv4 and IPv6', () => {
  let runtime: VirtualRuntime
  let client: Stack
  let server: Stack
  let names: Record<string, string[]>

  const options = (): ConnectOptions<Awaited<ReturnType<Stack['tcp']['connect']>>> => ({
    clock: runtime.clock,
    connect: (to, { signal }) => client.tcp.connect(to, { signal }),
    resolve: async (name, { family }): Promise<IpAddress[]> => names[`${name} ${family}`]?.map(ip) ?? [],
    sources: () => client.addresses().map((prefix) => ({ prefix })),
  })

  beforeEach(async () => {
    runtime = createVirtualRuntime(5)
    const lan = createSwitch(runtime)
    client = createStack(lan.port(), { ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' }, runtime)
    server = createStack(lan.port(), { ipv4: '10.0.0.2/24', ipv6: 'fd00::2/64' }, runtime)
    await runtime.clock.settle(Promise.all([client.ready, server.ready]))
    server.tcp.listen({ port: 80 })
  })

  it('prefers IPv6', async () => {
    names = { 'server 6': ['fd00::2'], 'server 4': ['10.0.0.2'] }
    const flow = await runtime.clock.settle(connect('server', 80, options()))
    expect(flow.remote.address).toEqual(ip('fd00::2'))
  })

  it('takes IPv4 where nobody answers at the IPv6 address, and leaves no connection behind', async () => {
    names = { 'server 6': ['fd00::99'], 'server 4': ['10.0.0.2'] }
    const start = runtime.clock.now()
    const flow = await runtime.clock.settle(connect('server', 80, options()))
    expect(flow.remote.address).toBe(ip('10.0.0.2'))
    expect(runtime.clock.now() - start).toBeGreaterThanOrEqual(250)
    expect(runtime.clock.now() - start).toBeLessThan(300)
    expect(client.tcp.connections()).toHaveLength(1)
  })

  it('goes on at once where a port is closed', async () => {
    names = { 'server 4': ['10.0.0.1', '10.0.0.2'] }
    const start = runtime.clock.now()
    const flow = await runtime.clock.settle(connect('server', 80, options()))
    expect(flow.remote.address).toBe(ip('10.0.0.2'))
    expect(runtime.clock.now() - start).toBeLessThan(50)
  })

  it('tells what TCP said where every port is closed', async () => {
    names = { 'server 6': ['fd00::2'], 'server 4': ['10.0.0.2'] }
    await expect(runtime.clock.settle(connect('server', 81, options()))).rejects.toMatchObject({
      code: 'ERR_HAPPY_EYEBALLS_FAILED',
      failures: [{ error: { code: 'ERR_TCP_REFUSED' } }, { error: { code: 'ERR_TCP_REFUSED' } }],
    })
    expect(client.tcp.connections()).toHaveLength(0)
  })
})
