import { formatIpv6, ipv4, ipv6, ipv6FromWords, ipv6Prefix } from '@fata/addr'
import { PROTOCOL_UDP, type SourceFilter } from '@fata/ip'
import { describe, expect, it } from 'vitest'
import { MLD_RECORD_LEN } from '../src/wire.ts'
import { type Harness, type HarnessOptions, listenTo, OWN_LINK_LOCAL, quietHost, type Sent } from './harness.ts'
import { fragments, icmp, mldQuery, udp, udpSegment } from './packets.ts'

const GROUP = ipv6('ff15::7')
const OWN_GROUP = 'ff02::1:ff00:a'

/** A host whose reports of the start are over. */
function host(options: HarnessOptions = {}): Harness {
  const h = quietHost({ mld: true, ...options })
  h.advance(5000)
  h.sent()
  return h
}

/** Reports with the time since `from`. */
const reports = (h: Harness, from = h.runtime.clock.now()): [number, string][] =>
  h.sent().map((p) => [p.at - from, describeReport(p)])

function describeReport({ mld, type, body }: Sent): string {
  if (mld !== undefined && typeof mld !== 'string') {
    return mld.map((r) => [r.type, formatIpv6(r.group), ...r.sources.map(formatIpv6)].join(' ')).join(', ')
  }
  const group = formatIpv6(
    ipv6FromWords(
      ...([0, 4, 8, 12].map((o) => new DataView(body.buffer, body.byteOffset + o).getInt32(0)) as [
        number,
        number,
        number,
        number,
      ]),
    ),
  )
  return `${type === 131 ? 'v1 report' : type === 132 ? 'v1 done' : `type ${type}`} ${group}`
}

describe('joining a group, RFC 3810 §6.1', () => {
  it('is reported twice, and so is leaving it', () => {
    const h = host()
    const start = h.runtime.clock.now()
    const { leave } = h.layer.join(GROUP)
    h.advance(1000)
    const joined = reports(h, start)
    expect(joined.map(([, what]) => what)).toEqual(['to-exclude ff15::7', 'to-exclude ff15::7'])
    expect(joined[0]![0]).toBe(0)
    expect(joined[1]![0]).toBeLessThanOrEqual(1000)
    leave()
    leave()
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual(['to-include ff15::7', 'to-include ff15::7'])
    h.advance(100_000)
    expect(reports(h)).toEqual([])
  })

  it('is reported from the link-local address, with a router alert, no further than the link', () => {
    const h = host()
    h.layer.join(GROUP)
    const [report] = h.sent()
    expect(report).toMatchObject({ src: ipv6(OWN_LINK_LOCAL), dst: ipv6('ff02::16'), hopLimit: 1, nextHeader: 0 })
    expect([...report!.bytes.subarray(40, 48)]).toEqual([58, 0, 5, 2, 0, 0, 1, 0])
    expect(report!.to).toBe(0x3333_0000_0016)
  })

  it('is reported as often as it is told', () => {
    const h = host({ mldRobustness: 4 })
    h.layer.join(GROUP)
    h.advance(3000)
    expect(reports(h)).toHaveLength(4)
  })

  it('counts how many want it', () => {
    const h = host()
    const { leave: first } = h.layer.join(GROUP)
    const { leave: second } = h.layer.join(GROUP)
    h.advance(2000)
    h.sent()
    first()
    h.advance(2000)
    expect(reports(h)).toEqual([])
    expect(h.layer.state().groups.map(formatIpv6)).toContain('ff15::7')
    second()
    expect(reports(h).map(([, what]) => what)).toEqual(['to-include ff15::7'])
  })

  it('delivers its packets from then on', () => {
    const h = host()
    const heard = listenTo(h.layer, PROTOCOL_UDP)
    const packet = udp({ src: 'fd00::b', dst: 'ff15::7' })
    h.receive(packet)
    const { leave } = h.layer.join(GROUP)
    h.receive(packet)
    leave()
    h.receive(packet)
    expect(heard.packets).toHaveLength(1)
  })

  it('is not reported within the node, nor of all nodes', () => {
    const h = host()
    h.layer.join(ipv6('ff02::1'))
    h.layer.join(ipv6('ff01::7'))
    h.advance(5000)
    h.receive(mldQuery({}))
    h.advance(11_000)
    expect(reports(h).map(([, what]) => what)).toEqual([`is-exclude ${OWN_GROUP}`])
  })

  it('is bounded, and of groups', () => {
    const h = host({ maxGroups: 2 })
    h.layer.join(GROUP)
    h.layer.join(GROUP)
    expect(() => h.layer.join(ipv6('ff15::8'))).toThrow(RangeError)
    expect(() => h.layer.join(ipv6('fd00::1'))).toThrow(RangeError)
  })

  it('is not reported where that is not wanted, but works', () => {
    const h = host({ mld: false })
    const heard = listenTo(h.layer, PROTOCOL_UDP)
    h.layer.join(GROUP)
    h.receive(udp({ src: 'fd00::b', dst: 'ff15::7' }))
    expect([h.sent().length, heard.packets.length]).toEqual([0, 1])
  })

  it('that is left before it was reported again is reported as left', () => {
    const h = host()
    h.layer.join(GROUP).leave()
    h.advance(2000)
    expect(reports(h).map(([, what]) => what)).toEqual([
      'to-exclude ff15::7',
      'to-include ff15::7',
      'to-include ff15::7',
    ])
  })
})

describe('source filters, RFC 3810 §4.2, §6.1', () => {
  const include = (...sources: string[]): SourceFilter => ({ mode: 'include', sources: sources.map((a) => ipv6(a)) })
  const exclude = (...sources: string[]): SourceFilter => ({ mode: 'exclude', sources: sources.map((a) => ipv6(a)) })
  const said = (h: Harness): string[] => reports(h).map(([, what]) => what)

  it.each<[string, SourceFilter, SourceFilter, string[]]>([
    [
      'INCLUDE (A) to INCLUDE (B)',
      include('fd00::1', 'fd00::2'),
      include('fd00::2', 'fd00::3'),
      ['allow ff15::7 fd00::3, block ff15::7 fd00::1'],
    ],
    [
      'EXCLUDE (A) to EXCLUDE (B)',
      exclude('fd00::1', 'fd00::2'),
      exclude('fd00::2', 'fd00::3'),
      ['allow ff15::7 fd00::1, block ff15::7 fd00::3'],
    ],
    ['INCLUDE (A) to EXCLUDE (B)', include('fd00::1'), exclude('fd00::3'), ['to-exclude ff15::7 fd00::3']],
    ['EXCLUDE (A) to INCLUDE (B)', exclude('fd00::1'), include('fd00::3'), ['to-include ff15::7 fd00::3']],
    ['no change', exclude('fd00::1'), exclude('fd00::1'), []],
  ])('%s is reported as the table of §6.1 says, twice', (_, before, after, expected) => {
    const h = host()
    const membership = h.layer.join(GROUP, before)
    h.advance(2000)
    h.sent()
    membership.change(after)
    expect(said(h)).toEqual(expected)
    h.advance(2000)
    expect(said(h)).toEqual(expected)
    h.advance(10_000)
    expect(said(h)).toEqual([])
  })

  it('a membership that wants some sources only is reported as a change from INCLUDE {}', () => {
    const h = host()
    const { leave } = h.layer.join(GROUP, include('fd00::1'))
    expect(said(h)).toEqual(['allow ff15::7 fd00::1'])
    h.advance(2000)
    expect(said(h)).toEqual(['allow ff15::7 fd00::1'])
    leave()
    h.advance(2000)
    expect(said(h)).toEqual(['block ff15::7 fd00::1', 'block ff15::7 fd00::1'])
    expect(h.layer.state().groups.map(formatIpv6)).not.toContain('ff15::7')
  })

  it('several memberships are one filter, which lets pass what one of them wants', () => {
    const h = host()
    h.layer.join(GROUP, include('fd00::1'))
    h.advance(2000)
    h.sent()
    const second = h.layer.join(GROUP, exclude('fd00::1', 'fd00::2'))
    expect(said(h)).toEqual(['to-exclude ff15::7 fd00::2'])
    h.advance(2000)
    h.sent()
    second.leave()
    expect(said(h)).toEqual(['to-include ff15::7 fd00::1'])
  })

  it('a further change while one is being reported joins it; a change of mode tells everything', () => {
    const h = host()
    const membership = h.layer.join(GROUP, include('fd00::1'))
    membership.change(include('fd00::1', 'fd00::2'))
    expect(said(h)).toEqual(['allow ff15::7 fd00::1', 'allow ff15::7 fd00::1 fd00::2'])
    h.advance(2000)
    expect(said(h)).toEqual(['allow ff15::7 fd00::2'])
    membership.change(exclude())
    membership.change(exclude('fd00::3'))
    expect(said(h)).toEqual(['to-exclude ff15::7', 'to-exclude ff15::7 fd00::3'])
    h.advance(3000)
    expect(said(h)).toEqual(['block ff15::7 fd00::3'])
  })

  it('answers queries with what is wanted, §6.2 and §6.3', () => {
    const h = host()
    h.layer.join(GROUP, include('fd00::1', 'fd00::2'))
    h.layer.join(ipv6('ff15::8'), exclude('fd00::3'))
    h.advance(5000)
    h.sent()
    h.receive(mldQuery({ group: GROUP }, { dst: 'ff15::7' }))
    h.advance(11_000)
    expect(said(h)).toEqual(['is-include ff15::7 fd00::1 fd00::2'])
    h.receive(mldQuery({ group: GROUP, sources: [ipv6('fd00::2'), ipv6('fd00::9')] }, { dst: 'ff15::7' }))
    h.advance(11_000)
    expect(said(h)).toEqual(['is-include ff15::7 fd00::2'])
    h.receive(mldQuery({ group: GROUP, sources: [ipv6('fd00::9')] }, { dst: 'ff15::7' }))
    h.advance(11_000)
    expect(said(h)).toEqual([])
    h.receive(mldQuery({ group: ipv6('ff15::8'), sources: [ipv6('fd00::3'), ipv6('fd00::4')] }, { dst: 'ff15::8' }))
    h.advance(11_000)
    expect(said(h)).toEqual(['is-include ff15::8 fd00::4'])
    h.receive(mldQuery({}))
    h.advance(11_000)
    expect(said(h)).toEqual([`is-exclude ${OWN_GROUP}, is-include ff15::7 fd00::1 fd00::2, is-exclude ff15::8 fd00::3`])
  })

  it('keep out packets that nobody wants, whatever headers they have', () => {
    const h = host()
    const heard = listenTo(h.layer)
    const membership = h.layer.join(GROUP, include('fd00::b'))
    const from = (src: string): void => h.receive(udp({ src, dst: 'ff15::7' }))
    from('fd00::b')
    from('fd00::c')
    from('fd00::b')
    expect(heard.packets.map((p) => p.from)).toEqual(['fd00::b', 'fd00::b'])
    expect(h.layer.stats.dropped).toEqual({ 'source-filtered': 1 })
    const segment = udpSegment('fd00::c', 'ff15::7', new Uint8Array(4))
    for (const b of fragments({ src: 'fd00::c', dst: 'ff15::7' }, segment, [8])) h.receive(b)
    expect(h.layer.stats.dropped).toEqual({ 'source-filtered': 2 })
    membership.change(exclude('fd00::b'))
    from('fd00::b')
    from('fd00::c')
    expect(heard.packets.map((p) => p.from)).toEqual(['fd00::b', 'fd00::b', 'fd00::c'])
  })

  it('are reported to a router of version 1 as joining and leaving, RFC 2710', () => {
    const h = host()
    h.receive(mldQuery({ version: 1, maxResponseDelay: 0 }))
    h.advance(1000)
    h.sent()
    const membership = h.layer.join(GROUP, include('fd00::1'))
    membership.change(include('fd00::2'))
    h.advance(1000)
    expect(said(h)).toEqual(['v1 report ff15::7', 'v1 report ff15::7'])
    membership.change(include())
    h.advance(1000)
    expect(said(h)).toEqual(['v1 done ff15::7'])
  })

  it('are bounded, and of hosts; what is refused changes nothing', () => {
    const h = host({ maxSources: 2 })
    const membership = h.layer.join(GROUP, include('fd00::1', 'fd00::2'))
    h.advance(2000)
    h.sent()
    expect(() => membership.change(include('fd00::1', 'fd00::2', 'fd00::3'))).toThrow(RangeError)
    expect(() => h.layer.join(GROUP, include('fd00::3'))).toThrow(RangeError)
    expect(() => h.layer.join(GROUP, include('ff02::1'))).toThrow(RangeError)
    expect(() => h.layer.join(GROUP, { mode: 'include', sources: [ipv4('10.0.0.1')] })).toThrow(
      expect.objectContaining({ code: 'ERR_IP_FAMILY' }),
    )
    h.advance(2000)
    expect(said(h)).toEqual([])
  })
})

describe('a host without its link-local address', () => {
  it('reports from ::, and again when it has one, RFC 3810 §5.2.13', () => {
    const h = quietHost({
      mld: true,
      dupAddrDetectTransmits: 1,
      maxStartDelayMs: 0,
      addresses: [ipv6Prefix('fd00::a/64')],
    })
    h.layer.join(GROUP)
    h.advance(900)
    const before = h.sent().filter((p) => p.mld !== undefined)
    expect(new Set(before.map((p) => formatIpv6(p.src)))).toEqual(new Set(['::']))
    h.advance(100)
    const after = h.sent().filter((p) => p.mld !== undefined && formatIpv6(p.src) !== '::')
    expect(after.map(describeReport)[0]).toBe(`to-exclude ${OWN_GROUP}, to-exclude ff15::7`)
  })
})

describe('a query, RFC 3810 §6.2', () => {
  it('for everything is answered for everything, at a random time', () => {
    const times = new Set<number>()
    for (const seed of [1, 2, 3, 4]) {
      const h = host({ seed })
      h.layer.join(GROUP)
      h.advance(5000)
      h.sent()
      const start = h.runtime.clock.now()
      h.receive(mldQuery({ maxResponseDelay: 8000 }))
      expect(h.sent()).toEqual([])
      h.advance(8000)
      const [answer, ...more] = reports(h, start)
      expect(more).toEqual([])
      expect(answer![1]).toBe(`is-exclude ${OWN_GROUP}, is-exclude ff15::7`)
      expect(answer![0]).toBeLessThanOrEqual(8000)
      times.add(answer![0])
    }
    expect(times.size).toBe(4)
  })

  it('for a group is answered for that one', () => {
    const h = host()
    h.layer.join(GROUP)
    h.advance(5000)
    h.sent()
    h.receive(mldQuery({ group: GROUP, maxResponseDelay: 1000 }, { dst: 'ff15::7' }))
    h.receive(mldQuery({ group: ipv6('ff15::8'), maxResponseDelay: 1000 }))
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual(['is-exclude ff15::7'])
  })

  it('for sources of a group is answered with those, all of which are wanted', () => {
    const h = host()
    h.layer.join(GROUP)
    h.advance(5000)
    h.sent()
    const ask = (...sources: string[]): void =>
      h.receive(mldQuery({ group: GROUP, maxResponseDelay: 1000, sources: sources.map((s) => ipv6(s)) }))
    ask('fd00::1')
    ask('fd00::2')
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual(['is-include ff15::7 fd00::1 fd00::2'])
    ask('fd00::1')
    h.receive(mldQuery({ group: GROUP, maxResponseDelay: 1000 }))
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual(['is-exclude ff15::7'])
  })

  it('for very many sources is answered for the group, so that nobody can make us remember them', () => {
    const h = host()
    h.layer.join(GROUP)
    h.advance(5000)
    h.sent()
    for (let n = 0; n < 10; n++) {
      const sources = Array.from({ length: 50 }, (_, i) => ipv6FromWords(0xfd000000, 0, n, i))
      h.receive(mldQuery({ group: GROUP, maxResponseDelay: 1000, sources }))
    }
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual(['is-exclude ff15::7'])
  })

  it('for a group is not answered where an answer for everything comes sooner', () => {
    const h = host()
    h.layer.join(GROUP)
    h.advance(5000)
    h.sent()
    h.receive(mldQuery({ maxResponseDelay: 1 }))
    h.receive(mldQuery({ group: GROUP, maxResponseDelay: 10_000 }))
    h.advance(10_000)
    expect(reports(h)).toHaveLength(1)
  })

  it('for everything again is answered once, at the earlier time', () => {
    const h = host()
    for (let i = 0; i < 20; i++) h.receive(mldQuery({ maxResponseDelay: 1000 }))
    h.advance(10_000)
    expect(reports(h)).toHaveLength(1)
  })

  it('is not heeded from elsewhere', () => {
    const h = host()
    h.receive(mldQuery({}, { src: 'fd00::1' }))
    h.receive(mldQuery({}, { hopLimit: 2 }))
    const plain = mldQuery({})
    h.receive(icmp({ src: 'fe80::1', dst: 'ff02::1', hopLimit: 1 }, 130, { body: plain.subarray(56) }))
    h.advance(20_000)
    expect(h.sent()).toEqual([])
    expect(h.layer.stats.dropped).toEqual({ 'mld-bad-source': 1, 'mld-bad-hop-limit': 1, 'mld-no-router-alert': 1 })
  })

  it('is answered in as many reports as it takes', () => {
    const h = host({ mtu: 1280 })
    const fits = Math.floor((1280 - 40 - 8 - 8) / MLD_RECORD_LEN)
    for (let i = 1; i <= fits; i++) h.layer.join(ipv6FromWords(0xff150000, 0, 0, i))
    h.advance(10_000)
    h.sent()
    h.receive(mldQuery({ maxResponseDelay: 10 }))
    h.advance(10)
    const sizes = h.sent().map((p) => (Array.isArray(p.mld) ? p.mld.length : -1))
    expect(sizes).toEqual([fits, 1])
  })
})

describe('in the presence of a router of version 1, RFC 3810 §8.2.1', () => {
  const version1 = { version: 1 as const, maxResponseDelay: 1000 }

  it('groups are reported one by one, as RFC 2710 says', () => {
    const h = host()
    h.layer.join(GROUP)
    h.advance(5000)
    h.sent()
    h.receive(mldQuery(version1))
    h.advance(1000)
    const sent = h.sent()
    expect(sent.map(describeReport).sort()).toEqual([`v1 report ${OWN_GROUP}`, 'v1 report ff15::7'])
    for (const p of sent) expect(formatIpv6(p.dst)).toBe(describeReport(p).split(' ')[2])
  })

  it('joining and leaving are told so, too', () => {
    const h = host()
    h.receive(mldQuery(version1))
    h.advance(1000)
    h.sent()
    const { leave } = h.layer.join(GROUP)
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual(['v1 report ff15::7', 'v1 report ff15::7'])
    leave()
    h.advance(1000)
    const [done, ...more] = h.sent()
    expect(more).toEqual([])
    expect([describeReport(done!), formatIpv6(done!.dst)]).toEqual(['v1 done ff15::7', 'ff02::2'])
  })

  it('the report of another listener is enough', () => {
    const h = host()
    h.layer.join(GROUP)
    h.advance(5000)
    h.sent()
    h.receive(mldQuery(version1))
    const body = new Uint8Array(16)
    body.set([0xff, 0x15])
    body[15] = 7
    h.receive(icmp({ src: 'fe80::b', dst: 'ff15::7', hopLimit: 1 }, 131, { body }))
    h.advance(1000)
    expect(reports(h).map(([, what]) => what)).toEqual([`v1 report ${OWN_GROUP}`])
  })

  it('version 2 comes back when the router has gone', () => {
    const h = host()
    h.receive(mldQuery(version1))
    h.advance(259_000)
    h.sent()
    h.layer.join(GROUP)
    expect(reports(h).map(([, what]) => what)).toEqual(['v1 report ff15::7'])
    h.advance(2000)
    h.sent()
    h.layer.join(ipv6('ff15::8'))
    expect(reports(h).map(([, what]) => what)).toEqual(['to-exclude ff15::8'])
  })

  it('pending answers of version 2 are cancelled', () => {
    const h = host()
    h.receive(mldQuery({ maxResponseDelay: 10_000 }))
    h.receive(mldQuery({ ...version1, maxResponseDelay: 5000 }))
    h.advance(20_000)
    expect(reports(h).map(([, what]) => what)).toEqual([`v1 report ${OWN_GROUP}`])
  })
})
