import { formatPrefix, type Ipv6, ipv6, ipv6Prefix, type Mac, mac } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { createIpv6, type Ipv6Layer, type Ipv6Options } from '../src/index.ts'
import { listenTo, sendUdp } from './harness.ts'
import { bytes } from './packets.ts'
import { Segment, type Weather } from './segment.ts'

interface Pair {
  readonly runtime: VirtualRuntime
  readonly segment: Segment
  readonly a: Ipv6Layer
  readonly b: Ipv6Layer
}

const A = ipv6('fd00::a')
const B = ipv6('fd00::b')

function pair(weather: Weather = {}, options: Ipv6Options = {}, { seed = 1, p2p = false } = {}): Pair {
  const runtime = createVirtualRuntime(seed)
  const segment = new Segment(runtime, weather)
  const create = (address: Ipv6, link: Mac): Ipv6Layer =>
    createIpv6(
      { ...runtime, link: segment.attach(p2p ? (0 as Mac) : link) },
      { addresses: [{ address, length: 64 }], acceptRouterAdvertisements: false, ...options },
    )
  return { runtime, segment, a: create(A, mac('02:00:00:00:00:0a')), b: create(B, mac('02:00:00:00:00:0b')) }
}

const both = ({ runtime, a, b }: Pair): Promise<unknown> => runtime.clock.settle(Promise.all([a.ready, b.ready]))

describe('two hosts on a link', () => {
  it('acquire addresses, find each other and exchange datagrams', async () => {
    const p = pair()
    await both(p)
    const heard = listenTo(p.b)
    sendUdp(p.a, B, 100)
    p.runtime.clock.advance(10)
    expect(heard.packets).toMatchObject([{ from: 'fd00::a', to: 'fd00::b', ttl: 64 }])
    expect(await p.runtime.clock.settle(p.b.ping(A))).toMatchObject({ kind: 'reply', from: A, hopLimit: 64 })
    expect(p.a.state().neighbors).toMatchObject([{ address: B, mac: mac('02:00:00:00:00:0b') }])
  })

  it('keep the link quiet when nothing is sent', async () => {
    const p = pair()
    await both(p)
    await p.runtime.clock.settle(p.a.ping(B))
    p.runtime.clock.advance(100_000)
    const before = p.segment.carried
    p.runtime.clock.advance(1e7)
    expect(p.segment.carried).toBe(before)
    expect(p.runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('cannot both have one address', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const p = pair({ latencyMs: 2 }, { addresses: [ipv6Prefix('fd00::1/64')] }, { seed })
      p.runtime.clock.advance(10_000)
      const having = [p.a, p.b].filter((layer) => layer.addresses().some((x) => formatPrefix(x) === 'fd00::1/64'))
      expect(having.length).toBeLessThanOrEqual(1)
      for (const layer of [p.a, p.b]) expect(layer.addresses().length).toBeGreaterThan(0)
    }
  })

  it('tell a datagram that nobody waits for', async () => {
    const p = pair()
    await both(p)
    const heard = listenTo(p.a)
    listenTo(p.b, 17, false)
    sendUdp(p.a, B, 100)
    p.runtime.clock.advance(10)
    expect(heard.errors).toEqual([{ kind: 'port-unreachable', dst: 'fd00::b', reporter: 'fd00::b', mtu: 0 }])
  })

  it('exchange datagrams of every size, in fragments that overtake and repeat each other', async () => {
    const p = pair({ jitterMs: 5, duplication: 0.3 })
    await both(p)
    await p.runtime.clock.settle(p.a.ping(B))
    const heard = listenTo(p.b)
    const sizes = [0, 1, 1444, 1445, 1452, 1453, 3000, 20_000, 65_000]
    for (const size of sizes) sendUdp(p.a, B, size)
    p.runtime.clock.advance(1000)
    const lengths = new Set(heard.packets.map((x) => x.data.length - 8))
    expect([...lengths].sort((x, y) => x - y)).toEqual(sizes)
    for (const { data } of heard.packets) expect(data.subarray(8)).toEqual(bytes(data.length - 8))
  })

  it.each([0.05, 0.2, 0.4])('get through where %d of the packets are lost', async (loss) => {
    const p = pair({ loss, jitterMs: 3 }, {}, { seed: 7 })
    await both(p)
    let replies = 0
    for (let i = 0; i < 200; i++) {
      const outcome = await p.runtime.clock.settle(p.a.ping(B))
      if (outcome.kind === 'reply') replies++
    }
    const expected = 200 * (1 - loss) ** 2
    expect(replies).toBeGreaterThan(expected * 0.7)
    expect(replies).toBeLessThan(expected * 1.3 + 1)
    expect(p.a.state().neighbors.length).toBeLessThanOrEqual(2)
  })

  it('need no addresses on a link between two', async () => {
    const p = pair({}, {}, { p2p: true })
    await both(p)
    expect(p.runtime.clock.now()).toBe(0)
    expect(await p.runtime.clock.settle(p.a.ping(B, { size: 4000 }))).toMatchObject({ kind: 'reply' })
    expect(p.a.state().neighbors).toEqual([])
  })

  it('do the same with the same seed', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const p = pair({ loss: 0.3, jitterMs: 9, duplication: 0.2 }, {}, { seed })
      const outcomes: unknown[] = []
      await both(p)
      for (let i = 0; i < 30; i++) outcomes.push(await p.runtime.clock.settle(p.a.ping(B)))
      return { outcomes, at: p.runtime.clock.now(), carried: p.segment.carried, stats: p.a.stats }
    }
    expect(await run(5)).toEqual(await run(5))
    expect(await run(5)).not.toEqual(await run(6))
  })
})
