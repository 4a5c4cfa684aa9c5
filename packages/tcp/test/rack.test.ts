import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { Script, type ScriptOptions } from './support/script.ts'

const MSS = 1000
const RTT = 100
const seq = (n: number): number => 1 + n * MSS

/** A connection with a round trip of 100 ms and `segments` in flight; `ts` adds timestamps to what the peer sends. */
async function flying(segments: number, options: ScriptOptions = {}): Promise<{ t: Script; flow: TcpFlow }> {
  const t = new Script({ sack: true, ...options })
  const stamps = options.timestamps === true
  const promise = t.connectStart()
  const [syn] = t.take()
  await t.advance(RTT)
  await t.arrives({
    syn: true,
    seq: 0,
    ack: 1,
    mss: MSS + (stamps ? 12 : 0),
    sackPermitted: true,
    ...(stamps ? { ts: [1, syn!.ts![0]] } : {}),
  })
  t.take()
  const flow = await promise
  await flow.write(new Uint8Array(segments * MSS))
  await t.settle()
  expect(t.take().length).toBe(segments)
  return { t, flow }
}

const reports = (
  ack: number,
  ...blocks: [number, number][]
): { seq: number; ack: number; sack: [number, number][] } => ({
  seq: 1,
  ack: seq(ack),
  sack: blocks.map(([from, to]) => [seq(from), seq(to)]),
})

describe('RACK (RFC 8985 §6)', () => {
  it('waits a fourth of the round trip where little has arrived, then takes what is missing for lost', async () => {
    const { t, flow } = await flying(4)
    await t.advance(RTT)
    await t.arrives(reports(0, [1, 2]))
    t.expectSends()
    await t.advance(24)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: seq(0) })
    expect(flow.info().recovery).toBe('fast')
    await t.end()
  })

  it('does not wait where three segments have arrived', async () => {
    const { t } = await flying(5)
    await t.advance(RTT)
    await t.arrives(reports(0, [1, 4]))
    t.expectSends({ seq: seq(0) })
    await t.end()
  })

  it('a late segment is no loss, and from then on three are not enough', async () => {
    const { t, flow } = await flying(8)
    await t.advance(RTT)
    await t.arrives(reports(0, [1, 2]))
    await t.advance(10)
    await t.arrives({ seq: 1, ack: seq(2) })
    t.expectSends()
    await t.arrives(reports(2, [3, 6]))
    t.expectSends()
    await t.arrives({ seq: 1, ack: seq(8) })
    expect(flow.info().recovery).toBe('none')
    expect(t.tcp.stats).toMatchObject({ retransmits: 0, fastRecoveries: 0 })
    await t.end()
  })

  it('finds a retransmission that is lost in its turn', async () => {
    const { t } = await flying(10)
    await t.advance(RTT)
    await t.arrives(reports(0, [1, 2], [3, 8]))
    t.expectSends({ seq: seq(0) }, { seq: seq(2) })
    await t.advance(RTT)
    // The second one, which left later, has arrived.
    await t.arrives(reports(0, [1, 10]))
    await t.advance(2)
    t.expectSends({ seq: seq(0) })
    expect(t.tcp.stats.timeouts).toBe(0)
    await t.end()
  })

  it('§6.2 step 4: duplicates that are reported make it wait longer', async () => {
    const { t, flow } = await flying(10)
    await t.advance(RTT)
    await t.arrives(reports(0, [1, 2]))
    await t.advance(25)
    t.expectSends({ seq: seq(0) })
    // The original arrives, then the copy, which is reported.
    await t.arrives({ seq: 1, ack: seq(2) })
    await t.arrives({ seq: 1, ack: seq(2), sack: [[seq(0), seq(1)]] })
    expect(flow.info().recovery).toBe('none')
    await t.arrives(reports(2, [3, 4]))
    await t.advance(49)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: seq(2) })
    await t.end()
  })

  it('§6.3: a timeout takes only what is old enough for lost', async () => {
    const { t, flow } = await flying(4)
    await t.advance(RTT)
    await t.arrives({ seq: 1, ack: seq(1) })
    await flow.write(new Uint8Array(MSS))
    await t.settle()
    t.take()
    await t.advance(10_000)
    expect(flow.info().recovery).toBe('timeout')
    expect(t.take().every((s) => s.seq === seq(1) || s.seq === seq(4))).toBe(true)
    await t.end()
  })
})

describe('tail loss probe (RFC 8985 §7)', () => {
  it('sends the last segment again after two round trips, long before the timeout', async () => {
    const { t, flow } = await flying(4)
    await t.advance(209)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: seq(3), length: MSS })
    expect(flow.info()).toMatchObject({ recovery: 'none', cwnd: 10 * MSS })
    expect(t.tcp.stats).toMatchObject({ tailProbesOut: 1, timeouts: 0 })
    await t.advance(300)
    t.expectSends({ seq: seq(0) })
    expect(t.tcp.stats.timeouts).toBe(1)
    await t.end()
  })

  it('its ACK shows what else is lost', async () => {
    const { t, flow } = await flying(4)
    await t.advance(210)
    t.take()
    await t.advance(RTT)
    await t.arrives(reports(0, [3, 4]))
    await t.advance(25)
    t.expectSends({ seq: seq(0) })
    expect(flow.info()).toMatchObject({ recovery: 'fast', lostSegments: 3, sackedSegments: 1 })
    // RFC 6937: each segment that arrives lets the window grow again.
    await t.advance(RTT)
    await t.arrives(reports(1, [3, 4]))
    t.expectSends({ seq: seq(1) }, { seq: seq(2) })
    await t.end()
  })

  it('sends new text where there is some', async () => {
    const { t, flow } = await flying(10)
    await flow.write(new Uint8Array(2 * MSS))
    await t.settle()
    t.expectSends()
    await t.advance(210)
    t.expectSends({ seq: seq(10) })
    expect(t.tcp.stats).toMatchObject({ retransmits: 0, tailProbesOut: 0 })
    await t.end()
  })

  it('a loss that it repairs halves the window all the same', async () => {
    const { t, flow } = await flying(4)
    await t.advance(210)
    t.take()
    await t.arrives({ seq: 1, ack: seq(4) })
    await flow.write(new Uint8Array(2 * MSS))
    await t.settle()
    await t.arrives({ seq: 1, ack: seq(6) })
    expect(flow.info().ssthresh).toBeLessThan(10 * MSS)
    await t.end()
  })

  it('one that was needless does not', async () => {
    const { t, flow } = await flying(4)
    await t.advance(210)
    t.take()
    await t.arrives({ seq: 1, ack: seq(4) })
    await t.arrives({ seq: 1, ack: seq(4), sack: [[seq(3), seq(4)]] })
    await flow.write(new Uint8Array(2 * MSS))
    await t.settle()
    await t.arrives({ seq: 1, ack: seq(6) })
    expect(flow.info().ssthresh).toBeGreaterThan(1e9)
    await t.end()
  })

  it('one at a time, and none again before a round trip has been measured', async () => {
    const { t } = await flying(2)
    await t.advance(210)
    t.expectSends({ seq: seq(1) })
    await t.arrives({ seq: 1, ack: seq(1) })
    await t.advance(211)
    t.expectSends()
    await t.end()
  })

  it('gives a single segment the time of a delayed ACK', async () => {
    const { t } = await flying(1)
    await t.advance(299)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ seq: seq(0) })
    await t.end()
  })
})

describe('needless recoveries are taken back', () => {
  it('Eifel (RFC 3522): the ACK of a timeout echoes the original', async () => {
    const { t, flow } = await flying(10, { timestamps: true })
    const sent = t.see(t.history.at(-1)!).ts![0]
    await t.advance(1000)
    expect(flow.info().recovery).toBe('timeout')
    t.take()
    await t.arrives({ seq: 1, ack: seq(3), ts: [2, sent] })
    expect(flow.info()).toMatchObject({ recovery: 'none', ssthresh: 2147483647 })
    expect(flow.info().cwnd).toBeGreaterThanOrEqual(10 * MSS)
    expect(t.tcp.stats.spuriousRecoveries).toBe(1)
    t.expectSends()
    await t.end()
  })

  it('one that echoes the retransmission proves the loss', async () => {
    const { t, flow } = await flying(10, { timestamps: true })
    await t.advance(1000)
    const again = t.take().at(-1)!.ts![0]
    await t.advance(RTT)
    await t.arrives({ seq: 1, ack: seq(1), ts: [2, again] })
    expect(t.tcp.stats.spuriousRecoveries).toBe(0)
    expect(flow.info().cwnd).toBeLessThan(10 * MSS)
    await t.end()
  })

  it('RFC 3708: every retransmission was reported as a duplicate', async () => {
    const { t, flow } = await flying(10)
    await t.advance(RTT)
    await t.arrives(reports(0, [2, 8]))
    t.expectSends({ seq: seq(0) }, { seq: seq(1) })
    await t.arrives({ seq: 1, ack: seq(10) })
    const cut = flow.info().cwnd
    expect(cut).toBeLessThan(10 * MSS)
    await t.arrives({ seq: 1, ack: seq(10), sack: [[seq(0), seq(1)]] })
    expect(flow.info().cwnd).toBe(cut)
    await t.arrives({ seq: 1, ack: seq(10), sack: [[seq(1), seq(2)]] })
    expect(flow.info().cwnd).toBe(10 * MSS)
    expect(t.tcp.stats.spuriousRecoveries).toBe(1)
    await t.end()
  })
})

describe('duplicates (RFC 2883)', () => {
  it('text that was acknowledged before is reported once', async () => {
    const t = new Script({ sack: true })
    await t.accept({ sackPermitted: true })
    await t.arrives({ seq: 1, ack: 1, data: 100 })
    t.take()
    await t.arrives({ seq: 1, ack: 1, data: 100 })
    t.expectSends({ ack: 101, sack: [[1, 101]] })
    await t.arrives({ seq: 101, ack: 1, data: 100 })
    t.expectSends({ ack: 201, sack: undefined })
    await t.end()
  })

  it('so is the part of a segment that was', async () => {
    const t = new Script({ sack: true })
    await t.accept({ sackPermitted: true })
    await t.arrives({ seq: 1, ack: 1, data: 100 })
    t.take()
    await t.arrives({ seq: 51, ack: 1, data: 100 })
    t.expectSends({ ack: 151, sack: [[51, 101]] })
    await t.end()
  })

  it('so is what waits for a gap to be filled, before the block that holds it', async () => {
    const t = new Script({ sack: true })
    await t.accept({ sackPermitted: true })
    await t.arrives({ seq: 101, ack: 1, data: 100 }, { seq: 201, ack: 1, data: 100 })
    t.take()
    await t.arrives({ seq: 151, ack: 1, data: 50 })
    t.expectSends({
      ack: 1,
      sack: [
        [151, 201],
        [101, 301],
      ],
    })
    await t.end()
  })
})
