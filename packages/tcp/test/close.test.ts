import { describe, expect, it } from 'vitest'
import { bytesOf, readText, Script } from './support/script.ts'

describe('closing (RFC 9293 §3.6)', () => {
  it('figure 12: active close, TIME-WAIT for 2 MSL (MUST-13)', async () => {
    const t = new Script()
    const flow = await t.connect()
    const closed = flow.close()
    await t.settle()
    t.expectSends({ fin: true, seq: 1, ack: 1 })
    expect(t.states()).toEqual(['FIN-WAIT-1'])
    await t.arrives({ seq: 1, ack: 2 })
    await closed
    expect(t.states()).toEqual(['FIN-WAIT-2'])
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.expectSends({ fin: false, seq: 2, ack: 2 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.advance(59_999)
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.advance(1)
    expect(t.states()).toEqual([])
    t.expectSends()
    await t.end()
  })

  it('figure 12: passive close', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ fin: true, seq: 1, ack: 1 })
    t.expectSends({ ack: 2 })
    expect(await readText(flow)).toBe(null)
    expect(t.states()).toEqual(['CLOSE-WAIT'])
    await flow.write(bytesOf('bye'))
    const closed = flow.close()
    await t.settle()
    t.expectSends({ fin: true, seq: 1, ack: 2, data: 'bye' })
    expect(t.states()).toEqual(['LAST-ACK'])
    await t.arrives({ seq: 2, ack: 5 })
    await closed
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('figure 13: simultaneous close through CLOSING', async () => {
    const t = new Script()
    const flow = await t.accept()
    const closed = flow.close()
    await t.settle()
    t.expectSends({ fin: true, seq: 1, ack: 1 })
    await t.arrives({ fin: true, seq: 1, ack: 1 })
    t.expectSends({ fin: false, seq: 2, ack: 2 })
    expect(t.states()).toEqual(['CLOSING'])
    await t.arrives({ seq: 2, ack: 2 })
    await closed
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.advance(60_000)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('simultaneous close with FIN and ACK of ours in one segment', async () => {
    const t = new Script()
    const flow = await t.accept()
    const closed = flow.close()
    await t.settle()
    t.take()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.expectSends({ seq: 2, ack: 2 })
    await closed
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.end()
  })

  it('half close: sends no more, receives on, for as long as it takes', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    t.expectSends({ fin: true, seq: 1 })
    await t.arrives({ seq: 1, ack: 2 })
    await t.advance(3_600_000)
    expect(t.states()).toEqual(['FIN-WAIT-2'])
    await t.arrives({ seq: 1, ack: 2, data: 'late' })
    expect(await readText(flow)).toBe('late')
    await t.arrives({ fin: true, seq: 5, ack: 2 })
    expect(await readText(flow)).toBe(null)
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.end()
  })

  it('sends the FIN behind what was written, and again until it is acknowledged', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(2000))
    const closed = flow.close()
    await t.settle()
    t.expectSends({ seq: 1, length: 1460, fin: false }, { seq: 1461, length: 540, fin: true, psh: true })
    await t.arrives({ seq: 1, ack: 2001 })
    await t.advance(200)
    t.expectSends({ seq: 2001, length: 0, fin: true })
    await t.advance(400)
    t.expectSends({ seq: 2001, fin: true })
    await t.arrives({ seq: 1, ack: 2002 })
    await closed
    await t.end()
  })

  it('takes text and FIN of the peer after its own FIN', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    await t.arrives({ seq: 4, ack: 2, data: 'def', fin: true })
    expect(await readText(flow)).toBe('abcdef')
    expect(await readText(flow)).toBe(null)
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.end()
  })

  it('answers the FIN again in TIME-WAIT, and begins to wait anew', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.take()
    await t.advance(40_000)
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.expectSends({ seq: 2, ack: 2 })
    await t.advance(40_000)
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.advance(20_000)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('MAY-2 a SYN beyond the old sequence numbers reopens from TIME-WAIT with a larger ISN', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    const flow = await t.accept({}, {}, listener)
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    t.take()
    const before = t.ourIss
    await t.arrives({ syn: true, seq: 1 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    t.take()
    await t.arrives({ syn: true, seq: 500 })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    expect((t.ourIss - before) | 0).toBeGreaterThan(2)
    await t.end()
  })

  it('a reset ends TIME-WAIT only when it is exact', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    await t.arrives({ rst: true, seq: 100 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.arrives({ rst: true, seq: 2 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('waits in FIN-WAIT-2 after close for a while only', async () => {
    const t = new Script()
    const flow = await t.accept()
    void flow.close()
    await t.settle()
    await t.arrives({ seq: 1, ack: 2 })
    await t.advance(59_999)
    expect(t.states()).toEqual(['FIN-WAIT-2'])
    await t.advance(1)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('waits in FIN-WAIT-2 for a while when the flow is closed after its shutdown', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.shutdown()
    await t.arrives({ seq: 1, ack: 2 })
    await t.advance(100_000)
    await flow.close()
    await t.advance(60_000)
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('SHLD-3 closing with unread data resets', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'unread' })
    t.take()
    await flow.close()
    await t.settle()
    t.expectSends({ rst: true, seq: 1, ack: 7 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('SHLD-3 data after close resets', async () => {
    const t = new Script()
    const flow = await t.accept()
    const closed = flow.close()
    await t.settle()
    await t.arrives({ seq: 1, ack: 2 })
    await closed
    t.take()
    await t.arrives({ seq: 1, ack: 2, data: 'too late' })
    t.expectSends({ rst: true, seq: 2 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('also where a FIN is known that the data reaches', async () => {
    const t = new Script()
    const flow = await t.accept()
    const closed = flow.close()
    await t.settle()
    await t.arrives({ seq: 4, ack: 2, fin: true })
    await closed
    t.take()
    await t.arrives({ seq: 1, ack: 2, data: 'abc' })
    t.expectSends({ rst: true, seq: 2 })
    await t.end()
  })

  it('but not before the peer has what was written', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'unread' })
    await flow.write(bytesOf('answer'))
    const closed = flow.close()
    await t.settle()
    t.take()
    await t.arrives({ seq: 7, ack: 1, data: 'more' })
    t.expectSends({ rst: false, ack: 11 })
    await t.arrives({ seq: 11, ack: 7 })
    t.expectSends({ rst: true, seq: 7 })
    await closed
    await t.end()
  })

  it('MUST-12 tells an end from a reset', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'last words' })
    await t.arrives({ rst: true, seq: 11, ack: 1 })
    expect(t.states()).toEqual([])
    expect(await readText(flow)).toBe('last words')
    await expect(flow.read()).rejects.toMatchObject({ code: 'ERR_TCP_RESET' })
    await expect(flow.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_TCP_RESET' })
    expect(t.tcp.stats.establishedResets).toBe(1)
    await t.end()
  })

  it('a reset wakes readers, writers and closers', async () => {
    const t = new Script({ sendBufferBytes: 100, sendBufferMaxBytes: 100 })
    const flow = await t.accept({ window: 0 }, { window: 0 })
    const read = flow.read()
    const write = flow.write(new Uint8Array(1000))
    const shutdown = flow.shutdown()
    const closed = flow.close()
    const outcome = Promise.allSettled([read, write, shutdown, closed])
    await t.arrives({ rst: true, seq: 1 })
    expect((await outcome).map((o) => o.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    await t.end()
  })

  it('abort sends a reset at once', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(5000))
    await t.settle()
    t.take()
    flow.abort()
    await t.settle()
    t.expectSends({ rst: true, seq: 5001, ack: 1, length: 0 })
    expect(t.states()).toEqual([])
    await expect(flow.read()).rejects.toMatchObject({ code: 'ERR_TCP_ABORTED' })
    await t.end()
  })

  it('abort in CLOSING, LAST-ACK and TIME-WAIT is silent (§3.10.5)', async () => {
    for (const state of ['CLOSING', 'LAST-ACK', 'TIME-WAIT']) {
      const t = new Script()
      const flow = await t.accept()
      if (state === 'LAST-ACK') await t.arrives({ fin: true, seq: 1, ack: 1 })
      await flow.shutdown()
      if (state === 'CLOSING') await t.arrives({ fin: true, seq: 1, ack: 1 })
      if (state === 'TIME-WAIT') await t.arrives({ fin: true, seq: 1, ack: 2 })
      expect(t.states()).toEqual([state])
      t.take()
      flow.abort()
      await t.settle()
      t.expectSends()
      expect(t.states()).toEqual([])
      await t.end()
    }
  })

  it('sends a reset for a connection that it has forgotten', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.abort()
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1, data: 'hello?' })
    t.expectSends({ rst: true, seq: 1, ack: undefined })
    await t.end()
  })
})

describe('Tcp.close', () => {
  it('resets everything at once', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    const accept = listener.accept()
    const waiting = listener.accept()
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ seq: 1, ack: 1 })
    const flow = await accept
    t.peerPort = 40001
    await t.arrives({ syn: true, seq: 0 })
    t.take()
    const outcome = Promise.allSettled([waiting, flow.read()])
    await t.tcp.close()
    expect((await outcome).map((o) => (o.status === 'rejected' ? o.reason.code : o.status))).toEqual([
      'ERR_TCP_CLOSED',
      'ERR_TCP_CLOSED',
    ])
    expect(t.take().map((s) => s.rst)).toEqual([true, true])
    await expect(t.tcp.connect({ address: t.peer, port: 1 })).rejects.toMatchObject({ code: 'ERR_TCP_CLOSED' })
    expect(() => t.tcp.listen({ port: 1 })).toThrow(expect.objectContaining({ code: 'ERR_TCP_CLOSED' }))
    expect(t.arrivesAs({ syn: true, seq: 0 }, {})).toBe(false)
    await t.end()
  })

  it('lets flows end in order within graceMs', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('bye'))
    let done = false
    const closing = t.tcp.close({ graceMs: 5000 }).then(() => {
      done = true
    })
    await t.settle()
    t.expectSends({ data: 'bye', fin: true })
    await t.advance(100)
    expect(done).toBe(false)
    await t.arrives({ seq: 1, ack: 5, fin: true })
    await closing
    t.expectSends({ ack: 2 })
    await t.end()
  })

  it('and resets what takes longer', async () => {
    const t = new Script()
    await t.accept()
    const closing = t.tcp.close({ graceMs: 5000 })
    await t.settle()
    t.take()
    await t.advance(5000)
    await closing
    expect(t.take().at(-1)).toMatchObject({ rst: true })
    await t.end()
  })
})
