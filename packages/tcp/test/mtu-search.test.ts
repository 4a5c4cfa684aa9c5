import { readAll } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import { Pair, type PairOptions, pattern, sendAll } from './support/pair.ts'
import { Script } from './support/script.ts'

/** Sends 2 MB over a path that swallows TCP segments of more than `most` bytes, header included; returns what the sender knows then. */
async function over(most: number, options: PairOptions = {}) {
  const pair = new Pair({
    link: { latencyMs: 10, drop: (p) => p.bytes.length > most },
    back: { latencyMs: 10 },
    ...options,
  })
  const { client, server } = await pair.connect()
  const bytes = pattern(2_000_000)
  const begin = pair.clock.now()
  const [, got] = await pair.settle(Promise.all([sendAll(client, bytes), readAll(server)]))
  expect(Buffer.compare(got, bytes)).toBe(0)
  const result = { ...client.info(), ms: pair.clock.now() - begin, stats: { ...pair.a.stats } }
  await pair.settle(Promise.all([client.close(), server.close()]))
  await pair.end()
  return result
}

describe('black holes (RFC 4821 §7.7)', () => {
  it.each([
    ['with SACK', {}],
    ['without', { a: { sack: false }, b: { sack: false } }],
  ])('§7.3: a path that swallows large segments is found, and its size within 16 bytes, %s', async (_, options) => {
    const { mss, stats, ms } = await over(1300, options)
    expect(stats).toMatchObject({ blackHoles: 1 })
    expect(stats.mtuProbesOut).toBeGreaterThan(3)
    // Header, time stamps.
    expect(mss).toBeLessThanOrEqual(1300 - 20 - 12)
    expect(mss).toBeGreaterThan(1300 - 20 - 12 - 16)
    expect(ms).toBeLessThan(8000)
  })

  it('also one that is smaller than the first base', async () => {
    const { mss, stats } = await over(700)
    expect(stats.blackHoles).toBe(2)
    expect(mss).toBeLessThanOrEqual(700 - 32)
    expect(mss).toBeGreaterThan(700 - 32 - 16)
  })

  it('and over IPv6 one of 1280 bytes', async () => {
    const { mss } = await over(1240, { v6: true })
    expect(mss).toBeLessThanOrEqual(1240 - 32)
    expect(mss).toBeGreaterThanOrEqual(1220 - 12)
  })

  it('§7.6.2: a probe that is lost does not reduce the window', async () => {
    const { stats } = await over(1300, { a: { mtuProbing: 'always' } })
    expect(stats).toMatchObject({ blackHoles: 0, timeouts: 0, fastRecoveries: 0 })
    expect(stats.retransmits).toBeGreaterThan(0)
  })

  it('where one always searches, a wide path is used ever better', async () => {
    const { mss, stats } = await over(9000, {
      mtu: 8980,
      a: { mtuProbing: 'always' },
      b: { receiveBufferBytes: 1 << 20 },
    })
    expect(mss).toBeGreaterThan(8700)
    expect(stats.retransmits).toBe(0)
  })

  it('off: nothing of the kind', async () => {
    const t = new Script({ mtuProbing: 'off' })
    const flow = await t.accept()
    await flow.write(new Uint8Array(1460))
    await t.advance(20_000)
    expect(t.take().every((s) => s.length === 1460)).toBe(true)
    await t.end()
  })

  it('needs three timeouts in a row, and says so', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(1460))
    await t.advance(200 + 400)
    expect(t.take().map((s) => s.length)).toEqual([1460, 1460, 1460])
    await t.advance(800)
    t.expectSends({ seq: 1, length: 1024 })
    await t.arrives({ seq: 1, ack: 1025 })
    t.expectSends({ seq: 1025, length: 436 })
    expect([flow.info().mss, t.tcp.stats.blackHoles]).toEqual([1024, 1])
    await t.end()
  })

  it('a small segment that nobody answers is no black hole', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(100))
    await t.advance(60_000)
    expect([flow.info().mss, t.tcp.stats.blackHoles]).toEqual([1460, 0])
    await t.end()
  })
})

describe('probing (RFC 4821 §7.4)', () => {
  it('a probe is one larger segment of new data, with enough behind it to notice its loss', async () => {
    const t = new Script({ mtuProbing: 'always', sack: true })
    const flow = await t.accept({ sackPermitted: true })
    await flow.write(new Uint8Array(5000))
    await t.settle()
    expect(t.take().map((s) => s.length)).toEqual([1024, 1024, 1024, 1024, 904])
    await t.arrives({ seq: 1, ack: 5001 })
    await flow.write(new Uint8Array(20_000))
    await t.settle()
    const sizes = t.take().map((s) => s.length)
    expect(sizes[0]).toBe(1242)
    expect(sizes.slice(1, 5)).toEqual([1024, 1024, 1024, 1024])
    await t.arrives({ seq: 1, ack: 5001 + 1242 })
    expect(flow.info().mss).toBe(1242)
    await t.end()
  })

  it('§7.6.2: one that is lost goes again in smaller pieces, and the size is not tried again', async () => {
    const t = new Script({ mtuProbing: 'always', sack: true })
    const flow = await t.accept({ sackPermitted: true })
    await flow.write(new Uint8Array(20_000))
    await t.settle()
    const [probe] = t.take()
    expect(probe).toMatchObject({ seq: 1, length: 1242 })
    const { cwnd } = flow.info()
    await t.arrives({ seq: 1, ack: 1, sack: [[1243, 1243 + 4 * 1024]] })
    const sent = t.take().filter((s) => s.seq < 1243)
    expect(sent.map((s) => [s.seq, s.length])).toEqual([
      [1, 1024],
      [1025, 218],
    ])
    expect(flow.info()).toMatchObject({ recovery: 'none', cwnd, mss: 1024 })
    await t.end()
  })

  it('§7.3: after ten minutes a larger size is tried again', async () => {
    const t = new Script({ restartAfterIdle: false })
    const flow = await t.accept()
    await flow.write(new Uint8Array(1460))
    await t.advance(1400)
    await t.arrives({ seq: 1, ack: 1461 })
    let at = 1461
    const send = async () => {
      await flow.write(new Uint8Array(14_000))
      for (let i = 0; i < 50 && flow.info().unackedBytes + flow.info().unsentBytes > 0; i++) {
        await t.settle()
        const sent = t.take()
        // Nothing larger than 1024 arrives.
        const lost = sent.find((s) => s.length > 1024)
        for (const s of sent) if (lost === undefined) at = Math.max(at, s.seq + s.length)
        if (lost !== undefined) for (let n = 0; n < 4; n++) await t.arrives({ seq: 1, ack: lost.seq })
        else await t.arrives({ seq: 1, ack: at })
        await t.advance(100)
      }
    }
    for (let i = 0; i < 30; i++) await send()
    const probes = t.tcp.stats.mtuProbesOut
    await send()
    expect(t.tcp.stats.mtuProbesOut).toBe(probes)
    await t.advance(600_000)
    await send()
    expect(t.tcp.stats.mtuProbesOut).toBeGreaterThan(probes)
    await t.end()
  })
})
