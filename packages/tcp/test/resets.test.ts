import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { Script, type ScriptOptions } from './support/script.ts'

/** Brings a connection into a state; the peer's next sequence number is 1 or 2, ours 1 or 2. */
async function inState(
  state: string,
  options: ScriptOptions = {},
): Promise<{ t: Script; flow: TcpFlow; rcv: number; snd: number }> {
  const t = new Script(options)
  const flow = await t.accept()
  let rcv = 1
  let snd = 1
  if (['CLOSE-WAIT', 'LAST-ACK'].includes(state)) {
    await t.arrives({ fin: true, seq: 1, ack: 1 })
    rcv = 2
  }
  if (['FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'].includes(state)) {
    await flow.shutdown()
    snd = 2
  }
  if (state === 'FIN-WAIT-2') await t.arrives({ seq: 1, ack: 2 })
  if (state === 'CLOSING') await t.arrives({ fin: true, seq: 1, ack: 1 })
  if (state === 'TIME-WAIT') await t.arrives({ fin: true, seq: 1, ack: 2 })
  if (['CLOSING', 'TIME-WAIT'].includes(state)) rcv = 2
  expect(t.states()).toEqual([state])
  t.take()
  return { t, flow, rcv, snd }
}

const SYNCHRONIZED = ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT']

describe.each(SYNCHRONIZED)('in %s', (state) => {
  it('RFC 5961 §3.2: an exact reset ends the connection', async () => {
    const { t, rcv } = await inState(state)
    await t.arrives({ rst: true, seq: rcv })
    expect(t.states()).toEqual([])
    t.expectSends()
    await t.end()
  })

  it('SHLD-2 also with text', async () => {
    const { t, rcv } = await inState(state)
    await t.arrives({ rst: true, seq: rcv, data: 'go away' })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('one elsewhere in the window is challenged', async () => {
    const { t, rcv, snd } = await inState(state)
    await t.arrives({ rst: true, seq: rcv + 100 })
    t.expectSends({ seq: snd, ack: rcv, rst: false, length: 0 })
    expect(t.states()).toEqual([state])
    expect(t.tcp.stats.challengeAcksOut).toBe(1)
    await t.end()
  })

  it('one outside of the window is ignored', async () => {
    const { t, rcv } = await inState(state)
    await t.arrives({ rst: true, seq: rcv - 1 }, { rst: true, seq: rcv + 70_000 })
    t.expectSends()
    expect(t.states()).toEqual([state])
    await t.end()
  })

  it('RFC 5961 §4.2: a SYN is challenged, wherever it is', async () => {
    for (const at of [-1000, -1, 0, 100, 100_000]) {
      const { t, rcv, snd } = await inState(state)
      await t.arrives({ syn: true, seq: rcv + at })
      t.expectSends({ seq: snd, ack: rcv, syn: false, rst: false })
      expect(t.states()).toEqual([state])
      await t.end()
    }
  })

  it('RFC 9293 §3.5.2, third group: a segment outside of the window is answered by an empty ACK', async () => {
    for (const at of [-10, 70_000]) {
      const { t, rcv, snd } = await inState(state)
      await t.arrives({ seq: rcv + at, ack: snd, data: 'abc' })
      t.expectSends({ seq: snd, ack: rcv, length: 0 })
      expect(t.states()).toEqual([state])
      await t.end()
    }
  })

  it('a segment without ACK is dropped', async () => {
    const { t, rcv } = await inState(state)
    await t.arrives({ seq: rcv, data: 'abc' }, { seq: rcv, fin: true })
    t.expectSends()
    expect(t.states()).toEqual([state])
    expect(t.tcp.stats.dropped['no-ack']).toBe(2)
    await t.end()
  })

  it('an ACK of what was not sent is answered by an ACK', async () => {
    const { t, rcv, snd } = await inState(state)
    await t.arrives({ seq: rcv, ack: snd + 1, data: 'abc' })
    t.expectSends({ seq: snd, ack: rcv, length: 0 })
    expect(t.states()).toEqual([state])
    await t.end()
  })

  it('MAY-12, RFC 5961 §5.2: so is one from before the largest window', async () => {
    const { t, rcv, snd } = await inState(state)
    await t.arrives({ seq: rcv, ack: snd - 65_535 - 10, data: 'abc' })
    t.expectSends({ seq: snd, ack: rcv, length: 0 })
    await t.end()
  })
})

describe('RFC 5961', () => {
  it('§5.2: text with an old ACK within the window is taken', async () => {
    const { t, flow } = await inState('ESTABLISHED')
    await t.arrives({ seq: 1, ack: -60_000, data: 'abc' })
    expect(flow.info().unreadBytes).toBe(3)
    await t.end()
  })

  it('§7: challenges are limited, for each connection and for all', async () => {
    const { t } = await inState('ESTABLISHED')
    for (let i = 0; i < 5; i++) await t.arrives({ rst: true, seq: 100 + i })
    expect(t.take().length).toBe(1)
    await t.advance(500)
    await t.arrives({ rst: true, seq: 100 })
    expect(t.take().length).toBe(1)
    await t.end()

    const off = await inState('ESTABLISHED', { challengeAcksPerSecond: 0 })
    await off.t.arrives({ rst: true, seq: 100 }, { syn: true, seq: 50 })
    off.t.expectSends()
    await off.t.end()
  })

  it('two ends that disagree do not answer each other for ever', async () => {
    const { t } = await inState('ESTABLISHED')
    for (let i = 0; i < 10; i++) await t.arrives({ seq: 200_000, ack: 1 })
    expect(t.take().length).toBe(1)
    await t.end()
  })

  it('but text is always answered', async () => {
    const { t } = await inState('ESTABLISHED')
    for (let i = 0; i < 10; i++) await t.arrives({ seq: -50, ack: 1, data: 'old' })
    expect(t.take().length).toBe(10)
    await t.end()
  })
})

describe('segments of no connection (RFC 9293 §3.10.7.1)', () => {
  it('are reset in a way that their sender accepts', async () => {
    const t = new Script()
    await t.arrives({ syn: true, seq: 10 })
    t.expectSends({ rst: true, seq: 0, ack: 11 })
    await t.arrives({ seq: 10, data: 'abc', fin: true })
    t.expectSends({ rst: true, seq: 0, ack: 14 })
    await t.arrives({ seq: 10, ack: 77 }, { syn: true, seq: 10, ack: 78 })
    t.expectSends({ rst: true, seq: 77, ack: undefined }, { rst: true, seq: 78, ack: undefined })
    expect(t.tcp.stats).toMatchObject({ resetsOut: 4, dropped: { 'no-connection': 4 } })
    await t.end()
  })

  it('but never a reset', async () => {
    const t = new Script()
    await t.arrives({ rst: true, seq: 10 }, { rst: true, seq: 10, ack: 5 })
    t.expectSends()
    await t.end()
  })

  it('are left to others where resetUnknown is off', async () => {
    const t = new Script({ resetUnknown: false })
    expect(t.arrivesAs({ syn: true, seq: 0 }, {})).toBe(false)
    expect(t.arrivesAs({ seq: 0, ack: 1 }, {})).toBe(false)
    t.expectSends()
    const listener = t.tcp.listen({ port: 80 })
    expect(t.arrivesAs({ syn: true, seq: 0 }, {})).toBe(true)
    t.expectSends({ syn: true, ack: 1 })
    await listener.close()
    await t.end()
  })
})
