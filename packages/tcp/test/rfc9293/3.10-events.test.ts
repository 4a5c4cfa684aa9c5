import { describe, expect, it } from 'vitest'
import { Script, textOf } from '../support/script.ts'

describe('RFC 9293 §3.10.7.1: CLOSED', () => {
  it('a segment of no connection is reset, a reset is not', async () => {
    const t = new Script()
    await t.arrives({ seq: 5, ack: 77 }, { seq: 5, data: 'abc' }, { rst: true, seq: 5 })
    t.expectSends({ rst: true, seq: 77, ack: undefined }, { rst: true, seq: 0, ack: 8 })
    await t.end()
  })
})

describe('RFC 9293 §3.10.7.2: LISTEN', () => {
  it('first a reset is ignored, second an ACK is reset, third a SYN is answered', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ rst: true, seq: 1 })
    t.expectSends()
    await t.arrives({ seq: 1, ack: 9 })
    t.expectSends({ rst: true, seq: 9 })
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, seq: 0, ack: 1 })
    await t.end()
  })

  it.each([
    ['FIN', { fin: true, seq: 1 }],
    ['nothing', { seq: 1 }],
    ['text', { seq: 1, data: 'abc' }],
  ])('fourth what acknowledges nothing is dropped: %s', async (_, segment) => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives(segment)
    t.expectSends()
    expect(t.tcp.stats.dropped).toEqual({ 'not-syn': 1 })
    await t.end()
  })
})

describe('RFC 9293 §3.10.7.3: SYN-SENT', () => {
  it('a reset that acknowledges the SYN refuses the connection; others are ignored', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.arrives({ rst: true, seq: 0 }, { rst: true, seq: 0, ack: 5 })
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.arrives({ rst: true, seq: 0, ack: 1 })
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_REFUSED' })
    await t.end()
  })
})

describe('RFC 9293 §3.10.7.4: other states', () => {
  it('SHLD-31: segments out of order wait for what precedes them', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 4, ack: 1, data: 'def' })
    await t.arrives({ seq: 7, ack: 1, data: 'ghi', fin: true })
    expect(flow.info()).toMatchObject({ unreadBytes: 0, outOfOrderBytes: 6, endReceived: false })
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    expect(flow.info()).toMatchObject({ unreadBytes: 9, outOfOrderBytes: 0, endReceived: true })
    expect(t.states()).toEqual(['CLOSE-WAIT'])
    await t.end()
  })

  it('MAY-13: each is acknowledged at once', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ seq: 4, ack: 1, data: 'd' })
    t.expectSends({ ack: 1 })
    await t.arrives({ seq: 6, ack: 1, data: 'f' })
    t.expectSends({ ack: 1 })
    await t.end()
  })

  it('MUST-58: acknowledgments are put together', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'a' }, { seq: 2, ack: 1, data: 'b' }, { seq: 3, ack: 1, data: 'c' })
    t.expectSends({ ack: 4 })
    await t.end()
  })

  it('MUST-59: all segments that have come are processed before any is acknowledged', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 3, ack: 1, data: 'c' }, { seq: 2, ack: 1, data: 'b' }, { seq: 1, ack: 1, data: 'a' })
    expect(textOf(flow.peek(9))).toBe('abc')
    expect(t.take().at(-1)).toMatchObject({ ack: 4 })
    await t.end()
  })

  it('MAY-12: an ACK from before the largest window that was offered is answered and dropped (RFC 5961 §5)', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: -70_000, data: 'injected' })
    t.expectSends({ seq: 1, ack: 1, length: 0 })
    expect(flow.info().unreadBytes).toBe(0)
    await t.end()
  })

  it('first: an unacceptable segment is answered by an ACK, unless it is a reset', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ seq: 100_000, ack: 1, data: 'x' })
    t.expectSends({ seq: 1, ack: 1, length: 0 })
    await t.arrives({ rst: true, seq: 100_000 })
    t.expectSends()
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('second: only a reset that is exact counts, one elsewhere in the window is challenged', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ rst: true, seq: 2 })
    t.expectSends({ seq: 1, ack: 1, length: 0 })
    await t.arrives({ rst: true, seq: 1 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('fourth: a SYN is challenged', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ syn: true, seq: 1 })
    t.expectSends({ seq: 1, ack: 1, syn: false, rst: false })
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('SHLD-8: explicit congestion notification is implemented (RFC 3168)', async () => {
    const t = new Script({ ecn: 'request' })
    const promise = t.connectStart()
    t.expectSends({ syn: true, ece: true, cwr: true })
    await t.arrives({ syn: true, seq: 0, ack: 1, ece: true })
    expect((await promise).info().ecn).toBe(true)
    await t.end()
  })
})
