import { type Ipv6, ipv6, ipv6FromWords } from '@fata/addr'
import type { DropCounts } from '@fata/net'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Reassembly, type ReassemblyOptions } from '../src/core/reassembly.ts'
import { bytes, fragment } from './packets.ts'

const SRC = ipv6('fd00::b')
const DST = ipv6('fd00::a')

const OPTIONS: ReassemblyOptions = {
  maxBytes: 10_000,
  maxBytesPerSource: 6000,
  maxPackets: 8,
  maxFragments: 16,
  timeoutMs: 60_000,
}

let dropped: DropCounts
let reassembly: Reassembly

function create(options: Partial<ReassemblyOptions> = {}): void {
  dropped = {}
  reassembly = new Reassembly({ ...OPTIONS, ...options }, dropped)
}

interface Piece {
  readonly from: number
  readonly to: number
  readonly more?: boolean
  readonly id?: number
  readonly src?: Ipv6
  readonly trafficClass?: number
  /** Added to every byte. */
  readonly twist?: number
  readonly at?: number
}

/** Gives bytes `from..to` of the packet whose bytes count up; its data where it is complete. */
function give({
  from,
  to,
  more = true,
  id = 1,
  src = SRC,
  trafficClass = 0,
  twist = 0,
  at = 0,
}: Piece): Uint8Array | undefined {
  const b = fragment({ src: 'fd00::b', dst: 'fd00::a' }, bytes(to - from, from + twist), from, more, id)
  const whole = reassembly.add(
    at,
    { src, dst: DST, buf: b, start: 0, off: 40, end: b.length, namedAt: 6, trafficClass, multicast: false },
    { nextHeader: 17, offset: from, more, id },
  )
  if (whole === undefined) return undefined
  expect([whole.off, whole.bytes[6], whole.bytes[5]! | (whole.bytes[4]! << 8)]).toEqual([
    40,
    17,
    whole.bytes.length - 40,
  ])
  return whole.bytes.subarray(40)
}

beforeEach(() => create())

describe('reassembly', () => {
  it('puts any cut together in any order, with duplicates between', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 6 }).map((c) => c.sort((a, b) => a - b))
    fc.assert(
      fc.property(
        cuts,
        fc.integer({ min: 81, max: 100 }),
        fc.array(fc.nat(), { minLength: 20, maxLength: 20 }),
        (units, length, order) => {
          create()
          const edges = [0, ...units.map((u) => u * 8), length]
          const pieces = edges.slice(0, -1).map((from, i) => ({ from, to: edges[i + 1]!, more: i < edges.length - 2 }))
          const left = [...pieces]
          let whole: Uint8Array | undefined
          for (const n of order) {
            if (left.length === 0) break
            const [next] = left.splice(n % left.length, 1)
            whole = give(next!)
            if (left.length > 0) expect(give(next!)).toBeUndefined()
          }
          expect(whole).toEqual(bytes(length))
          expect(reassembly.size).toBe(0)
        },
      ),
    )
  })

  it.each<[string, Piece[]]>([
    [
      'begins inside',
      [
        { from: 0, to: 24 },
        { from: 16, to: 40 },
      ],
    ],
    [
      'ends inside',
      [
        { from: 16, to: 40 },
        { from: 0, to: 24 },
      ],
    ],
    [
      'lies inside',
      [
        { from: 0, to: 40 },
        { from: 8, to: 16 },
      ],
    ],
    [
      'covers',
      [
        { from: 8, to: 16 },
        { from: 0, to: 40 },
      ],
    ],
    [
      'begins with it and is longer',
      [
        { from: 0, to: 16 },
        { from: 0, to: 24 },
      ],
    ],
    [
      'is the same but last',
      [
        { from: 8, to: 16 },
        { from: 8, to: 16, more: false },
      ],
    ],
    [
      'is the same but not last',
      [
        { from: 8, to: 16, more: false },
        { from: 8, to: 16 },
      ],
    ],
    [
      'has other bytes',
      [
        { from: 8, to: 16 },
        { from: 8, to: 16, twist: 1 },
      ],
    ],
    [
      'lies behind the last',
      [
        { from: 8, to: 16, more: false },
        { from: 16, to: 24 },
      ],
    ],
    [
      'is last before another',
      [
        { from: 16, to: 24 },
        { from: 8, to: 16, more: false },
      ],
    ],
    [
      'is a second last',
      [
        { from: 8, to: 16, more: false },
        { from: 16, to: 24, more: false },
      ],
    ],
    [
      'reaches over the last',
      [
        { from: 8, to: 12, more: false },
        { from: 0, to: 16 },
      ],
    ],
  ])('gives a packet up with a fragment that %s', (_, pieces) => {
    for (const piece of pieces) expect(give(piece)).toBeUndefined()
    expect(dropped).toEqual({ 'fragment-overlap': 1 })
    expect(reassembly.size).toBe(0)
  })

  it('loses what is still to come of a packet with an overlap, RFC 5722 §4', () => {
    give({ from: 0, to: 24 })
    give({ from: 16, to: 40 })
    expect(give({ from: 0, to: 8 })).toBeUndefined()
    expect(give({ from: 8, to: 16, more: false })).toBeUndefined()
    expect(dropped).toEqual({ 'fragment-overlap': 1, 'fragment-of-lost': 2 })
    reassembly.timeout(60_000)
    expect(reassembly.poll()).toBeUndefined()
    expect(dropped['reassembly-timeout']).toBeUndefined()
    give({ from: 0, to: 8, at: 60_000 })
    expect(give({ from: 8, to: 16, more: false, at: 60_000 })).toEqual(bytes(16))
  })

  it('counts a duplicate and goes on', () => {
    give({ from: 0, to: 8 })
    give({ from: 0, to: 8 })
    expect(dropped).toEqual({ 'fragment-duplicate': 1 })
    expect(give({ from: 8, to: 10, more: false })).toEqual(bytes(10))
  })

  it('tells packets apart by source, destination and identification', () => {
    give({ from: 0, to: 8 })
    expect(give({ from: 8, to: 16, more: false, id: 2 })).toBeUndefined()
    expect(give({ from: 8, to: 16, more: false, src: ipv6('fd00::c') })).toBeUndefined()
    expect(reassembly.size).toBe(3)
  })

  it('ends a packet with too many fragments', () => {
    create({ maxFragments: 3 })
    for (const from of [0, 8, 16]) give({ from, to: from + 8 })
    give({ from: 24, to: 32, more: false })
    expect(dropped).toEqual({ 'too-many-fragments': 1 })
    expect(reassembly.size).toBe(0)
  })

  it('keeps marks of congestion, RFC 3168 §5.3', () => {
    const ecn = (...classes: number[]): number | undefined => {
      create()
      let result: number | undefined
      for (const [i, trafficClass] of classes.entries()) {
        const b = fragment({ src: 'fd00::b', dst: 'fd00::a' }, bytes(8), i * 8, i < classes.length - 1)
        const fields = {
          src: SRC,
          dst: DST,
          buf: b,
          start: 0,
          off: 40,
          end: b.length,
          namedAt: 6,
          trafficClass,
          multicast: false,
        }
        result = reassembly.add(0, fields, {
          nextHeader: 17,
          offset: i * 8,
          more: i < classes.length - 1,
          id: 1,
        })?.trafficClass
      }
      return result
    }
    expect(ecn(0xb8, 0xb8)).toBe(0xb8)
    expect(ecn(0x02, 0x03)).toBe(0x03)
    expect(ecn(0xba, 0xbb, 0xba)).toBe(0xbb)
    expect(ecn(0x00, 0x03)).toBeUndefined()
    expect(dropped).toEqual({ 'fragment-ecn-mixed': 1 })
  })
})

describe('the bounds of reassembly', () => {
  const host = (n: number): Ipv6 => ipv6FromWords(0xfd000000, 0, 0, n)

  it('drop the packet that was touched least recently', () => {
    create({ maxPackets: 2 })
    give({ from: 0, to: 8, id: 1 })
    give({ from: 0, to: 8, id: 2 })
    give({ from: 8, to: 16, id: 1 })
    give({ from: 0, to: 8, id: 3 })
    expect(dropped).toEqual({ 'reassembly-full': 1 })
    expect(give({ from: 16, to: 24, id: 1, more: false })).toEqual(bytes(24))
    expect(give({ from: 8, to: 16, id: 2, more: false })).toBeUndefined()
  })

  it('hold for the bytes of all', () => {
    for (let n = 0; n < 100; n++) give({ from: 0, to: 1000, src: host(n) })
    expect(reassembly.size).toBeLessThanOrEqual(9)
    expect(dropped['reassembly-full']).toBeGreaterThan(90)
  })

  it('hold for each source, at its own expense', () => {
    create({ maxPackets: 100 })
    give({ from: 0, to: 1000, src: host(1) })
    for (let id = 0; id < 50; id++) give({ from: 0, to: 1000, src: host(2), id })
    expect(reassembly.size).toBe(6)
    expect(give({ from: 1000, to: 1001, more: false, src: host(1) })).toHaveLength(1001)
  })

  it('do not count what has been completed or given up', () => {
    for (let id = 0; id < 100; id++) {
      give({ from: 0, to: 1000, id })
      expect(give({ from: 1000, to: 1016, id, more: false })).toHaveLength(1016)
      give({ from: 0, to: 1000, id: 1000 + id })
      give({ from: 992, to: 1008, id: 1000 + id })
    }
    expect(dropped['fragment-overlap']).toBe(100)
    expect(reassembly.size).toBe(0)
  })

  it('end what is not completed in time, counted from its first fragment', () => {
    give({ from: 0, to: 8, at: 0 })
    give({ from: 8, to: 16, at: 59_000 })
    give({ from: 8, to: 16, id: 2, at: 1000 })
    expect(reassembly.deadline()).toBe(60_000)
    reassembly.timeout(59_999)
    expect(reassembly.size).toBe(2)
    reassembly.timeout(60_000)
    expect(reassembly.poll()).toMatchObject({
      src: SRC,
      dst: DST,
      first: fragment({ src: 'fd00::b', dst: 'fd00::a' }, bytes(8), 0, true, 1),
    })
    reassembly.timeout(61_000)
    expect(reassembly.poll()).toBeUndefined()
    expect(dropped).toEqual({ 'reassembly-timeout': 2 })
    expect(reassembly.deadline()).toBe(Number.POSITIVE_INFINITY)
  })
})
