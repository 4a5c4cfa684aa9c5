import { describe, expect, it } from 'vitest'
import { Script } from '../support/script.ts'

describe('RFC 9293 §3.5: establishing a connection', () => {
  it('figure 6: the three-way handshake', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.expectSends({ syn: true, seq: 0, ack: undefined })
    await t.arrives({ syn: true, seq: 0, ack: 1 })
    t.expectSends({ syn: false, seq: 1, ack: 1 })
    await promise
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-10: figure 7, simultaneous open', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.expectSends({ syn: true, seq: 0, ack: undefined })
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, seq: 0, ack: 1 })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.arrives({ syn: true, seq: 0, ack: 1 })
    await promise
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MUST-11: SYN-RECEIVED remembers how it was reached: a reset refuses an active open', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ rst: true, seq: 1 })
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_REFUSED' })
    await t.end()
  })

  it('MUST-11: and brings a passive one back to LISTEN', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ rst: true, seq: 1 })
    expect(t.states()).toEqual([])
    t.take()
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, ack: 1 })
    await t.arrives({ seq: 1, ack: 1 })
    await listener.accept()
    await t.end()
  })

  it('figure 8: an old duplicate SYN is reset by the peer, the new one goes on', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: -1000 })
    t.expectSends({ syn: true, ack: -999 })
    await t.arrives({ rst: true, seq: -999 })
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, ack: 1 })
    await t.arrives({ seq: 1, ack: 1 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('§3.5.1, figure 9: a half-open peer is reset when he speaks', async () => {
    const t = new Script()
    await t.arrives({ seq: 300, ack: 100, data: 'x' })
    t.expectSends({ rst: true, seq: 100, ack: undefined })
    await t.end()
  })

  it('§3.5.2, group 2: an ACK of something that was not sent, before the connection is there, is reset', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ syn: true, seq: 0, ack: 99 })
    t.expectSends({ rst: true, seq: 99 })
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.arrives({ syn: true, seq: 0, ack: 1 })
    await promise
    await t.end()
  })

  it('SHLD-2: a reset may carry data', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ rst: true, seq: 1, ack: 1, data: 'because' })
    await expect(flow.read()).rejects.toMatchObject({ code: 'ERR_TCP_RESET' })
    await t.end()
  })
})
