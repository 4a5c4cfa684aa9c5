import { type Ipv4, ipv4 } from '@fata/addr'
import { createFrameMeta, type DropCounts } from '@fata/net'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { forbidsError, isSingleHost } from '../../src/core/error-rules.ts'
import { Identifications } from '../../src/core/identification.ts'
import { Loopback } from '../../src/core/loopback.ts'
import { PendingPackets, type StoredPacket } from '../../src/core/pending.ts'
import { Pings } from '../../src/core/pings.ts'
import { createHeader, type Ipv4Header } from '../../src/wire.ts'

const A = ipv4('10.0.0.1')
const B = ipv4('10.0.0.2')

describe('identifications (RFC 6864 §4)', () => {
  it('are unique per source, destination and protocol', () => {
    const ids = new Identifications(seededRandom(7))
    const seen = new Set<number>()
    for (let i = 0; i < 65_536; i++) seen.add(ids.next(A, B, 17))
    expect(seen.size).toBe(65_536)
  })

  it('stay unique while others draw, too', () => {
    const ids = new Identifications(seededRandom(7))
    const seen = new Set<number>()
    for (let i = 0; i < 10_000; i++) {
      seen.add(ids.next(A, B, 17))
      ids.next(B, A, 6)
      ids.next(((i * 2_654_435_761) >>> 0) as Ipv4, B, 17)
    }
    expect(seen.size).toBe(10_000)
  })

  it('begin elsewhere for each tuple and each host', () => {
    const starts = new Set<number>()
    for (let seed = 1; seed <= 20; seed++) {
      const ids = new Identifications(seededRandom(seed))
      for (const [src, dst, protocol] of [
        [A, B, 17],
        [B, A, 17],
        [A, B, 6],
      ] as const)
        starts.add(ids.next(src, dst, protocol))
    }
    expect(starts.size).toBeGreaterThan(55)
  })
})

describe('pending packets (RFC 1122 §2.3.2.2)', () => {
  const limits = { pendingPerHop: 3, pendingHops: 2, pendingBytes: 1000 }
  const packet = (length: number): StoredPacket => ({
    buf: new Uint8Array(length),
    off: 0,
    end: length,
    meta: createFrameMeta(),
  })

  it('are taken in order, once', () => {
    const p = new PendingPackets(limits, {})
    const [one, two] = [packet(10), packet(20)]
    expect(p.push(A, one)).toBe(true)
    expect(p.push(A, two)).toBe(false)
    expect(p.push(B, packet(1))).toBe(true)
    expect([p.bytes, p.size]).toEqual([31, 2])
    expect(p.take(A)).toEqual([one, two])
    expect(p.take(A)).toEqual([])
    expect([p.bytes, p.size]).toEqual([1, 1])
    expect(p.push(A, one)).toBe(true)
    p.clear()
    expect([p.bytes, p.size]).toEqual([0, 0])
  })

  it('drop the oldest of a hop', () => {
    const dropped: DropCounts = {}
    const p = new PendingPackets(limits, dropped)
    const all = Array.from({ length: 5 }, () => packet(10))
    for (const one of all) p.push(A, one)
    expect(dropped).toEqual({ 'pending-full': 2 })
    expect(p.take(A)).toEqual(all.slice(2))
    expect(p.bytes).toBe(0)
  })

  it('drop the oldest hop', () => {
    const dropped: DropCounts = {}
    const p = new PendingPackets(limits, dropped)
    p.push(A, packet(10))
    p.push(A, packet(10))
    p.push(B, packet(10))
    expect(p.push(ipv4('10.0.0.3'), packet(10))).toBe(true)
    expect([p.size, p.bytes, dropped['pending-full']]).toEqual([2, 20, 2])
    expect(p.take(A)).toEqual([])
  })

  it('hold exactly as many bytes as they may', () => {
    const dropped: DropCounts = {}
    const p = new PendingPackets(limits, dropped)
    p.push(A, packet(600))
    p.push(B, packet(400))
    expect([p.bytes, dropped]).toEqual([1000, {}])
  })

  it('drop the oldest bytes, at last even their own', () => {
    const dropped: DropCounts = {}
    const p = new PendingPackets(limits, dropped)
    p.push(A, packet(600))
    p.push(B, packet(500))
    expect([p.bytes, p.take(A).length]).toEqual([500, 0])
    p.push(A, packet(1001))
    expect(p.bytes).toBe(0)
    expect(p.take(A)).toEqual([])
    expect(dropped).toEqual({ 'pending-full': 3 })
  })
})

describe('the loopback queue', () => {
  const write = (queue: Loopback, length: number, byte: number): boolean => {
    const buf = queue.reserve(length)
    if (buf === undefined) return false
    const { offset } = queue
    buf.fill(byte, offset, offset + length)
    queue.commit(offset + length)
    return true
  }
  const read = (queue: Loopback): [number, number] => {
    const { buf, off, end } = queue.peek()!
    expect(buf.subarray(off, end).every((byte) => byte === buf[off])).toBe(true)
    return [end - off, buf[off]!]
  }

  it('is first in, first out, also across slabs', () => {
    const queue = new Loopback(4_000_000)
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 30; i++) expect(write(queue, 40_001 + i, i)).toBe(true)
      for (let i = 0; i < 30; i++) {
        expect(read(queue)).toEqual([40_001 + i, i])
        queue.shift()
      }
      expect([queue.length, queue.peek()]).toEqual([0, undefined])
    }
  })

  it('is written while it is read', () => {
    const queue = new Loopback(1_000_000)
    write(queue, 60_000, 0)
    for (let i = 0; i < 200; i++) {
      write(queue, 60_000, i + 1)
      expect(read(queue)).toEqual([60_000, i & 0xff])
      queue.shift()
    }
  })

  it('grows wherever in its ring it stands', () => {
    const queue = new Loopback(1_000_000)
    for (let i = 0; i < 10; i++) write(queue, 10, i)
    for (let i = 0; i < 10; i++) queue.shift()
    for (let i = 0; i < 40; i++) write(queue, 10, i)
    for (let i = 0; i < 40; i++) {
      expect(read(queue)).toEqual([10, i])
      queue.shift()
    }
  })

  it('refuses beyond its bound, and has room again', () => {
    const queue = new Loopback(100_000)
    expect([write(queue, 60_000, 1), write(queue, 60_000, 2), write(queue, 40_000, 3)]).toEqual([true, false, true])
    queue.shift()
    expect(write(queue, 60_000, 4)).toBe(true)
    queue.clear()
    expect(queue.length).toBe(0)
    expect(write(queue, 100_000, 5)).toBe(true)
  })

  it('hands out metadata that says nothing', () => {
    const queue = new Loopback(100_000)
    queue.reserve(10)
    const packet = queue.commit(queue.offset + 10)
    packet.meta.checksum = 'partial'
    queue.shift()
    queue.reserve(10)
    expect(queue.commit(queue.offset + 10).meta).toEqual(createFrameMeta())
  })
})

describe('pings', () => {
  const ping = (sequence: number, expiresAt: number) => ({
    id: 9,
    sequence,
    dst: B,
    sentAt: 0,
    expiresAt,
    ticket: `t${sequence}`,
  })

  it('are found by id and sequence until they end', () => {
    const pings = new Pings<string>()
    pings.start(ping(1, 100))
    expect([pings.has(9, 1), pings.has(9, 2), pings.has(1, 9)]).toEqual([true, false, false])
    pings.remove(pings.find(9, 1)!)
    expect([pings.size, pings.find(9, 1), pings.deadline()]).toEqual([0, undefined, Number.POSITIVE_INFINITY])
  })

  it('time out one by one', () => {
    const pings = new Pings<string>()
    pings.start(ping(1, 300))
    pings.start(ping(2, 100))
    pings.start(ping(3, 200))
    expect(pings.deadline()).toBe(100)
    pings.timeout(99)
    expect(pings.poll()).toBeUndefined()
    pings.timeout(200)
    expect([pings.poll()?.ticket, pings.poll()?.ticket, pings.poll()]).toEqual(['t2', 't3', undefined])
    expect(pings.deadline()).toBe(300)
    expect(pings.clear().map((p) => p.ticket)).toEqual(['t1'])
    expect(pings.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('leave a successor alone', () => {
    const pings = new Pings<string>()
    const first = ping(1, 100)
    pings.start(first)
    pings.timeout(100)
    pings.start(ping(1, 300))
    pings.remove(first)
    expect(pings.has(9, 1)).toBe(true)
  })
})

describe('the rules about ICMP errors (RFC 1122 §3.2.2)', () => {
  const header = (change: Partial<Ipv4Header> = {}): Ipv4Header => ({
    ...createHeader(),
    protocol: 17,
    src: A,
    dst: B,
    ...change,
  })
  const about = (h: Ipv4Header, type = 8, group = false, length = 28): string | undefined => {
    const b = new Uint8Array(64)
    b[h.headerLength] = type
    return forbidsError(h, b, 0, length, group)
  }

  it('allow one about an ordinary packet', () => expect(about(header())).toBeUndefined())
  it('forbid one about a packet to a group', () => expect(about(header(), 8, true)).toBe('group'))
  it('allow one about a first fragment, forbid one about others', () => {
    expect(about(header({ moreFragments: true }))).toBeUndefined()
    expect(about(header({ fragmentOffset: 8 }))).toBe('not-first-fragment')
  })

  it.each(['0.0.0.0', '0.1.2.3', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'])(
    'forbid one to %s',
    (src) => expect(about(header({ src: ipv4(src) }))).toBe('source-not-a-host'),
  )

  it('allow one to a loopback address, which only this host itself has', () =>
    expect(about(header({ src: ipv4('127.0.0.1') }))).toBeUndefined())

  it.each([3, 4, 5, 11, 12, 1, 2, 7, 19, 41, 255])('forbid one about ICMP type %i', (type) =>
    expect(about(header({ protocol: 1 }), type)).toBe('about-icmp-error'),
  )

  it.each([0, 8, 13, 17])('allow one about ICMP type %i', (type) =>
    expect(about(header({ protocol: 1 }), type)).toBeUndefined(),
  )

  it('forbid one about an ICMP message of which nothing is there', () =>
    expect(about(header({ protocol: 1 }), 8, false, 20)).toBe('about-icmp-error'))

  it('know single hosts', () => {
    for (const yes of ['10.0.0.1', '1.0.0.0', '223.255.255.255', '169.254.0.1'])
      expect(isSingleHost(ipv4(yes))).toBe(true)
    for (const no of ['127.0.0.1', '224.0.0.1', '0.0.0.0', '250.0.0.1']) expect(isSingleHost(ipv4(no))).toBe(false)
  })
})
