import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { bytesOf, Script, type ScriptOptions } from './support/script.ts'

const MSS = 1000
const byte = (n: number): Uint8Array => new Uint8Array(n)

/** An established connection with segments of 1000 bytes, of which `segments` are in flight. */
async function flying(segments: number, options: ScriptOptions = {}): Promise<{ t: Script; flow: TcpFlow }> {
  const t = new Script(options)
  const flow = await t.accept({ mss: MSS })
  await flow.write(byte(segments * MSS))
  await t.settle()
  expect(t.take().length).toBe(segments)
  return { t, flow }
}

/** Sequence number of segment `n`, counted from 0. */
const seq = (n: number): number => 1 + n * MSS

describe('retransmission timeout (RFC 6298)', () => {
  it('§5.4..5.6: sends the oldest segment again, and waits twice as long each time', async () => {
    const { t } = await flying(3, { mtuProbing: 'off' })
    for (const ms of [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]) {
      await t.advance(ms - 1)
      t.expectSends()
      await t.advance(1)
      t.expectSends({ seq: 1, length: MSS })
    }
    expect(t.tcp.stats).toMatchObject({ timeouts: 11, retransmits: 11, retransmittedBytes: 11_000 })
    await t.end()
  })

  it('SHLD-11, MUST-20 gives up after five minutes, and tells reader and writer', async () => {
    const t = new Script({ sendBufferBytes: 1, sendBufferMaxBytes: 1 })
    const flow = await t.accept({ mss: MSS })
    const outcome = Promise.allSettled([flow.read(), flow.write(byte(MSS)), flow.close()])
    await t.advance(299_999)
    expect(t.states()).toEqual(['FIN-WAIT-1'])
    await t.advance(1)
    expect((await outcome).map((o) => (o.status === 'rejected' ? o.reason.code : o.status))).toEqual([
      'fulfilled',
      'ERR_TCP_TIMEOUT',
      'fulfilled',
    ])
    await t.end()
  })

  it('MUST-21 the application sets when, for each connection', async () => {
    for (const [userTimeoutMs, at] of [
      [1000, 1000],
      [30_000, 30_000],
    ] as const) {
      const { t, flow } = await flying(1)
      flow.configure({ userTimeoutMs })
      await t.advance(at - 1)
      expect(t.states()).toEqual(['ESTABLISHED'])
      await t.advance(1)
      expect(t.states()).toEqual([])
      await expect(flow.read()).rejects.toMatchObject({ code: 'ERR_TCP_TIMEOUT' })
      await t.end()
    }
    const { t, flow } = await flying(1)
    flow.configure({ userTimeoutMs: Number.POSITIVE_INFINITY })
    await t.advance(86_400_000)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('SHLD-9, SHLD-10 reports after three retransmissions', async () => {
    const { t, flow } = await flying(1)
    const reports: string[] = []
    flow.onReport = (report) => reports.push(report)
    await t.advance(200 + 400)
    expect(reports).toEqual([])
    await t.advance(800)
    expect(reports).toEqual(['stalled'])
    await t.end()
  })

  it('MUST-19 slow start from one segment up to half of what was in flight', async () => {
    const { t, flow } = await flying(10)
    await t.advance(200)
    t.expectSends({ seq: 1 })
    expect(flow.info()).toMatchObject({ cwnd: MSS, ssthresh: 5 * MSS, recovery: 'timeout' })
    await t.arrives({ seq: 1, ack: seq(1) })
    t.expectSends({ seq: seq(1) }, { seq: seq(2) })
    await t.arrives({ seq: 1, ack: seq(3) })
    t.expectSends({ seq: seq(3) }, { seq: seq(4) }, { seq: seq(5) }, { seq: seq(6) })
    await t.arrives({ seq: 1, ack: seq(10) })
    expect(flow.info()).toMatchObject({ recovery: 'none', unackedBytes: 0 })
    expect(flow.info().cwnd).toBeLessThanOrEqual(6 * MSS)
    await t.end()
  })

  it('holds the threshold when the timer expires again for the same data (RFC 5681 §3.1)', async () => {
    const { t, flow } = await flying(10)
    await t.advance(200 + 400)
    expect(flow.info()).toMatchObject({ cwnd: MSS, ssthresh: 5 * MSS })
    await t.end()
  })

  it('§5.3: restarts with every ACK of new data', async () => {
    const { t } = await flying(3)
    await t.advance(30)
    await t.arrives({ seq: 1, ack: seq(1) })
    await t.advance(199)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: seq(1) })
    await t.end()
  })

  it('§5.2: stops when everything is acknowledged', async () => {
    const { t } = await flying(3)
    await t.arrives({ seq: 1, ack: seq(3) })
    await t.advance(100_000)
    t.expectSends()
    await t.end()
  })

  it('§2: follows the round-trip time', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.advance(100)
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: MSS })
    const flow = await promise
    expect(flow.info()).toMatchObject({ rttMs: 100, rttVarMs: 50, rtoMs: 300, minRttMs: 100 })
    await flow.write(byte(10))
    await t.advance(180)
    await t.arrives({ seq: 1, ack: 11 })
    expect(flow.info()).toMatchObject({ rttMs: 110, rttVarMs: 57.5, rtoMs: 340 })
    await t.end()
  })

  it('Karn: takes no sample of what was sent twice, and keeps the longer timeout until there is one', async () => {
    const { t, flow } = await flying(1)
    await t.advance(200)
    expect(flow.info().rtoMs).toBe(400)
    await t.advance(50)
    await t.arrives({ seq: 1, ack: seq(1) })
    expect(flow.info()).toMatchObject({ rtoMs: 400, rttMs: 0 })
    await flow.write(byte(10))
    await t.advance(30)
    await t.arrives({ seq: 1, ack: seq(1) + 10 })
    expect(flow.info().rtoMs).toBe(200)
    await t.end()
  })

  it('packs small segments together when it sends them again', async () => {
    const t = new Script({ noDelay: true })
    const flow = await t.accept({ mss: MSS })
    for (const ch of ['a', 'b', 'c']) {
      await flow.write(bytesOf(ch))
      await t.settle()
    }
    t.expectSends({ data: 'a' }, { data: 'b' }, { data: 'c' })
    await t.advance(200)
    t.expectSends({ seq: 1, data: 'abc', psh: true })
    await t.end()
  })

  it('cuts large segments when only a part is acknowledged', async () => {
    const { t } = await flying(2)
    await t.arrives({ seq: 1, ack: 501 })
    await t.advance(200)
    t.expectSends({ seq: 501, length: MSS })
    await t.end()
  })
})

describe('fast retransmit and NewReno (RFC 5681 §3.2, RFC 6582)', () => {
  const dup = { seq: 1, ack: 1 }

  it('the third duplicate ACK sends the missing segment again', async () => {
    const { t, flow } = await flying(8)
    await t.arrives(dup, dup)
    t.expectSends()
    await t.arrives(dup)
    t.expectSends({ seq: 1, length: MSS })
    expect(flow.info()).toMatchObject({ recovery: 'fast', ssthresh: 4 * MSS, cwnd: 4 * MSS })
    expect(t.tcp.stats).toMatchObject({ fastRecoveries: 1, timeouts: 0, duplicateAcksIn: 3 })
    await t.end()
  })

  it('RFC 3042: the first two let new segments go, which do not count for the threshold', async () => {
    const { t, flow } = await flying(10)
    await flow.write(byte(5 * MSS))
    await t.settle()
    t.expectSends()
    await t.arrives(dup)
    t.expectSends({ seq: seq(10) })
    await t.arrives(dup)
    t.expectSends({ seq: seq(11) })
    await t.arrives(dup)
    t.expectSends({ seq: 1 })
    expect(flow.info().ssthresh).toBe(5 * MSS)
    await t.end()
  })

  it('further ones let new segments go when half of the window has arrived', async () => {
    const { t, flow } = await flying(10)
    await flow.write(byte(20 * MSS))
    await t.settle()
    await t.arrives(dup, dup, dup)
    t.take()
    // 10 segments in flight, 5 may be: five of them, and the one sent again, must have arrived.
    for (let i = 0; i < 2; i++) {
      await t.arrives(dup)
      t.expectSends()
    }
    for (let i = 0; i < 3; i++) {
      await t.arrives(dup)
      expect(t.take().map((s) => s.seq)).toEqual([seq(10 + i)])
    }
    await t.end()
  })

  it('a partial ACK sends the next hole again at once, a full one ends recovery', async () => {
    const { t, flow } = await flying(10)
    await t.arrives(dup, dup, dup)
    t.expectSends({ seq: 1 })
    await t.arrives({ seq: 1, ack: seq(4) })
    t.expectSends({ seq: seq(4) })
    expect(flow.info().recovery).toBe('fast')
    await t.arrives({ seq: 1, ack: seq(10) })
    expect(flow.info()).toMatchObject({ recovery: 'none', cwnd: 2 * MSS, ssthresh: 5 * MSS })
    t.expectSends()
    await t.end()
  })

  it('duplicates after a timeout do not mean another loss (§4)', async () => {
    const { t, flow } = await flying(10)
    await t.advance(200)
    t.expectSends({ seq: 1 })
    await t.arrives({ seq: 1, ack: seq(10) })
    await flow.write(byte(2 * MSS))
    await t.settle()
    expect(t.take().length).toBeGreaterThan(0)
    await t.arrives({ seq: 1, ack: seq(10) }, { seq: 1, ack: seq(10) }, { seq: 1, ack: seq(10) })
    expect(flow.info().recovery).toBe('none')
    expect(t.tcp.stats.fastRecoveries).toBe(0)
    await t.end()
  })

  it('window updates and segments with text are no duplicates', async () => {
    const { t, flow } = await flying(8)
    await t.arrives({ ...dup, window: 60_000 }, { ...dup, window: 60_001 }, { ...dup, window: 60_002 })
    await t.arrives({ ...dup, window: 60_002, data: 'a' }, { seq: 2, ack: 1, window: 60_002, data: 'b' })
    expect(flow.info().recovery).toBe('none')
    expect(t.tcp.stats.duplicateAcksIn).toBe(0)
    await t.end()
  })

  it('an expired timer ends fast recovery', async () => {
    const { t, flow } = await flying(10)
    await t.arrives(dup, dup, dup)
    await t.advance(200)
    expect(flow.info()).toMatchObject({ recovery: 'timeout', cwnd: MSS })
    await t.end()
  })
})

describe('SACK-based recovery (RFC 6675)', () => {
  const SACK = { sack: true }

  async function sacking(segments: number, options: ScriptOptions = {}): Promise<{ t: Script; flow: TcpFlow }> {
    const t = new Script({ ...SACK, ...options })
    const flow = await t.accept({ mss: MSS, sackPermitted: true })
    await flow.write(byte(segments * MSS))
    await t.settle()
    expect(t.take().length).toBe(Math.min(10, segments))
    return { t, flow }
  }
  const reports = (...blocks: [number, number][]): { seq: number; ack: number; sack: [number, number][] } => ({
    seq: 1,
    ack: 1,
    sack: blocks.map(([from, to]) => [seq(from), seq(to)]),
  })

  it('sends what is missing below three segments that have arrived, and nothing else', async () => {
    const { t, flow } = await sacking(10)
    await t.arrives(reports([1, 2]), reports([1, 3]))
    t.expectSends()
    await t.arrives(reports([1, 4]))
    t.expectSends({ seq: 1, length: MSS })
    expect(flow.info()).toMatchObject({ recovery: 'fast', ssthresh: 5 * MSS })
    await t.arrives({ seq: 1, ack: seq(4) })
    t.expectSends()
    await t.arrives({ seq: 1, ack: seq(10) })
    expect(flow.info().recovery).toBe('none')
    expect(t.tcp.stats).toMatchObject({ retransmits: 1, timeouts: 0 })
    await t.end()
  })

  it('one ACK that reports enough suffices', async () => {
    const { t } = await sacking(10)
    await t.arrives(reports([1, 4]))
    t.expectSends({ seq: 1 })
    await t.end()
  })

  it('fills several holes in one round trip, as the pipe lets it', async () => {
    const { t } = await sacking(10)
    await t.arrives(reports([1, 2], [3, 4], [5, 10]))
    // Lost: 0, 2, 4; arrived: 7 segments; 5 may be in flight.
    t.expectSends({ seq: seq(0) }, { seq: seq(2) }, { seq: seq(4) })
    await t.end()
  })

  it('sends new text too when the pipe has room', async () => {
    const { t, flow } = await sacking(10)
    await flow.write(byte(10 * MSS))
    await t.settle()
    t.take()
    await t.arrives(reports([1, 10]))
    const sent = t.take()
    expect(sent[0]).toMatchObject({ seq: 1 })
    expect(sent.slice(1).map((s) => s.seq)).toEqual([seq(10), seq(11), seq(12), seq(13)])
    await t.end()
  })

  it('ignores blocks that cannot be true', async () => {
    const { t, flow } = await sacking(10)
    await t.arrives(reports([5, 20]), reports([-3, 2]), reports([4, 4]), reports([6, 5]))
    expect(flow.info()).toMatchObject({ recovery: 'none', inFlightBytes: 10 * MSS })
    t.expectSends()
    await t.end()
  })

  it('keeps what was reported across a timeout, unless the peer has dropped it', async () => {
    const { t, flow } = await sacking(4)
    await t.arrives(reports([2, 3]))
    // Its retransmission is lost too.
    await t.advance(1)
    t.expectSends({ seq: seq(0) })
    await t.advance(200)
    t.expectSends({ seq: seq(0) })
    expect(flow.info().recovery).toBe('timeout')
    await t.arrives({ seq: 1, ack: seq(1), sack: [[seq(2), seq(3)]] })
    t.expectSends({ seq: seq(1) }, { seq: seq(3) })
    // The peer takes back what he reported: his ACK stops before it.
    await t.arrives({ seq: 1, ack: seq(2) })
    await t.advance(400)
    expect(t.take()[0]).toMatchObject({ seq: seq(2) })
    await t.end()
  })

  it('reports what has arrived out of order, the latest first (RFC 2018 §4)', async () => {
    const t = new Script(SACK)
    await t.accept({ sackPermitted: true })
    await t.arrives({ seq: 101, ack: 1, data: 100 })
    t.expectSends({ ack: 1, sack: [[101, 201]] })
    await t.arrives({ seq: 301, ack: 1, data: 100 })
    t.expectSends({
      ack: 1,
      sack: [
        [301, 401],
        [101, 201],
      ],
    })
    await t.arrives({ seq: 501, ack: 1, data: 100 })
    await t.arrives({ seq: 701, ack: 1, data: 100 })
    await t.arrives({ seq: 901, ack: 1, data: 100 })
    expect(t.take().at(-1)!.sack).toEqual([
      [901, 1001],
      [701, 801],
      [501, 601],
      [301, 401],
    ])
    await t.arrives({ seq: 201, ack: 1, data: 100 })
    expect(t.take().at(-1)!.sack).toEqual([
      [101, 401],
      [901, 1001],
      [701, 801],
      [501, 601],
    ])
    await t.arrives({ seq: 1, ack: 1, data: 100 })
    t.expectSends({
      ack: 401,
      sack: [
        [901, 1001],
        [701, 801],
        [501, 601],
      ],
    })
    await t.end()
  })

  it('one ACK reports a whole batch', async () => {
    const t = new Script(SACK)
    await t.accept({ sackPermitted: true })
    await t.arrives({ seq: 101, ack: 1, data: 100 }, { seq: 201, ack: 1, data: 100 }, { seq: 301, ack: 1, data: 100 })
    t.expectSends({ ack: 1, sack: [[101, 401]] })
    await t.end()
  })

  it('leaves room for the blocks in segments with text', async () => {
    const t = new Script({ ...SACK, mtu: 1020 })
    const flow = await t.accept({ sackPermitted: true, mss: 1000 })
    await t.arrives({ seq: 101, ack: 1, data: 100 }, { seq: 301, ack: 1, data: 100 })
    t.take()
    await flow.write(byte(2000))
    await t.settle()
    const sent = t.take()
    expect(sent.map((s) => s.length)).toEqual([980, 980, 40])
    expect(sent[0]!.sack).toEqual([
      [301, 401],
      [101, 201],
    ])
    await t.end()
  })
})

describe('recovery with super-segments', () => {
  it('sends again only the segments that are lost', async () => {
    const t = new Script({ sack: true, offload: { checksum: true, tso4: true, tso6: true } })
    const flow = await t.accept({ mss: MSS, sackPermitted: true })
    await flow.write(byte(10 * MSS))
    await t.settle()
    t.expectSends({ length: 10 * MSS })
    await t.arrives({
      seq: 1,
      ack: seq(2),
      sack: [
        [seq(3), seq(4)],
        [seq(6), seq(10)],
      ],
    })
    t.expectSends({ seq: seq(2), length: MSS }, { seq: seq(4), length: 2 * MSS })
    await t.end()
  })

  it('without SACK, one segment at a time', async () => {
    const t = new Script({ offload: { checksum: true, tso4: true, tso6: true } })
    const flow = await t.accept({ mss: MSS })
    await flow.write(byte(10 * MSS))
    await t.settle()
    t.take()
    const dup = { seq: 1, ack: 1 }
    await t.arrives(dup, dup, dup)
    t.expectSends({ seq: 1, length: MSS })
    await t.arrives({ seq: 1, ack: seq(5) })
    t.expectSends({ seq: seq(5), length: MSS })
    await t.end()
  })
})
