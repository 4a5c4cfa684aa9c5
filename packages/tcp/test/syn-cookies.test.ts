import { ip } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { SynCookies, stampOptions } from '../src/syn-cookies.ts'
import { readText, Script } from './support/script.ts'

const MODERN = { mss: 1460, sackPermitted: true, windowScale: 7, ts: [1000, 0] } as const

describe('SYN cookies (RFC 4987 §3.6)', () => {
  it('a SYN that finds no place is answered, and nothing is remembered', async () => {
    const t = new Script({ synBacklog: 2 })
    const listener = t.tcp.listen({ port: 80 })
    for (t.peerPort = 1000; t.peerPort < 1010; t.peerPort++) await t.arrives({ syn: true, seq: 0, mss: 1460 })
    expect(t.take().filter((s) => s.syn && s.ack === 1)).toHaveLength(10)
    expect(t.states()).toHaveLength(2)
    expect(t.tcp.stats).toMatchObject({ cookiesOut: 8, cookiesIn: 0, dropped: { 'syn-queue-full': 8 } })
    t.peerPort = 1009
    await t.arrives({ seq: 1, ack: 1, data: 'hello' })
    const flow = await listener.accept()
    expect(await readText(flow)).toBe('hello')
    expect(t.tcp.stats.cookiesIn).toBe(1)
    expect(flow.info()).toMatchObject({ state: 'ESTABLISHED', mss: 1460, sack: false, windowScaling: false })
    await t.end()
  })

  it('time stamps bring back the other options', async () => {
    const t = new Script({
      synCookies: 'always',
      timestamps: true,
      sack: true,
      windowScale: true,
      ecn: 'accept',
      startAt: 123_456,
    })
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0, ece: true, cwr: true, ...MODERN })
    const [synAck] = t.expectSends({ syn: true, ack: 1, ece: true, sackPermitted: true, windowScale: 7, mss: 1460 })
    await t.advance(50)
    await t.arrives({ seq: 1, ack: 1, ts: [1050, synAck!.ts![0]], window: 500 })
    const flow = await listener.accept()
    expect(flow.info()).toMatchObject({
      sack: true,
      timestamps: true,
      windowScaling: true,
      sendScale: 7,
      ecn: true,
      sendWindow: 500 << 7,
      mss: 1448,
      cwnd: 14_480,
    })
    await flow.write(new Uint8Array(10))
    await t.settle()
    const [sent] = t.expectSends({ seq: 1, length: 10 })
    expect(sent!.ts![0] - synAck!.ts![0]).toBeGreaterThanOrEqual(50)
    await t.end()
  })

  it('what is no cookie is reset, as is what comes when none was sent', async () => {
    const t = new Script({ synCookies: 'always' })
    t.tcp.listen({ port: 80 })
    await t.arrives({ seq: 1, ack: 1 })
    t.expectSends({ rst: true, seq: 1 })
    await t.arrives({ syn: true, seq: 0 })
    t.take()
    await t.arrives({ seq: 1, ack: 2 }, { seq: 2, ack: 1 })
    t.expectSends({ rst: true }, { rst: true })
    await t.arrives({ seq: 1, ack: 1, rst: true })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('a cookie is good for one to two minutes', async () => {
    for (const [ms, states] of [
      [60_000, ['ESTABLISHED']],
      [130_000, []],
    ] as const) {
      const t = new Script({ synCookies: 'always' })
      t.tcp.listen({ port: 80 })
      await t.arrives({ syn: true, seq: 0 })
      await t.advance(ms)
      await t.arrives({ seq: 1, ack: 1 })
      expect(t.states()).toEqual(states)
      await t.end()
    }
  })

  it('the backlog holds for them too', async () => {
    const t = new Script({ synCookies: 'always' })
    t.tcp.listen({ port: 80, backlog: 1 })
    for (t.peerPort = 1000; t.peerPort < 1002; t.peerPort++) await t.arrives({ syn: true, seq: 0 })
    for (t.peerPort = 1000; t.peerPort < 1002; t.peerPort++) await t.arrives({ seq: 1, ack: 1 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(t.tcp.stats.dropped['backlog-full']).toBe(1)
    await t.end()
  })

  it('says the greatest MSS that it can and that is not above the peer’s, and nothing to others', () => {
    const cookies = new SynCookies(seededRandom(3))
    const of = { local: ip('10.0.0.1'), localPort: 80, remote: ip('fd00::1'), remotePort: 7 }
    for (const [mss, told] of [
      [0, 48],
      [536, 536],
      [1459, 1440],
      [1460, 1460],
      [65535, 8960],
    ] as const) {
      const iss = cookies.make(of, 77, mss, 1e9)
      expect(cookies.read(of, 77, iss, 1e9 + 64_000)).toBe(told)
      expect(cookies.read(of, 78, iss, 1e9)).toBeUndefined()
      expect(cookies.read({ ...of, remotePort: 8 }, 77, iss, 1e9)).toBeUndefined()
      expect(cookies.read(of, 77, iss, 1e9 + 200_000)).toBeUndefined()
      for (let bit = 0; bit < 32; bit++) expect(cookies.read(of, 77, iss ^ (1 << bit), 1e9)).toBeUndefined()
    }
  })

  it('marks time stamps that are no more than 64 ms old', () => {
    for (let ts = 0x7fffff00; ts < 0x7fffff90; ts += 7) {
      const change = stampOptions(ts, 14, true, false)
      expect(change).toBeLessThanOrEqual(0)
      expect(change).toBeGreaterThan(-64)
      expect((ts + change) & 63).toBe(14 | 16)
    }
  })
})
