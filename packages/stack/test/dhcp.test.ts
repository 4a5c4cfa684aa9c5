import { formatIp, formatIpv4, formatPrefix, ip, ipv4, ipv4Prefix } from '@fata/addr'
import { createDhcpServer, type DhcpServer, type DhcpSubnet } from '@fata/dhcp'
import { createMem } from '@fata/kv-mem'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type DirectStack, type LayerOptions, type StackConfig } from '@fata/stack'
import { createPair, createSwitch, type Switch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'

const HOUR = 3_600_000

let runtime: VirtualRuntime
let lan: Switch
let router: DirectStack

beforeEach(async () => {
  runtime = createVirtualRuntime(11)
  lan = createSwitch(runtime)
  router = createStack(lan.port(), { ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' }, runtime)
  await runtime.clock.settle(router.ready)
})

function serve(subnet: Partial<DhcpSubnet> = {}): DhcpServer {
  return createDhcpServer(
    { socket: router.udp.bind({ port: 67, broadcast: true }), ...runtime },
    {
      address: ipv4('10.0.0.1'),
      subnets: [{ prefix: ipv4Prefix('10.0.0.0/24'), routers: [ipv4('10.0.0.1')], ...subnet }],
    },
  )
}

const start = (config: StackConfig = {}, options: LayerOptions = {}): DirectStack =>
  createStack(lan.port(), { ipv4: 'dhcp', ipv4Only: true, ...config }, runtime, options)

describe('a stack that is configured by DHCP', () => {
  it('has the address, the routes and the servers of its lease, and shows the lease', async () => {
    const server = serve({
      dnsServers: [ipv4('10.0.0.53')],
      domainSearch: ['a.test', 'b.test'],
      domainName: 'example.test',
      mtu: 1400,
      routes: [{ prefix: ipv4Prefix('10.9.0.0/16'), gateway: ipv4('10.0.0.9') }],
    })
    const stack = start({ name: 'alice' })
    let told = 0
    stack.onConfiguration(() => {
      told++
    })
    await runtime.clock.settle(stack.ready)
    const [first] = stack.interfaces
    const lease = first!.lease!
    expect(stack.addresses()).toEqual([{ address: lease.address, length: 24 }])
    expect(lease).toMatchObject({ mtu: 1400, domainName: 'example.test' })
    expect(first!.dnsServers.map(formatIp)).toEqual(['10.0.0.53'])
    expect(first!.domainSearch).toEqual(['a.test', 'b.test'])
    expect(stack.layers.ipv4!.routes().map(({ prefix }) => formatPrefix(prefix))).toContain('10.9.0.0/16')
    expect(stack.ip.mtu(ip('10.0.0.1'))).toBe(1380)
    expect(told).toBe(1)
    expect(server.bindings()).toMatchObject([{ state: 'bound', hostName: 'alice' }])
    expect((await runtime.clock.settle(stack.ping(ip('10.0.0.1'), { size: 3000 }))).kind).toBe('reply')
    await runtime.clock.settle(stack.close())
  })

  it('keeps the lease for as long as it runs, and gives it back when it is closed', async () => {
    const server = serve({ leaseSeconds: 3600 })
    const stack = start()
    await runtime.clock.settle(stack.ready)
    const { address } = stack.interfaces[0]!.lease!
    runtime.clock.advance(24 * HOUR)
    expect(stack.interfaces[0]!.lease!.address).toBe(address)
    await runtime.clock.settle(stack.close())
    runtime.clock.advance(1000)
    expect(server.bindings()).toMatchObject([{ state: 'released' }])
  })

  it('loses the address with the lease, and everything that the lease has brought', async () => {
    const server = serve({ leaseSeconds: 600, mtu: 1400 })
    const stack = start()
    await runtime.clock.settle(stack.ready)
    await server.close()
    runtime.clock.advance(HOUR)
    expect(stack.addresses()).toEqual([])
    expect(stack.layers.ipv4!.routes()).toEqual([])
    expect(stack.interfaces[0]!.lease).toBeUndefined()
    expect(() => stack.ip.source(ip('192.0.2.1'))).toThrow(/192\.0\.2\.1/)
  })

  it('asks for the same address after a restart where a store keeps the lease', async () => {
    const server = serve()
    const store = createMem()
    // The same host with another network card.
    const dhcp = { clientId: new Uint8Array([255, 1, 2, 3]), probe: false }
    const first = start({}, { store, dhcp })
    await runtime.clock.settle(first.ready)
    const { address } = first.interfaces[0]!.lease!
    await runtime.clock.settle(first.close())
    expect(server.bindings()).toMatchObject([{ state: 'bound' }])
    const before = server.stats.received
    const second = start({}, { store, dhcp })
    await runtime.clock.settle(second.ready)
    expect(second.interfaces[0]!.lease!.address).toBe(address)
    expect(server.stats.received - before).toBe(1)
  })

  it('looks for others at the address first, unless told otherwise', async () => {
    serve()
    const careful = start()
    await runtime.clock.settle(careful.ready)
    const taken = runtime.clock.now()
    const quick = start({}, { dhcp: { probe: false } })
    await runtime.clock.settle(quick.ready)
    expect(runtime.clock.now() - taken).toBeLessThan(1000)
    expect(taken).toBeGreaterThan(4000)
  })

  it('gives way to a host that insists on the address', async () => {
    const server = serve()
    const stack = start()
    await runtime.clock.settle(stack.ready)
    const { address } = stack.interfaces[0]!.lease!
    const rude = createStack(lan.port(), { ipv4: `${formatIpv4(address)}/24`, ipv4Only: true }, runtime)
    runtime.clock.advance(5000)
    rude.layers.arp!.setAddresses([])
    rude.layers.arp!.setAddresses([address])
    await runtime.clock.run(() => false, runtime.clock.now() + 60_000)
    expect(stack.interfaces[0]!.lease!.address).not.toBe(address)
    expect(server.bindings().find((b) => b.address === address)).toMatchObject({ state: 'declined' })
  })

  it('says when no server answers, goes on trying, and can be closed meanwhile', async () => {
    const stack = start({}, { dhcp: { readyTimeoutMs: 5000 } })
    await expect(runtime.clock.settle(stack.ready)).rejects.toMatchObject({ code: 'ERR_STACK_NO_LEASE' })
    serve()
    await runtime.clock.run(() => stack.addresses().length > 0, 200_000)
    expect(stack.addresses()).toHaveLength(1)
    const other = start()
    await runtime.clock.settle(other.close())
    await expect(other.ready).rejects.toMatchObject({ code: 'ERR_STACK_CLOSED' })
  })

  it('leaves port 68 to the application', async () => {
    serve()
    const stack = start()
    stack.udp.bind({ port: 68 })
    stack.udp.bind({ port: 'any' })
    await runtime.clock.settle(stack.ready)
  })

  it('resolves names by the servers of the lease', async () => {
    serve({ dnsServers: [ipv4('10.0.0.53')] })
    const stack = start()
    await expect(stack.resolver.lookup('www.test')).rejects.toMatchObject({ code: 'ERR_DNS_NO_SERVERS' })
    await runtime.clock.settle(stack.ready)
    const asked = stack.resolver.lookup('www.test')
    await expect(runtime.clock.settle(asked)).rejects.toMatchObject({ code: 'ERR_DNS_UNREACHABLE' })
  })

  it('needs an Ethernet, and no gateway besides', () => {
    const { a } = createPair(runtime)
    expect(() => createStack(a, { ipv4: 'dhcp' }, runtime)).toThrow(/DHCP needs an Ethernet device/)
    expect(() => start({ ipv4Gateway: '10.0.0.1' })).toThrow(/ipv4Gateway/)
  })
})
