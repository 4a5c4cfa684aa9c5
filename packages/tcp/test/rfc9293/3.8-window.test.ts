import { describe, expect, it } from 'vitest'
import { bytesOf, Script } from '../support/script.ts'

describe('RFC 9293 §3.8.6: managing the window', () => {
  it('SHLD-14: the right edge of the own window never moves to the left', async () => {
    const t = new Script({ receiveBufferBytes: 10_000, receiveBufferMaxBytes: 10_000 })
    await t.accept()
    let edge = 0
    for (let at = 1; at < 10_000; at += 500) {
      await t.arrives({ seq: at, ack: 1, data: 500 })
      for (const s of t.take()) {
        expect(s.ack! + s.window).toBeGreaterThanOrEqual(edge)
        edge = s.ack! + s.window
      }
    }
    await t.end()
  })

  it('MUST-34: a peer may move his to the left, even beyond what was sent', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(5 * 1460))
    await t.settle()
    expect(t.take()).toHaveLength(5)
    await t.arrives({ seq: 1, ack: 1461, window: 1460 })
    expect(flow.info()).toMatchObject({ unackedBytes: 4 * 1460, sendWindow: 1460 })
    await t.arrives({ seq: 1, ack: 5 * 1460 + 1, window: 65535 })
    expect(flow.info().unackedBytes).toBe(0)
    await t.end()
  })

  it('SHLD-15: no new data is sent then', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(3 * 1460))
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1461, window: 1000 })
    await flow.write(new Uint8Array(1460))
    await t.settle()
    t.expectSends()
    await t.end()
  })

  it('SHLD-16: old data within the window is sent again', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(3 * 1460))
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1461, window: 1460 })
    await t.advance(200)
    t.expectSends({ seq: 1461, length: 1460 })
    await t.end()
  })

  it('MAY-7: old data beyond it only as the first segment, which serves as a probe', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(2 * 1460))
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1, window: 100 })
    await t.advance(200)
    t.expectSends({ seq: 1, length: 1460 })
    await t.end()
  })

  it('MUST-35, SHLD-17: a window that shrinks to nothing is probed, and the connection does not time out', async () => {
    const t = new Script({ userTimeoutMs: 60_000 })
    const flow = await t.accept()
    await flow.write(new Uint8Array(1460))
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1, window: 0 })
    for (let i = 0; i < 600; i++) {
      await t.advance(1000)
      for (const _ of t.take()) await t.arrives({ seq: 1, ack: 1, window: 0 })
    }
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })
})

describe('RFC 9293 §3.8.6.1: zero-window probing', () => {
  async function shut() {
    const t = new Script()
    const flow = await t.accept({}, { window: 0 })
    await flow.write(bytesOf('hello'))
    await t.settle()
    t.expectSends()
    return { t, flow }
  }

  it('MUST-36, SHLD-29, SHLD-30: a shut window is probed after the timeout, then less and less often', async () => {
    const { t } = await shut()
    for (const ms of [200, 400, 800, 1600]) {
      await t.advance(ms - 1)
      t.expectSends()
      await t.advance(1)
      t.expectSends({ seq: 0, length: 0 })
      await t.arrives({ seq: 1, ack: 1, window: 0 })
    }
    await t.arrives({ seq: 1, ack: 1, window: 100 })
    t.expectSends({ data: 'hello' })
    await t.end()
  })

  it('MUST-37: it may stay shut for ever, while probes are answered', async () => {
    const { t } = await shut()
    for (let minutes = 0; minutes < 600; minutes++) {
      await t.advance(60_000)
      for (const _ of t.take()) await t.arrives({ seq: 1, ack: 1, window: 0 })
    }
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('MAY-8: the own window may stay shut as long as nobody reads; every probe is answered', async () => {
    const t = new Script({ receiveBufferBytes: 4, receiveBufferMaxBytes: 4 })
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'full' })
    t.take()
    for (let i = 0; i < 5; i++) {
      await t.advance(60_000)
      await t.arrives({ seq: 5, ack: 1, data: 'x' })
      t.expectSends({ ack: 5, window: 0 })
    }
    await t.end()
  })
})

describe('RFC 9293 §3.8.6.2: silly-window avoidance', () => {
  it('MUST-38: the sender waits for room for a full segment', async () => {
    const t = new Script()
    const flow = await t.accept({}, { window: 2000 })
    await flow.write(new Uint8Array(5000))
    await t.settle()
    t.expectSends({ length: 1460 })
    await t.arrives({ seq: 1, ack: 1461, window: 700 })
    t.expectSends()
    await t.arrives({ seq: 1, ack: 1461, window: 1460 })
    t.expectSends({ length: 1460 })
    await t.end()
  })

  it('MUST-39: the receiver opens the window by a segment or by half of the buffer', async () => {
    const t = new Script({ receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000 })
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 4000 })
    t.expectSends({ ack: 4001, window: 0 })
    await flow.read({ most: 1000 })
    await t.settle()
    t.expectSends()
    await flow.read({ most: 460 })
    await t.settle()
    t.expectSends({ ack: 4001, window: 1460 })
    await t.end()
  })
})

describe('RFC 9293 §3.8.6.3: delayed acknowledgments', () => {
  async function quiet() {
    const t = new Script()
    const flow = await t.accept()
    // A reply ends the acknowledging at once of a connection's beginning.
    await t.arrives({ seq: 1, ack: 1, data: 'q' })
    await flow.write(bytesOf('a'))
    await t.settle()
    await t.arrives({ seq: 2, ack: 2 })
    t.take()
    return { t, flow }
  }

  it('SHLD-18: an acknowledgment waits for data that may go with it', async () => {
    const { t, flow } = await quiet()
    await t.arrives({ seq: 2, ack: 2, data: 'x' })
    t.expectSends()
    await flow.write(bytesOf('reply'))
    await t.settle()
    t.expectSends({ data: 'reply', ack: 3 })
    await t.end()
  })

  it('MUST-40: but less than half a second', async () => {
    const { t } = await quiet()
    await t.arrives({ seq: 2, ack: 2, data: 'x' })
    await t.advance(40)
    t.expectSends({ ack: 3 })
    expect(() => new Script({ delayedAckMs: 500 })).toThrow(RangeError)
    await t.end()
  })

  it('SHLD-19: every second full-sized segment is acknowledged', async () => {
    const { t } = await quiet()
    await t.arrives({ seq: 2, ack: 2, data: 1460 })
    await t.arrives({ seq: 1462, ack: 2, data: 1460 })
    t.take()
    await t.arrives({ seq: 2922, ack: 2, data: 1460 })
    t.expectSends()
    await t.arrives({ seq: 4382, ack: 2, data: 1460 })
    t.expectSends({ ack: 5842 })
    await t.end()
  })
})
