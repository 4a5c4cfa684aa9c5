import { endpoint, formatIp, ip } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import { createSwitch, type Switch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'
import { frame, readFrame } from '../src/framing.ts'
import { createResolver, type Resolver } from '../src/index.ts'
import { decode, type Message, type TxtRecord } from '../src/wire.ts'
import { a, aaaa, bytesOf, type Handler, zone } from './support/network.ts'

const LONG: TxtRecord = {
  ...{ name: 'long.test', ttl: 60, type: 'TXT' },
  strings: Array.from({ length: 20 }, (_, i) => new Uint8Array(255).fill(i)),
}

/** A name server over UDP and TCP; UDP carries what the client says that it takes. */
function serve(stack: Stack, handler: Handler): void {
  const answer = (bytes: Uint8Array, via: 'udp' | 'tcp'): Uint8Array => {
    const query = decode(bytes, 0, bytes.length) as Message
    const m = handler(query, via) as Message
    const whole = bytesOf(m)
    const room = via === 'tcp' ? 65535 : (query.edns?.udpPayload ?? 512)
    return whole.length <= room ? whole : bytesOf({ ...m, answers: [], truncated: true })
  }
  const socket = stack.udp.bind({ port: 53 })
  socket.onMessage = (buf, off, end, { src }) => socket.send(answer(buf.slice(off, end), 'udp'), src)
  stack.tcp.listen({ port: 53 }, async (flow) => {
    const query = await readFrame(flow, new AbortController().signal)
    if (query !== undefined) await flow.write(frame(answer(query, 'tcp')))
    await flow.close()
  })
}

describe.each([
  ['IPv4', '10.0.0.53'],
  ['IPv6', 'fd00::53'],
])('over a stack, the server at %s', (_family, address) => {
  let runtime: VirtualRuntime
  let lan: Switch
  let client: Stack
  let resolver: Resolver

  beforeEach(async () => {
    runtime = createVirtualRuntime(3)
    lan = createSwitch(runtime)
    client = createStack(lan.port(), { ipv4: '10.0.0.1/24', ipv6: 'fd00::1/64' }, runtime)
    const server = createStack(lan.port(), { ipv4: '10.0.0.53/24', ipv6: 'fd00::53/64' }, runtime)
    await runtime.clock.settle(Promise.all([client.ready, server.ready]))
    serve(server, zone([a('www.test', '10.0.0.80'), aaaa('www.test', 'fd00::80'), LONG]))
    resolver = createResolver({ udp: client.udp, tcp: client.tcp, ...runtime }, { servers: [ip(address)] })
  })

  it('finds addresses', async () => {
    const found = await runtime.clock.settle(resolver.lookup('www.test'))
    expect(found.map(formatIp)).toEqual(['fd00::80', '10.0.0.80'])
  })

  it('takes what is too long for UDP over TCP, and leaves nothing open', async () => {
    expect(await runtime.clock.settle(resolver.resolve('long.test', 'TXT'))).toEqual([LONG])
    expect(resolver.stats).toMatchObject({ udpQueries: 1, tcpQueries: 1 })
    await runtime.clock.settle(client.close())
  })

  it('gets through a network that loses, repeats and reorders', async () => {
    lan.impair({ loss: 0.3, duplicate: 0.2, reorder: 0.2, latencyMs: 30 })
    const patient = createResolver(
      { udp: client.udp, tcp: client.tcp, ...runtime },
      { servers: [ip(address)], tries: 10, cacheEntries: 0 },
    )
    for (let i = 0; i < 20; i++)
      expect((await runtime.clock.settle(patient.lookup('www.test', { family: 4 }))).map(formatIp)).toEqual([
        '10.0.0.80',
      ])
    expect(patient.stats.udpQueries).toBeGreaterThan(20)
    expect(patient.stats.answers).toBe(20)
  })

  it('hears at once that nobody serves', async () => {
    resolver.setServers([endpoint(address.includes(':') ? '[fd00::53]:54' : '10.0.0.53:54')])
    const start = runtime.clock.now()
    await expect(runtime.clock.settle(resolver.lookup('www.test'))).rejects.toMatchObject({
      code: 'ERR_DNS_UNREACHABLE',
    })
    expect(runtime.clock.now() - start).toBeLessThan(100)
  })
})
