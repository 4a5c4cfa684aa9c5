import { type Ipv4, ipv4, ipv4Prefix } from '@fata/addr'
import { addToGather, createGather } from '@fata/bytes'
import { createFrameMeta } from '@fata/net'
import { describe, expect, it } from 'vitest'
import { counting, createHost, filling, icmpOf, packet, recorder, US } from './support/host.ts'

const GROUP = ipv4('239.1.2.3')
const LOOPBACK = ipv4('127.0.0.1')

function host(...args: Parameters<typeof createHost>) {
  const made = createHost(...args)
  const listener = recorder()
  made.ip.listen(17, listener)
  const write = (dst: Ipv4, length = 8, from = 0): void =>
    made.ip.write(dst, 17, length, filling(counting(length, from)))
  return { ...made, listener, write }
}

describe('packets to this host', () => {
  it('come back, never touch the link, and keep everything', () => {
    const { ip, link, listener, clock } = host()
    const payload = createGather()
    addToGather(payload, counting(20, 3), 5, 15)
    ip.write(US, 17, 8, filling(counting(8)), { payload, ttl: 3, trafficClass: 7, fragment: false })
    expect(listener.got).toEqual([])
    clock.advance(0)
    expect(listener.got).toEqual([
      {
        src: US,
        dst: US,
        protocol: 17,
        ttl: 3,
        trafficClass: 7,
        multicast: false,
        headerOptions: 0,
        meta: createFrameMeta(),
        payload: Uint8Array.from([...counting(8), ...counting(20, 3).subarray(5, 15)]),
      },
    ])
    expect([link.sent, listener.batches]).toEqual([[], 1])
    expect(ip.stats).toMatchObject({ looped: 1, sent: 0, received: 0, delivered: 1 })
  })

  it('may be sent to every own address, and to 127.0.0.0/8', () => {
    const { ip, listener, clock, write } = host()
    ip.addAddress(ipv4Prefix('10.9.0.1/16'))
    for (const dst of ['10.9.0.1', '127.0.0.1', '127.1.2.3']) write(ipv4(dst))
    ip.write(LOOPBACK, 17, 1, filling(counting(1)), { src: US })
    ip.write(US, 17, 1, filling(counting(1)), { src: LOOPBACK })
    clock.advance(0)
    expect(listener.got.map((g) => [g.src, g.dst])).toEqual([
      [ipv4('10.9.0.1'), ipv4('10.9.0.1')],
      [LOOPBACK, LOOPBACK],
      [ipv4('127.1.2.3'), ipv4('127.1.2.3')],
      [US, LOOPBACK],
      [LOOPBACK, US],
    ])
  })

  it('may have 65535 bytes, and partial checksums', () => {
    const { ip, listener, clock } = host()
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 6 })
      return filling(counting(65_515))(buf, off)
    }
    ip.write(US, 17, 65_515, fill, { meta, fragment: false })
    Object.assign(meta, createFrameMeta())
    clock.advance(0)
    expect(listener.got[0]!.payload).toEqual(counting(65_515))
    expect(listener.got[0]!.meta).toMatchObject({ checksum: 'partial', checksumStart: 0, checksumOffset: 6 })
  })

  it('are answered by the same host, turn by turn', () => {
    const { ip, clock } = createHost()
    const log: number[] = []
    ip.listen(17, {
      packet(buf, off) {
        log.push(buf[off]!)
        if (buf[off]! < 5) ip.write(US, 17, 1, filling(Uint8Array.of(buf[off]! + 1)))
        return true
      },
      batchEnd: () => log.push(-1),
    })
    ip.write(US, 17, 1, filling(Uint8Array.of(3)))
    ip.write(US, 17, 1, filling(Uint8Array.of(4)))
    clock.advance(0)
    expect(log).toEqual([3, 4, -1, 4, 5, -1, 5, -1])
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('are dropped and counted where the queue is full', () => {
    const { ip, listener, clock, write } = host({ loopbackBytes: 65_535 })
    for (let i = 0; i < 10; i++) write(US, 10_000, i)
    clock.advance(0)
    expect(listener.got.map((g) => g.payload)).toEqual([0, 1, 2, 3, 4, 5].map((i) => counting(10_000, i)))
    expect(ip.stats.unsent).toEqual({ 'loopback-full': 4 })
    write(US)
    clock.advance(0)
    expect(listener.got).toHaveLength(7)
  })

  it.each([US, LOOPBACK])('are answered with a port unreachable where nobody takes them (%i)', (dst) => {
    const { ip, clock } = createHost()
    const listener = recorder(false)
    ip.listen(17, listener)
    ip.write(dst, 17, 12, filling(counting(12)))
    clock.advance(0)
    expect(listener.reports).toMatchObject([
      { kind: 'port-unreachable', src: dst, dst, reporter: dst, buf: counting(12) },
    ])
  })

  it('go on after a listener has thrown', () => {
    const { ip, clock, listener, write } = host()
    const stop = ip.listen(6, {
      packet: () => {
        throw new Error('mine')
      },
    })
    ip.write(US, 6, 1, filling(counting(1)))
    write(US)
    expect(() => clock.advance(0)).toThrow('mine')
    stop()
    clock.advance(0)
    expect(listener.got).toHaveLength(1)
  })

  it('are forgotten by close, also inside a delivery', () => {
    const { ip, clock, listener, write } = host()
    write(US)
    ip.close()
    clock.advance(0)
    expect(listener.got).toEqual([])
    const second = createHost()
    const log: string[] = []
    second.ip.listen(17, {
      packet: () => {
        log.push('packet')
        second.ip.close()
        return true
      },
    })
    for (let i = 0; i < 2; i++) second.ip.write(US, 17, 1, filling(counting(1)))
    second.clock.advance(0)
    expect(log).toEqual(['packet'])
  })
})

describe('packets to a group that this host is in', () => {
  it('go out and come back', () => {
    const { ip, link, listener, clock, write } = host({ igmp: false })
    ip.join(GROUP)
    write(GROUP)
    clock.advance(0)
    expect([link.take().length, listener.got.length]).toEqual([1, 1])
    expect(listener.got[0]).toMatchObject({ src: US, dst: GROUP, multicast: true, payload: counting(8) })
    write(ipv4('239.9.9.9'))
    clock.advance(0)
    expect([link.take().length, listener.got.length]).toEqual([1, 1])
  })

  it('keep their offload metadata on both ways', () => {
    const { ip, link, listener, clock } = host(
      { igmp: false },
      { link: { offload: { checksum: true, tso4: false, tso6: false } } },
    )
    ip.join(GROUP)
    ip.write(US, 17, 3, filling(counting(3)))
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 6 })
      return filling(counting(50))(buf, off)
    }
    ip.write(GROUP, 17, 50, fill, { meta })
    clock.advance(0)
    expect(link.take()[0]!.meta).toMatchObject({ checksum: 'partial', checksumStart: 20, checksumOffset: 6 })
    expect(listener.got[1]).toMatchObject({ payload: counting(50), meta: { checksum: 'partial', checksumStart: 0 } })
  })

  it('do not come back where the device refuses them', () => {
    const { ip, link, listener, clock, write } = host({ igmp: false })
    ip.join(GROUP)
    link.closed = true
    expect(() => write(GROUP)).toThrow('closed')
    clock.advance(0)
    expect(listener.got).toEqual([])
  })

  it('leave in fragments and come back whole', () => {
    const { ip, link, listener, clock } = host(
      { igmp: false },
      { link: { offload: { checksum: true, tso4: false, tso6: false } } },
    )
    ip.join(GROUP)
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      Object.assign(meta, { checksum: 'partial', checksumStart: off, checksumOffset: 6 })
      return filling(counting(5000))(buf, off)
    }
    ip.write(GROUP, 17, 5000, fill, { meta })
    clock.advance(0)
    expect(link.take()).toHaveLength(4)
    // The checksum was completed for the fragments, which the copy shares.
    expect(listener.got).toMatchObject([{ meta: { checksum: 'none' } }])
    expect(listener.got[0]!.payload.length).toBe(5000)
  })

  it('go out even where there is no room for the copy', () => {
    const { ip, link, listener, clock, write } = host({ igmp: false, loopbackBytes: 65_535 })
    ip.join(GROUP)
    write(US, 60_000)
    write(GROUP, 10_000)
    clock.advance(0)
    expect([link.take().length, listener.got.length, ip.stats.unsent]).toEqual([7, 1, { 'loopback-full': 1 }])
  })

  it('need not come back', () => {
    const { ip, link, listener, clock, write } = host({ igmp: false, multicastLoopback: false })
    ip.join(GROUP)
    write(GROUP)
    clock.advance(0)
    expect([link.take().length, listener.got.length]).toEqual([1, 0])
  })

  it('are not answered with errors', () => {
    const { ip, link, clock } = createHost({ igmp: false })
    ip.join(GROUP)
    ip.write(GROUP, 99, 8, filling(counting(8)))
    clock.advance(0)
    expect(link.take()).toHaveLength(1)
    expect(ip.stats.errorsWithheld).toEqual({ group: 1 })
  })
})

it('what comes by the link is not taken for local', () => {
  const { ip, link } = createHost()
  link.receive(packet({ src: LOOPBACK }, counting(8)))
  expect(ip.stats.dropped).toEqual({ 'martian-loopback': 1 })
  link.receive(packet({ protocol: 99 }, counting(8)))
  expect(icmpOf(link.take()[0]).type).toBe(3)
})
