import { describe, expect, it } from 'vitest'
import { bytesOf, readText, Script } from '../support/script.ts'

describe('RFC 9293 §3.6: closing a connection', () => {
  it('figure 12: normal close', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    t.expectSends({ fin: true, seq: 1, ack: 1 })
    expect(t.states()).toEqual(['FIN-WAIT-1'])
    await t.arrives({ seq: 1, ack: 2 })
    expect(t.states()).toEqual(['FIN-WAIT-2'])
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.expectSends({ seq: 2, ack: 2 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.advance(60_000)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('figure 13: simultaneous close', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    t.expectSends({ fin: true, seq: 1, ack: 1 })
    await t.arrives({ fin: true, seq: 1, ack: 1 })
    expect(t.states()).toEqual(['CLOSING'])
    t.expectSends({ seq: 2, ack: 2 })
    await t.arrives({ seq: 2, ack: 2 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.end()
  })

  it('MUST-12: the application learns whether the connection was closed or reset', async () => {
    for (const [segment, end] of [
      [{ fin: true, seq: 1, ack: 1 }, null],
      [{ rst: true, seq: 1 }, 'ERR_TCP_RESET'],
    ] as const) {
      const t = new Script()
      const flow = await t.accept()
      await t.arrives(segment)
      expect(await flow.read().catch((error) => error.code)).toBe(end)
      await t.end()
    }
  })
})

describe('RFC 9293 §3.6.1: half-closed connections', () => {
  it('MAY-1: closes for both directions: what comes later is not read', async () => {
    const t = new Script()
    const flow = await t.accept()
    const closed = flow.close()
    await t.settle()
    t.expectSends({ fin: true })
    expect(await flow.read()).toBe(null)
    await t.arrives({ seq: 1, ack: 2 })
    await closed
    expect(t.states()).toEqual(['FIN-WAIT-2'])
    await t.end()
  })

  it('SHLD-3: closing with unread data sends a reset', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'unread' })
    t.take()
    await flow.close()
    await t.settle()
    t.expectSends({ rst: true, seq: 1 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('SHLD-3: so does data that comes after close', async () => {
    const t = new Script()
    const flow = await t.accept()
    void flow.close()
    await t.settle()
    t.expectSends({ fin: true })
    await t.arrives({ seq: 1, ack: 2, data: 'late' })
    t.expectSends({ rst: true, seq: 2 })
    await t.end()
  })

  it('MUST-13: who closes first stays in TIME-WAIT for 2 MSL, and begins anew when the FIN comes again', async () => {
    const t = new Script({ mslMs: 120_000 })
    const flow = await t.accept()
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    await t.advance(239_999)
    t.take()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.expectSends({ seq: 2, ack: 2 })
    await t.advance(239_999)
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.advance(1)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('MAY-2: a SYN with a larger sequence number reopens from TIME-WAIT, with a larger ISN', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    const flow = await t.accept({}, {}, listener)
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    const before = t.ourIss
    t.take()
    await t.arrives({ syn: true, seq: 100_000 })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    expect((t.ourIss - (before + 2)) | 0).toBeGreaterThan(0)
    await t.end()
  })

  it('SHLD-4: with time stamps a larger one reopens it, whatever its sequence number (RFC 6191)', async () => {
    const t = new Script({ timestamps: true })
    const listener = t.tcp.listen({ port: 80 })
    const flow = await t.accept({ ts: [1000, 0] }, { ts: [1000, 0] }, listener)
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2, ts: [1001, 0] })
    expect(t.states()).toEqual(['TIME-WAIT'])
    t.take()
    await t.arrives({ syn: true, seq: -5000, ts: [2000, 0] })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.end()
  })

  it('half-close: after its own FIN it receives on', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('question'))
    await flow.shutdown()
    t.expectSends({ data: 'question', fin: true })
    await t.arrives({ seq: 1, ack: 10, data: 'answer' }, { fin: true, seq: 7, ack: 10 })
    expect(await readText(flow)).toBe('answer')
    expect(await readText(flow)).toBe(null)
    await t.end()
  })
})
