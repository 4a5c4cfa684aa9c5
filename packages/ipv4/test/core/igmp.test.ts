import { formatIpv4, type Ipv4, ipv4 } from '@fata/addr'
import { putU32 } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { Igmp } from '../../src/core/igmp.ts'
import { type GroupFilter, NOT_WANTED } from '../../src/core/igmp-records.ts'
import {
  createIgmpMessage,
  IGMP_LEAVE,
  IGMP_QUERY,
  IGMP_REPORT_V1,
  IGMP_REPORT_V2,
  type IgmpMessage,
} from '../../src/wire.ts'

const G = ipv4('239.1.2.3')
const H = ipv4('239.9.9.9')
const EVERYBODY: GroupFilter = { mode: 'exclude', sources: [] }
/** `only(1, 2)` wants 10.0.0.1 and 10.0.0.2, `but(1)` everybody but 10.0.0.1. */
const only = (...n: number[]): GroupFilter => ({ mode: 'include', sources: n.map((i) => ipv4(`10.0.0.${i}`)) })
const but = (...n: number[]): GroupFilter => ({ ...only(...n), mode: 'exclude' })
/** Random delays are the whole range. */
const longest: Random = { uint32: () => 0xffffffff, fill: () => {} }

const NAMES: Readonly<Record<number, string>> = {
  [IGMP_REPORT_V1]: 'v1',
  [IGMP_REPORT_V2]: 'v2',
  [IGMP_LEAVE]: 'leave',
}

function harness(random: Random = longest) {
  const igmp = Object.assign(new Igmp(random), {
    join: (now: number, group: Ipv4) => igmp.change(now, group, EVERYBODY),
    leave: (now: number, group: Ipv4) => igmp.change(now, group, NOT_WANTED),
  })
  /** What is sent, in words. */
  const sent = (): string[] => {
    const out: string[] = []
    for (let m = igmp.poll(); m !== undefined; m = igmp.poll()) {
      if (m.kind === 'old') out.push(`${NAMES[m.type]} ${formatIpv4(m.group)}`)
      else out.push(m.records.map((r) => `${r.type} ${formatIpv4(r.group)} {${r.sources.map(formatIpv4)}}`).join(', '))
    }
    return out
  }
  /** Time passes: `at message` for each message. */
  const until = (end: number): string[] => {
    const out: string[] = []
    while (igmp.deadline() <= end) {
      const at = igmp.deadline()
      igmp.timeout(at)
      for (const text of sent()) out.push(`${at} ${text}`)
    }
    return out
  }
  const hear = (now: number, change: Partial<IgmpMessage>, ...sources: Ipv4[]): string[] => {
    const b = new Uint8Array(4 * sources.length)
    for (const [i, source] of sources.entries()) putU32(b, 4 * i, source)
    const message = { ...createIgmpMessage(), maxResponseMs: 10_000, sourceCount: sources.length, ...change }
    igmp.input(now, message, b)
    return sent()
  }
  const query = (now: number, group: Ipv4 | 0 = 0, change: Partial<IgmpMessage> = {}, ...sources: Ipv4[]): string[] =>
    hear(now, { type: IGMP_QUERY, group: group as Ipv4, ...change }, ...sources)
  return { igmp, sent, until, hear, query }
}

describe('IGMPv3 membership (RFC 3376 §5)', () => {
  it('is told at once and once more', () => {
    const { igmp, sent, until } = harness()
    igmp.join(0, G)
    expect(sent()).toEqual(['TO_EX 239.1.2.3 {}'])
    expect(until(1e9)).toEqual(['1000 TO_EX 239.1.2.3 {}'])
    igmp.leave(5_000, G)
    expect(sent()).toEqual(['TO_IN 239.1.2.3 {}'])
    expect(until(1e9)).toEqual(['6000 TO_IN 239.1.2.3 {}'])
    expect(igmp.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('changes its mind: the new change ends the retransmission of the old', () => {
    const { igmp, sent, until } = harness()
    igmp.join(0, G)
    igmp.leave(500, G)
    expect(sent()).toEqual(['TO_EX 239.1.2.3 {}', 'TO_IN 239.1.2.3 {}'])
    expect(until(1e9)).toEqual(['1500 TO_IN 239.1.2.3 {}'])
  })

  it('is never told of the all-systems group', () => {
    const { igmp, sent } = harness()
    igmp.join(0, ipv4('224.0.0.1'))
    igmp.leave(0, ipv4('224.0.0.1'))
    expect(sent()).toEqual([])
  })

  it('takes over the robustness of the querier', () => {
    const { igmp, sent, until, query } = harness()
    query(0, 0, { robustness: 4 })
    igmp.join(0, G)
    sent()
    expect(until(1e9)).toEqual(['1000', '2000', '3000'].map((t) => `${t} TO_EX 239.1.2.3 {}`))
  })

  it('answers a general query after a delay, with every group', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    igmp.join(0, H)
    sent()
    until(10_000)
    expect(query(20_000)).toEqual([])
    expect(until(1e9)).toEqual(['30000 IS_EX 239.1.2.3 {}, IS_EX 239.9.9.9 {}'])
  })

  it('never answers at once, even where the query says so', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    expect(query(20_000, 0, { maxResponseMs: 0 })).toEqual([])
    expect(until(1e9)).toEqual(['20100 IS_EX 239.1.2.3 {}'])
  })

  it('does not answer with nothing to say', () => {
    const { until, query } = harness()
    query(0)
    expect(until(1e9)).toEqual([])
  })

  it('splits answers of many groups', () => {
    const { igmp, sent, until, query } = harness()
    for (let i = 0; i < 100; i++) igmp.join(0, ipv4(`239.0.0.${i}`))
    sent()
    until(10_000)
    query(20_000)
    expect(until(1e9).map((text) => text.split(',').length)).toEqual([68, 32])
  })

  it('answers a query for a group it is in', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    query(20_000, H)
    query(20_000, G, { maxResponseMs: 1_000 })
    expect(until(1e9)).toEqual(['21000 IS_EX 239.1.2.3 {}'])
  })

  it('a general response that is due sooner covers specific queries (rule 1)', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    query(20_000, 0, { maxResponseMs: 500 })
    query(20_000, G, { maxResponseMs: 1_000 })
    query(20_000, 0, { maxResponseMs: 1_000 })
    expect(until(1e9)).toEqual(['20500 IS_EX 239.1.2.3 {}'])
  })

  it('answers for queried sources, all of them together (rules 3 and 5)', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    query(20_000, G, { maxResponseMs: 1_000 }, ipv4('10.0.0.7'))
    query(20_100, G, { maxResponseMs: 1_000 }, ipv4('10.0.0.8'), ipv4('10.0.0.7'))
    expect(until(1e9)).toEqual(['21000 IS_IN 239.1.2.3 {10.0.0.7,10.0.0.8}'])
  })

  it('answers for the whole group where that was asked, too (rule 4)', () => {
    for (const first of [true, false]) {
      const { igmp, sent, until, query } = harness()
      igmp.join(0, G)
      sent()
      until(10_000)
      if (first) query(20_000, G, { maxResponseMs: 1_000 })
      query(20_000, G, { maxResponseMs: 1_000 }, ipv4('10.0.0.7'))
      if (!first) query(20_000, G, { maxResponseMs: 1_000 })
      expect(until(1e9)).toEqual(['21000 IS_EX 239.1.2.3 {}'])
    }
  })

  it('remembers a bounded number of queried sources', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    for (let i = 0; i < 100; i++) query(20_000, G, { maxResponseMs: 1_000 }, ipv4(`10.0.0.${i}`))
    expect(until(1e9)).toEqual(['21000 IS_EX 239.1.2.3 {}'])
  })

  it('does not answer for a group that it left', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    query(20_000, G)
    igmp.leave(21_000, G)
    expect(sent()).toEqual(['TO_IN 239.1.2.3 {}'])
    expect(until(1e9)).toEqual(['22000 TO_IN 239.1.2.3 {}'])
  })

  it('is not silenced by reports of others', () => {
    const { igmp, sent, until, query, hear } = harness()
    igmp.join(0, G)
    sent()
    until(10_000)
    query(20_000)
    hear(21_000, { type: IGMP_REPORT_V2, group: G })
    expect(until(1e9)).toEqual(['30000 IS_EX 239.1.2.3 {}'])
  })
})

describe('IGMPv3 source filters (RFC 3376 §5)', () => {
  it.each([
    ['INCLUDE (A) to INCLUDE (B)', only(1, 2), only(2, 3), ['ALLOW 239.1.2.3 {10.0.0.3}, BLOCK 239.1.2.3 {10.0.0.1}']],
    ['EXCLUDE (A) to EXCLUDE (B)', but(1, 2), but(2, 3), ['ALLOW 239.1.2.3 {10.0.0.1}, BLOCK 239.1.2.3 {10.0.0.3}']],
    ['INCLUDE (A) to EXCLUDE (B)', only(1, 2), but(2), ['TO_EX 239.1.2.3 {10.0.0.2}']],
    ['EXCLUDE (A) to INCLUDE (B)', but(1), only(4), ['TO_IN 239.1.2.3 {10.0.0.4}']],
    ['INCLUDE (A) to INCLUDE ()', only(1), only(), ['BLOCK 239.1.2.3 {10.0.0.1}']],
    ['the same', only(1, 2), only(2, 1), []],
  ])('tells a change from %s, twice (RFC 3376 §5.1)', (_, before, after, expected) => {
    const { igmp, sent, until } = harness()
    igmp.change(0, G, before)
    until(10_000)
    sent()
    igmp.change(20_000, G, after)
    expect(sent()).toEqual(expected)
    expect(until(1e9)).toEqual(expected.map((text) => `21000 ${text}`))
  })

  it('joins with the sources that it wants', () => {
    const { igmp, sent } = harness()
    igmp.change(0, G, only(1, 2))
    expect(sent()).toEqual(['ALLOW 239.1.2.3 {10.0.0.1,10.0.0.2}'])
  })

  it('tells each source as often as it should, though others change meanwhile (RFC 3376 §5.1)', () => {
    const { igmp, sent, until } = harness()
    igmp.change(0, G, only(1))
    igmp.change(400, G, only(1, 2))
    igmp.change(800, G, only(2))
    expect(sent()).toEqual([
      'ALLOW 239.1.2.3 {10.0.0.1}',
      'ALLOW 239.1.2.3 {10.0.0.1,10.0.0.2}',
      'ALLOW 239.1.2.3 {10.0.0.2}, BLOCK 239.1.2.3 {10.0.0.1}',
    ])
    expect(until(1e9)).toEqual(['1800 BLOCK 239.1.2.3 {10.0.0.1}'])
  })

  it('a change of mode tells the sources that changed after it, too', () => {
    const { igmp, sent, until } = harness()
    igmp.change(0, G, but(1))
    igmp.change(500, G, but(1, 2))
    expect(sent()).toEqual(['TO_EX 239.1.2.3 {10.0.0.1}', 'TO_EX 239.1.2.3 {10.0.0.1,10.0.0.2}'])
    expect(until(1e9)).toEqual(['1500 BLOCK 239.1.2.3 {10.0.0.2}'])
  })

  it.each([
    ['INCLUDE', only(1, 2), ['21000 IS_IN 239.1.2.3 {10.0.0.2}'], '40000 IS_IN 239.1.2.3 {10.0.0.1,10.0.0.2}'],
    ['EXCLUDE', but(1, 2), ['21000 IS_IN 239.1.2.3 {10.0.0.3}'], '40000 IS_EX 239.1.2.3 {10.0.0.1,10.0.0.2}'],
    ['INCLUDE of others', only(4), [], '40000 IS_IN 239.1.2.3 {10.0.0.4}'],
  ])('answers for sources in mode %s, and for the group (RFC 3376 §5.2)', (_, filter, forSources, forGroup) => {
    const { igmp, sent, until, query } = harness()
    igmp.change(0, G, filter)
    until(10_000)
    sent()
    query(20_000, G, { maxResponseMs: 1_000 }, ipv4('10.0.0.2'), ipv4('10.0.0.3'))
    expect(until(25_000)).toEqual(forSources)
    query(30_000, G)
    expect(until(1e9)).toEqual([forGroup])
  })

  it('among older routers says nothing of sources (RFC 3376 §7.2)', () => {
    const { igmp, sent, until, query } = harness()
    query(0, 0, { version: 2 })
    igmp.change(0, G, only(1))
    expect(sent()).toEqual(['v2 239.1.2.3'])
    until(50_000)
    igmp.change(60_000, G, but(2))
    expect([sent(), until(70_000)]).toEqual([[], []])
    igmp.change(70_000, G, only())
    expect(sent()).toEqual(['leave 239.1.2.3'])
  })

  it('splits what does not fit into one report (RFC 3376 §4.2.16)', () => {
    const { igmp, sent } = harness()
    const sources = Array.from({ length: 134 }, (_, i) => ipv4(`10.1.0.${i}`))
    igmp.change(0, G, { mode: 'include', sources })
    igmp.change(10, G, { mode: 'include', sources: sources.map((a) => (a + 256) as Ipv4) })
    expect(sent().map((text) => [text.split(' ')[0], text.split(',').length])).toEqual([
      ['ALLOW', 134],
      ['ALLOW', 134],
      ['BLOCK', 134],
    ])
  })
})

describe('IGMP among older routers (RFC 3376 §7.2, RFC 2236 §3)', () => {
  it('speaks version 2 for as long as one was heard', () => {
    const { igmp, sent, until, query } = harness()
    query(0, 0, { version: 2 })
    expect(igmp.version(0)).toBe(2)
    igmp.join(1_000, G)
    expect(sent()).toEqual(['v2 239.1.2.3'])
    expect(until(100_000)).toEqual(['11000 v2 239.1.2.3'])
    igmp.leave(100_000, G)
    expect(sent()).toEqual(['leave 239.1.2.3'])
    expect(until(1e9)).toEqual([])
    // [Robustness] * [Query Interval] + [Query Response Interval]
    expect([igmp.version(259_999), igmp.version(260_000)]).toEqual([2, 3])
  })

  it('speaks version 1 before version 2', () => {
    const { igmp, sent, until, query } = harness()
    query(0, 0, { version: 2 })
    query(100_000, 0, { version: 1 })
    igmp.join(100_000, G)
    expect(sent()).toEqual(['v1 239.1.2.3'])
    until(200_000)
    igmp.leave(200_000, G)
    expect(sent()).toEqual([])
    query(200_000, 0, { version: 2 })
    expect([igmp.version(359_999), igmp.version(360_000), igmp.version(460_000)]).toEqual([1, 2, 3])
  })

  it('a query of version 2 for one group changes nothing', () => {
    const { igmp, query } = harness()
    query(0, G, { version: 2 })
    expect(igmp.version(0)).toBe(3)
  })

  it('a change of version cancels what was to be sent', () => {
    const { igmp, sent, until, query } = harness()
    igmp.join(0, G)
    igmp.join(0, H)
    igmp.leave(10, H)
    sent()
    query(100, G, { maxResponseMs: 500 })
    query(200, 0, { version: 2, maxResponseMs: 3_000 })
    expect(until(1e9)).toEqual(['3200 v2 239.1.2.3'])
  })

  it('answers with a timer per group, which only a shorter one replaces', () => {
    const { igmp, sent, until, query } = harness()
    query(0, 0, { version: 2 })
    igmp.join(0, G)
    igmp.join(0, H)
    sent()
    until(50_000)
    query(60_000, 0, { version: 2, maxResponseMs: 5_000 })
    query(61_000, G, { version: 2, maxResponseMs: 1_000 })
    query(61_000, H, { version: 2, maxResponseMs: 9_000 })
    expect(until(1e9)).toEqual(['62000 v2 239.1.2.3', '65000 v2 239.9.9.9'])
  })

  it('is silent where another member has answered, and leaves without a word then', () => {
    const { igmp, sent, until, query, hear } = harness()
    query(0, 0, { version: 2 })
    igmp.join(0, G)
    sent()
    until(50_000)
    query(60_000, 0, { version: 2 })
    hear(61_000, { type: IGMP_REPORT_V2, group: G })
    hear(61_000, { type: IGMP_REPORT_V2, group: H })
    expect(until(100_000)).toEqual([])
    igmp.leave(100_000, G)
    expect(sent()).toEqual([])
  })
})
