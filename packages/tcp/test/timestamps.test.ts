import { describe, expect, it } from 'vitest'
import { readText, Script, text } from './support/script.ts'

const TS = { timestamps: true }

async function stamped(
  options = {},
): Promise<{ t: Script; flow: Awaited<ReturnType<Script['accept']>>; ours: () => number }> {
  const t = new Script({ ...TS, ...options })
  const flow = await t.accept({ ts: [1000, 0] }, { ts: [1000, 0] })
  return { t, flow, ours: () => t.see(t.history.at(-1)!).ts![0] }
}

describe('timestamps (RFC 7323)', () => {
  it('§3.2: are on every segment once both SYNs carry them', async () => {
    const t = new Script(TS)
    const promise = t.connectStart()
    const [syn] = t.expectSends({ syn: true })
    expect(syn!.ts![1]).toBe(0)
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460, ts: [777, syn!.ts![0]] })
    const [ack] = t.expectSends({ ack: 1 })
    expect(ack!.ts).toEqual([syn!.ts![0], 777])
    const flow = await promise
    expect(flow.info()).toMatchObject({ timestamps: true, mss: 1448 })
    await flow.write(new Uint8Array(1448))
    await t.advance(5)
    const [data] = t.expectSends({ length: 1448 })
    expect(data!.ts).toEqual([syn!.ts![0], 777])
    flow.abort()
    await t.settle()
    const [reset] = t.expectSends({ rst: true })
    expect(reset!.ts).toEqual([syn!.ts![0] + 5, 777])
    await t.end()
  })

  it('§4.1: run with the clock, one tick per millisecond', async () => {
    const { t, ours } = await stamped()
    const before = ours()
    await t.advance(12_345)
    await t.arrives({ seq: 1, ack: 1, data: 'x', ts: [1001, 0] })
    expect(ours() - before).toBe(12_345)
    await t.end()
  })

  it('§4.3: echo the oldest segment that an ACK covers', async () => {
    const { t } = await stamped()
    await t.arrives({ seq: 1, ack: 1, data: 'a', ts: [2000, 0] }, { seq: 2, ack: 1, data: 'b', ts: [2001, 0] })
    expect(t.take().at(-1)!.ts![1]).toBe(2000)
    await t.end()
  })

  it('§4.3: echo the last segment in order while there is a gap, and the one that fills it', async () => {
    const { t } = await stamped()
    await t.arrives({ seq: 1, ack: 1, data: 'a', ts: [2000, 0] })
    await t.arrives({ seq: 3, ack: 1, data: 'c', ts: [2002, 0] })
    expect(t.take().map((s) => s.ts![1])).toEqual([2000, 2000])
    await t.arrives({ seq: 2, ack: 1, data: 'b', ts: [2003, 0] })
    expect(t.take().at(-1)!.ts![1]).toBe(2003)
    await t.end()
  })

  it('§4.3: echo a segment that was sent again because its ACK was lost, not the one before', async () => {
    const { t } = await stamped()
    await t.arrives({ seq: 1, ack: 1, data: 'a', ts: [2000, 0] })
    await t.arrives({ seq: 1, ack: 1, data: 'a', ts: [18_000, 0] })
    expect(t.take().map((s) => s.ts![1])).toEqual([2000, 18_000])
    // Older text, beyond the one acknowledged last, says nothing.
    await t.arrives({ seq: 2, ack: 1, data: 'b', ts: [18_100, 0] })
    await t.arrives({ seq: 1, ack: 1, data: 'a', ts: [17_000, 0] })
    expect(t.take().map((s) => s.ts![1])).toEqual([18_100, 18_100])
    await t.end()
  })

  it('§4: time segments that were sent twice', async () => {
    const { t, flow } = await stamped()
    await flow.write(new Uint8Array(10))
    await t.advance(200)
    const [, again] = t.take()
    expect(again!.length).toBe(10)
    await t.advance(30)
    await t.arrives({ seq: 1, ack: 11, ts: [1500, again!.ts![0]] })
    expect(flow.info()).toMatchObject({ minRttMs: 0, rttMs: 30 })
    await t.end()
  })

  it('are ignored where they were not agreed on', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abc', ts: [1, 2] })
    expect(t.take().at(-1)!.ts).toBeUndefined()
    expect(await readText(flow)).toBe('abc')
    await t.end()
  })
})

describe('PAWS (RFC 7323 §5)', () => {
  it('R1: an older segment is answered and dropped', async () => {
    const { t, flow } = await stamped()
    await t.arrives({ seq: 1, ack: 1, data: 'new', ts: [2000, 0] })
    t.take()
    await t.arrives({ seq: 4, ack: 1, data: 'old', ts: [1999, 0] })
    t.expectSends({ seq: 1, ack: 4 })
    expect(t.tcp.stats.dropped).toEqual({ 'outdated-timestamp': 1 })
    expect(flow.info().unreadBytes).toBe(3)
    await t.end()
  })

  it('works across the wrap of timestamps', async () => {
    const t = new Script(TS)
    const flow = await t.accept({ ts: [-5, 0] }, { ts: [-5, 0] })
    await t.arrives({ seq: 1, ack: 1, data: 'a', ts: [3, 0] })
    await t.arrives({ seq: 2, ack: 1, data: 'b', ts: [-1, 0] })
    expect(await readText(flow)).toBe('a')
    expect(t.tcp.stats.dropped).toEqual({ 'outdated-timestamp': 1 })
    await t.end()
  })

  it('§5.2: a reset is not subject to it', async () => {
    const { t } = await stamped()
    await t.arrives({ seq: 1, ack: 1, data: 'new', ts: [2000, 0] })
    await t.arrives({ rst: true, seq: 4, ts: [5, 0] })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('§5.5: after 24 days of silence TS.Recent says nothing any more', async () => {
    const { t, flow } = await stamped()
    await t.advance(24 * 86_400_000)
    await t.arrives({ seq: 1, ack: 1, data: 'hello', ts: [1000 - 2 ** 30, 0] })
    expect(await readText(flow)).toBe('hello')
    await t.end()
  })

  it('§3.2: a segment that lacks the timestamp is dropped without a word', async () => {
    const { t, flow } = await stamped()
    t.take()
    await t.arrives({ seq: 1, ack: 1, data: 'naked' })
    t.expectSends()
    expect(flow.info().unreadBytes).toBe(0)
    expect(t.tcp.stats.dropped).toEqual({ 'no-timestamp': 1 })
    await t.end()
  })

  it('§3.2: takes segments without them where it is told to', async () => {
    const { t, flow } = await stamped({ tolerateMissingTimestamps: true })
    await t.arrives({ seq: 1, ack: 1, data: 'a' })
    expect(await readText(flow)).toBe('a')
    await t.end()
  })

  it('but the ACK that ends the handshake may lack it, and a reset', async () => {
    const t = new Script(TS)
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0, ts: [1, 0] })
    await t.arrives({ seq: 1, ack: 1 })
    await listener.accept()
    await t.arrives({ rst: true, seq: 1 })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('R3: a segment out of order does not move TS.Recent, so that its elders are not dropped', async () => {
    const { t, flow } = await stamped()
    await t.arrives({ seq: 101, ack: 1, data: 'later', ts: [3000, 0] })
    await t.arrives({ seq: 1, ack: 1, data: text(100), ts: [2000, 0] })
    expect(flow.info().unreadBytes).toBe(105)
    await t.end()
  })
})

describe('SHLD-4, RFC 6191: timestamps shorten TIME-WAIT', () => {
  async function waiting(): Promise<Script> {
    const t = new Script(TS)
    const listener = t.tcp.listen({ port: 80 })
    const flow = await t.accept({ ts: [1000, 0] }, { ts: [1000, 0] }, listener)
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2, ts: [1001, 0] })
    expect(t.states()).toEqual(['TIME-WAIT'])
    t.take()
    return t
  }

  it('a SYN with a larger one opens a new connection, whatever its sequence number', async () => {
    const t = await waiting()
    await t.arrives({ syn: true, seq: -100_000, ts: [1002, 0] })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.end()
  })

  it('one with a smaller one does not', async () => {
    const t = await waiting()
    await t.arrives({ syn: true, seq: 100_000, ts: [999, 0] })
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.end()
  })

  it('one with the same one does if its sequence number is larger', async () => {
    const t = await waiting()
    await t.arrives({ syn: true, seq: 100_000, ts: [1001, 0] })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.end()
  })

  it('one without needs a larger sequence number', async () => {
    const t = await waiting()
    await t.arrives({ syn: true, seq: 0 })
    expect(t.states()).toEqual(['TIME-WAIT'])
    await t.arrives({ syn: true, seq: 10 })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.end()
  })
})
