import { formatPrefix, ip } from '@fata/addr'
import { createCallbackNet } from '@fata/net'
import { createVirtualRuntime } from '@fata/runtime'
import { createStack, StackError } from '@fata/stack'
import { createPair, createSwitch } from '@fata/vnetif'
import { describe, expect, it } from 'vitest'
import { twoStacks } from './support/network.ts'

const text = (bytes: Uint8Array | null): string => new TextDecoder().decode(bytes ?? new Uint8Array(0))
const bytes = (s: string): Uint8Array => new TextEncoder().encode(s)

function port() {
  const runtime = createVirtualRuntime(1)
  return { runtime, device: createSwitch(runtime).port() }
}

describe('createStack', () => {
  it.each([4, 6] as const)('carries TCP over IPv%i and UDP and pings', async (family) => {
    const network = await twoStacks(1)
    const { runtime, a, b } = network
    const address = network.address(family)
    const exchange = async (): Promise<string[]> => {
      const listener = b.tcp.listen({ port: 80 })
      const [client, server] = await Promise.all([a.tcp.connect({ address, port: 80 }), listener.accept()])
      await client.write(bytes('request'))
      const request = text(await server.read())
      await server.write(bytes('answer'))
      const answer = text(await client.read())
      await Promise.all([client.close(), server.close()])

      const socket = b.udp.bind({ port: 53 })
      a.udp.bind().send(bytes('datagram'), { address, port: 53 })
      const datagram = text((await socket.receive()).data)
      const outcome = await a.ping(address, { size: 5000 })
      return [request, answer, datagram, outcome.kind]
    }
    expect(await runtime.clock.settle(exchange())).toEqual(['request', 'answer', 'datagram', 'reply'])
    await network.close()
  })

  it('talks to itself by its own address', async () => {
    const network = await twoStacks(2)
    const { runtime, b } = network
    const talk = async (): Promise<string> => {
      const listener = b.tcp.listen({ port: 80 })
      const [client, server] = await Promise.all([
        b.tcp.connect({ address: network.address(4), port: 80 }),
        listener.accept(),
      ])
      await client.write(bytes('self'))
      return text(await server.read())
    }
    expect(await runtime.clock.settle(talk())).toBe('self')
    await network.close()
  })

  it('runs over a point-to-point device, without Ethernet', async () => {
    const runtime = createVirtualRuntime(3)
    const pair = createPair(runtime)
    const a = createStack(pair.a, { ipv4: '10.0.0.1/32', ipv6: 'fd00::1/128' }, runtime)
    const b = createStack(pair.b, { ipv4: '192.0.2.1/32', ipv6: 'fd00::2/128' }, runtime)
    const talk = async (destination: string): Promise<string> => {
      await Promise.all([a.ready, b.ready])
      const listener = b.tcp.listen({ port: 80 })
      const [client, server] = await Promise.all([
        a.tcp.connect({ address: ip(destination), port: 80 }),
        listener.accept(),
      ])
      await client.write(bytes('tunnel'))
      const got = text(await server.read())
      await Promise.all([client.close(), server.close(), listener.close()])
      return got
    }
    expect(await runtime.clock.settle(talk('192.0.2.1'))).toBe('tunnel')
    expect(await runtime.clock.settle(talk('fd00::2'))).toBe('tunnel')
    expect(a.layers.arp).toBeUndefined()
    await runtime.clock.settle(Promise.all([a.close(), b.close()]))
  })

  it('refuses an address family that it does not have', async () => {
    for (const [config, address] of [
      [{ ipv4: '10.0.0.1/24', ipv4Only: true }, 'fd00::9'],
      [{ ipv6: 'fd00::1/64', ipv6Only: true }, '10.0.0.9'],
    ] as const) {
      const { runtime, device } = port()
      const stack = createStack(device, config, runtime)
      await runtime.clock.settle(stack.ready)
      expect(() => stack.ip.source(ip(address))).toThrow(expect.objectContaining({ code: 'ERR_IP_FAMILY' }))
      await expect(stack.ping(ip(address))).rejects.toMatchObject({ code: 'ERR_IP_FAMILY' })
      await expect(stack.tcp.connect({ address: ip(address), port: 1 })).rejects.toThrow()
      expect(() => stack.udp.bind().send(bytes('x'), { address: ip(address), port: 1 })).toThrow()
      await stack.close()
    }
  })

  it('says that there is no route instead of losing packets', async () => {
    const { runtime, device } = port()
    const stack = createStack(device, { ipv4: '10.0.0.1/24', ipv4Only: true }, runtime)
    await expect(stack.ping(ip('192.0.2.1'))).rejects.toMatchObject({ code: 'ERR_IP_NO_ROUTE' })
    await stack.close()
  })

  it('gives up on a neighbor that does not answer, with an error to who waits', async () => {
    const { runtime, device } = port()
    const stack = createStack(device, { ipv4: '10.0.0.1/24', ipv4Only: true }, runtime)
    const connecting = stack.tcp.connect({ address: ip('10.0.0.9'), port: 80 }, { timeoutMs: 30_000 })
    await expect(runtime.clock.settle(connecting)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_TCP_/) })
    await stack.close()
  })

  it('leaves nothing scheduled once it is closed', async () => {
    const network = await twoStacks(4)
    const { runtime, a, b } = network
    b.tcp.listen({ port: 80 })
    await runtime.clock.settle(a.tcp.connect({ address: network.address(4), port: 80 }))
    await network.close()
    await network.close()
    await runtime.clock.run()
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('lists its addresses, the link-local one among them', async () => {
    const network = await twoStacks(5)
    const listed = network.a.addresses().map(formatPrefix)
    expect(listed).toContain('10.0.0.1/24')
    expect(listed).toContain('fd00::1/64')
    expect(listed.some((address) => /^fe80::/.test(address))).toBe(true)
    await network.close()
  })

  it('works over a device made of two functions', async () => {
    const runtime = createVirtualRuntime(6)
    const sent: Uint8Array[] = []
    const device = createCallbackNet({
      medium: 'ip',
      mtu: 1400,
      send: (buf, off, end) => void sent.push(buf.slice(off, end)),
    })
    const stack = createStack(device.net, { ipv4: '10.0.0.1/32', ipv4Only: true }, runtime)
    stack.udp.bind().send(bytes('out'), { address: ip('10.0.0.2'), port: 9 })
    expect(sent).toHaveLength(1)
    expect(text(sent[0]!.subarray(28))).toBe('out')
    await stack.close()
  })
})

describe('configuration', () => {
  it.each([
    [{ ipv4Only: true, ipv6Only: true }, 'ipv4Only and ipv6Only exclude each other'],
    [{ ipv4Only: true, ipv6: 'fd00::1/64' }, 'ipv4Only leaves no use for an ipv6 address or gateway'],
    [{ ipv6Only: true, ipv4: '10.0.0.1/24' }, 'ipv6Only leaves no use for an ipv4 address or gateway'],
    [{ ipv4: '10.0.0.1' }, "ipv4: not a prefix (address/length): '10.0.0.1'"],
    [{ ipv4: '10.0.0.255/24' }, 'ipv4: 10.0.0.255/24 is not the address of a host'],
    [{ ipv4: '224.0.0.1/24' }, 'ipv4: 224.0.0.1/24 is not the address of a host'],
    [{ ipv4Gateway: '10.0.0.1' }, 'ipv4Gateway: 10.0.0.1 needs an ipv4 address to be reached from'],
    [{ ipv4: '10.0.0.2/24', ipv4Gateway: '10.0.1.1' }, 'ipv4Gateway: 10.0.1.1 is not in 10.0.0.2/24'],
    [{ ipv4: '10.0.0.2/24', ipv4Gateway: '10.0.0.2' }, 'ipv4Gateway: 10.0.0.2 is the own address'],
    [{ ipv6: 'ff02::1/64' }, 'ipv6: ff02::1/64 is not the address of a host'],
    [{ ipv6Gateway: 'fd00::1' }, 'ipv6Gateway: fd00::1 is neither link-local nor in the own prefix'],
  ])('refuses %j', (config, message) => {
    const { runtime, device } = port()
    let thrown: unknown
    try {
      createStack(device, config, runtime)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(StackError)
    expect((thrown as StackError).code).toBe('ERR_STACK_CONFIG')
    expect((thrown as StackError).message).toBe(message)
  })
})
