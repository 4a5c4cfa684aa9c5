import type { IpReportKind } from '@fata/ip'
import { describe, expect, it } from 'vitest'
import { Script } from './support/script.ts'

const SOFT: IpReportKind[] = [
  'net-unreachable',
  'host-unreachable',
  'time-exceeded',
  'parameter-problem',
  'prohibited',
  'source-route-failed',
  'reassembly-timeout',
]

describe('ICMP (RFC 9293 §3.9.2.2, RFC 5927)', () => {
  it.each(SOFT)('MUST-56 %s does not end the opening of a connection, but is told at the end of it', async (kind) => {
    const t = new Script()
    const promise = t.connectStart()
    t.ip.report(kind, t.history[0]!)
    await t.settle()
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.advance(180_000)
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_UNREACHABLE', message: expect.stringContaining(kind) })
    await t.end()
  })

  it.each([
    ['port-unreachable', 'ERR_TCP_REFUSED'],
    ['protocol-unreachable', 'ERR_TCP_UNREACHABLE'],
  ] as const)('SHLD-26 %s ends it', async (kind, code) => {
    const t = new Script()
    const promise = t.connectStart()
    t.ip.report(kind, t.history[0]!)
    await expect(promise).rejects.toMatchObject({ code })
    await t.settle()
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('so does a next hop that does not answer, when this host says so', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.ip.report('host-unreachable', t.history[0]!, { reporter: t.ip.address })
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_UNREACHABLE' })
    await t.end()
  })

  it.each([...SOFT, 'port-unreachable', 'protocol-unreachable'] as const)(
    'RFC 5461 §4.1: %s does not end an established connection; MUST-47, SHLD-25 it is reported',
    async (kind) => {
      const t = new Script()
      const flow = await t.accept()
      const reports: string[] = []
      flow.onReport = (report) => reports.push(report)
      await flow.write(new Uint8Array(10))
      await t.settle()
      t.ip.report(kind, t.history.at(-1)!)
      await t.settle()
      expect(t.states()).toEqual(['ESTABLISHED'])
      expect(reports).toEqual(['soft-error'])
      expect(flow.info().softError).toBe(kind)
      await t.end()
    },
  )

  it('RFC 5927 §4.1: what is not in flight is nobody’s error', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(10))
    await t.settle()
    const sent = t.history.at(-1)!
    await t.arrives({ seq: 1, ack: 11 })
    t.ip.report('port-unreachable', sent)
    const wild = sent.bytes.slice()
    wild[4] = wild[4]! ^ 0x40
    t.ip.report('port-unreachable', { ...sent, bytes: wild })
    expect(t.tcp.stats.reportsIgnored).toEqual({ sequence: 2 })
    expect(flow.info().softError).toBeUndefined()
    wild[0] = wild[0]! ^ 1
    t.ip.report('port-unreachable', { ...sent, bytes: wild })
    expect(t.tcp.stats.reportsIgnored).toEqual({ sequence: 2, 'no-connection': 1 })
    await t.end()
  })

  it('MUST-54 a packet that is too big is sent again in pieces that fit, and the window is not cut', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(4380))
    await t.settle()
    expect(t.take().map((s) => s.length)).toEqual([1460, 1460, 1460])
    const { cwnd } = flow.info()
    t.ip.mtuNow = 1020
    t.ip.report('packet-too-big', t.history.at(-3)!, { mtu: 1040 })
    await t.settle()
    expect(t.take().map((s) => [s.seq, s.length])).toEqual([
      [1, 1000],
      [1001, 1000],
      [2001, 1000],
      [3001, 1000],
      [4001, 380],
    ])
    expect(flow.info()).toMatchObject({ mss: 1000, recovery: 'none' })
    expect(flow.info().cwnd).toBeLessThanOrEqual(cwnd)
    expect(flow.info().cwnd / 1000).toBeCloseTo(cwnd / 1460, 2)
    await t.end()
  })

  it('one that changes nothing does nothing', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(1460))
    await t.settle()
    t.take()
    t.ip.report('packet-too-big', t.history.at(-1)!, { mtu: 1500 })
    t.ip.report('packet-too-big', t.history.at(-1)!, { mtu: 0 })
    await t.settle()
    t.expectSends()
    expect(flow.info().mss).toBe(1460)
    await t.end()
  })

  it('a SYN that meets a smaller way leads to smaller segments', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.ip.mtuNow = 1020
    t.ip.report('packet-too-big', t.history[0]!, { mtu: 1040 })
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460 })
    expect((await promise).info().mss).toBe(1000)
    await t.end()
  })
})
