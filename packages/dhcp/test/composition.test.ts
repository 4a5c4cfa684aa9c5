import { formatIpv4, ip, ipv4, ipv4Prefix, isIpv4, prefixOf } from '@fata/addr'
import { type Arp, createArp } from '@fata/arp'
import { createEthernet } from '@fata/ethernet'
import { createIpv4, type Ipv4Layer } from '@fata/ipv4'
import { createVirtualRuntime } from '@fata/runtime'
import { createUdp, type Udp } from '@fata/udp'
import { createSwitch, type Switch, type VnetPort } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createDhcpClient,
  createDhcpServer,
  type DhcpClient,
  type DhcpClientOptions,
  type DhcpServer,
} from '../src/index.ts'

interface Host {
  readonly device: VnetPort
  readonly arp: Arp
  readonly ipv4: Ipv4Layer
  readonly udp: Udp
}

const runtimeOf = () => createVirtualRuntime(21)
let runtime: ReturnType<typeof runtimeOf>
let lan: Switch

beforeEach(() => {
  runtime = runtimeOf()
  lan = createSwitch(runtime)
})

/** The layers of IPv4, with ARP following the addresses, as a stack has them. */
function host(address?: string, transparent = false): Host {
  const device = lan.port()
  const link = createEthernet(device)
  const arp = createArp({ link, ...runtime })
  const layer = createIpv4({ link, neighbors: arp, ...runtime }, { transparent })
  layer.onAddresses((addresses) => arp.setAddresses(addresses.map((a) => a.address)))
  if (address !== undefined) layer.addAddress(ipv4Prefix(address))
  return { device, arp, ipv4: layer, udp: createUdp({ ip: layer, ...runtime }) }
}

/** A client that configures its host. */
function client(h: Host, options: DhcpClientOptions = {}): DhcpClient {
  const socket = h.udp.bind({ address: ip('0.0.0.0'), port: 68, broadcast: true })
  const probe = h.arp.probe.bind(h.arp)
  const made = createDhcpClient({ socket, ...runtime, mac: h.device.mac!, probe }, options)
  made.onLease(({ kind, lease }) => {
    if (kind === 'lost') h.ipv4.removeAddress(lease.address)
    else h.ipv4.addAddress(prefixOf(lease.address, lease.prefixLength))
    for (const route of lease.routes) kind === 'lost' ? h.ipv4.removeRoute(route) : h.ipv4.addRoute(route)
  })
  return made
}

function server(h: Host, unicast = false): DhcpServer {
  const socket = h.udp.bind({ port: 67, broadcast: true })
  const prefix = ipv4Prefix('10.0.0.0/24')
  return createDhcpServer(
    { socket, clock: runtime.clock, ...(unicast ? { neighbors: h.arp } : {}) },
    { address: ipv4('10.0.0.1'), subnets: [{ prefix, routers: [ipv4('10.0.0.1')] }] },
  )
}

describe('DHCP over UDP, IPv4, ARP and Ethernet', () => {
  it('configures a host, which then reaches others, and renews by unicast', async () => {
    const gateway = host('10.0.0.1/24')
    const s = server(gateway)
    const h = host()
    const c = client(h, { hostName: 'alice' })
    const lease = await runtime.clock.settle(c.start())
    // The probe of RFC 5227 §2.1.
    expect(runtime.clock.now()).toBeGreaterThan(4000)
    expect(h.ipv4.addresses()).toEqual([{ address: lease.address, length: 24 }])
    const outcome = await runtime.clock.settle(h.ipv4.ping(ipv4('10.0.0.1')))
    expect(outcome.kind).toBe('reply')
    const before = s.stats.received
    runtime.clock.advance(10 * 3_600_000)
    expect(s.stats.received - before).toBeGreaterThanOrEqual(20)
    expect(c.lease!.expiresAt).toBeGreaterThan(runtime.clock.now())
    expect(c.stats).toMatchObject({ dropped: {}, unsent: {} })
    expect(s.stats).toMatchObject({ dropped: {}, unsent: {} })
    await c.release()
    runtime.clock.advance(100)
    expect(h.ipv4.addresses()).toEqual([])
    expect(h.ipv4.routes()).toEqual([])
    expect(s.bindings()).toMatchObject([{ state: 'released' }])
  })

  it('finds that somebody sits on the address that it is given, and takes another', async () => {
    const s = server(host('10.0.0.1/24'))
    const first = client(host())
    const { address } = await runtime.clock.settle(first.start())
    await runtime.clock.settle(first.release())
    host(`${formatIpv4(address)}/24`)
    const second = await runtime.clock.settle(first.start())
    expect(second.address).not.toBe(address)
    expect(s.bindings().find((b) => b.address === address)).toMatchObject({ state: 'declined' })
  })

  it('gives up an address that another station takes, where its host wants that', async () => {
    server(host('10.0.0.1/24'))
    const h = host()
    const c = client(h)
    const { address } = await runtime.clock.settle(c.start())
    h.arp.onConflict((conflict) => {
      if (!conflict.defended) c.conflict()
    })
    const rude = host(`${formatIpv4(address)}/24`)
    runtime.clock.advance(5000)
    rude.arp.setAddresses([])
    rude.arp.setAddresses([address])
    await runtime.clock.run(() => false, runtime.clock.now() + 60_000)
    expect(c.lease).toBeDefined()
    expect(c.lease!.address).not.toBe(address)
  })

  it('answers by unicast to a client that hears everything', async () => {
    server(host('10.0.0.1/24'), true)
    // A transparent layer takes packets to any address.
    const h = host(undefined, true)
    const c = client(h, { broadcast: false })
    let broadcasts = 0
    h.udp.bind({ port: 68, address: ip('255.255.255.255'), shared: true }).onMessage = () => {
      broadcasts++
    }
    await runtime.clock.settle(c.start())
    expect(broadcasts).toBe(0)
  })

  it('configures hosts over a bad link, each with an address of its own', async () => {
    lan.impair({ loss: 0.2, latencyMs: 20, jitterMs: 10, duplicate: 0.1, corrupt: 0.02 })
    server(host('10.0.0.1/24'))
    const clients = Array.from({ length: 8 }, () => client(host()))
    const leases = await runtime.clock.settle(Promise.all(clients.map((c) => c.start())))
    expect(new Set(leases.map(({ address }) => address)).size).toBe(8)
    await runtime.clock.run(() => false, runtime.clock.now() + 24 * 3_600_000)
    expect(clients.filter((c) => c.lease !== undefined).length).toBeGreaterThanOrEqual(7)
  })

  it('needs no address of its own to begin with', () => {
    const h = host()
    expect(h.ipv4.addresses().some(({ address }) => isIpv4(address))).toBe(false)
    const c = client(h)
    void c.start().catch(() => {})
    runtime.clock.advance(1)
    expect(c.stats).toMatchObject({ sent: 1, unsent: {} })
    void c.close()
  })
})
