import { IpError } from '@fata/ip'
import { describe, expect, it } from 'vitest'
import { OFFLOAD, segment } from './support/pair.ts'
import { bytesOf, Script, text } from './support/script.ts'

const byte = (n: number): Uint8Array => new Uint8Array(n)

describe('segmentation', () => {
  it('SHLD-28 sends full segments, the last one pushed (MUST-61)', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf(text(4000)))
    await t.settle()
    const seen = t.expectSends(
      { seq: 1, length: 1460, psh: false },
      { seq: 1461, length: 1460, psh: false },
      { seq: 2921, length: 1080, psh: true },
    )
    expect(seen.map((s) => s.data).join('')).toBe(text(4000))
    await t.end()
  })

  it('collects writes of one task, also behind an await, into one segment', async () => {
    const t = new Script()
    const flow = await t.accept()
    void flow.write(bytesOf('a'))
    void flow.write(bytesOf('b'))
    await flow.write(bytesOf('c'))
    void flow.write(bytesOf('d'))
    await t.settle()
    t.expectSends({ data: 'abcd', psh: true })
    await t.end()
  })

  it('begins with ten segments (RFC 6928), grows by what is acknowledged', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(byte(40 * 1460))
    await t.settle()
    expect(t.take().length).toBe(10)
    await t.arrives({ seq: 1, ack: 1 + 2 * 1460 })
    expect(t.take().length).toBe(4)
    expect(flow.info().cwnd).toBe(12 * 1460)
    await t.end()
  })

  it('does not open the window while it is not the limit', async () => {
    const t = new Script()
    const flow = await t.accept()
    for (let i = 0; i < 5; i++) {
      await flow.write(byte(100))
      await t.settle()
      await t.arrives({ seq: 1, ack: 1 + 100 * (i + 1) })
    }
    expect(flow.info().cwnd).toBe(14_600)
    await t.end()
  })

  it('RFC 5681 §4.1: begins anew after an idle time longer than the timeout', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(byte(30 * 1460))
    await t.settle()
    await t.arrives({ seq: 1, ack: 1 + 10 * 1460 })
    await t.arrives({ seq: 1, ack: 1 + 30 * 1460 })
    expect(flow.info().cwnd).toBeGreaterThan(14_600)
    await t.advance(1000)
    t.take()
    await flow.write(byte(30 * 1460))
    await t.settle()
    expect(t.take().length).toBe(10)
    await t.end()
  })

  it('writes no byte of the lent memory twice or too few: the checksum holds for every length', async () => {
    const t = new Script({ noDelay: true })
    const flow = await t.accept()
    let seq = 1
    for (const n of [1, 2, 3, 63, 64, 65, 95, 96, 97, 500, 1023, 1024, 1025, 1459, 1460]) {
      await flow.write(bytesOf(text(n, n)))
      await t.settle()
      t.expectSends({ seq, data: text(n, n) })
      seq += n
      await t.arrives({ seq: 1, ack: seq })
    }
    await t.end()
  })

  it('sends super-segments where the device cuts them', async () => {
    for (const v6 of [false, true]) {
      const t = new Script({ offload: OFFLOAD, v6, mtu: v6 ? 1460 : 1480, windowScale: true })
      const flow = await t.accept({ mss: 1440, windowScale: 10 }, { window: 1000 })
      await flow.write(byte(200_000))
      await t.settle()
      t.expectSends({ seq: 1, length: 10 * 1440, psh: true })
      const [packet] = t.history.slice(-1)
      expect(packet!.meta).toMatchObject({ gso: v6 ? 'tcp6' : 'tcp4', gsoSize: 1440, checksum: 'partial' })
      expect(segment(packet!).length).toBe(10)
      // The window grows until one super-segment is as large as an IP packet can be.
      let acked = 14_401
      for (let i = 0; i < 3; i++) {
        await t.arrives({ seq: 1, ack: acked, window: 1000 })
        const seen = t.take()
        for (const s of seen) expect(s.length % 1440 === 0 || s.psh).toBe(true)
        acked += seen.reduce((n, s) => n + s.length, 0)
      }
      expect(Math.max(...t.history.map((p) => p.bytes.length))).toBeGreaterThan(60_000)
      await t.end()
    }
  })

  it('completes checksums itself but where the device does', async () => {
    const t = new Script({ offload: { checksum: true, tso4: false, tso6: false } })
    const flow = await t.accept()
    await flow.write(byte(3000))
    await t.settle()
    t.expectSends({ length: 1460 }, { length: 1460 }, { length: 80 })
    expect(t.history.at(-1)!.meta).toMatchObject({ gso: 'none', checksum: 'partial' })
    await t.end()
  })
})

describe('Nagle (RFC 9293 §3.7.4, §A.3)', () => {
  it('SHLD-7 holds a small segment back while another small one is unacknowledged', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('a'))
    await t.settle()
    t.expectSends({ data: 'a' })
    await flow.write(bytesOf('b'))
    await t.settle()
    await flow.write(bytesOf('c'))
    await t.settle()
    t.expectSends()
    await t.arrives({ seq: 1, ack: 2 })
    t.expectSends({ data: 'bc', psh: true })
    await t.end()
  })

  it('sends full segments meanwhile, and lets the end of a large write go', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(byte(1500))
    await t.settle()
    t.expectSends({ length: 1460 }, { length: 40 })
    await flow.write(byte(1500))
    await t.settle()
    t.expectSends({ seq: 1501, length: 1460 })
    await t.arrives({ seq: 1, ack: 1501 })
    t.expectSends({ seq: 2961, length: 40 })
    await t.end()
  })

  it('MUST-17 can be turned off, from the beginning and later', async () => {
    for (const later of [false, true]) {
      const t = new Script({ noDelay: !later })
      const flow = await t.accept()
      if (later) flow.configure({ noDelay: true })
      for (const ch of 'abc') {
        await flow.write(bytesOf(ch))
        await t.settle()
      }
      t.expectSends({ data: 'a' }, { data: 'b' }, { data: 'c' })
      await t.end()
    }
  })

  it('does not hold back the end of the stream', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('a'))
    await t.settle()
    await flow.write(bytesOf('b'))
    await flow.shutdown()
    t.expectSends({ data: 'a' }, { data: 'b', fin: true })
    await t.end()
  })
})

describe("the peer's window", () => {
  it('MUST-1 is unsigned, and is not exceeded', async () => {
    const t = new Script()
    const flow = await t.accept({}, { window: 3000 })
    await flow.write(byte(10_000))
    await t.settle()
    t.expectSends({ length: 1460 }, { length: 1460 })
    await t.arrives({ seq: 1, ack: 2921, window: 60_000 })
    expect(t.take().reduce((n, s) => n + s.length, 0)).toBe(10_000 - 2920)
    expect(flow.info().sendWindow).toBe(60_000)
    await t.end()
  })

  it('MUST-36 a shut window is probed after the timeout, then less and less often (SHLD-29, SHLD-30)', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 0 }, { window: 0 })
    await flow.write(bytesOf('hello'))
    await t.settle()
    t.expectSends()
    for (const ms of [200, 400, 800, 1600, 3200]) {
      await t.advance(ms - 1)
      t.expectSends()
      await t.advance(1)
      t.expectSends({ seq: 0, ack: 1, length: 0 })
      await t.arrives({ seq: 1, ack: 1, window: 0 })
    }
    await t.arrives({ seq: 1, ack: 1, window: 100 })
    t.expectSends({ seq: 1, data: 'hello' })
    await t.end()
  })

  it('MUST-37 a peer who answers probes is probed for ever, at least every minute', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 0 }, { window: 0 })
    await flow.write(bytesOf('hello'))
    for (let minutes = 0; minutes < 120; minutes++) {
      await t.advance(60_000)
      if (t.take().length > 0) await t.arrives({ seq: 1, ack: 1, window: 0 })
    }
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(t.tcp.stats.windowProbesOut).toBeGreaterThan(110)
    await t.arrives({ seq: 1, ack: 1, window: 10 })
    expect(t.take().at(-1)).toMatchObject({ data: 'hello' })
    await t.end()
  })

  it('one who does not is given up after the user timeout, and the writer is told', async () => {
    const t = new Script({ userTimeoutMs: 100_000, sendBufferBytes: 1, sendBufferMaxBytes: 1 })
    const flow = await t.accept({ window: 0 }, { window: 0 })
    const outcome = Promise.allSettled([flow.write(bytesOf('hello')), flow.read()])
    await t.advance(99_999)
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.advance(1)
    expect((await outcome).map((o) => o.status === 'rejected' && o.reason.code)).toEqual([
      'ERR_TCP_TIMEOUT',
      'ERR_TCP_TIMEOUT',
    ])
    await t.end()
  })

  it('a FIN waits for the window like a byte', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 0 }, { window: 0 })
    void flow.shutdown()
    await t.advance(200)
    t.expectSends({ seq: 0, fin: false })
    await t.arrives({ seq: 1, ack: 1, window: 1 })
    t.expectSends({ seq: 1, fin: true })
    await t.end()
  })

  it('MUST-38 does not send silly segments into a window that opens by little', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 4000 }, { window: 4000 })
    await flow.write(byte(8000))
    await t.settle()
    t.expectSends({ length: 1460 }, { length: 1460 })
    // Usable: 4000 - 2920 + what is acknowledged - what is taken from the window.
    await t.arrives({ seq: 1, ack: 2921, window: 100 })
    t.expectSends()
    await t.arrives({ seq: 1, ack: 2921, window: 1459 })
    t.expectSends()
    await t.arrives({ seq: 1, ack: 2921, window: 1460 })
    t.expectSends({ seq: 2921, length: 1460 })
    await t.end()
  })

  it('sends half of the largest window that was seen', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 1000 }, { window: 1000 })
    await flow.write(byte(3000))
    await t.settle()
    t.expectSends({ length: 1000 })
    await t.arrives({ seq: 1, ack: 1001, window: 499 })
    t.expectSends()
    await t.arrives({ seq: 1, ack: 1001, window: 500 })
    t.expectSends({ seq: 1001, length: 500 })
    await t.end()
  })

  it('rule 4: overrides after a while', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 1000 }, { window: 1000 })
    await flow.write(byte(3000))
    await t.settle()
    await t.arrives({ seq: 1, ack: 1001, window: 300 })
    t.take()
    await t.advance(200)
    t.expectSends({ seq: 1001, length: 300 })
    await t.end()
  })

  it('a window smaller than the MSS is filled', async () => {
    const t = new Script()
    const flow = await t.accept({ window: 500 }, { window: 500 })
    await flow.write(byte(1200))
    await t.settle()
    t.expectSends({ length: 500 })
    await t.arrives({ seq: 1, ack: 501, window: 500 })
    t.expectSends({ length: 500 })
    await t.arrives({ seq: 1, ack: 1001, window: 500 })
    t.expectSends({ length: 200, psh: true })
    await t.end()
  })

  it('MUST-34 survives a window that shrinks below what is in flight', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(byte(8 * 1460))
    await t.settle()
    expect(t.take().length).toBe(8)
    await t.arrives({ seq: 1, ack: 1461, window: 2000 })
    t.expectSends()
    // SHLD-16: what lies in the window is sent again, and nothing new.
    await t.advance(200)
    t.expectSends({ seq: 1461, length: 1460 })
    await t.arrives({ seq: 1, ack: 2921, window: 65535 })
    expect(t.take().map((s) => s.seq)).toEqual([2921, 4381])
    await t.end()
  })

  it('MUST-35, SHLD-17 a window that shrinks to nothing is probed by retransmission, for as long as it is answered', async () => {
    const t = new Script({ userTimeoutMs: 60_000 })
    const flow = await t.accept()
    await flow.write(byte(3000))
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1, window: 0 })
    let probes = 0
    for (let seconds = 0; seconds < 1200; seconds++) {
      await t.advance(1000)
      const seen = t.take()
      if (seen.length === 0) continue
      probes++
      expect(seen[0]).toMatchObject({ seq: 1, length: 1460 })
      await t.arrives({ seq: 1, ack: 1, window: 0 })
    }
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(probes).toBeGreaterThan(20)
    await t.arrives({ seq: 1, ack: 3001, window: 1000 })
    await t.end()
  })

  it('takes the window of the newest segment only (SND.WL1, SND.WL2)', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 2, ack: 1, window: 1000, data: 'b' })
    expect(flow.info().sendWindow).toBe(1000)
    await t.arrives({ seq: 1, ack: 1, window: 5000, data: 'a' })
    expect(flow.info().sendWindow).toBe(1000)
    await t.arrives({ seq: 3, ack: 1, window: 5000 })
    expect(flow.info().sendWindow).toBe(5000)
    await t.end()
  })
})

describe('the way to the peer', () => {
  it('cuts segments anew where the IP layer finds them too large', async () => {
    const t = new Script()
    const flow = await t.accept()
    t.ip.mtuNow = 1020
    await flow.write(byte(2920))
    await t.settle()
    t.expectSends(
      { seq: 1, length: 1000 },
      { seq: 1001, length: 460 },
      { seq: 1461, length: 1000 },
      { seq: 2461, length: 460 },
    )
    expect(t.tcp.stats.refused).toEqual({ ERR_IP_WOULD_FRAGMENT: 1 })
    await t.end()
  })

  it('counts what is refused as lost, and sends it again', async () => {
    const t = new Script()
    const flow = await t.accept()
    t.ip.failures.push(new IpError('ERR_IP_NO_ROUTE', 'the cable is out'))
    await flow.write(bytesOf('hello'))
    await t.settle()
    t.expectSends()
    await t.advance(200)
    t.expectSends({ data: 'hello' })
    expect(flow.info().softError).toBe('net-unreachable')
    await t.end()
  })
})

describe('back-pressure', () => {
  it('lets a writer wait until there is room', async () => {
    const t = new Script({ sendBufferBytes: 4000, sendBufferMaxBytes: 4000 })
    const flow = await t.accept()
    await flow.write(byte(3999))
    let done = false
    const write = flow.write(byte(1)).then(() => {
      done = true
    })
    await t.settle()
    expect(done).toBe(false)
    await t.arrives({ seq: 1, ack: 2 })
    await write
    await t.end()
  })

  it('refuses what exceeds the memory of all, and has not accepted it', async () => {
    const t = new Script({ sendMemoryBytes: 10_000 })
    const flow = await t.accept({ window: 0 }, { window: 0 })
    await flow.write(byte(9000))
    await expect(flow.write(byte(1001))).rejects.toMatchObject({ code: 'ERR_TCP_LIMIT' })
    await flow.write(byte(1000))
    expect(t.tcp.stats.queuedBytes).toBe(10_000)
    await t.end()
  })

  it('throws at what is no Uint8Array', async () => {
    const t = new Script()
    const flow = await t.accept()
    expect(() => flow.write('text' as unknown as Uint8Array)).toThrow(TypeError)
    await t.end()
  })
})
