import { IPV4_BROADCAST, ipv4 } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import type { PingOutcome } from '../src/index.ts'
import { counting, createHost, icmp, icmpOf, join, PEER, packet, ROUTER, type Sent, US } from './support/host.ts'

const FAR = ipv4('192.0.2.9')

/** The answer to an echo request. */
function reply(request: Sent, change = {}): Uint8Array {
  const { rest, quote } = icmpOf(request)
  return packet({ protocol: 1, src: request.h.dst, ttl: 55, ...change }, icmp(0, 0, rest, quote))
}

describe('ping (RFC 792)', () => {
  it('resolves with the answer', async () => {
    const { ip, link, clock } = createHost()
    const outcome = ip.ping(PEER, { size: 100, ttl: 9, trafficClass: 8, fragment: false })
    const [request] = link.take()
    expect(request!.h).toMatchObject({
      ttl: 9,
      trafficClass: 8,
      dontFragment: true,
      protocol: 1,
      totalLength: 128,
      src: US,
    })
    expect(icmpOf(request).type).toBe(8)
    clock.advance(12.5)
    link.receive(reply(request!))
    expect(await outcome).toEqual({ kind: 'reply', sequence: 1, from: PEER, rttMs: 12.5, ttl: 55, size: 100 })
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('counts its sequence numbers up, under one identifier', () => {
    const { ip, link } = createHost()
    for (let i = 0; i < 3; i++) void ip.ping(PEER)
    const rests = link.take().map((s) => icmpOf(s).rest)
    expect(rests.map((r) => r & 0xffff)).toEqual([1, 2, 3])
    expect(new Set(rests.map((r) => r >>> 16)).size).toBe(1)
  })

  it('takes data, identifier, sequence and source', async () => {
    const { ip, link } = createHost()
    const data = counting(5)
    const outcome = ip.ping(PEER, { data, id: 0xbeef, sequence: 0xffff, src: US })
    data.fill(0)
    const [request] = link.take()
    expect(icmpOf(request)).toMatchObject({ rest: 0xbeefffff, quote: counting(5) })
    link.receive(reply(request!))
    expect(await outcome).toMatchObject({ kind: 'reply', sequence: 0xffff, size: 5 })
  })

  it('times out', async () => {
    const { ip, clock } = createHost()
    expect(await clock.settle(ip.ping(PEER, { timeoutMs: 250 }))).toEqual({ kind: 'timeout', sequence: 1 })
    expect(clock.now()).toBe(250)
    expect(await clock.settle(ip.ping(PEER))).toEqual({ kind: 'timeout', sequence: 2 })
    expect(clock.now()).toBe(1250)
  })

  it('does not take an answer that comes too late, twice, from elsewhere or with other data', async () => {
    const { ip, link, clock } = createHost()
    const outcome = ip.ping(PEER)
    const [request] = link.take()
    link.receive(reply(request!, { src: ipv4('10.0.0.3') }))
    const { rest, quote } = icmpOf(request)
    link.receive(packet({ protocol: 1 }, icmp(0, 0, rest, quote.slice(1))))
    link.receive(
      packet(
        { protocol: 1 },
        icmp(
          0,
          0,
          rest,
          quote.map((v) => v ^ 1),
        ),
      ),
    )
    link.receive(packet({ protocol: 1 }, icmp(0, 0, rest + 1, quote)))
    expect(ip.stats.dropped).toEqual({ 'echo-reply-mismatch': 3, 'echo-reply-unexpected': 1 })
    link.receive(reply(request!))
    expect(await outcome).toMatchObject({ kind: 'reply' })
    link.receive(reply(request!))
    const late = ip.ping(PEER)
    const [second] = link.take()
    expect(await clock.settle(late)).toMatchObject({ kind: 'timeout' })
    link.receive(reply(second!))
    expect(ip.stats.dropped['echo-reply-unexpected']).toBe(3)
  })

  it.each([
    [11, 0, 0, 'time-exceeded', 0],
    [3, 1, 0, 'host-unreachable', 0],
    [3, 3, 0, 'port-unreachable', 0],
    [3, 13, 0, 'prohibited', 0],
    [3, 4, 1000, 'packet-too-big', 1000],
  ])('tells ICMP type %i code %i: traceroute can be built of it', async (type, code, rest, kind, mtu) => {
    const { ip, link, clock } = createHost()
    const outcome = ip.ping(FAR, { size: 1400, ttl: 1, fragment: false })
    const [request] = link.take()
    clock.advance(3)
    link.receive(packet({ protocol: 1, src: ROUTER }, icmp(type, code, rest, request!.bytes.slice(0, 28))))
    expect(await outcome).toEqual({ kind, sequence: 1, from: ROUTER, rttMs: 3, mtu })
  })

  it('does not take errors about other packets', async () => {
    const { ip, link, clock } = createHost()
    const outcome = ip.ping(FAR)
    const [request] = link.take()
    const { rest } = icmpOf(request)
    const about = (change: object, body: Uint8Array): void =>
      link.receive(
        packet(
          { protocol: 1, src: ROUTER },
          icmp(11, 0, 0, packet({ protocol: 1, src: US, dst: FAR, ...change }, body)),
        ),
      )
    about({ dst: PEER }, icmp(8, 0, rest))
    about({}, icmp(0, 0, rest))
    about({}, icmp(8, 0, rest + 1))
    expect(await clock.settle(outcome)).toMatchObject({ kind: 'timeout' })
  })

  it('tells that nobody answers for the next hop', async () => {
    const { ip, neighbors, clock } = createHost()
    const dst = ipv4('10.0.0.99')
    const outcome = ip.ping(dst, { timeoutMs: 5_000 })
    clock.advance(700)
    neighbors.answer(dst, undefined)
    expect(await outcome).toEqual({ kind: 'host-unreachable', sequence: 1, from: US, rttMs: 700, mtu: 0 })
  })

  it('of a group takes the first of its answers', async () => {
    const { ip, link } = createHost()
    const outcome = ip.ping(IPV4_BROADCAST)
    const [request] = link.take()
    link.receive(reply(request!, { src: ipv4('10.0.0.44') }))
    expect(await outcome).toMatchObject({ kind: 'reply', from: ipv4('10.0.0.44') })
  })

  it.each([US, ipv4('127.0.0.1')])('of this host itself works, fragments or not (%i)', async (dst) => {
    const { ip, clock } = createHost()
    expect(await clock.settle(ip.ping(dst, { size: 65_507 }))).toMatchObject({
      kind: 'reply',
      from: dst,
      size: 65_507,
      ttl: 64,
    })
  })

  it('may be larger than the link takes', async () => {
    const { ip, link } = createHost({ maxFragments: 64 })
    const outcome = ip.ping(PEER, { size: 65_507 })
    const request = link.take()
    const echoed = join(request)
    const answer = icmp(0, 0, icmpOfBytes(echoed), echoed.slice(8))
    for (let from = 0; from < answer.length; from += 1480)
      link.receive(
        packet(
          { protocol: 1, fragmentOffset: from, moreFragments: from + 1480 < answer.length },
          answer.slice(from, from + 1480),
        ),
      )
    expect(await outcome).toMatchObject({ kind: 'reply', size: 65_507 })
  })

  it('rejects where the packet cannot be sent', async () => {
    const { ip, link, clock } = createHost({}, { bare: true })
    await expect(ip.ping(FAR)).rejects.toMatchObject({ code: 'ERR_IP_NO_ROUTE' })
    const second = createHost()
    await expect(second.ip.ping(FAR, { size: 2000, fragment: false })).rejects.toMatchObject({
      code: 'ERR_IP_WOULD_FRAGMENT',
    })
    await expect(second.ip.ping(FAR, { src: PEER })).rejects.toMatchObject({ code: 'ERR_IP_NO_SOURCE' })
    expect([link.sent, clock.nextAt()]).toEqual([[], Number.POSITIVE_INFINITY])
  })

  it('rejects when it is given up', async () => {
    const { ip, link, clock } = createHost()
    await expect(ip.ping(PEER, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    expect(link.sent).toEqual([])
    const controller = new AbortController()
    const outcome = ip.ping(PEER, { signal: controller.signal })
    const [request] = link.take()
    controller.abort(new Error('enough'))
    await expect(outcome).rejects.toThrow('enough')
    link.receive(reply(request!))
    expect(ip.stats.dropped).toEqual({ 'echo-reply-unexpected': 1 })
    clock.advance(10_000)
    controller.abort()
  })

  it.each([
    { size: -1 },
    { size: 65_508 },
    { size: 1.5 },
    { id: 65_536 },
    { sequence: -1 },
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
    { size: 3, data: new Uint8Array(4) },
  ])('refuses %j', (options) => expect(() => createHost().ip.ping(PEER, options)).toThrow(RangeError))

  it('refuses the numbers of one that is under way, and more than so many', () => {
    const { ip } = createHost({ maxPings: 3 })
    void ip.ping(PEER, { id: 7, sequence: 1 })
    expect(() => ip.ping(PEER, { id: 7, sequence: 1 })).toThrow(/under way/)
    void ip.ping(PEER, { id: 7, sequence: 2 })
    void ip.ping(PEER)
    expect(() => ip.ping(PEER)).toThrow(/more than 3 pings/)
  })

  it('rejects when the layer is closed', async () => {
    const { ip, clock } = createHost()
    const outcomes: Promise<PingOutcome>[] = [ip.ping(PEER), ip.ping(FAR)]
    ip.close()
    for (const outcome of [...outcomes, ip.ping(PEER)])
      await expect(outcome).rejects.toMatchObject({ name: 'NetError', code: 'ERR_NET_CLOSED' })
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })
})

function icmpOfBytes(b: Uint8Array): number {
  return ((b[4]! << 24) | (b[5]! << 16) | (b[6]! << 8) | b[7]!) >>> 0
}
