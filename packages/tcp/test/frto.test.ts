import { describe, expect, it } from 'vitest'
import { Script } from './support/script.ts'

const MSS = 1000

/** Five of ten segments are in flight; the timer has expired, and the first one was sent again. */
async function expired(written = 10) {
  const t = new Script({ initialWindowSegments: 5 })
  const flow = await t.accept({ mss: MSS })
  await flow.write(new Uint8Array(written * MSS))
  await t.settle()
  expect(t.take()).toHaveLength(5)
  await t.advance(200)
  t.expectSends({ seq: 1, length: MSS })
  return { t, flow }
}

describe('F-RTO (RFC 5682)', () => {
  it('§2.1: a needless timeout is seen by two ACKs that advance, and taken back', async () => {
    const { t, flow } = await expired()
    const { ssthresh } = flow.info()
    await t.arrives({ seq: 1, ack: 1 + MSS })
    // Step 2b: new segments, not the second one again.
    t.expectSends({ seq: 1 + 5 * MSS }, { seq: 1 + 6 * MSS })
    await t.arrives({ seq: 1, ack: 1 + 2 * MSS })
    expect(flow.info()).toMatchObject({ recovery: 'none', cwnd: 6 * MSS })
    expect(flow.info().ssthresh).toBeGreaterThan(ssthresh)
    expect(t.tcp.stats.spuriousRecoveries).toBe(1)
    expect(flow.info().retransmits).toBe(1)
    await t.end()
  })

  it('§2.1, step 2a: a duplicate ACK means that segments are lost, and they are sent again', async () => {
    const { t, flow } = await expired()
    await t.arrives({ seq: 1, ack: 1 })
    await t.arrives({ seq: 1, ack: 1 + MSS })
    expect(t.take().map((s) => s.seq)).toEqual([1 + MSS, 1 + 2 * MSS])
    expect(flow.info().recovery).toBe('timeout')
    await t.end()
  })

  it('§2.1, step 3a: so does one behind the new segments', async () => {
    const { t, flow } = await expired()
    await t.arrives({ seq: 1, ack: 1 + MSS })
    t.expectSends({ seq: 1 + 5 * MSS }, { seq: 1 + 6 * MSS })
    await t.arrives({ seq: 1, ack: 1 + MSS })
    expect(t.take()[0]).toMatchObject({ seq: 1 + MSS, length: MSS })
    expect([flow.info().recovery, t.tcp.stats.spuriousRecoveries]).toEqual(['timeout', 0])
    await t.end()
  })

  it('§2.1: where there is nothing new to send, it sends again as ever', async () => {
    const { t } = await expired(5)
    await t.arrives({ seq: 1, ack: 1 + MSS })
    expect(t.take().map((s) => s.seq)).toEqual([1 + MSS, 1 + 2 * MSS])
    await t.end()
  })

  it('§2.1: a second timeout ends the question', async () => {
    const { t } = await expired()
    await t.arrives({ seq: 1, ack: 1 + MSS })
    t.take()
    await t.advance(1000)
    expect(t.take()[0]).toMatchObject({ seq: 1 + MSS })
    await t.arrives({ seq: 1, ack: 1 + 2 * MSS })
    expect(t.take()[0]).toMatchObject({ seq: 1 + 2 * MSS })
    expect(t.tcp.stats.spuriousRecoveries).toBe(0)
    await t.end()
  })
})
