import { once } from 'node:events'
import { connect as connectHost } from 'node:net'
import { formatIp, formatPrefix, ip, isIpv4 } from '@fata/addr'
import { createSocketStack, type SocketStackConfig } from '@fata/stack/socket'
import { describe, expect, it } from 'vitest'

/** Which of the loopback's addresses a port is open at. */
async function openAt(port: number): Promise<string[]> {
  const open: string[] = []
  for (const host of ['127.0.0.1', '127.0.0.2', '::1']) {
    const socket = connectHost({ host, port })
    const result = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (result) open.push(host)
  }
  return open
}

describe('where a socket stack listens', () => {
  it.each<[string, SocketStackConfig, string[]]>([
    ['every address', {}, ['127.0.0.1', '127.0.0.2', '::1']],
    ["every address, by MirageOS's default", { ipv4: '0.0.0.0/0' }, ['127.0.0.1', '127.0.0.2', '::1']],
    ['one address', { ipv4: '127.0.0.1/24' }, ['127.0.0.1']],
    ['one of each family', { ipv4: '127.0.0.2/8', ipv6: '::1/128' }, ['127.0.0.2', '::1']],
    ['IPv4 only', { ipv4Only: true }, ['127.0.0.1', '127.0.0.2']],
    ['IPv6 only', { ipv6Only: true }, ['::1']],
  ])('%s', async (_name, config, expected) => {
    await using stack = createSocketStack(config)
    const listener = stack.tcp.listen({ port: 0 })
    await listener.ready
    expect(await openAt(listener.local.port as number)).toEqual(expected)
  })

  it.each<[SocketStackConfig, RegExp]>([
    [{ ipv4Only: true, ipv6Only: true }, /exclude each other/],
    [{ ipv4Only: true, ipv6: '::1/128' }, /no use for an ipv6/],
    [{ ipv4: '127.0.0.1' }, /^ipv4: /],
    [{ ipv4: '192.0.2.7/24' }, /192\.0\.2\.7 is not an address of this host/],
    [{ dnsServers: ['ns.test'] }, /^dnsServers: /],
  ])('refuses %j', (config, message) => {
    expect(() => createSocketStack(config)).toThrow(
      expect.objectContaining({ code: 'ERR_STACK_CONFIG', message: expect.stringMatching(message) }),
    )
  })
})

describe('a socket stack', () => {
  it('shows the addresses that it uses', async () => {
    await using all = createSocketStack()
    expect(all.addresses().map(formatPrefix)).toContain('127.0.0.1/8')
    await using v4 = createSocketStack({ ipv4Only: true })
    expect(v4.addresses().every(({ address }) => isIpv4(address))).toBe(true)
    await using one = createSocketStack({ ipv4: '127.0.0.1/24' })
    expect(one.addresses().map(formatPrefix)).toEqual(['127.0.0.1/24'])
  })

  it("connects by the host's names", async () => {
    await using stack = createSocketStack({ ipv4Only: true })
    const listener = stack.tcp.listen({ port: 0 })
    await listener.ready
    const flow = await stack.connect('localhost', listener.local.port as number)
    expect(formatIp(flow.remote.address)).toBe('127.0.0.1')
    await expect(stack.connect('nothing.invalid', 80)).rejects.toMatchObject({ code: 'ERR_HAPPY_EYEBALLS_NO_ADDRESS' })
  })

  it('says what Node does not offer', async () => {
    await using stack = createSocketStack()
    const code = expect.objectContaining({ code: 'ERR_STACK_UNSUPPORTED' })
    expect(() => stack.tcp.listen({ port: 'any' })).toThrow(code)
    expect(() => stack.udp.bind({ port: 'any' })).toThrow(code)
    expect(() => stack.tcp.connect({ address: ip('127.0.0.1'), port: 9 }, { ttl: 3 })).toThrow(code)
    const socket = stack.udp.bind()
    expect(() => socket.send(new Uint8Array(1), { address: ip('127.0.0.1'), port: 9 }, { trafficClass: 8 })).toThrow(
      code,
    )
  })

  it('leaves out the other family where it has one only', async () => {
    await using stack = createSocketStack({ ipv4Only: true })
    await expect(stack.tcp.connect({ address: ip('::1'), port: 9 })).rejects.toMatchObject({
      code: 'ERR_TCP_UNREACHABLE',
    })
    expect(() => stack.udp.bind({ address: ip('::1') })).toThrow(expect.objectContaining({ code: 'ERR_UDP_FAMILY' }))
  })

  it('gives up connecting in time', async () => {
    await using stack = createSocketStack()
    // A listener whose backlog is full answers no SYN; an address of a test network goes nowhere either, at once or never.
    const connecting = stack.tcp.connect({ address: ip('192.0.2.1'), port: 9 }, { timeoutMs: 50 })
    await expect(connecting).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_TCP_(TIMEOUT|UNREACHABLE|REFUSED)/),
    })
  })

  it('gives others a turn while the kernel takes everything at once', async () => {
    await using stack = createSocketStack()
    const listener = stack.tcp.listen({ port: 0 }, async (flow) => {
      for await (const _ of flow);
    })
    await listener.ready
    const flow = await stack.tcp.connect({ address: ip('127.0.0.1'), port: listener.local.port as number })
    let over = false
    setTimeout(() => {
      over = true
    }, 20)
    const block = new Uint8Array(64 * 1024)
    while (!over) await flow.write(block)
    flow.abort()
  })

  it('leaves nothing open that is aborted while its end is told', async () => {
    await using stack = createSocketStack()
    const listener = stack.tcp.listen({ port: 0 })
    await listener.ready
    const to = { address: ip('127.0.0.1'), port: listener.local.port as number }
    const before = process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    for (let i = 0; i < 10; i++) {
      const [client, server] = await Promise.all([stack.tcp.connect(to), listener.accept()])
      await client.write(new Uint8Array(10))
      client.shutdown().catch(() => {})
      client.abort()
      server.abort()
    }
    const open = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    await expect.poll(open).toBe(before)
  })

  it('joins groups', async () => {
    await using stack = createSocketStack({ ipv4Only: true })
    const socket = stack.udp.bind({ port: 0 })
    const membership = socket.join(ip('239.1.2.3'))
    membership.change({ mode: 'include', sources: [ip('127.0.0.1')] })
    membership.leave()
    expect(() => socket.join(ip('10.0.0.1'))).toThrow(RangeError)
    expect(() => socket.join(ip('ff02::fb'))).toThrow(expect.objectContaining({ code: 'ERR_UDP_FAMILY' }))
  })

  it('counts what nobody receives', async () => {
    await using stack = createSocketStack()
    const socket = stack.udp.bind({ address: ip('127.0.0.1'), queueDatagrams: 2 })
    const sender = stack.udp.bind({ remote: { address: ip('127.0.0.1'), port: socket.port as number } })
    for (let i = 0; i < 5; i++) sender.send(new Uint8Array([i]))
    await expect.poll(() => socket.stats.dropped['queue-full']).toBe(3)
    expect((await socket.receive()).data[0]).toBe(0)
  })
})
