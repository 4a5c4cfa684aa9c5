import { ipv4 } from '@fata/addr'
import type { DropCounts } from '@fata/net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Reassembly, type ReassemblyLimits } from '../../src/core/reassembly.ts'
import { createHeader, decode, encode, type Ipv4Header, MAX_LENGTH } from '../../src/wire.ts'

const LIMITS: ReassemblyLimits = {
  reassemblyBytes: 262_144,
  reassemblyBytesPerSource: 131_072,
  maxFragments: 16,
  maxDatagrams: 256,
  reassemblyTimeoutMs: 10_000,
}

interface FragmentSpec {
  from: number
  to: number
  /** Default: not the last. */
  last?: boolean
  id?: number
  src?: string
  /** Fills the payload; default: the byte's own position. */
  byte?: number
  trafficClass?: number
  protocol?: number
  headerLength?: number
  ttl?: number
}

function harness(limits: Partial<ReassemblyLimits> = {}) {
  const dropped: DropCounts = {}
  const core = new Reassembly({ ...LIMITS, ...limits }, dropped)
  const whole = new Uint8Array(MAX_LENGTH)
  /** Adds a fragment; the datagram's payload where that completes one. */
  const add = (f: FragmentSpec, now = 0, multicast = false): Uint8Array | undefined => {
    const b = fragment(f)
    const h = decode(b, 0, b.length)
    if (typeof h === 'string') throw new Error(h)
    const datagram = core.add(now, h, b, 0, b.length, multicast)
    b.fill(0xee)
    if (datagram === undefined) return undefined
    const end = datagram.copyTo(whole, 0)
    return whole.slice(datagram.headerLength, end)
  }
  return { core, dropped, add }
}

function fragment(f: FragmentSpec): Uint8Array {
  const { from, to, last = false, headerLength = 20 } = f
  const b = new Uint8Array(headerLength + to - from)
  const h: Ipv4Header = {
    ...createHeader(),
    headerLength,
    totalLength: b.length,
    id: f.id ?? 1,
    moreFragments: !last,
    fragmentOffset: from,
    ttl: f.ttl ?? 64,
    trafficClass: f.trafficClass ?? 0,
    protocol: f.protocol ?? 17,
    src: ipv4(f.src ?? '10.0.0.1'),
    dst: ipv4('10.0.0.2'),
  }
  encode(b, 0, h)
  for (let i = from; i < to; i++) b[headerLength + i - from] = f.byte ?? content(i)
  return b
}

function content(i: number): number {
  return (i * 7 + (i >> 8)) & 0xff
}

function expected(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => content(i))
}

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]]
  return list.flatMap((first, i) => permutations([...list.slice(0, i), ...list.slice(i + 1)]).map((p) => [first, ...p]))
}

/** `cuts` are the ends of fragments that follow each other. */
function pieces(...cuts: number[]): FragmentSpec[] {
  return cuts.map((to, i) => ({ from: i === 0 ? 0 : cuts[i - 1]!, to, last: i === cuts.length - 1 }))
}

describe('reassembly (RFC 791 §3.2, RFC 1122 §3.3.2)', () => {
  it.each([
    [2, [8, 16]],
    [2, [8, 9]],
    [2, [1480, 2008]],
    [3, [8, 16, 24]],
    [3, [8, 24, 25]],
    [3, [24, 32, 48]],
    [4, [8, 16, 24, 32]],
    [4, [16, 24, 56, 57]],
    [5, [8, 16, 24, 32, 40]],
    [5, [8, 24, 32, 80, 83]],
  ])('puts %i fragments together in every order (cut at %j)', (_, cuts) => {
    for (const order of permutations(pieces(...cuts))) {
      const { add, core } = harness()
      const results = order.map((f) => add(f))
      expect(results.slice(0, -1).every((r) => r === undefined)).toBe(true)
      expect(results.at(-1)).toEqual(expected(cuts.at(-1)!))
      expect([core.bytes, core.size, core.deadline()]).toEqual([0, 0, Number.POSITIVE_INFINITY])
    }
  })

  const gaps: [string, FragmentSpec[]][] = [
    [
      'no last',
      [
        { from: 0, to: 8 },
        { from: 8, to: 16 },
        { from: 16, to: 24 },
      ],
    ],
    [
      'no first',
      [
        { from: 8, to: 16 },
        { from: 16, to: 24, last: true },
      ],
    ],
    [
      'a hole',
      [
        { from: 0, to: 8 },
        { from: 16, to: 24 },
        { from: 24, to: 32, last: true },
      ],
    ],
    [
      'a hole before the last',
      [
        { from: 0, to: 8 },
        { from: 8, to: 16 },
        { from: 24, to: 32, last: true },
      ],
    ],
  ]
  it.each(gaps)('returns nothing with %s, in any order', (_, list) => {
    for (const order of permutations(list)) {
      const { add, dropped } = harness()
      expect(order.map((f) => add(f)).every((r) => r === undefined)).toBe(true)
      expect(dropped).toEqual({})
    }
  })

  const overlaps: [string, FragmentSpec[]][] = [
    [
      'two firsts of unequal length',
      [
        { from: 0, to: 8 },
        { from: 0, to: 16 },
        { from: 24, to: 32, last: true },
      ],
    ],
    [
      'a second that begins early',
      [
        { from: 0, to: 16 },
        { from: 8, to: 24 },
        { from: 24, to: 32, last: true },
      ],
    ],
    [
      'one inside another',
      [
        { from: 0, to: 32 },
        { from: 8, to: 16 },
        { from: 40, to: 48, last: true },
      ],
    ],
    [
      'a last that begins early',
      [
        { from: 0, to: 16 },
        { from: 8, to: 24, last: true },
      ],
    ],
    [
      'two lasts that disagree',
      [
        { from: 8, to: 16, last: true },
        { from: 16, to: 24, last: true },
      ],
    ],
    [
      'one behind the last',
      [
        { from: 8, to: 16, last: true },
        { from: 16, to: 24 },
      ],
    ],
    [
      'one across the end',
      [
        { from: 8, to: 16, last: true },
        { from: 8, to: 24 },
      ],
    ],
    [
      'a last that is not',
      [
        { from: 0, to: 8 },
        { from: 16, to: 24 },
        { from: 16, to: 24, last: true },
      ],
    ],
    [
      'other bytes at the same place',
      [
        { from: 8, to: 16 },
        { from: 8, to: 16, byte: 1 },
        { from: 24, to: 32 },
      ],
    ],
    [
      'five of which two overlap',
      [
        { from: 0, to: 8 },
        { from: 8, to: 16 },
        { from: 16, to: 32 },
        { from: 24, to: 40 },
        { from: 48, to: 56, last: true },
      ],
    ],
  ]
  it.each(overlaps)('drops the datagram with %s, in any order', (_, list) => {
    for (const order of permutations(list)) {
      const { add, dropped, core } = harness()
      expect(order.map((f) => add(f)).every((r) => r === undefined)).toBe(true)
      expect(dropped['fragment-overlap']).toBe(1)
      expect(core.bytes).toBe(0)
    }
  })

  it('drops what still comes of a dropped datagram, until its time is over', () => {
    const { add, dropped, core } = harness()
    add({ from: 0, to: 16 })
    add({ from: 8, to: 24 })
    for (const f of pieces(8, 16)) expect(add(f, 9_000)).toBeUndefined()
    expect(dropped).toEqual({ 'fragment-overlap': 1, 'fragment-of-dropped': 2 })
    expect(add({ from: 0, to: 8 }, 10_000)).toBeUndefined()
    expect(add({ from: 8, to: 16, last: true }, 10_000)).toEqual(expected(16))
    expect(core.poll()).toBeUndefined()
  })

  it('ignores exact duplicates', () => {
    for (const f of pieces(8, 16, 24)) {
      const { add, dropped } = harness()
      add(f)
      add(f)
      const rest = pieces(8, 16, 24).filter((g) => g.from !== f.from)
      expect(add(rest[0]!)).toBeUndefined()
      expect(add(rest[1]!)).toEqual(expected(24))
      expect(dropped).toEqual({ 'fragment-duplicate': 1 })
    }
  })

  it('keeps flows apart', () => {
    const { add, core } = harness()
    add({ from: 0, to: 8 })
    for (const other of [{ id: 2 }, { src: '10.0.0.9' }, { protocol: 6 }])
      expect(add({ from: 8, to: 16, last: true, ...other })).toBeUndefined()
    expect(core.size).toBe(4)
    expect(add({ from: 8, to: 16, last: true })).toEqual(expected(16))
  })

  it('times out ten seconds after the first fragment that came', () => {
    const { add, core, dropped } = harness()
    add({ from: 8, to: 16 }, 1_000)
    expect(core.deadline()).toBe(11_000)
    add({ from: 0, to: 8 }, 6_000)
    core.timeout(10_999)
    expect(core.size).toBe(1)
    core.timeout(11_000)
    expect([core.size, core.bytes, core.deadline()]).toEqual([0, 0, Number.POSITIVE_INFINITY])
    expect(dropped).toEqual({ 'fragment-timeout': 1 })
    expect(core.poll()?.first).toEqual(fragment({ from: 0, to: 8 }))
    expect(core.poll()).toBeUndefined()
  })

  it('has nothing to tell a source whose first fragment did not come', () => {
    const { add, core, dropped } = harness()
    add({ from: 8, to: 16 })
    core.timeout(10_000)
    expect(core.poll()).toBeUndefined()
    expect(dropped).toEqual({ 'fragment-timeout': 1 })
  })

  it('lets a new datagram with the same id begin when the old one has timed out, timer or not', () => {
    const { add, dropped } = harness()
    add({ from: 0, to: 8, byte: 1 })
    expect(add({ from: 8, to: 16, last: true }, 10_000)).toBeUndefined()
    expect(add({ from: 0, to: 8 }, 10_001)).toEqual(expected(16))
    expect(dropped).toEqual({ 'fragment-timeout': 1 })
  })

  it('completes just before the timeout', () => {
    const { add } = harness()
    add({ from: 0, to: 8 })
    expect(add({ from: 8, to: 16, last: true }, 9_999.9)).toEqual(expected(16))
  })

  it.each([
    ['an empty one', { from: 8, to: 8, last: true }, 'fragment-empty'],
    ['a non-final one of odd length', { from: 8, to: 19 }, 'fragment-length'],
    ['one that reaches beyond 65535', { from: 65_512, to: 65_520 }, 'fragment-too-far'],
    [
      'one that does so with its options',
      { from: 65_504, to: 65_512, headerLength: 24, last: true },
      'fragment-too-far',
    ],
  ])('refuses %s', (_, spec, reason) => {
    const { add, core, dropped } = harness()
    expect(add(spec)).toBeUndefined()
    expect(core.size).toBe(0)
    expect(dropped).toEqual({ [reason]: 1 })
  })

  it('takes a datagram of exactly 65535 bytes, and none whose first header makes it longer', () => {
    const cuts = Array.from({ length: 16 }, (_, i) => (i < 15 ? 4096 * (i + 1) : 65_515))
    const { add } = harness()
    for (const f of pieces(...cuts).slice(1)) add(f)
    expect(add({ from: 0, to: 4096 })).toEqual(expected(65_515))
    const late = harness()
    for (const f of pieces(...cuts).slice(1)) late.add(f)
    expect(late.add({ from: 0, to: 4096, headerLength: 24 })).toBeUndefined()
    expect(late.dropped).toEqual({ 'fragment-too-far': 1 })
  })

  it('holds 16 fragments; a seventeenth may only complete the datagram', () => {
    const cuts = Array.from({ length: 17 }, (_, i) => 8 * (i + 1))
    for (const late of [0, 8, 16]) {
      const { add } = harness()
      const list = pieces(...cuts)
      const [last] = list.splice(late, 1)
      for (const f of list) expect(add(f)).toBeUndefined()
      expect(add(last!)).toEqual(expected(17 * 8))
    }
    const { add, dropped, core } = harness()
    for (const f of pieces(...cuts, 18 * 8).slice(0, 17)) add(f)
    expect(dropped).toEqual({ 'fragment-too-many': 1 })
    expect(core.bytes).toBe(0)
    expect(add({ from: 17 * 8, to: 18 * 8, last: true })).toBeUndefined()
  })

  it('takes more fragments where the option says so', () => {
    const cuts = Array.from({ length: 45 }, (_, i) => Math.min(1480 * (i + 1), 65_515))
    const { add } = harness({ maxFragments: 64 })
    const results = pieces(...cuts).map((f) => add(f))
    expect(results.at(-1)).toEqual(expected(65_515))
  })

  it('drops the least recently used datagram beyond its memory', () => {
    const { add, core, dropped } = harness({ reassemblyBytes: 4000, reassemblyBytesPerSource: 4000 })
    for (let id = 1; id <= 4; id++) add({ from: 0, to: 1000, id })
    add({ from: 1000, to: 1008, id: 1, last: false }, 1)
    expect(dropped).toEqual({ 'fragment-evicted': 1 })
    expect(core.bytes).toBe(3008)
    // 2 went, since 1 was used last.
    expect(add({ from: 1008, to: 1016, id: 1, last: true })).toEqual(expected(1016))
    expect(add({ from: 1000, to: 1008, id: 3, last: true })).toEqual(expected(1008))
    expect(add({ from: 1000, to: 1008, id: 2, last: true })).toBeUndefined()
  })

  it('drops a datagram that alone exceeds its memory', () => {
    const { add, core, dropped } = harness({ reassemblyBytes: 1000 })
    add({ from: 0, to: 1008 })
    expect([core.bytes, core.size, dropped['fragment-evicted']]).toEqual([0, 0, 1])
  })

  it('takes from a source that has more than its share only', () => {
    const { add, core, dropped } = harness({ reassemblyBytesPerSource: 2000 })
    add({ from: 0, to: 1000, id: 7, src: '10.0.0.7' })
    for (let id = 1; id <= 10; id++) add({ from: 0, to: 1000, id })
    expect(dropped).toEqual({ 'fragment-evicted': 8 })
    expect(core.bytes).toBe(3000)
    expect(add({ from: 1000, to: 1008, id: 7, src: '10.0.0.7', last: true })).toEqual(expected(1008))
    expect(add({ from: 1000, to: 1008, id: 9, last: true })).toEqual(expected(1008))
  })

  it('holds so many datagrams', () => {
    const { add, core, dropped } = harness({ maxDatagrams: 3 })
    for (let id = 1; id <= 5; id++) add({ from: 0, to: 8, id })
    expect(core.size).toBe(3)
    expect(dropped).toEqual({ 'fragment-evicted': 2 })
  })

  it('tells congestion that any fragment experienced (RFC 3168 §5.3)', () => {
    const classes = (...list: number[]): number | string => {
      const dropped: DropCounts = {}
      const core = new Reassembly(LIMITS, dropped)
      for (const [i, trafficClass] of list.entries()) {
        const b = fragment({ from: 8 * i, to: 8 * i + 8, last: i === list.length - 1, trafficClass })
        const h = decode(b, 0, b.length)
        if (typeof h === 'string') return h
        const datagram = core.add(0, h, b, 0, b.length, false)
        if (datagram !== undefined) return datagram.trafficClass
      }
      return Object.keys(dropped)[0] ?? 'nothing'
    }
    expect(classes(0xb8, 0xb8)).toBe(0xb8)
    expect(classes(0x02, 0x03)).toBe(0x03)
    expect(classes(0x03, 0x02)).toBe(0x03)
    expect(classes(0x01, 0x02)).toBe(0x01)
    expect(classes(0x00, 0x03)).toBe('fragment-ecn')
    expect(classes(0x02, 0x00)).toBe('fragment-ecn')
  })

  it("keeps the first fragment's time to live, and that some fragment came to a group", () => {
    const core = new Reassembly(LIMITS, {})
    const first = fragment({ from: 0, to: 8, ttl: 7 })
    const last = fragment({ from: 8, to: 16, last: true, ttl: 9 })
    const header = (b: Uint8Array): Ipv4Header => decode(b, 0, b.length) as Ipv4Header
    core.add(0, header(last), last, 0, last.length, true)
    const datagram = core.add(0, header(first), first, 0, first.length, false)
    expect(datagram).toMatchObject({ ttl: 7, multicast: true })
  })

  it('returns the datagram or nothing, whatever is lost, doubled and mixed up', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(11), { maxLength: 40 }),
        (units, tail, order) => {
          const cuts = units.sort((a, b) => a - b).map((u) => u * 8)
          const length = cuts.at(-1)! + tail
          const list = pieces(...cuts, length)
          const { add, core } = harness()
          const seen = new Set<number>()
          for (const i of order) {
            const f = list[i % list.length]!
            const result = add(f)
            seen.add(f.from)
            if (seen.size < list.length) expect(result).toBeUndefined()
            else {
              expect(result).toEqual(expected(length))
              seen.clear()
            }
          }
          const held = list.filter((f) => seen.has(f.from)).reduce((sum, f) => sum + f.to - f.from, 0)
          expect(core.bytes).toBe(held)
        },
      ),
    )
  })
})
