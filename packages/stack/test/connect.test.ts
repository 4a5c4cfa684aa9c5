import { ip } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type DirectStack, type StackConfig } from '@fata/stack'
import { createSwitch, type Switch } from '@fata/vnetif'
import { beforeEach, describe, expect, it } from 'vitest'
import { serveNames } from './support/servers.ts'

let runtime: VirtualRuntime
let lan: Switch
let client: DirectStack
let server: DirectStack

const start = (host: number, config: StackConfig = {}): DirectStack =>
  createStack(lan.port(), { ipv4: `10.0.0.${host}/24`, ipv6: `fd00::${host}/64`, ...config }, runtime)

beforeEach(async () => {
  runtime = createVirtualRuntime(23)
  lan = createSwitch(runtime)
  server = start(2)
  client = start(1, { dnsServers: ['10.0.0.2', '[fd00::2]:53'], domainSearch: ['test'] })
  await runtime.clock.settle(Promise.all([client.ready, server.ready]))
  serveNames(server, {
    'www.test': [ip('fd00::2'), ip('10.0.0.2')],
    'half.test': [ip('fd00::99'), ip('10.0.0.2')],
  })
  server.tcp.listen({ port: 80 })
})

describe('connecting by name', () => {
  it('goes to IPv6 first, by the search list', async () => {
    const flow = await runtime.clock.settle(client.connect('www', 80))
    expect(flow.remote).toEqual({ address: ip('fd00::2'), port: 80 })
  })

  it('goes on with IPv4 when IPv6 leads nowhere, and leaves no other connection', async () => {
    const flow = await runtime.clock.settle(client.connect('half.test', 80))
    expect(flow.remote.address).toBe(ip('10.0.0.2'))
    expect(client.tcp.connections()).toHaveLength(1)
  })

  it('takes one family only where that is asked for, or all there is', async () => {
    const flow = await runtime.clock.settle(client.connect('www', 80, { family: 4 }))
    expect(flow.remote.address).toBe(ip('10.0.0.2'))
    const only = start(3, { ipv6: undefined, ipv4Only: true, dnsServers: ['10.0.0.2'] })
    expect((await runtime.clock.settle(only.connect('www.test', 80))).remote.address).toBe(ip('10.0.0.2'))
    expect(only.resolver.stats.udpQueries).toBe(1)
  })

  it('takes addresses as text and lists of them', async () => {
    expect((await runtime.clock.settle(client.connect('10.0.0.2', 80))).remote.address).toBe(ip('10.0.0.2'))
    const flow = await runtime.clock.settle(client.connect([ip('10.0.0.98'), ip('10.0.0.2')], 80))
    expect(flow.remote.address).toBe(ip('10.0.0.2'))
    expect(client.resolver.stats.udpQueries).toBe(0)
  })

  it('hands its options to the flow', async () => {
    const flow = await runtime.clock.settle(client.connect('www', 80, { noDelay: true, ttl: 3 }))
    expect(flow.info().state).toBe('ESTABLISHED')
  })

  it('says why not', async () => {
    const failure = (promise: Promise<unknown>) => expect(runtime.clock.settle(promise)).rejects
    await failure(client.connect('nobody', 80)).toMatchObject({ code: 'ERR_HAPPY_EYEBALLS_NO_ADDRESS' })
    await failure(client.connect('www', 81)).toMatchObject({ code: 'ERR_HAPPY_EYEBALLS_FAILED' })
    await failure(client.connect('10.0.0.2', 81)).toMatchObject({ code: 'ERR_TCP_REFUSED' })
    const abort = new AbortController()
    const connecting = client.connect('half.test', 81, { signal: abort.signal })
    abort.abort(new Error('enough'))
    await failure(connecting).toThrow('enough')
    expect(client.tcp.connections()).toHaveLength(0)
    expect(() => client.connect('www', 0)).toThrow(RangeError)
  })

  it('refuses servers and domains that are none', () => {
    expect(() => start(4, { dnsServers: ['ns.example.org'] })).toThrow(/^dnsServers: .*'ns\.example\.org'/)
    expect(() => start(4, { domainSearch: ['..'] })).toThrow(expect.objectContaining({ code: 'ERR_STACK_CONFIG' }))
  })
})
