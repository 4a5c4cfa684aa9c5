import { endpoint, type Ipv4Prefix, ip, ipv4, ipv4Prefix } from '@fata/addr'
import { type Arp, createArp } from '@fata/arp'
import { fromHex, hex } from '@fata/bytes'
import { createEthernet } from '@fata/ethernet'
import { createIpv4, type Ipv4Layer } from '@fata/ipv4'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createSwitch, type PortOptions, type Switch, type VnetPort } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'
import { createUdp, type Udp } from '../src/index.ts'

interface Host {
  readonly device: VnetPort
  readonly arp: Arp
  readonly ipv4: Ipv4Layer
  readonly udp: Udp
}

/** The layers of IPv4, from the device up, as a stack has them. */
function host(runtime: VirtualRuntime, lan: Switch, address: string | undefined, port: PortOptions = {}): Host {
  const device = lan.port(port)
  const link = createEthernet(device)
  const arp = createArp({ link, ...runtime })
  // 65507 bytes are 45 fragments of 1500.
  const layer = createIpv4({ link, neighbors: arp, ...runtime }, { maxFragments: 64 })
  if (address !== undefined) {
    const prefix: Ipv4Prefix = ipv4Prefix(address)
    layer.addAddress(prefix)
    arp.addAddress(prefix.address)
  }
  return { device, arp, ipv4: layer, udp: createUdp({ ip: layer, ...runtime }) }
}

function bytes(n: number): Uint8Array {
  return new Uint8Array(n).map((_, i) => i * 31 + (i >>> 8))
}

describe.each([
  ['plain devices', false],
  ['devices with offloads', true],
])('UDP over IPv4, ARP and Ethernet: %s', (_name, offload) => {
  let runtime: VirtualRuntime
  let lan: Switch
  let alice: Host
  let bob: Host

  beforeEach(() => {
    runtime = createVirtualRuntime(11)
    lan = createSwitch(runtime)
    alice = host(runtime, lan, '10.0.0.1/24', { offload })
    bob = host(runtime, lan, '10.0.0.2/24', { offload })
  })

  it.each([0, 1, 1471, 1472, 1473, 65507])('carries %i bytes', async (n) => {
    const server = bob.udp.bind({ port: 7 })
    alice.udp.bind().send(bytes(n), endpoint('10.0.0.2:7'))
    const { data, src } = await runtime.clock.settle(server.receive())
    expect(data).toEqual(bytes(n))
    expect(src.address).toBe(ipv4('10.0.0.1'))
  })

  it('keeps the order and every datagram behind an address that is being resolved', async () => {
    const server = bob.udp.bind({ port: 7 })
    const client = alice.udp.bind({ remote: endpoint('10.0.0.2:7') })
    for (let i = 0; i < 10; i++) client.send(new Uint8Array([i]))
    const seen: number[] = []
    for (let i = 0; i < 10; i++) seen.push((await runtime.clock.settle(server.receive())).data[0]!)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(alice.arp.stats.requestsSent).toBe(1)
  })

  it('refuses at a port that nobody hears', async () => {
    const client = alice.udp.bind({ remote: endpoint('10.0.0.2:9') })
    client.send(bytes(3))
    await expect(runtime.clock.settle(client.receive())).rejects.toMatchObject({
      code: 'ERR_UDP_REFUSED',
      kind: 'port-unreachable',
      reporter: ip('10.0.0.2'),
    })
  })

  it('tells that a neighbour is not there when ARP has given up', async () => {
    const client = alice.udp.bind({ remote: endpoint('10.0.0.99:9') })
    const start = runtime.clock.now()
    client.send(bytes(3))
    await expect(runtime.clock.settle(client.receive())).rejects.toMatchObject({
      code: 'ERR_UDP_UNREACHABLE',
      kind: 'host-unreachable',
    })
    expect(runtime.clock.now() - start).toBe(5000)
  })

  it('reaches everybody by broadcast, also from a host that has no address yet', async () => {
    const client = host(runtime, lan, undefined, { offload }).udp.bind({ port: 68, broadcast: true })
    const servers = [alice.udp.bind({ port: 67 }), bob.udp.bind({ port: 67 })]
    client.send(bytes(300), endpoint('255.255.255.255:67'), { src: ip('0.0.0.0') })
    for (const server of servers) {
      expect(await runtime.clock.settle(server.receive())).toMatchObject({
        multicast: true,
        src: endpoint('0.0.0.0:68'),
      })
    }
  })

  it('reaches a group', async () => {
    bob.ipv4.join(ipv4('224.1.2.3'))
    const server = bob.udp.bind({ port: 5353, address: ip('224.1.2.3') })
    alice.udp.bind({ port: 5353 }).send(bytes(3), endpoint('224.1.2.3:5353'))
    expect(await runtime.clock.settle(server.receive())).toMatchObject({ ttl: 1, multicast: true })
  })

  it('carries IP options both ways (RFC 1122 §4.1.3.2)', async () => {
    const server = bob.udp.bind({ port: 7 })
    const headerOptions = fromHex('94040000')
    const client = alice.udp.bind()
    client.send(bytes(3), endpoint('10.0.0.2:7'), { headerOptions })
    client.send(bytes(3000), endpoint('10.0.0.2:7'), { headerOptions })
    client.send(bytes(3), endpoint('10.0.0.2:7'))
    const heard = await runtime.clock.settle(Promise.all([server.receive(), server.receive(), server.receive()]))
    expect(heard.map((d) => [d.size, d.headerOptions && hex(d.headerOptions)])).toEqual([
      [3, '94040000'],
      [3000, '94040000'],
      [3, undefined],
    ])
    expect(() => client.send(bytes(3), endpoint('[fd00::2]:7'), { headerOptions })).toThrow(
      expect.objectContaining({ code: 'ERR_UDP_FAMILY' }),
    )
    expect(() => client.send(bytes(3), endpoint('10.0.0.2:7'), { headerOptions: bytes(41) })).toThrow(RangeError)
  })

  it('reaches itself', async () => {
    const server = alice.udp.bind({ port: 7 })
    alice.udp.bind().send(bytes(5000), endpoint('10.0.0.1:7'))
    expect((await runtime.clock.settle(server.receive())).data).toEqual(bytes(5000))
  })

  it('delivers whole datagrams only, over a link that loses and breaks them', () => {
    lan.impair({ corrupt: 0.05, loss: 0.1, duplicate: 0.05, reorder: 0.1 })
    const data = bytes(3000)
    let whole = 0
    let broken = 0
    const onMessage = (buf: Uint8Array, off: number, end: number): void => {
      let i = 0
      while (off + i < end && buf[off + i] === data[i]) i++
      if (off + i === end) whole++
      else broken++
    }
    bob.udp.bind({ port: 7, onMessage })
    const client = alice.udp.bind({ remote: endpoint('10.0.0.2:7'), onError: () => {} })
    for (let n = 0; n < 2000; n++) {
      client.write(undefined, n, (buf, off) => {
        buf.set(data.subarray(0, n), off)
        return n
      })
      runtime.clock.advance(10)
    }
    runtime.clock.advance(60_000)
    expect(broken).toBe(0)
    expect(whole).toBeGreaterThan(1400)
    expect(bob.udp.stats.rxDatagrams).toBe(whole)
    expect(bob.udp.stats.dropped['bad-checksum']).toBeGreaterThan(20)
  })
})

describe('ARP on a switch', () => {
  it('lets two hosts find out who has an address, over a bad link', async () => {
    const runtime = createVirtualRuntime(3)
    const lan = createSwitch(runtime)
    const [alice, bob] = [host(runtime, lan, '10.0.0.1/24'), host(runtime, lan, '10.0.0.2/24')]
    lan.impair({ loss: 0.3, latencyMs: 20, jitterMs: 10, duplicate: 0.1 })
    expect(await runtime.clock.settle(alice.arp.probe(ipv4('10.0.0.2')))).toBe(false)
    expect(await runtime.clock.settle(bob.arp.probe(ipv4('10.0.0.77')))).toBe(true)
    const mac = await runtime.clock.settle(new Promise((done) => alice.arp.resolve(ipv4('10.0.0.2'), done)))
    expect(mac).toBe(bob.device.mac)
  })

  it('moves a neighbour that comes back with another card', async () => {
    const runtime = createVirtualRuntime(4)
    const lan = createSwitch(runtime)
    const alice = host(runtime, lan, '10.0.0.1/24')
    const old = host(runtime, lan, '10.0.0.2/24')
    const client = alice.udp.bind({ remote: endpoint('10.0.0.2:7') })
    const before = old.udp.bind({ port: 7 })
    client.send(bytes(1))
    await runtime.clock.settle(before.receive())
    await old.device.close()
    const server = host(runtime, lan, '10.0.0.2/24').udp.bind({ port: 7 })
    runtime.clock.advance(10)
    client.send(bytes(2))
    expect((await runtime.clock.settle(server.receive())).data).toEqual(bytes(2))
  })
})
