import { type Ipv4, ipv4, ipv4Prefix, type Mac, mac } from '@fata/addr'
import { createFrameMeta } from '@fata/net'
import { describe, expect, it } from 'vitest'
import { counting, createHost, filling, join, PEER, PEER_MAC, ROUTER, recorder, US } from './support/host.ts'

const NEW = ipv4('10.0.0.77')
const NEW_MAC = mac('02:00:00:00:00:77')
const FAR = ipv4('192.0.2.9')

function host(...args: Parameters<typeof createHost>) {
  const made = createHost(...args)
  const listener = recorder()
  made.ip.listen(17, listener)
  const write = (dst: Ipv4, length = 8, from = 0): void =>
    made.ip.write(dst, 17, length, filling(counting(length, from)))
  return { ...made, listener, write }
}

describe('packets whose next hop is not known (RFC 1122 §2.3.2.2)', () => {
  it('wait, and leave in order when it answers', () => {
    const { link, neighbors, write, clock } = host()
    for (let i = 0; i < 3; i++) write(NEW, 8, i)
    expect([link.sent.length, neighbors.queries.length]).toEqual([0, 1])
    neighbors.answer(NEW, NEW_MAC)
    expect(link.take().map((s) => [s.to, s.payload])).toEqual([0, 1, 2].map((i) => [NEW_MAC, counting(8, i)]))
    write(NEW)
    expect(link.take()).toHaveLength(1)
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('are copies: the writer may change its bytes', () => {
    const { link, neighbors, ip } = host()
    const data = counting(8)
    ip.write(NEW, 17, 8, filling(data), { ttl: 5, trafficClass: 8, fragment: false })
    data.fill(0)
    neighbors.answer(NEW, NEW_MAC)
    expect(link.take()[0]).toMatchObject({
      payload: counting(8),
      h: { ttl: 5, trafficClass: 8, dontFragment: true, src: US },
    })
  })

  it('keep their offload metadata', () => {
    const { link, neighbors, ip } = host({}, { link: { offload: { checksum: true, tso4: true, tso6: false } } })
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 16, gso: 'tcp4', gsoSize: 1000 })
      return filling(counting(5000))(buf, off)
    }
    ip.write(NEW, 6, 5000, fill, { meta })
    Object.assign(meta, createFrameMeta())
    neighbors.answer(NEW, NEW_MAC)
    const [sent] = link.take()
    expect(sent).toMatchObject({ payload: counting(5000) })
    expect(sent!.meta).toEqual({
      checksum: 'partial',
      checksumStart: 20,
      checksumOffset: 16,
      gso: 'tcp4',
      gsoSize: 1000,
    })
  })

  it('are fragmented when they leave', () => {
    const { link, neighbors, write } = host()
    write(NEW, 60_000)
    neighbors.answer(NEW, NEW_MAC)
    const sent = link.take()
    expect([sent.length, join(sent)]).toEqual([41, counting(60_000)])
  })

  it('are told to be too big where the link has become narrower', () => {
    const { link, neighbors, ip, listener } = host()
    ip.write(NEW, 17, 1400, filling(counting(1400)), { fragment: false })
    link.mtu = 1000
    neighbors.answer(NEW, NEW_MAC)
    expect([link.sent, ip.stats.unsent]).toEqual([[], { 'too-big': 1 }])
    expect(listener.reports).toMatchObject([{ kind: 'packet-too-big', mtu: 1000, dst: NEW, reporter: US }])
  })

  it('are each reported when nobody answers', () => {
    const { link, neighbors, write, listener, ip } = host()
    for (let i = 0; i < 3; i++) write(NEW, 20, i)
    neighbors.answer(NEW, undefined)
    expect(link.sent).toEqual([])
    expect(listener.reports).toEqual(
      [0, 1, 2].map((i) => ({
        kind: 'host-unreachable',
        src: US,
        dst: NEW,
        reporter: US,
        mtu: 0,
        buf: counting(20, i),
        off: 0,
        end: 20,
      })),
    )
    expect(ip.stats.errorsReported).toEqual({ 'host-unreachable': 3 })
  })

  it('are never reported inside the write', () => {
    const { neighbors, write, listener, clock } = host()
    neighbors.silent.add(NEW)
    write(NEW)
    expect(listener.reports).toEqual([])
    clock.advance(0)
    expect(listener.reports).toHaveLength(1)
  })

  it('leave at once where the answer comes at once', () => {
    const { link, neighbors, write } = host()
    neighbors.resolve = (_address, done) => done(NEW_MAC)
    write(NEW)
    expect(link.take().map((s) => s.to)).toEqual([NEW_MAC])
  })

  it('are asked for again after a failure', () => {
    const { link, neighbors, write } = host()
    write(NEW)
    neighbors.answer(NEW, undefined)
    write(NEW)
    expect(neighbors.queries).toHaveLength(1)
    neighbors.answer(NEW, NEW_MAC)
    expect(link.take()).toHaveLength(1)
  })

  it('wait for the gateway, not for the destination', () => {
    const { neighbors, write } = host()
    neighbors.known.clear()
    write(FAR)
    expect(neighbors.queries.map((q) => q.address)).toEqual([ROUTER])
  })

  it('are so many per hop; the oldest go', () => {
    const { link, neighbors, write, ip } = host({ pendingPerHop: 4 })
    for (let i = 0; i < 10; i++) write(NEW, 8, i)
    neighbors.answer(NEW, NEW_MAC)
    expect(link.take().map((s) => s.payload)).toEqual([6, 7, 8, 9].map((i) => counting(8, i)))
    expect(ip.stats.unsent).toEqual({ 'pending-full': 6 })
  })

  it('are for so many hops', () => {
    const { link, neighbors, write, ip } = host({ pendingHops: 2 })
    const hops = [1, 2, 3].map((i) => ipv4(`10.0.0.10${i}`))
    for (const hop of hops) write(hop)
    for (const hop of hops) neighbors.answer(hop, NEW_MAC)
    expect([link.take().map((s) => s.h.dst), ip.stats.unsent]).toEqual([hops.slice(1), { 'pending-full': 1 }])
  })

  it('are so many bytes', () => {
    const { neighbors, write, link, ip } = host({ pendingBytes: 3000 })
    for (let i = 0; i < 4; i++) write(NEW, 1000, i)
    neighbors.answer(NEW, NEW_MAC)
    expect([link.take().length, ip.stats.unsent]).toEqual([2, { 'pending-full': 2 }])
  })

  it('are counted where the device is gone when the answer comes', () => {
    const { neighbors, write, link, ip } = host()
    write(NEW)
    link.closed = true
    neighbors.answer(NEW, NEW_MAC)
    expect(ip.stats.unsent).toEqual({ 'link-refused': 1 })
  })

  it('are forgotten by close', () => {
    const { neighbors, write, link, ip, listener } = host()
    write(NEW)
    write(ipv4('10.0.0.78'))
    ip.close()
    neighbors.answer(NEW, NEW_MAC)
    neighbors.answer(ipv4('10.0.0.78'), undefined)
    expect([link.sent, listener.reports]).toEqual([[], []])
  })
})

describe('a gateway that does not answer (RFC 1122 §3.3.1.5)', () => {
  const SPARE = ipv4('10.0.0.253')
  const SPARE_MAC: Mac = mac('02:00:00:00:00:fd')
  const any = ipv4Prefix('0.0.0.0/0')

  it('is passed over for another, which gets the packets that waited', () => {
    const { ip, link, neighbors, write, listener, clock } = host()
    neighbors.known.delete(ROUTER)
    ip.addRoute({ prefix: any, gateway: SPARE, metric: 1 })
    for (let i = 0; i < 3; i++) write(FAR, 8, i)
    neighbors.answer(ROUTER, undefined)
    expect(neighbors.queries.map((q) => q.address)).toEqual([SPARE])
    neighbors.answer(SPARE, SPARE_MAC)
    expect(link.take().map((s) => [s.to, s.payload])).toEqual([0, 1, 2].map((i) => [SPARE_MAC, counting(8, i)]))
    expect(listener.reports).toEqual([])
    write(FAR)
    expect(link.take()[0]!.to).toBe(SPARE_MAC)
    // It gets another chance after a minute.
    clock.advance(60_000)
    write(FAR)
    expect(neighbors.queries.map((q) => q.address)).toEqual([ROUTER])
  })

  it('is reported where every other is dead, too', () => {
    const { ip, neighbors, write, listener } = host()
    neighbors.known.delete(ROUTER)
    ip.addRoute({ prefix: any, gateway: SPARE, metric: 1 })
    write(FAR)
    neighbors.answer(ROUTER, undefined)
    neighbors.answer(SPARE, undefined)
    expect(listener.reports).toMatchObject([{ kind: 'host-unreachable', dst: FAR, reporter: US }])
    expect(neighbors.queries).toEqual([])
    // It is asked again: there is no other.
    write(FAR)
    expect(neighbors.queries.map((q) => q.address)).toEqual([ROUTER])
  })

  it('is reported where there is no other', () => {
    const { neighbors, write, listener } = host()
    neighbors.known.delete(ROUTER)
    write(FAR)
    neighbors.answer(ROUTER, undefined)
    expect(listener.reports).toMatchObject([{ kind: 'host-unreachable', dst: FAR }])
  })

  it('does not stand in the way of stations on the link', () => {
    const { neighbors, write, link } = host()
    neighbors.known.delete(ROUTER)
    write(FAR)
    neighbors.answer(ROUTER, undefined)
    write(PEER)
    expect(link.take()[0]!.to).toBe(PEER_MAC)
  })
})
