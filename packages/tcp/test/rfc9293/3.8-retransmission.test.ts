import { describe, expect, it } from 'vitest'
import { NewReno } from '../../src/core/congestion/newreno.ts'
import { bytesOf, Script } from '../support/script.ts'

describe('RFC 9293 §3.8.1, §3.8.2: retransmission timeout, congestion control', () => {
  it('MUST-18: Karn: what was sent twice gives no round-trip time', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.settle()
    const { rttMs } = flow.info()
    await t.advance(200)
    await t.advance(1000)
    await t.arrives({ seq: 1, ack: 2 })
    expect(flow.info().rttMs).toBe(rttMs)
    await t.end()
  })

  it('MUST-18: the timeout follows the round-trip time (RFC 6298)', async () => {
    const t = new Script()
    const flow = await t.accept()
    for (let at = 1; at <= 40; at++) {
      await flow.write(bytesOf('x'))
      await t.advance(300)
      t.take()
      await t.arrives({ seq: 1, ack: at + 1 })
    }
    const { rttMs, rtoMs } = flow.info()
    expect(rttMs).toBeGreaterThan(250)
    expect(rtoMs).toBeGreaterThan(300)
    expect(rtoMs).toBeLessThan(500)
    await t.end()
  })

  it('MUST-19: timeouts double', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.settle()
    t.take()
    for (const ms of [200, 400, 800, 1600, 3200]) {
      await t.advance(ms - 1)
      t.expectSends()
      await t.advance(1)
      t.expectSends({ data: 'x' })
    }
    await t.end()
  })

  it('MUST-19: slow start, then congestion avoidance', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(100_000))
    await t.settle()
    await t.advance(200)
    expect(flow.info()).toMatchObject({ cwnd: 1460, ssthresh: 7300 })
    t.take()
    // A duplicate shows that the timeout was not needless (RFC 5682).
    await t.arrives({ seq: 1, ack: 1 })
    // A window every round trip: doubled below ssthresh, one segment more from there on.
    const windows: number[] = []
    for (let acked = 1460; acked <= 14_600; acked += 1460) {
      await t.arrives({ seq: 1, ack: 1 + acked })
      windows.push(flow.info().cwnd / 1460)
    }
    expect(windows.slice(0, 4)).toEqual([2, 3, 4, 5])
    expect(windows.at(-1)).toBe(6)
    await t.end()
  })

  it('MAY-18: another congestion control can be chosen', async () => {
    const t = new Script({ congestion: 'cubic' })
    const flow = await t.accept()
    expect(flow.info().congestion).toBe('cubic')
    flow.configure({ congestion: (segments) => Object.assign(new NewReno(segments), { name: 'own' }) })
    expect(flow.info().congestion).toBe('own')
    await t.end()
  })
})

describe('RFC 9293 §3.8.3: connection failures', () => {
  it('SHLD-9, SHLD-10: R1: after three retransmissions the application is told', async () => {
    const t = new Script()
    const flow = await t.accept()
    const reports: string[] = []
    flow.onReport = (report) => reports.push(report)
    await flow.write(bytesOf('x'))
    await t.advance(200 + 400 + 799)
    expect(reports).toEqual([])
    await t.advance(1)
    expect([reports, flow.info().retransmits]).toEqual([['stalled'], 3])
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-20: R1: the IP layer is no longer told that the peer can be reached; R2: the connection is closed', async () => {
    const t = new Script()
    const flow = await t.accept()
    const read = flow.read()
    read.catch(() => {})
    const told = t.ip.confirmed.length
    await flow.write(bytesOf('x'))
    await t.advance(299_999)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.advance(1000)
    expect(t.states()).toEqual([])
    expect(t.ip.confirmed.length).toBe(told)
    await expect(read).rejects.toMatchObject({ code: 'ERR_TCP_TIMEOUT' })
    await t.end()
  })

  it('SHLD-11: R2 is at least 100 seconds', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.advance(100_000)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-21: the application sets R2 for each connection', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.configure({ userTimeoutMs: 5000 })
    await flow.write(bytesOf('x'))
    await t.settle()
    await t.advance(4999)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.advance(1)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('MUST-21: also to none at all', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.configure({ userTimeoutMs: Number.POSITIVE_INFINITY })
    await flow.write(bytesOf('x'))
    await t.advance(86_400_000)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-22: SYNs are sent again in the same way', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    for (const ms of [1000, 2000, 4000, 8000]) {
      await t.advance(ms)
      t.expectSends({ syn: true, seq: 0, mss: 1460 })
    }
    await t.arrives({ syn: true, seq: 0, ack: 1 })
    await promise
    await t.end()
  })

  it('MUST-23: R2 of a SYN is at least three minutes', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.advance(179_999)
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.advance(1)
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_TIMEOUT' })
    await t.end()
  })

  it('MUST-23: and of a SYN,ACK too', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    await t.advance(179_999)
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.end()
  })
})

describe('RFC 9293 §3.8.4: keep-alives', () => {
  const KEEPALIVE = { idleMs: 10_000, intervalMs: 1000, probes: 3 }

  it('MUST-24, MAY-5: an application can turn them on and off for a connection', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.configure({ keepalive: KEEPALIVE })
    await t.advance(10_000)
    t.expectSends({ seq: 0, ack: 1 })
    await t.arrives({ seq: 1, ack: 1 })
    flow.configure({ keepalive: false })
    await t.advance(100_000)
    t.expectSends()
    await t.end()
  })

  it('MUST-25: they are off by default', async () => {
    const t = new Script()
    await t.accept()
    await t.advance(30 * 86_400_000)
    t.expectSends()
    await t.end()
  })

  it('MUST-26: they are sent only when nothing is outstanding and nothing came for an interval', async () => {
    const t = new Script()
    const flow = await t.connect({}, { keepalive: KEEPALIVE })
    await t.advance(9000)
    await t.arrives({ seq: 1, ack: 1, data: 'x' })
    t.take()
    await t.advance(9000)
    t.expectSends()
    await flow.write(bytesOf('y'))
    await t.advance(60_000)
    expect(t.take().every((s) => s.data === 'y')).toBe(true)
    await t.end()
  })

  it('MUST-27, MUST-28: the interval can be set, and is two hours unless it is', async () => {
    const t = new Script()
    const flow = await t.connect({}, { keepalive: true })
    await t.advance(7_199_999)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: 0 })
    await t.arrives({ seq: 1, ack: 1 })
    flow.configure({ keepalive: { idleMs: 5000 } })
    await t.advance(5000)
    t.expectSends({ seq: 0 })
    await t.end()
  })

  it('MUST-29: a probe that is not answered does not mean that the connection is dead', async () => {
    const t = new Script()
    await t.connect({}, { keepalive: KEEPALIVE })
    await t.advance(12_000)
    t.expectSends({ seq: 0 }, { seq: 0 }, { seq: 0 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.arrives({ seq: 1, ack: 1 })
    await t.advance(9000)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('SHLD-12, MAY-6: a probe carries no data, and no octet of garbage either', async () => {
    const t = new Script()
    await t.connect({}, { keepalive: KEEPALIVE })
    await t.advance(10_000)
    t.expectSends({ seq: 0, ack: 1, length: 0 })
    await t.end()
  })
})
