import { type Ipv4, ip } from '@fata/addr'
import type { IpReportKind } from '@fata/ip'
import { createFrameMeta } from '@fata/net'
import { describe, expect, it } from 'vitest'
import { bytesOf, Script } from '../support/script.ts'

describe('RFC 9293 §3.9.1.1: OPEN', () => {
  it('MUST-41: a passive OPEN does not disturb connections of the same port', async () => {
    const t = new Script()
    const first = t.tcp.listen({ port: 80 })
    const flow = await t.accept({}, {}, first)
    await first.close()
    t.tcp.listen({ port: 80 })
    await t.arrives({ seq: 1, ack: 1, data: 'still here' })
    expect(flow.info()).toMatchObject({ state: 'ESTABLISHED', unreadBytes: 10 })
    await t.end()
  })

  it('MUST-42: a port may be listened on while connections of it are in SYN-SENT or SYN-RECEIVED', async () => {
    const t = new Script()
    t.tcp.connect({ address: t.peer, port: 7, localPort: 80 }).catch(() => {})
    t.tcp.listen({ port: 80 })
    t.peerPort = 4000
    await t.arrives({ syn: true, seq: 0 })
    expect(t.states().sort()).toEqual(['SYN-RECEIVED', 'SYN-SENT'])
    t.tcp.listen({ port: 80, address: t.ip.address })
    await t.end()
  })

  it('MUST-43, MUST-45: a local address may be given, and stays that of the connection', async () => {
    const t = new Script()
    t.tcp.connect({ address: t.peer, port: 7, localAddress: t.ip.address, localPort: 1234 }).catch(() => {})
    await t.advance(10_000)
    expect(t.history.length).toBeGreaterThan(3)
    for (const packet of t.history) expect(packet.src).toEqual(t.ip.address)
    await t.end()
  })

  it('MUST-44: else the IP layer is asked for one', async () => {
    const t = new Script()
    const flow = await t.connect()
    expect(flow.local.address).toEqual(t.ip.source(t.peer))
    await t.end()
  })

  it.each(['224.0.0.1', '255.255.255.255', '10.0.0.255', '0.0.0.0'])('MUST-46: no OPEN to %s', async (address) => {
    const t = new Script()
    expect(() => t.tcp.connect({ address: ip(address), port: 7 })).toThrow(TypeError)
    t.expectSends()
    await t.end()
  })
})

describe('RFC 9293 §3.9.1.2: SEND', () => {
  it('MUST-60: without a PUSH flag in the call nothing is held back for ever', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.settle()
    t.expectSends({ data: 'x' })
    await t.end()
  })

  it('MUST-61, SHLD-27: PSH is on the last segment of what was written, and only there', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(1000))
    await flow.write(new Uint8Array(2000))
    await t.settle()
    expect(t.take().map((s) => [s.length, s.psh])).toEqual([
      [1460, false],
      [1460, false],
      [80, true],
    ])
    await t.end()
  })

  it('MAY-16: writes of one task share segments', async () => {
    const t = new Script()
    const flow = await t.accept()
    for (const data of ['a', 'b', 'c']) void flow.write(bytesOf(data))
    await t.settle()
    t.expectSends({ data: 'abc', psh: true })
    await t.end()
  })

  it('SHLD-28: segments are full where there is enough to send', async () => {
    const t = new Script()
    const flow = await t.accept()
    for (let i = 0; i < 100; i++) void flow.write(new Uint8Array(146))
    await t.settle()
    expect(t.take().map((s) => s.length)).toEqual(Array.from({ length: 10 }, () => 1460))
    await t.end()
  })
})

describe('RFC 9293 §3.9.1.8, §3.9.1.9: asynchronous reports, DSCP', () => {
  async function troubled(listen: boolean) {
    const t = new Script()
    const flow = await t.accept()
    const reports: string[] = []
    if (listen) flow.onReport = (report) => reports.push(report)
    await flow.write(bytesOf('x'))
    await t.settle()
    t.ip.report('host-unreachable', t.history.at(-1)!)
    await t.settle()
    return { t, flow, reports }
  }

  it('MUST-47: soft errors are reported to the application', async () => {
    const { t, flow, reports } = await troubled(true)
    expect(reports).toEqual(['soft-error'])
    expect(flow.info().softError).toBe('host-unreachable')
    await t.end()
  })

  it('SHLD-20: unless it does not want them', async () => {
    const { t, flow, reports } = await troubled(false)
    expect(reports).toEqual([])
    expect(flow.info().state).toBe('ESTABLISHED')
    await t.end()
  })

  it('MUST-48, SHLD-22: the application chooses the DSCP, which is handed to IP as it is', async () => {
    const t = new Script()
    await t.connect({}, { trafficClass: 0xb8 })
    expect(t.history.map((p) => p.trafficClass)).toEqual([0xb8, 0xb8])
    await t.end()
  })

  it('SHLD-21, SHLD-23: it can change in the middle, and changes only then', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('a'))
    await t.settle()
    flow.configure({ trafficClass: 0x20 })
    await t.arrives({ seq: 1, ack: 2 })
    await flow.write(bytesOf('b'))
    await t.settle()
    expect(t.history.map((p) => p.trafficClass)).toEqual([0, 0, 0x20])
    await t.end()
  })
})

describe('RFC 9293 §3.9.2: the interface to IP', () => {
  it('MUST-49: the time to live can be set', async () => {
    const t = new Script()
    const flow = await t.connect({}, { ttl: 3 })
    flow.configure({ ttl: 200 })
    await flow.write(bytesOf('x'))
    await t.settle()
    expect(t.history.map((p) => p.ttl)).toEqual([3, 3, 200])
    await t.end()
  })

  it('MUST-54, SHLD-25: an ICMP error reaches the connection whose segment it quotes', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.settle()
    t.ip.report('net-unreachable', t.history.at(-1)!)
    expect(flow.info().softError).toBe('net-unreachable')
    await t.end()
  })

  it.each<IpReportKind>([
    'net-unreachable',
    'host-unreachable',
    'source-route-failed',
    'time-exceeded',
    'parameter-problem',
  ])('MUST-56: %s does not abort a connection', async (kind) => {
    const t = new Script()
    void t.connectStart()
    t.ip.report(kind, t.history[0]!)
    await t.settle()
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.end()
  })

  it.each([
    ['protocol-unreachable', 'ERR_TCP_UNREACHABLE'],
    ['port-unreachable', 'ERR_TCP_REFUSED'],
  ] as const)('SHLD-26: %s does while it is being opened', async (kind, code) => {
    const t = new Script()
    const promise = t.connectStart()
    t.ip.report(kind, t.history[0]!)
    await expect(promise).rejects.toMatchObject({ code, report: kind })
    await t.end()
  })

  it('SHLD-26: but not an established one, which proves the message wrong (RFC 5927 §5.2)', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.settle()
    t.ip.report('port-unreachable', t.history.at(-1)!)
    await t.settle()
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-57: segments that were sent to a group or to all are dropped without a word', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    t.arrivesAs({ syn: true, seq: 0 }, { multicast: true })
    t.expectSends()
    expect(t.tcp.stats.dropped).toEqual({ multicast: 1 })
    await t.end()
  })

  it.each(['224.0.0.1', '255.255.255.255', '0.0.0.0'])('MUST-63: so are SYNs from %s', async (address) => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    const src = ip(address) as Ipv4
    const meta = createFrameMeta()
    meta.checksum = 'valid'
    t.arrivesAs({ syn: true, seq: 0 }, { src, meta })
    t.expectSends()
    expect(t.tcp.stats.dropped).toEqual({ 'bad-source': 1 })
    await t.end()
  })
})
