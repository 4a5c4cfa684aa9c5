// dnsmasq as the name server of a stack, over a TAP in a network namespace.
import { setTimeout as sleep } from 'node:timers/promises'
import { formatIp, ip } from '@fata/addr'
import { createResolver, type Resolver } from '@fata/dns'
import { connect } from '@fata/happy-eyeballs'
import type { Net } from '@fata/net'
import { systemRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import { openTap } from '@fata/tap'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createNetns, type Netns } from './support/netns.ts'
import { describeWith } from './support/requirements.ts'

const TEXT = 'x'.repeat(250)
const RECORDS = 8

describeWith(['tap', 'dnsmasq'], 'the resolver with dnsmasq', () => {
  const runtime = systemRuntime()
  let netns: Netns
  let device: Net
  let stack: Stack
  let resolver: Resolver

  const make = (server: string): Resolver =>
    createResolver({ udp: stack.udp, tcp: stack.tcp, ...runtime }, { servers: [ip(server)], search: ['example.test'] })

  beforeAll(async () => {
    netns = createNetns()
    device = openTap({ name: 'tap0', netns: netns.name, hostAddresses: ['10.9.0.1/24', 'fd09::1/64'] })
    stack = createStack(device, { ipv4: '10.9.0.2/24', ipv6: 'fd09::2/64' }, runtime)
    await stack.ready
    netns.start('dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--user=root', '--pid-file='],
      ...['--interface=tap0', '--bind-interfaces', '--log-facility=-', '--local=/test/', '--local-ttl=60'],
      ...['--host-record=www.example.test,10.9.0.1,fd09::1', '--cname=alias.example.test,www.example.test'],
      ...['--srv-host=_http._tcp.example.test,www.example.test,80,1,5', '--mx-host=example.test,www.example.test,10'],
      ...Array.from({ length: RECORDS }, (_, i) => `--txt-record=long.example.test,${i}${TEXT}`),
    ])
    resolver = make('10.9.0.1')
    for (let tries = 0; tries < 100; tries++) {
      const found = await resolver.lookup('www').catch(() => undefined)
      if (found !== undefined) break
      await sleep(50)
    }
  })
  afterAll(async () => {
    await resolver?.close()
    await stack?.close()
    await device?.close()
    await netns?.close()
  })

  it.each(['10.9.0.1', 'fd09::1'])('finds addresses, by the server at %s', async (server) => {
    await using other = make(server)
    expect((await other.lookup('www.example.test')).map(formatIp)).toEqual(['fd09::1', '10.9.0.1'])
    expect((await other.lookup('alias', { family: 4 })).map(formatIp)).toEqual(['10.9.0.1'])
    expect(other.stats).toMatchObject({ timeouts: 0, dropped: {} })
  })

  it('reads other records', async () => {
    expect(await resolver.resolve('_http._tcp.example.test', 'SRV')).toMatchObject([
      { priority: 1, weight: 5, port: 80, target: 'www.example.test' },
    ])
    expect(await resolver.resolve('example.test', 'MX')).toMatchObject([
      { preference: 10, exchange: 'www.example.test' },
    ])
    expect(await resolver.reverse(ip('10.9.0.1'))).toEqual(['www.example.test'])
    expect(await resolver.reverse(ip('fd09::1'))).toEqual(['www.example.test'])
  })

  it.each(['10.9.0.1', 'fd09::1'])('fetches over TCP what UDP truncates, by the server at %s', async (server) => {
    await using other = make(server)
    const records = await other.resolve('long.example.test', 'TXT')
    const texts = records.map(({ strings }) => new TextDecoder().decode(strings[0]))
    expect(texts.sort()).toEqual(Array.from({ length: RECORDS }, (_, i) => `${i}${TEXT}`))
    expect(other.stats).toMatchObject({ udpQueries: 1, tcpQueries: 1, dropped: {} })
  })

  it('hears of names that are not there, and of records that are not', async () => {
    await expect(resolver.lookup('nothing.example.test.')).rejects.toMatchObject({ code: 'ERR_DNS_NOT_FOUND' })
    await expect(resolver.resolve('www.example.test', 'MX')).rejects.toMatchObject({ code: 'ERR_DNS_NO_DATA' })
    await expect(resolver.lookup('www.elsewhere.org')).rejects.toMatchObject({ code: 'ERR_DNS_REFUSED' })
  })

  it('leads happy eyeballs to the host by IPv6', async () => {
    const flow = await connect('www', 53, {
      clock: runtime.clock,
      resolve: (name, options) => resolver.lookup(name, options),
      connect: (to, options) => stack.tcp.connect(to, options),
      sources: () => stack.addresses().map((prefix) => ({ prefix })),
    })
    expect(formatIp(flow.remote.address)).toBe('fd09::1')
    flow.abort()
  })
})
