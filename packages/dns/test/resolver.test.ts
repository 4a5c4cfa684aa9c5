import { formatIp, ip } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { createResolver, type Resolver, type ResolverOptions } from '../src/index.ts'
import type { Message } from '../src/wire.ts'
import { a, aaaa, cname, Network, reply, soa, zone } from './support/network.ts'

const S1 = '192.0.2.53:53'
const S2 = '192.0.2.54:53'

describe('the resolver', () => {
  let runtime: VirtualRuntime
  let network: Network
  let resolver: Resolver

  const make = (options: ResolverOptions = {}, withTcp = true): Resolver =>
    createResolver(
      { udp: network.udp, tcp: withTcp ? network.tcp : undefined, ...runtime },
      { servers: [ip('192.0.2.53'), ip('192.0.2.54')], ...options },
    )
  const settle = <T>(promise: Promise<T>): Promise<T> => runtime.clock.settle(promise)
  const addresses = async (name: string, family?: 4 | 6): Promise<string> =>
    (await settle(resolver.lookup(name, { family }))).map(formatIp).join(' ')
  const code = (promise: Promise<unknown>): Promise<unknown> =>
    settle(
      promise.then(
        () => 'resolved',
        (error: { code?: unknown }) => error.code,
      ),
    )
  const asked = (): string[] => network.log.map((line) => line.replace(/^[\d.]+: /, ''))

  beforeEach(() => {
    runtime = createVirtualRuntime(7)
    network = new Network(runtime)
    network.servers.set(
      S1,
      zone([
        a('www.test', '10.0.0.1'),
        aaaa('www.test', 'fd00::1'),
        a('v4.test', '10.0.0.4'),
        cname('alias.test', 'www.test'),
      ]),
    )
    resolver = make()
  })

  describe('lookup', () => {
    it('gives both families, IPv6 first', async () => {
      expect(await addresses('www.test')).toBe('fd00::1 10.0.0.1')
      expect(asked()).toEqual([`udp ${S1} www.test AAAA`, `udp ${S1} www.test A`])
      expect(network.openSockets).toBe(0)
      expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    })

    it('gives one family', async () => {
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(await addresses('www.test', 6)).toBe('fd00::1')
    })

    it('is content with one family', async () => {
      expect(await addresses('v4.test')).toBe('10.0.0.4')
      expect(await code(resolver.lookup('v4.test', { family: 6 }))).toBe('ERR_DNS_NO_DATA')
    })

    it('says that there is no such name', async () => {
      await expect(settle(resolver.lookup('nothing.test'))).rejects.toMatchObject({
        name: 'DnsError',
        code: 'ERR_DNS_NOT_FOUND',
        hostname: 'nothing.test',
      })
    })

    it.each([
      ['192.0.2.1', undefined, '192.0.2.1'],
      ['::1', undefined, '::1'],
      ['localhost', undefined, '::1 127.0.0.1'],
      ['a.LOCALHOST.', 4, '127.0.0.1'],
    ] as const)('answers %s without asking', async (name, family, expected) => {
      expect(await addresses(name, family)).toBe(expected)
      expect(network.log).toEqual([])
    })

    it('refuses without asking what cannot be', async () => {
      expect(await code(resolver.lookup('192.0.2.1', { family: 6 }))).toBe('ERR_DNS_NO_DATA')
      expect(await code(resolver.lookup('x.invalid'))).toBe('ERR_DNS_NOT_FOUND')
      for (const name of ['', 'a..b', 'x'.repeat(64), 'é.test'])
        expect(await code(resolver.lookup(name))).toBe('ERR_DNS_BAD_NAME')
      expect(() => resolver.lookup('www.test', { family: 5 as 4 })).toThrow(RangeError)
      expect(network.log).toEqual([])
    })

    it('completes names by the search list', async () => {
      resolver = make({ search: ['corp', 'test.'] })
      expect(await addresses('www', 4)).toBe('10.0.0.1')
      expect(asked()).toEqual([`udp ${S1} www.corp A`, `udp ${S1} www.test A`])
    })

    it('tries names with dots as they are first, and names with a final dot only so', async () => {
      resolver = make({ search: ['test'], ndots: 1 })
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(await code(resolver.lookup('a.b', { family: 4 }))).toBe('ERR_DNS_NOT_FOUND')
      expect(await code(resolver.lookup('www.', { family: 4 }))).toBe('ERR_DNS_NOT_FOUND')
      expect(asked().map((line) => line.split(' ')[2])).toEqual(['www.test', 'a.b', 'a.b.test', 'www'])
    })

    it('remembers that one of the names existed', async () => {
      resolver = make({ search: ['test'] })
      expect(await code(resolver.lookup('v4', { family: 6 }))).toBe('ERR_DNS_NO_DATA')
    })
  })

  describe('aliases', () => {
    it('are followed within an answer', async () => {
      network.servers.set(S1, (q) =>
        reply(q, [cname('x.test', 'y.test'), cname('y.test', 'z.test'), a('z.test', '10.0.0.9')]),
      )
      expect(await addresses('x.test', 4)).toBe('10.0.0.9')
    })

    it('are asked for where an answer ends before', async () => {
      network.servers.set(S1, (q) =>
        q.questions[0]!.name === 'alias.test'
          ? reply(q, [cname('alias.test', 'www.test')])
          : zone([a('www.test', '10.0.0.1')])(q, 'udp'),
      )
      expect(await addresses('alias.test', 4)).toBe('10.0.0.1')
      expect(asked()).toEqual([`udp ${S1} alias.test A`, `udp ${S1} www.test A`])
    })

    it('that go round in circles end', async () => {
      network.servers.set(S1, (q) => reply(q, [cname('x.test', 'y.test'), cname('y.test', 'x.test')]))
      resolver = make({ servers: [ip('192.0.2.53')] })
      expect(await code(resolver.lookup('x.test', { family: 4 }))).toBe('ERR_DNS_BAD_ANSWER')
      network.servers.set(S1, (q) => {
        const { name } = q.questions[0]!
        return reply(q, [cname(name, `a.${name}`)])
      })
      expect(await code(resolver.lookup('x.test', { family: 4 }))).toBe('ERR_DNS_BAD_ANSWER')
      expect(network.log.length).toBeLessThan(20)
    })

    it('are records, too', async () => {
      expect(await settle(resolver.resolve('alias.test', 'CNAME'))).toEqual([cname('alias.test', 'www.test')])
    })

    it('to names without data or that do not exist', async () => {
      network.servers.set(S1, (q) => reply(q, [cname('x.test', 'y.test')], { authorities: [soa('test')] }))
      expect(await code(resolver.resolve('x.test', 'A'))).toBe('ERR_DNS_NO_DATA')
      network.servers.set(S1, (q) => reply(q, [cname('z.test', 'y.test')], { rcode: 3 }))
      expect(await code(resolver.resolve('z.test', 'A'))).toBe('ERR_DNS_NOT_FOUND')
    })
  })

  describe('resolve and reverse', () => {
    it('give records of any type', async () => {
      const data = new Uint8Array([1])
      network.servers.set(S1, (q) => reply(q, [{ name: 'x.test', ttl: 1, type: 99, class: 1, data }]))
      expect(await settle(resolver.resolve('x.test.', 99))).toEqual([
        { name: 'x.test', ttl: 1, type: 99, class: 1, data },
      ])
      network.servers.set(S1, (q) =>
        reply(q, [{ name: 'x.test', ttl: 1, type: 'MX', preference: 5, exchange: 'm.test' }]),
      )
      const [mx] = await settle(resolver.resolve('x.test', 'MX'))
      expect(mx!.exchange).toBe('m.test')
      expect(await settle(resolver.resolve('x.test', 15))).toHaveLength(1)
    })

    it('give the names of an address', async () => {
      network.servers.set(S1, (q) =>
        reply(q, [{ name: q.questions[0]!.name, ttl: 1, type: 'PTR', target: 'www.test' }]),
      )
      expect(await settle(resolver.reverse(ip('10.0.0.1')))).toEqual(['www.test'])
      expect(asked()).toEqual([`udp ${S1} 1.0.0.10.in-addr.arpa PTR`])
    })

    it('answer for localhost', async () => {
      expect(await settle(resolver.resolve('localhost', 'A'))).toMatchObject([{ type: 'A', address: ip('127.0.0.1') }])
      expect(await code(resolver.resolve('localhost', 'MX'))).toBe('ERR_DNS_NO_DATA')
    })

    it('refuse nonsense', async () => {
      expect(await code(resolver.resolve('a..b', 'A'))).toBe('ERR_DNS_BAD_NAME')
      for (const type of [0, 65536, 1.5, 'X' as 'A']) expect(() => resolver.resolve('x', type)).toThrow(RangeError)
    })
  })

  describe('servers', () => {
    it('are asked in turn, with growing patience', async () => {
      network.servers.clear()
      resolver = make({ timeoutMs: 100 })
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe('ERR_DNS_TIMEOUT')
      expect(network.log.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
        `0: udp ${S1}`,
        `100: udp ${S2}`,
        `200: udp ${S1}`,
        `400: udp ${S2}`,
        `600: udp ${S1}`,
        `1000: udp ${S2}`,
      ])
      expect(runtime.clock.now()).toBe(1400)
      expect(resolver.stats).toMatchObject({ timeouts: 6, udpQueries: 6 })
      expect(network.openSockets).toBe(0)
    })

    it('that did not answer come last for a while', async () => {
      network.servers.set(S2, network.servers.get(S1)!)
      network.servers.delete(S1)
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(await addresses('v4.test', 4)).toBe('10.0.0.4')
      runtime.clock.advance(30_000)
      expect(await addresses('www.test', 6)).toBe('fd00::1')
      expect(asked().map((line) => line.split(' ')[1])).toEqual([S1, S2, S2, S1, S2])
    })

    it('may answer late', async () => {
      network.delays.set(S1, 2500)
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(asked()).toEqual([`udp ${S1} www.test A`, `udp ${S2} www.test A`])
      expect(runtime.clock.now()).toBe(2500)
      expect(network.openSockets).toBe(0)
    })

    it("may fail late, which takes nobody else's turn", async () => {
      network.delays.set(S1, 2500)
      network.servers.set(S1, (q) => reply(q, [], { rcode: 2 }))
      network.servers.set('192.0.2.55:53', zone([a('www.test', '10.0.0.3')]))
      resolver = make({ servers: ['192.0.2.53', '192.0.2.54', '192.0.2.55'].map(ip) })
      expect(await addresses('www.test', 4)).toBe('10.0.0.3')
      expect(asked().map((line) => line.split(' ')[1])).toEqual([S1, S2, '192.0.2.55:53'])
    })

    it.each([
      ['ERR_DNS_SERVFAIL', 2],
      ['ERR_DNS_REFUSED', 5],
      ['ERR_DNS_BAD_ANSWER', 9],
    ])('%s: the next one is asked at once, each once', async (expected, rcode) => {
      network.servers.set(S1, (q) => reply(q, [], { rcode }))
      network.servers.set(S2, (q) => reply(q, [], { rcode }))
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe(expected)
      expect(network.log).toHaveLength(2)
      expect(runtime.clock.now()).toBe(10)
      network.servers.set(S2, zone([a('www.test', '10.0.0.2')]))
      expect(await addresses('www.test', 4)).toBe('10.0.0.2')
    })

    it('that do not recurse are no help', async () => {
      network.servers.set(S1, (q) => reply(q, [], { recursionAvailable: false }))
      network.servers.set(S2, zone([a('www.test', '10.0.0.2')]))
      expect(await addresses('www.test', 4)).toBe('10.0.0.2')
    })

    it('that may be out of reach are waited for, while others are asked', async () => {
      network.servers.set(S1, () => 'unreachable')
      network.servers.set(S2, () => 'unreachable')
      resolver = make({ timeoutMs: 100, tries: 2 })
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe('ERR_DNS_UNREACHABLE')
      expect(network.log.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
        `0: udp ${S1}`,
        `5: udp ${S2}`,
        `105: udp ${S1}`,
        `110: udp ${S2}`,
      ])
      expect(runtime.clock.now()).toBe(310)
    })

    it('where nobody serves are passed over', async () => {
      network.servers.set(S1, () => 'refused')
      network.servers.set(S2, () => 'refused')
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe('ERR_DNS_UNREACHABLE')
      expect(runtime.clock.now()).toBe(10)
    })

    it('to which nothing can be sent are passed over; bugs are not', async () => {
      const failing = (error: Error): Resolver =>
        createResolver(
          {
            ...runtime,
            udp: {
              bind() {
                throw error
              },
            },
          },
          { servers: [ip('192.0.2.53')] },
        )
      const unreachable = Object.assign(new Error('no route'), { code: 'ERR_UDP_UNREACHABLE' })
      expect(await code(failing(unreachable).lookup('www.test'))).toBe('ERR_DNS_UNREACHABLE')
      await expect(failing(new TypeError('bug')).lookup('www.test')).rejects.toThrow('bug')
    })

    it('are none at first', async () => {
      resolver = make({ servers: [] })
      expect(await code(resolver.lookup('www.test'))).toBe('ERR_DNS_NO_SERVERS')
      resolver.setServers([{ address: ip('192.0.2.53'), port: 53 }], ['test'])
      expect(await addresses('www', 4)).toBe('10.0.0.1')
      expect(() => resolver.setServers([{ address: ip('192.0.2.53'), port: 0 }])).toThrow(RangeError)
      expect(() => resolver.setServers([], ['a..b'])).toThrow(TypeError)
    })

    it('that are new know other answers', async () => {
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      network.servers.set(S2, zone([a('www.test', '10.0.0.2')]))
      resolver.setServers([ip('192.0.2.54')])
      expect(await addresses('www.test', 4)).toBe('10.0.0.2')
    })
  })

  describe('EDNS', () => {
    it('offers 1232 bytes', async () => {
      await addresses('www.test', 4)
      expect(network.queries[0]!.edns).toEqual({ udpPayload: 1232, version: 0, dnssecOk: false, options: [] })
    })

    it.each([1, 4])('is left out where a server answers %i to it, from then on', async (rcode) => {
      const good = network.servers.get(S1)!
      network.servers.set(S1, (q, via) =>
        q.edns === undefined ? good(q, via) : reply(q, [], { rcode, edns: undefined, questions: [] }),
      )
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(await addresses('v4.test', 4)).toBe('10.0.0.4')
      expect(network.queries.map((q) => q.edns !== undefined)).toEqual([true, false, false])
      expect(asked().every((line) => line.includes(S1))).toBe(true)
    })

    it('is left out for 512 bytes', async () => {
      resolver = make({ udpPayloadBytes: 512 })
      await addresses('www.test', 4)
      expect(network.queries[0]!.edns).toBeUndefined()
    })
  })

  describe('truncated answers', () => {
    beforeEach(() => {
      const good = network.servers.get(S1)!
      network.servers.set(S1, (q, via) => (via === 'tcp' ? good(q, via) : reply(q, [], { truncated: true })))
    })

    it.each([1, 2, 3, 65536])('are asked for over TCP, in pieces of %i bytes', async (piece) => {
      network.piece = piece
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(asked()).toEqual([`udp ${S1} www.test A`, `tcp ${S1} www.test A`])
      expect(network.openSockets).toBe(0)
      expect(network.openFlows).toBe(0)
      expect(resolver.stats).toMatchObject({ udpQueries: 1, tcpQueries: 1 })
    })

    it('are failures without TCP', async () => {
      resolver = make({ servers: [ip('192.0.2.53')] }, false)
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe('ERR_DNS_BAD_ANSWER')
    })

    it.each([
      ['is silent', undefined, 'ERR_DNS_TIMEOUT', 5005],
      ['fails', 'refused' as const, 'ERR_DNS_UNREACHABLE', 10],
      ['sends garbage', new Uint8Array(5), 'ERR_DNS_UNREACHABLE', 10],
    ])('end where TCP %s', async (_what, answer, expected, time) => {
      resolver = make({ servers: [ip('192.0.2.53')] })
      network.servers.set(S1, (q, via) => (via === 'tcp' ? answer : reply(q, [], { truncated: true })))
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe(expected)
      expect(runtime.clock.now()).toBe(time)
      expect(network.openFlows).toBe(0)
    })
  })

  describe('forgeries', () => {
    it.each<[string, (q: Message) => Message | Uint8Array]>([
      ['wrong-id', (q) => reply({ ...q, id: q.id ^ 1 }, [a('www.test', '6.6.6.6')])],
      ['wrong-question', (q) => reply({ ...q, questions: [{ name: 'x.test', type: 'A', class: 1 }] })],
      ['wrong-question', (q) => reply({ ...q, questions: [] }, [a('www.test', '6.6.6.6')])],
      ['wrong-question', (q) => reply({ ...q, questions: [...q.questions, ...q.questions] })],
      ['not-an-answer', (q) => q],
      ['truncated', () => new Uint8Array(11)],
    ])('%s: do not disturb', async (reason, forged) => {
      network.servers.set(S1, forged)
      network.servers.set(S2, zone([a('www.test', '10.0.0.2')]))
      expect(await addresses('www.test', 4)).toBe('10.0.0.2')
      expect(resolver.stats.dropped).toEqual({ [reason]: 1 })
      expect(runtime.clock.now()).toBe(2005)
    })

    it('must guess the case of names where that is mixed', async () => {
      resolver = make({ mixCase: true })
      network.servers.set(S1, (q) => reply({ ...q, questions: [{ ...q.questions[0]!, name: 'www.example.test' }] }))
      network.servers.set(S2, (q) => reply(q, [a('WWW.example.test', '10.0.0.2')]))
      expect(await addresses('www.example.test', 4)).toBe('10.0.0.2')
      expect(network.queries[0]!.questions[0]!.name).not.toBe('www.example.test')
      expect(resolver.stats.dropped).toEqual({ 'wrong-question': 1 })
    })

    it('must guess the id, which is another one each time', async () => {
      network.servers.clear()
      await code(resolver.lookup('www.test', { family: 4 }))
      expect(new Set(network.queries.map((q) => q.id)).size).toBe(6)
    })

    it('from elsewhere are dropped where the socket lets them through', async () => {
      const udp = {
        bind: (options: Parameters<Network['udp']['bind']>[0]) =>
          network.udp.bind({
            ...options,
            onMessage: (buf, off, end) =>
              options.onMessage(buf, off, end, { src: { address: ip('6.6.6.6'), port: 53 } }),
          }),
      }
      resolver = createResolver({ ...runtime, udp }, { servers: [ip('192.0.2.53')], tries: 1 })
      expect(await code(resolver.lookup('www.test', { family: 4 }))).toBe('ERR_DNS_TIMEOUT')
      expect(resolver.stats.dropped).toEqual({ 'wrong-source': 1 })
    })
  })

  describe('the cache', () => {
    it('answers while the TTL lasts, which it counts down', async () => {
      network.servers.set(S1, zone([a('x.test', '10.0.0.1', 10)]))
      await addresses('x.test', 4)
      runtime.clock.advance(3500)
      expect(await settle(resolver.resolve('X.test', 'A'))).toEqual([a('x.test', '10.0.0.1', 7)])
      expect(network.log).toHaveLength(1)
      expect(resolver.stats.cacheHits).toBe(1)
      runtime.clock.advance(6500)
      await addresses('x.test', 4)
      expect(network.log).toHaveLength(2)
    })

    it('keeps negative answers as long as the SOA says (RFC 2308)', async () => {
      network.servers.set(S1, (q) => reply(q, [], { rcode: 3, authorities: [soa('test', 60, 5)] }))
      for (let i = 0; i < 3; i++) expect(await code(resolver.resolve('x.test', 'A'))).toBe('ERR_DNS_NOT_FOUND')
      expect(network.log).toHaveLength(1)
      runtime.clock.advance(5000)
      await code(resolver.resolve('x.test', 'A'))
      expect(network.log).toHaveLength(2)
    })

    it('does not keep negative answers without SOA, failures, and what has no TTL', async () => {
      network.servers.set(S1, (q) => reply(q))
      for (let i = 0; i < 2; i++) expect(await code(resolver.resolve('x.test', 'A'))).toBe('ERR_DNS_NO_DATA')
      network.servers.set(S1, zone([a('x.test', '10.0.0.1', 0)]))
      for (let i = 0; i < 2; i++) await settle(resolver.resolve('x.test', 'A'))
      expect(network.log).toHaveLength(4)
    })

    it('is bounded in time and in entries', async () => {
      resolver = make({ cacheEntries: 2, maxTtlMs: 60_000, maxNegativeTtlMs: 1000 })
      const names = ['a.test', 'b.test', 'c.test']
      network.servers.set(S1, zone(names.map((name) => a(name, '10.0.0.1', 1e9))))
      for (const name of ['a.test', 'b.test', 'a.test', 'c.test', 'a.test']) await settle(resolver.resolve(name, 'A'))
      expect(asked().map((line) => line.split(' ')[2])).toEqual(names)
      expect(resolver.stats.evictions).toBe(1)
      await settle(resolver.resolve('b.test', 'A'))
      expect(network.log).toHaveLength(4)
      runtime.clock.advance(60_000)
      await settle(resolver.resolve('b.test', 'A'))
      expect(network.log).toHaveLength(5)
      await code(resolver.resolve('n.test', 'A'))
      runtime.clock.advance(1000)
      await code(resolver.resolve('n.test', 'A'))
      expect(network.log).toHaveLength(7)
    })

    it('can be left out', async () => {
      resolver = make({ cacheEntries: 0 })
      for (let i = 0; i < 2; i++) await addresses('www.test', 4)
      expect(network.log).toHaveLength(2)
    })
  })

  describe('callers', () => {
    it('share a question', async () => {
      const all = Promise.all(['www.test', 'WWW.TEST', 'www.test.'].map((name) => resolver.lookup(name, { family: 4 })))
      expect((await settle(all)).map((r) => r.map(formatIp))).toEqual([['10.0.0.1'], ['10.0.0.1'], ['10.0.0.1']])
      expect(network.log).toHaveLength(1)
    })

    it('may give up, while the question goes on', async () => {
      const controller = new AbortController()
      const first = resolver.lookup('www.test', { family: 4, signal: controller.signal })
      controller.abort(new Error('enough'))
      await expect(first).rejects.toThrow('enough')
      await runtime.clock.run()
      expect(await addresses('www.test', 4)).toBe('10.0.0.1')
      expect(network.log).toHaveLength(1)
      await expect(resolver.lookup('www.test', { signal: controller.signal })).rejects.toThrow('enough')
      await expect(resolver.lookup('localhost', { signal: controller.signal })).rejects.toThrow('enough')
    })

    it('are bounded, and so are questions', async () => {
      resolver = make({ maxQueries: 2, maxLookups: 3 })
      const codes = ['a.test', 'b.test', 'c.test', 'a.test', 'a.test'].map((name) => code(resolver.resolve(name, 'A')))
      const none = 'ERR_DNS_NOT_FOUND'
      expect(await Promise.all(codes)).toEqual([none, none, 'ERR_DNS_LIMIT', none, 'ERR_DNS_LIMIT'])
    })

    it('are told when the resolver closes', async () => {
      const waiting = code(resolver.lookup('www.test'))
      await resolver.close()
      await resolver.close()
      expect(await waiting).toBe('ERR_DNS_CLOSED')
      expect(await code(resolver.lookup('www.test'))).toBe('ERR_DNS_CLOSED')
      expect(await code(resolver.lookup('localhost'))).toBe('ERR_DNS_CLOSED')
      expect(network.openSockets).toBe(0)
      expect(runtime.clock.nextAt()).toBeLessThanOrEqual(5)
    })

    it('can dispose of it', async () => {
      {
        await using disposed = make()
        resolver = disposed
      }
      expect(await code(resolver.lookup('www.test'))).toBe('ERR_DNS_CLOSED')
    })
  })
})
