import { ipv4, ipv4Prefix, type Mac } from '@fata/addr'
import { NetError } from '@fata/net'
import { createVirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { createIpv4, type Ipv4Options } from '../src/index.ts'
import { defaults, settings } from '../src/options.ts'
import { counting, createHost, filling, icmp, PEER, packet, recorder, TestLink } from './support/host.ts'

describe('options', () => {
  it('have defaults, which nobody can change', () => {
    expect(settings()).toEqual(defaults)
    expect(Object.isFrozen(defaults)).toBe(true)
    expect(settings({ ttl: 32 })).toEqual({ ...defaults, ttl: 32 })
  })

  const nonsense: [object, typeof RangeError | typeof TypeError][] = [
    [{ ttl: 0 }, RangeError],
    [{ ttl: 256 }, RangeError],
    [{ multicastTtl: 1.5 }, RangeError],
    [{ maxFragments: 0 }, RangeError],
    [{ minPathMtu: 67 }, RangeError],
    [{ icmpErrorsPerSecond: -1 }, RangeError],
    [{ icmpErrorsPerSecond: Number.POSITIVE_INFINITY }, RangeError],
    [{ reassemblyTimeoutMs: 0 }, RangeError],
    [{ reassemblyTimeoutMs: Number.NaN }, RangeError],
    [{ loopbackBytes: 65_534 }, RangeError],
    [{ ttl: '64' }, TypeError],
    [{ igmp: 1 }, TypeError],
    [{ hopLimit: 64 }, TypeError],
  ]
  it.each(nonsense)('%j makes no sense', (options, error) =>
    expect(() => settings(options as Ipv4Options)).toThrow(error),
  )
})

describe('an IPv4 layer', () => {
  it('needs neighbors where the stations of its link have addresses', () => {
    const link = new TestLink()
    expect(() => createIpv4({ ...createVirtualRuntime(), link })).toThrow(TypeError)
    link.mac = undefined
    expect(createIpv4({ ...createVirtualRuntime(), link }).addresses()).toEqual([])
  })

  it('ends everything when it is closed, once', () => {
    const { ip, link, clock } = createHost()
    const listener = recorder()
    const stop = ip.listen(17, listener)
    link.receive(packet({ moreFragments: true }, counting(8)))
    link.receive(packet({ protocol: 1 }, icmp(3, 4, 1400, packet({ src: ipv4('10.0.0.1') }, counting(8)))))
    ip.join(ipv4('239.1.1.1'))
    link.take()
    ip.close()
    ip.close()
    expect([link.listening, clock.nextAt()]).toEqual([false, Number.POSITIVE_INFINITY])
    const closed = expect.objectContaining({ name: 'NetError', code: 'ERR_NET_CLOSED' })
    expect(() => ip.write(PEER, 17, 1, filling(counting(1)))).toThrow(closed)
    expect(() => ip.listen(17, listener)).toThrow(closed)
    expect(() => ip.join(ipv4('239.1.1.1'))).toThrow(closed)
    stop()
    expect([listener.got, link.sent]).toEqual([[], []])
  })

  it("passes the device's errors on", () => {
    const { ip, link } = createHost()
    link.closed = true
    expect(() => ip.write(PEER, 17, 1, filling(counting(1)))).toThrow(NetError)
  })

  it('leaves nothing behind: every table is empty after a day of everything', () => {
    const { ip, link, clock, neighbors } = createHost()
    ip.listen(17, recorder(false))
    for (let i = 0; i < 500; i++) {
      link.receive(packet({ id: i, moreFragments: true }, counting(800)))
      link.receive(packet({ protocol: 1 }, icmp(8, 0, i, counting(i))))
      link.receive(packet({}, counting(i)))
      const quote = packet(
        { src: ipv4('10.0.0.1'), dst: ipv4(`198.51.100.${i % 250}`), dontFragment: true },
        counting(1480),
      )
      link.receive(packet({ protocol: 1 }, icmp(3, 4, 1400, quote)))
      ip.write(ipv4(`10.0.0.${100 + (i % 100)}`), 17, 8, filling(counting(8)))
      void ip.ping(PEER, { timeoutMs: 1 + i }).catch(() => {})
      const { leave } = ip.join(ipv4('239.1.1.1'))
      leave()
      clock.advance(5)
    }
    for (const { address } of [...neighbors.queries]) neighbors.answer(address, undefined)
    clock.advance(86_400_000)
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    expect(ip.mtu(ipv4('198.51.100.1'))).toBe(1480)
  })
})

describe('two layers back to back', () => {
  it('over links that lose nothing carry datagrams of every size', () => {
    const [a, b] = [createHost({ maxFragments: 64 }), createHost({ maxFragments: 64 }, { bare: true })]
    b.ip.addAddress(ipv4Prefix('10.0.0.2/24'))
    b.neighbors.known.set(ipv4('10.0.0.1'), 1 as Mac)
    const listener = recorder()
    b.ip.listen(17, listener)
    for (const length of [0, 1, 1480, 1481, 2960, 40_000, 65_515]) {
      a.ip.write(PEER, 17, length, filling(counting(length, length)))
      for (const sent of a.link.take()) b.link.receive(sent.bytes)
      expect(listener.got.pop()?.payload).toEqual(counting(length, length))
    }
  })
})
