import { describe, expect, it } from 'vitest'
import { Script } from './support/script.ts'

const KEEPALIVE = { idleMs: 10_000, intervalMs: 1000, probes: 3 }

describe('keepalive (RFC 9293 §3.8.4)', () => {
  it('MUST-25 is off by default', async () => {
    const t = new Script()
    await t.accept()
    await t.advance(100 * 3_600_000)
    t.expectSends()
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-24, MUST-26, MUST-27 probes after an idle time that can be chosen, SHLD-12 without data', async () => {
    const t = new Script()
    const flow = await t.connect({}, { keepalive: KEEPALIVE })
    await t.advance(9_999)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: 0, ack: 1, length: 0 })
    await t.arrives({ seq: 1, ack: 1 })
    await t.advance(9_999)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: 0 })
    flow.configure({ keepalive: false })
    await t.arrives({ seq: 1, ack: 1 })
    await t.advance(100_000)
    t.expectSends()
    await t.end()
  })

  it('MUST-28 the default is two hours', async () => {
    const t = new Script()
    await t.connect({}, { keepalive: true })
    await t.advance(7_199_999)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: 0 })
    await t.end()
  })

  it('MUST-29 one unanswered probe is not the end, several are', async () => {
    const t = new Script()
    const flow = await t.connect({}, { keepalive: KEEPALIVE })
    const read = flow.read()
    read.catch(() => {})
    await t.advance(10_000 + 2000)
    t.expectSends({ seq: 0 }, { seq: 0 }, { seq: 0 })
    await t.advance(999)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.advance(1)
    expect(t.states()).toEqual([])
    await expect(read).rejects.toMatchObject({ code: 'ERR_TCP_TIMEOUT' })
    await t.end()
  })

  it('an answer begins the counting anew', async () => {
    const t = new Script()
    await t.connect({}, { keepalive: KEEPALIVE })
    for (let i = 0; i < 5; i++) {
      await t.advance(10_000 + 2000)
      expect(t.take().length).toBe(3)
      await t.arrives({ seq: 1, ack: 1 })
    }
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('does not probe while data is in flight, which asks already', async () => {
    const t = new Script()
    const flow = await t.connect({}, { keepalive: { ...KEEPALIVE, idleMs: 300 } })
    await flow.write(new Uint8Array(10))
    await t.advance(3000)
    expect(t.take().every((s) => s.length === 10)).toBe(true)
    expect(t.tcp.stats.keepaliveProbesOut).toBe(0)
    await t.end()
  })

  it('can be turned on later, and is a setting of a listener too', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.configure({ keepalive: KEEPALIVE })
    await t.advance(10_000)
    t.expectSends({ seq: 0 })
    const listener = t.tcp.listen({ port: 80, keepalive: KEEPALIVE })
    t.peerPort = 1001
    await t.accept({}, {}, listener)
    await t.advance(10_000)
    expect(t.take().length).toBeGreaterThan(0)
    await t.end()
  })

  it('the peer’s probes are answered', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ seq: 0, ack: 1 })
    t.expectSends({ seq: 1, ack: 1 })
    await t.advance(1000)
    await t.arrives({ seq: 0, ack: 1, data: 'g' })
    t.expectSends({ seq: 1, ack: 1 })
    await t.end()
  })
})
