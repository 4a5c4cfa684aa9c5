import { describe, expect, it } from 'vitest'
import { bytesOf, readText, Script, text, textOf } from './support/script.ts'

describe('reading by measure', () => {
  it('takes as much as is asked for, and looks without taking', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: text(300) }, { seq: 301, ack: 1, data: text(1200, 300) })
    expect(textOf(flow.peek(10))).toBe(text(10))
    expect(textOf(flow.peek(9999))).toBe(text(1500))
    expect(flow.info().unreadBytes).toBe(1500)
    let got = ''
    for (let n = 1; got.length < 1500; n = n * 2 + 1) got += textOf((await flow.read({ most: n }))!)
    expect(got).toBe(text(1500))
    expect(flow.peek(1).length).toBe(0)
    const waiting = flow.read({ most: 2 })
    await t.arrives({ seq: 1501, ack: 1, data: 'abc' })
    expect(textOf((await waiting)!)).toBe('ab')
    expect(await readText(flow)).toBe('c')
    expect(() => flow.read({ most: 0 })).toThrow(RangeError)
    flow.abort()
    await t.end()
  })

  it('keeps borrowed pieces apart', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abcdef' })
    expect(textOf((await flow.read({ most: 2, borrow: true }))!)).toBe('ab')
    expect(textOf((await flow.read({ most: 3, borrow: true }))!)).toBe('cde')
    const kept = (await flow.read())!
    await t.arrives({ seq: 7, ack: 1, data: 'ghijkl' })
    expect(textOf(kept)).toBe('f')
    flow.abort()
    await t.end()
  })
})

describe('readiness', () => {
  it('is told for data, room, the end', async () => {
    const t = new Script()
    const flow = await t.accept()
    const seen: number[] = []
    flow.onReady = () => seen.push(flow.info().unreadBytes)
    await t.arrives({ seq: 1, ack: 1, data: 'ab' })
    await flow.write(bytesOf('x'))
    await t.settle()
    await t.arrives({ seq: 3, ack: 2 })
    expect(flow.info().endReceived).toBe(false)
    await t.arrives({ fin: true, seq: 3, ack: 2 })
    expect(flow.info().endReceived).toBe(true)
    expect(seen).toEqual([2, 2, 2])
    flow.abort()
    await t.end()
  })

  it('is told for connections that nobody waits for', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    let told = 0
    listener.onReady = () => told++
    expect(listener.waiting).toBe(0)
    await t.arrives({ syn: true, seq: 0, mss: 1460 })
    await t.arrives({ seq: 1, ack: 1 })
    expect([listener.waiting, told]).toEqual([1, 1])
    const flow = await listener.accept()
    expect(listener.waiting).toBe(0)
    flow.abort()
    await t.end()
  })
})

describe('choices of one flow', () => {
  it('holds small writes back while corked', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.configure({ cork: true, noDelay: true })
    await flow.write(bytesOf(text(1500)))
    await t.settle()
    t.expectSends({ seq: 1, length: 1460 })
    flow.configure({ cork: false })
    await t.settle()
    t.expectSends({ seq: 1461, length: 40 })
    flow.abort()
    await t.end()
  })

  it('sends and asks for smaller segments', async () => {
    const t = new Script()
    const promise = t.connectStart({ maxSegmentBytes: 500 })
    t.expectSends({ syn: true, mss: 500 })
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460 })
    const flow = await promise
    t.expectSends({ seq: 1, ack: 1 })
    await flow.write(bytesOf(text(700)))
    await t.settle()
    t.expectSends({ length: 500 }, { length: 200 })
    flow.abort()
    await t.end()
  })

  it('keeps a chosen receive buffer, and scales the window for it', async () => {
    const t = new Script({ windowScale: true })
    const promise = t.connectStart({ receiveBufferBytes: 200_000 })
    t.expectSends({ syn: true, windowScale: 2 })
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460, windowScale: 0 })
    const flow = await promise
    t.expectSends({ seq: 1, window: 50_000 })
    expect(flow.info().receiveScale).toBe(2)
    flow.configure({ receiveBufferBytes: 400_000, sendBufferBytes: 1000 })
    let room = false
    void flow.write(new Uint8Array(1000)).then(() => {
      room = true
    })
    await t.settle()
    expect(room).toBe(false)
    t.expectSends({ length: 1000 })
    await t.arrives({ seq: 1, ack: 1001 })
    expect(room).toBe(true)
    expect(() => flow.configure({ receiveBufferBytes: 0 })).toThrow(RangeError)
    flow.abort()
    await t.end()
  })
})
