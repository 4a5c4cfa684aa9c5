import { formatIp, formatPrefix, ip, ipv4, ipv4Prefix } from '@fata/addr'
import { createDhcpServer } from '@fata/dhcp'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createMultihomedStack, createStack, type DirectStack, StackError } from '@fata/stack'
import { createSwitch, type Switch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'

let runtime: VirtualRuntime
let inner: Switch
let outer: Switch
let both: DirectStack
let inside: DirectStack
let outside: DirectStack

beforeEach(async () => {
  runtime = createVirtualRuntime(31)
  inner = createSwitch(runtime)
  outer = createSwitch(runtime)
  both = createMultihomedStack(
    [
      { name: 'lan', device: inner.port(), config: { ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' } },
      {
        name: 'wan',
        device: outer.port(),
        config: { ipv4: '192.0.2.1/24', ipv4Gateway: '192.0.2.2', ipv6: 'fd01::1/64', ipv6Gateway: 'fd01::2' },
      },
    ],
    runtime,
  )
  inside = createStack(
    inner.port(),
    { ipv4: '10.0.0.2/24', ipv4Gateway: '10.0.0.1', ipv6: 'fd00::2/64', ipv6Gateway: 'fd00::1' },
    runtime,
  )
  outside = createStack(
    outer.port(),
    { ipv4: '192.0.2.2/24', ipv4Gateway: '192.0.2.1', ipv6: 'fd01::2/64', ipv6Gateway: 'fd01::1' },
    runtime,
  )
  await runtime.clock.settle(Promise.all([both.ready, inside.ready, outside.ready]))
})

async function talk(from: DirectStack, to: DirectStack, address: string): Promise<string> {
  const listener = to.tcp.listen({ port: 80 })
  const exchange = async (): Promise<string> => {
    const [client, server] = await Promise.all([
      from.tcp.connect({ address: ip(address), port: 80 }),
      listener.accept(),
    ])
    await client.write(new TextEncoder().encode('hello'))
    const text = new TextDecoder().decode((await server.read())!)
    await Promise.all([client.close(), server.close(), listener.close()])
    return text
  }
  return runtime.clock.settle(exchange())
}

describe('a stack with two devices', () => {
  it('talks to both networks, over both families, from the address of each', async () => {
    for (const [peer, address, own] of [
      [inside, '10.0.0.2', '10.0.0.1'],
      [inside, 'fd00::2', 'fd00::1'],
      [outside, '192.0.2.2', '192.0.2.1'],
      [outside, 'fd01::2', 'fd01::1'],
    ] as const) {
      expect(await talk(both, peer, address)).toBe('hello')
      expect(await talk(peer, both, own)).toBe('hello')
      expect(formatIp(both.ip.source(ip(address)))).toBe(own)
      expect((await runtime.clock.settle(both.ping(ip(address)))).kind).toBe('reply')
    }
    expect(both.interfaces.map(({ name }) => name)).toEqual(['lan', 'wan'])
    expect(both.addresses().map(formatPrefix)).toEqual(expect.arrayContaining(['10.0.0.1/24', 'fd01::1/64']))
  })

  it('sends what is on no link by the default route, and by a longer one where there is one', () => {
    expect(formatIp(both.ip.source(ip('198.51.100.1')))).toBe('192.0.2.1')
    expect(formatIp(both.ip.source(ip('2001:db8::1')))).toBe('fd01::1')
    both.interfaces[0]!.layers.ipv4!.addRoute({ prefix: ipv4Prefix('198.51.100.0/24'), gateway: ipv4('10.0.0.2') })
    runtime.clock.advance(1000)
    expect(formatIp(both.ip.source(ip('198.51.100.1')))).toBe('10.0.0.1')
  })

  it('forwards nothing, and takes no packet by an interface that has not its address (strong end system)', async () => {
    both.tcp.listen({ port: 443 })
    const outcome = await runtime.clock.settle(inside.ping(ip('192.0.2.2'), { timeoutMs: 3000 }))
    expect(outcome.kind).not.toBe('reply')
    const other = inside.tcp.connect({ address: ip('192.0.2.1'), port: 443 }, { timeoutMs: 3000 })
    await expect(runtime.clock.settle(other)).rejects.toMatchObject({
      code: expect.stringMatching(/TIMEOUT|UNREACHABLE/),
    })
    expect((await runtime.clock.settle(inside.ping(ip('fd01::2'), { timeoutMs: 3000 }))).kind).not.toBe('reply')
  })

  it('tells links apart by their zones', async () => {
    const linkLocal = outside.layers.ipv6!.state().addresses.find(({ origin }) => origin === 'link-local')!.address
    const address = ip(`${formatIp(linkLocal)}%wan`)
    expect((await runtime.clock.settle(both.ping(address))).kind).toBe('reply')
    expect(await talk(both, outside, `${formatIp(linkLocal)}%wan`)).toBe('hello')
    expect(() => both.ip.source(ip(`${formatIp(linkLocal)}%dmz`))).toThrow(/no interface is named 'dmz'/)
  })

  it('hears a group on every link, or on the one of its zone', async () => {
    const heard: string[] = []
    const socket = both.udp.bind({ port: 5353 })
    socket.onMessage = (_buf, _off, _end, { src }) => heard.push(formatIp(src.address))
    const membership = socket.join(ip('224.0.0.251'))
    const narrow = socket.join(ip('ff02::fb%wan'))
    const call = (group: string): void => {
      for (const peer of [inside, outside]) peer.udp.bind().send(new Uint8Array(1), { address: ip(group), port: 5353 })
      runtime.clock.advance(100)
    }
    call('224.0.0.251')
    expect(heard.splice(0)).toEqual(['10.0.0.2', '192.0.2.2'])
    call('ff02::fb')
    expect(heard.splice(0)).toEqual([expect.stringMatching(/%wan$/)])
    membership.leave()
    narrow.leave()
    call('224.0.0.251')
    expect(heard).toEqual([])
  })

  it('asks for addresses on each link by itself', async () => {
    for (const [router, prefix] of [
      [inside, '10.0.0.0/24'],
      [outside, '192.0.2.0/24'],
    ] as const) {
      const { address } = router.layers.ipv4!.addresses()[0]!
      createDhcpServer(
        { socket: router.udp.bind({ port: 67, broadcast: true }), ...runtime },
        { address, subnets: [{ prefix: ipv4Prefix(prefix) }] },
      )
    }
    const stack = createMultihomedStack(
      [
        { name: 'a', device: inner.port(), config: { ipv4: 'dhcp', ipv4Only: true } },
        { name: 'b', device: outer.port(), config: { ipv4: 'dhcp', ipv4Only: true } },
      ],
      runtime,
    )
    await runtime.clock.settle(stack.ready)
    expect(stack.interfaces.map(({ lease }) => formatIp(lease!.server))).toEqual(['10.0.0.2', '192.0.2.2'])
    await runtime.clock.settle(stack.close())
  })

  it('needs names to tell its interfaces by', () => {
    for (const names of [['a', 'a'], ['a', ''], [], ['a b']]) {
      const specs = names.map((name) => ({ name, device: inner.port() }))
      expect(() => createMultihomedStack(specs, runtime)).toThrow(StackError)
    }
  })
})
