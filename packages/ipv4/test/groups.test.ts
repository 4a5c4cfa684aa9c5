import { ipv4, ipv4Prefix, ipv6, mac } from '@fata/addr'
import { checksum, fromHex, hex, putU16 } from '@fata/bytes'
import { describe, expect, it } from 'vitest'
import { ROUTER_ALERT } from '../src/wire.ts'
import { counting, createHost, packet, ROUTER, recorder } from './support/host.ts'

const GROUP = ipv4('239.1.2.3')
const ALL_SYSTEMS = ipv4('224.0.0.1')

function query(text: string, change = {}, options: Uint8Array | undefined = ROUTER_ALERT): Uint8Array {
  const b = fromHex(text)
  putU16(b, 2, checksum(b, 0, b.length))
  return packet({ protocol: 2, src: ROUTER, dst: ALL_SYSTEMS, ttl: 1, ...change }, b, options)
}

const GENERAL = '110a0000000000000000 0000'

describe('multicast groups (RFC 1112, RFC 3376)', () => {
  it('are reported as Linux reports them', () => {
    const { ip, link, clock } = createHost()
    const { leave } = ip.join(GROUP)
    const [report] = link.take()
    // IP (tos 0xc0, ttl 1, id 0, offset 0, flags [DF], proto IGMP (2), length 40, options (RA))
    //     10.0.0.1 > 224.0.0.22: igmp v3 report, 1 group record(s) [gaddr 239.1.2.3 to_ex, 0 source(s)]
    expect(hex(report!.bytes)).toBe('46c00028000040000102f9f80a000001e0000016940400002200e8f90000000104000000ef010203')
    expect(report!.to).toBe(mac('01:00:5e:00:00:16'))
    clock.advance(1_000)
    expect(link.take()).toHaveLength(1)
    leave()
    // 10.0.0.1 > 224.0.0.22: igmp v3 report, 1 group record(s) [gaddr 239.1.2.3 to_in, 0 source(s)]
    expect(hex(link.take()[0]!.bytes)).toBe(
      '46c00028000040000102f9f80a000001e0000016940400002200e9f90000000103000000ef010203',
    )
    clock.advance(1_000)
    expect(link.take()).toHaveLength(1)
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('are reported to an older querier in its version', () => {
    const { ip, link, clock } = createHost()
    link.receive(query('1164000000000000'))
    const { leave } = ip.join(GROUP)
    // 10.0.0.1 > 239.1.2.3: igmp v2 report 239.1.2.3
    expect(hex(link.take()[0]!.bytes)).toBe('46c00020000040000102e9120a000001ef010203940400001600f8faef010203')
    clock.advance(20_000)
    link.take()
    leave()
    // 10.0.0.1 > 224.0.0.2: igmp leave 239.1.2.3
    expect(hex(link.take()[0]!.bytes)).toBe('46c00020000040000102fa140a000001e0000002940400001700f7faef010203')
  })

  it('answer queries', () => {
    const { ip, link, clock } = createHost()
    ip.join(GROUP)
    clock.advance(1_000)
    link.take()
    link.receive(query(GENERAL), { multicast: true })
    expect(link.sent).toEqual([])
    clock.advance(1_000)
    expect(link.take().map((s) => hex(s.payload, 8))).toEqual(['02000000ef010203'])
  })

  it.each([
    ['igmp-no-alert', query(GENERAL, {}, new Uint8Array(0))],
    ['igmp-bad-destination', query(GENERAL, { dst: GROUP })],
    ['igmp-truncated', packet({ protocol: 2, dst: ALL_SYSTEMS }, counting(7), ROUTER_ALERT)],
    ['igmp-bad-checksum', packet({ protocol: 2, dst: ALL_SYSTEMS }, counting(8), ROUTER_ALERT)],
    ['igmp-bad-length', query('110a000000000000 0000')],
  ])('ignore what is %s', (reason, bytes) => {
    const { ip, link, clock } = createHost()
    ip.join(GROUP)
    clock.advance(1_000)
    link.take()
    link.receive(bytes, { multicast: true })
    clock.advance(20_000)
    expect([link.sent, ip.stats.dropped]).toEqual([[], { [reason]: 1 }])
  })

  it('are left as often as they were joined', () => {
    const { ip, link } = createHost({ igmp: false })
    const listener = recorder()
    ip.listen(17, listener)
    const receive = (): number => {
      link.receive(packet({ dst: GROUP }, counting(4)), { multicast: true })
      return listener.got.length
    }
    expect(receive()).toBe(0)
    const memberships = [ip.join(GROUP), ip.join(GROUP)]
    memberships[0]!.leave()
    memberships[0]!.leave()
    expect(receive()).toBe(1)
    memberships[1]!.leave()
    expect([receive(), ip.stats.dropped, link.sent]).toEqual([1, { 'not-joined': 2 }, []])
  })

  it('are reported from 0.0.0.0 before there is an address', () => {
    const { ip, link } = createHost({}, { bare: true })
    ip.join(GROUP)
    expect(link.take()[0]!.h.src).toBe(0)
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
  })

  it('are multicast addresses, and so many', () => {
    const { ip } = createHost({ maxGroups: 2 })
    expect(() => ip.join(ipv4('10.0.0.5'))).toThrow(RangeError)
    ip.join(GROUP)
    ip.join(ipv4('239.1.2.4'))
    ip.join(GROUP)
    expect(() => ip.join(ipv4('239.1.2.5'))).toThrow(/more than 2 groups/)
  })

  it('hear the sources that one membership wants (RFC 3376 §3.2)', () => {
    const { ip, link } = createHost({ igmp: false })
    const listener = recorder()
    ip.listen(17, listener)
    const heard = (): number[] => {
      listener.got.length = 0
      for (const n of [5, 6, 7])
        link.receive(packet({ src: ipv4(`10.0.0.${n}`), dst: GROUP }, counting(4)), { multicast: true })
      return listener.got.map(({ src }) => (src as number) & 0xff)
    }
    const only = (...sources: string[]) => ({ mode: 'include' as const, sources: sources.map(ipv4) })
    const first = ip.join(GROUP, only('10.0.0.5'))
    expect(heard()).toEqual([5])
    expect(ip.stats.dropped).toEqual({ 'source-filtered': 2 })
    const second = ip.join(GROUP, { mode: 'exclude', sources: [ipv4('10.0.0.5'), ipv4('10.0.0.6')] })
    expect(heard()).toEqual([5, 7])
    first.change(only('10.0.0.6', '10.0.0.7'))
    expect(heard()).toEqual([6, 7])
    second.leave()
    second.change(only('10.0.0.5'))
    expect(heard()).toEqual([6, 7])
    first.leave()
    expect(heard()).toEqual([])
  })

  it('have sources of hosts, and so many', () => {
    const { ip, link } = createHost({ maxSources: 2 })
    const sources = [5, 6, 7].map((n) => ipv4(`10.0.0.${n}`))
    expect(() => ip.join(GROUP, { mode: 'exclude', sources })).toThrow(/more than 2 sources/)
    expect(() => ip.join(GROUP, { mode: 'include', sources: [GROUP] })).toThrow(RangeError)
    expect(() => ip.join(GROUP, { mode: 'include', sources: [ipv6('::5')] })).toThrow('not an IPv4 address: ::5')
    expect(() => ip.join(ipv6('ff02::5'))).toThrow('not an IPv4 address: ff02::5')
    ip.join(GROUP, { mode: 'include', sources: sources.slice(0, 2) })
    link.take()
    expect(() => ip.join(GROUP, { mode: 'include', sources: sources.slice(2) })).toThrow(RangeError)
    expect(link.take()).toEqual([])
  })

  it('a report that the device refuses is counted', () => {
    const { ip, link } = createHost()
    link.closed = true
    ip.join(GROUP)
    expect(ip.stats.unsent).toEqual({ igmp: 1 })
  })

  it('IGMP reaches whoever listens to it, and is never answered with an error', () => {
    const { ip, link } = createHost()
    const listener = recorder()
    link.receive(packet({ protocol: 2 }, counting(8)))
    ip.listen(2, listener)
    link.receive(query(GENERAL), { multicast: true })
    expect([listener.got.length, link.sent]).toEqual([1, []])
  })
})
