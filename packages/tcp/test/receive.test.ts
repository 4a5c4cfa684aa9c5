import { describe, expect, it } from 'vitest'
import { readText, Script, text } from './support/script.ts'

/** No acknowledgment is sent at once: the first sixteen have been. */
async function settled(t: Script): Promise<Awaited<ReturnType<Script['accept']>>> {
  const flow = await t.accept()
  for (let i = 0; i < 16; i++) await t.arrives({ seq: 1 + i, ack: 1, data: 'x' })
  await flow.read()
  t.take()
  return flow
}

describe('text in order', () => {
  it('is delivered and acknowledged', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'hello ' })
    t.expectSends({ seq: 1, ack: 7, length: 0 })
    await t.arrives({ seq: 7, ack: 1, data: 'world' })
    t.expectSends({ ack: 12 })
    expect(await readText(flow)).toBe('hello world')
    await t.end()
  })

  it('MUST-58, MUST-59 a batch is processed whole before one ACK is sent', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives(
      { seq: 1, ack: 1, data: 1460 },
      { seq: 1461, ack: 1, data: 1460 },
      { seq: 2921, ack: 1, data: 1460 },
    )
    t.expectSends({ ack: 4381 })
    await t.end()
  })

  it('a waiting reader is served, and the window is that after his read', async () => {
    const t = new Script()
    const flow = await t.accept()
    const read = readText(flow)
    await t.arrives({ seq: 1, ack: 1, data: 1460 })
    t.expectSends({ ack: 1461, window: 65535 })
    expect(await read).toBe(text(1460))
    await t.end()
  })
})

describe('delayed acknowledgments (RFC 9293 §3.8.6.3)', () => {
  it('the first segments are acknowledged at once', async () => {
    const t = new Script()
    await t.accept()
    for (let i = 0; i < 16; i++) {
      await t.arrives({ seq: 1 + i, ack: 1, data: 'x' })
      t.expectSends({ ack: 2 + i })
    }
    await t.arrives({ seq: 17, ack: 1, data: 'x' })
    t.expectSends()
    await t.end()
  })

  it('MUST-40 a small segment waits 40 ms', async () => {
    const t = new Script()
    await settled(t)
    await t.arrives({ seq: 17, ack: 1, data: 'x' })
    await t.advance(39)
    t.expectSends()
    await t.advance(1)
    t.expectSends({ ack: 18 })
    await t.advance(1000)
    t.expectSends()
    await t.end()
  })

  it('SHLD-19 every second full-sized segment is acknowledged at once', async () => {
    const t = new Script()
    const flow = await settled(t)
    let seq = 17
    const full = async (): Promise<void> => {
      await t.arrives({ seq, ack: 1, data: 1460 })
      seq += 1460
      await flow.read()
    }
    // The first one shows what full means.
    await full()
    await full()
    t.take()
    for (let i = 0; i < 3; i++) {
      await full()
      t.expectSends()
      await full()
      t.expectSends({ ack: seq })
    }
    await t.end()
  })

  it('SHLD-18 travels with data', async () => {
    const t = new Script()
    const flow = await settled(t)
    await t.arrives({ seq: 17, ack: 1, data: 'question' })
    await flow.write(new Uint8Array(3))
    await t.settle()
    t.expectSends({ ack: 25, length: 3 })
    await t.advance(100)
    t.expectSends()
    await t.end()
  })

  it('a reply ends the time of immediate acknowledgments', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'q' })
    t.expectSends({ ack: 2 })
    await flow.write(new Uint8Array(1))
    await t.settle()
    t.expectSends({ ack: 2, length: 1 })
    await t.arrives({ seq: 2, ack: 2, data: 'q' })
    t.expectSends()
    await t.end()
  })
})

describe('text out of order (SHLD-31)', () => {
  it('waits for what precedes it, and is answered at once (MAY-13), once per segment', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 6, ack: 1, data: 'world' })
    t.expectSends({ ack: 1 })
    await t.arrives({ seq: 11, ack: 1, data: '!' }, { seq: 12, ack: 1, data: '?' })
    t.expectSends({ ack: 1 }, { ack: 1 })
    expect(flow.info()).toMatchObject({ outOfOrderBytes: 7, unreadBytes: 0 })
    await t.arrives({ seq: 1, ack: 1, data: 'hello' })
    t.expectSends({ ack: 13 })
    expect([await readText(flow), await readText(flow)].join('')).toBe('helloworld!?')
    expect(t.tcp.stats.outOfOrderIn).toBe(3)
    await t.end()
  })

  it('overlapping segments are cut; what came first stays', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 4, ack: 1, data: 'def' }, { seq: 2, ack: 1, data: 'BCDE' }, { seq: 6, ack: 1, data: 'FGH' })
    await t.arrives({ seq: 1, ack: 1, data: 'aB' })
    let all = ''
    while (all.length < 8) all += await readText(flow)
    expect(all).toBe('aBCdefGH')
    await t.end()
  })

  it('text that straddles old and new: only the new is taken', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    await t.arrives({ seq: 1, ack: 1, data: 'ABCdef' })
    t.expectSends({ ack: 4 }, { ack: 7 })
    expect(await readText(flow)).toBe('abcdef')
    await t.end()
  })

  it('old text is acknowledged again', async () => {
    const t = new Script()
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    t.take()
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    t.expectSends({ seq: 1, ack: 4 })
    expect(t.tcp.stats.dropped).toEqual({ unacceptable: 1 })
    await t.end()
  })

  it('a FIN ahead of a gap waits for it, also one that comes twice', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 4, ack: 1, data: 'def', fin: true })
    t.expectSends({ ack: 1 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.arrives({ seq: 7, ack: 1, fin: true })
    t.expectSends({ ack: 1 })
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    t.expectSends({ ack: 8 })
    expect(t.states()).toEqual(['CLOSE-WAIT'])
    let all = ''
    for (let s = await readText(flow); s !== null; s = await readText(flow)) all += s
    expect(all).toBe('abcdef')
    await t.end()
  })

  it('text behind a FIN does not count', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 4, ack: 1, fin: true })
    await t.arrives({ seq: 1, ack: 1, data: 'abcdef' })
    expect(await readText(flow)).toBe('abc')
    expect(await readText(flow)).toBe(null)
    await t.end()
  })

  it('a FIN before text that has come is not believed', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 4, ack: 1, data: 'def' })
    await t.arrives({ seq: 2, ack: 1, fin: true })
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect([await readText(flow), await readText(flow)].join('')).toBe('abcdef')
    await t.end()
  })

  it('holds a bounded number of pieces', async () => {
    const t = new Script({ reassemblyRanges: 3 })
    const flow = await t.accept()
    for (let i = 0; i < 10; i++) await t.arrives({ seq: 3 + 2 * i, ack: 1, data: 'x' })
    expect(flow.info().outOfOrderBytes).toBe(3)
    expect(t.tcp.stats.dropped['reassembly']).toBe(7)
    await t.arrives({ seq: 1, ack: 1, data: 'ab' })
    expect(t.take().at(-1)).toMatchObject({ ack: 4 })
    await t.end()
  })
})

describe('the own window', () => {
  const SMALL = { receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000 }

  it('shuts as text waits to be read, and its right edge stays (SHLD-14)', async () => {
    const t = new Script(SMALL)
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 1460 })
    t.expectSends({ ack: 1461, window: 2540 })
    await t.arrives({ seq: 1461, ack: 1, data: 2540 })
    t.expectSends({ ack: 4001, window: 0 })
    await t.end()
  })

  it('MUST-39 opens by a segment or half of the buffer, and says so when the reader has read', async () => {
    const t = new Script({ ...SMALL, mtu: 1020 })
    const flow = await t.accept()
    const reads: (string | null)[] = []
    for (let i = 0; i < 8; i++) await t.arrives({ seq: 1 + 500 * i, ack: 1, data: 500 })
    expect(t.take().at(-1)).toMatchObject({ ack: 4001, window: 0 })
    // The small slabs give the text back in pieces.
    while (reads.join('').length < 4000) {
      reads.push(await readText(flow))
      await t.settle()
    }
    const updates = t.take()
    expect(updates.length).toBeGreaterThan(0)
    for (const u of updates) expect(u.window).toBeGreaterThanOrEqual(1000)
    expect(updates.at(-1)).toMatchObject({ seq: 1, ack: 4001, length: 0 })
    await t.end()
  })

  it('does not send an update that the peer can do without', async () => {
    const t = new Script({ receiveBufferBytes: 60_000 })
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 1460 }, { seq: 1461, ack: 1, data: 1460 })
    t.take()
    await flow.read()
    await t.settle()
    t.expectSends()
    await t.end()
  })

  it('cuts off what exceeds it', async () => {
    const t = new Script(SMALL)
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 5000, fin: true })
    t.expectSends({ ack: 4001, window: 0 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(await readText(flow)).toBe(text(4000))
    await t.end()
  })

  it('answers probes while it is shut, whatever they carry', async () => {
    const t = new Script(SMALL)
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 4000 })
    t.take()
    await t.arrives({ seq: 4001, ack: 1, data: 'x' })
    t.expectSends({ seq: 1, ack: 4001, window: 0 })
    await t.arrives({ seq: 4000, ack: 1 })
    t.expectSends({ seq: 1, ack: 4001, window: 0 })
    await t.arrives({ seq: 4000, ack: 1, data: 'y' })
    t.expectSends({ seq: 1, ack: 4001, window: 0 })
    await t.end()
  })

  it('MUST-66 takes ACKs and resets while it is shut', async () => {
    const t = new Script(SMALL)
    const flow = await t.accept()
    await flow.write(new Uint8Array(10))
    await t.arrives({ seq: 1, ack: 1, data: 4000 })
    await t.arrives({ seq: 4001, ack: 11, data: 'probe' })
    expect(flow.info().bytesAcked).toBe(10)
    await t.arrives({ seq: 4001, rst: true })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('takes a FIN while it is shut', async () => {
    const t = new Script(SMALL)
    await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 4000 })
    await t.arrives({ seq: 4001, ack: 1, fin: true })
    expect(t.states()).toEqual(['CLOSE-WAIT'])
    await t.end()
  })

  it('takes a bare ACK at its right edge', async () => {
    const t = new Script(SMALL)
    const flow = await t.accept()
    await flow.write(new Uint8Array(10))
    await t.settle()
    await t.arrives({ seq: 4001, ack: 11 })
    expect(flow.info().bytesAcked).toBe(10)
    await t.end()
  })

  it('with a scale is rounded down, and what was offered is taken', async () => {
    const t = new Script({ windowScale: true, receiveBufferBytes: 100_000, receiveBufferMaxBytes: 8 << 20 })
    await t.accept({ windowScale: 0 })
    await t.arrives({ seq: 1, ack: 1, data: 100 })
    // Shift 8: 99900 is 390.2 units.
    t.expectSends({ ack: 101, window: 390 })
    await t.arrives({ seq: 100_000, ack: 1, data: 'z' })
    t.expectSends({ ack: 101 })
    expect(t.tcp.stats.outOfOrderIn).toBe(1)
    await t.end()
  })

  it('shuts where the memory of all is used up, and what comes all the same is dropped, to come again', async () => {
    const t = new Script({ receiveMemoryBytes: 5000 })
    const listener = t.tcp.listen({ port: 80 })
    const first = await t.accept({}, {}, listener)
    t.peerPort = 40001
    const second = await t.accept({}, {}, listener)
    await t.arrives({ seq: 1, ack: 1, data: 4000 })
    t.expectSends({ ack: 4001, window: 1000 })
    t.peerPort = 40000
    await t.arrives({ seq: 1, ack: 1, data: 1500 })
    t.expectSends({ ack: 1 })
    expect(t.tcp.stats.dropped).toEqual({ 'receive-memory': 1 })
    while (second.info().unreadBytes > 0) await second.read()
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1, data: 1500 })
    t.expectSends({ ack: 1501 })
    expect(await readText(first)).toBe(text(1500))
    await t.end()
  })
})

describe('reading', () => {
  it('borrowed chunks are right when they are read', async () => {
    const t = new Script()
    const flow = await t.accept()
    for (let i = 0; i < 50; i++) {
      await t.arrives({ seq: 1 + 1000 * i, ack: 1, data: text(1000, i) })
      let all = ''
      while (all.length < 1000) all += String.fromCharCode(...(await flow.read({ borrow: true }))!)
      expect(all).toBe(text(1000, i))
    }
    await t.end()
  })

  it('several borrowing readers are served in order', async () => {
    const t = new Script()
    const flow = await t.accept()
    const reads = [flow.read({ borrow: true }), flow.read({ borrow: true }), flow.read()]
    await t.arrives({ seq: 1, ack: 1, data: 'a' })
    await t.arrives({ seq: 2, ack: 1, data: 'b' })
    await t.arrives({ seq: 3, ack: 1, data: 'c' })
    const chunks = await Promise.all(reads)
    expect(chunks.map((c) => String.fromCharCode(...c!)).join('')).toBe('abc')
    await t.end()
  })
})

describe('segments that are not even looked up', () => {
  it('MUST-3 a wrong checksum, unless the device vouches for it', async () => {
    const t = new Script()
    const flow = await t.accept()
    const damage = (b: Uint8Array): void => {
      b[b.length - 1] = b[b.length - 1]! ^ 1
    }
    expect(t.arrivesAs({ seq: 1, ack: 1, data: 'abc' }, {}, damage)).toBe(true)
    expect(t.tcp.stats.dropped).toEqual({ 'bad-checksum': 1 })
    t.expectSends()
    const meta = { checksum: 'valid', checksumStart: 0, checksumOffset: 0, gso: 'none', gsoSize: 0 } as const
    t.arrivesAs({ seq: 1, ack: 1, data: 'abc' }, { meta }, damage)
    expect(flow.info().unreadBytes).toBe(3)
    await t.end()
  })

  it('MUST-57 what was sent to a group, MUST-63 what cannot come from a host', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    t.arrivesAs({ syn: true, seq: 0 }, { multicast: true })
    const { ip } = await import('@fata/addr')
    const source = (address: string): void => {
      t.arrivesAs({ syn: true, seq: 0 }, { src: ip(address), meta: { checksum: 'valid' } as never })
    }
    source('224.0.0.5')
    source('255.255.255.255')
    source('0.0.0.0')
    expect(t.tcp.stats.dropped).toEqual({ multicast: 1, 'bad-source': 3 })
    t.expectSends()
    await t.end()
  })

  it('one that seems to come from its own destination', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    t.peerPort = 80
    t.arrivesAs({ syn: true, seq: 0 }, { src: t.ip.address, meta: { checksum: 'valid' } as never })
    expect(t.tcp.stats.dropped).toEqual({ 'from-itself': 1 })
    t.expectSends()
    await t.end()
  })

  it('malformed ones, counted by reason', async () => {
    const t = new Script()
    t.ip.receive(t.peer, new Uint8Array(19))
    t.ip.receive(t.peer, new Uint8Array(20))
    t.ip.batchEnd()
    expect(t.tcp.stats.dropped).toEqual({ truncated: 1, 'bad-offset': 1 })
    t.expectSends()
    await t.end()
  })
})

describe('super-frames', () => {
  it('are one segment, acknowledged at once', async () => {
    const t = new Script({ windowScale: true, receiveBufferBytes: 2 << 20 })
    const flow = await t.accept({ windowScale: 5 })
    const meta = { checksum: 'partial', checksumStart: 0, checksumOffset: 16, gso: 'tcp4', gsoSize: 1460 } as const
    const all = text(58_400)
    for (let i = 0; i < 30; i++) {
      t.arrivesAs({ seq: 1 + 58_400 * i, ack: 1, data: all }, { meta })
      t.expectSends({ ack: 1 + 58_400 * (i + 1) })
    }
    let got = ''
    while (flow.info().unreadBytes > 0) got += await readText(flow)
    expect(got).toBe(all.repeat(30))
    await t.end()
  })
})
