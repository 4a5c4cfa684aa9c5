import { ip } from '@fata/addr'
import { IpError } from '@fata/ip'
import { describe, expect, it } from 'vitest'
import { readText, Script } from './support/script.ts'

const SYN_ACK = { syn: true, seq: 0, ack: 1, mss: 1460 }

describe('active open (RFC 9293 §3.5, §3.10.7.3)', () => {
  it('sends SYN, takes SYN,ACK, sends ACK', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.expectSends({ syn: true, seq: 0, ack: undefined, mss: 1460, window: 65535, length: 0 })
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.arrives(SYN_ACK)
    t.expectSends({ syn: false, seq: 1, ack: 1, length: 0 })
    const flow = await promise
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect([flow.remote, flow.local.address]).toEqual([{ address: t.peer, port: 7 }, t.ip.address])
    await t.end()
  })

  it('takes text that comes in one batch with the SYN,ACK', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives(SYN_ACK, { seq: 1, ack: 1, data: 'hello' })
    t.expectSends({ seq: 1, ack: 6 })
    expect(await readText(await promise)).toBe('hello')
    await t.end()
  })

  it('MUST-18, MUST-22 sends the SYN again with backed-off timeouts', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    for (const ms of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000]) {
      await t.advance(ms - 1)
      t.expectSends()
      await t.advance(1)
      t.expectSends({ syn: true, seq: 0, ack: undefined, mss: 1460 })
    }
    await t.arrives(SYN_ACK)
    await promise
    await t.end()
  })

  it('MUST-23 tries for three minutes', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.advance(179_999)
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.advance(1)
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_TIMEOUT' })
    expect(t.tcp.stats.attemptFails).toBe(1)
    await t.end()
  })

  it('RFC 6298 §5.7: begins with a timeout of 3 s and one segment where the SYN was lost', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.advance(1000)
    t.take()
    await t.arrives(SYN_ACK)
    const flow = await promise
    t.take()
    expect(flow.info()).toMatchObject({ rtoMs: 3000, cwnd: 1460 })
    await t.end()
  })

  it('gives up after timeoutMs', async () => {
    const t = new Script()
    const promise = t.connectStart({ timeoutMs: 2500 })
    await t.advance(2500)
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_TIMEOUT' })
    await t.end()
  })

  it('is refused by a reset that acknowledges the SYN', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ rst: true, ack: 1 })
    await expect(promise).rejects.toMatchObject({ name: 'TcpError', code: 'ERR_TCP_REFUSED' })
    t.expectSends()
    await t.end()
  })

  it('ignores resets that do not', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ rst: true }, { rst: true, ack: 0 }, { rst: true, ack: 2 })
    expect(t.states()).toEqual(['SYN-SENT'])
    t.expectSends()
    await t.arrives(SYN_ACK)
    await promise
    await t.end()
  })

  it('answers an ACK of something that was not sent with a reset, and goes on', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ seq: 77, ack: 0 }, { seq: 88, ack: 2 }, { syn: true, seq: 0, ack: 9 })
    t.expectSends(
      { rst: true, seq: 0, ack: undefined },
      { rst: true, seq: 2, ack: undefined },
      { rst: true, seq: 9, ack: undefined },
    )
    await t.advance(1000)
    t.expectSends({ syn: true, seq: 0 })
    await t.arrives(SYN_ACK)
    await promise
    await t.end()
  })

  it('ignores segments without SYN or RST', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ seq: 1, ack: 1, data: 'x' }, { fin: true, seq: 1, ack: 1 }, {})
    t.expectSends()
    await t.arrives(SYN_ACK)
    await promise
    await t.end()
  })

  it('leaves text and FIN on the SYN,ACK to be sent again', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ ...SYN_ACK, data: 'early', fin: true })
    t.expectSends({ ack: 1 })
    const flow = await promise
    await t.arrives({ seq: 1, ack: 1, data: 'early', fin: true })
    t.expectSends({ ack: 7 })
    expect(await readText(flow)).toBe('early')
    expect(await readText(flow)).toBe(null)
    await t.end()
  })

  it('forgets the connection when the signal is aborted, without a reset', async () => {
    const t = new Script()
    const abort = new AbortController()
    const promise = t.connectStart({ signal: abort.signal })
    t.take()
    abort.abort(new Error('enough'))
    await expect(promise).rejects.toThrow('enough')
    await t.settle()
    expect(t.states()).toEqual([])
    t.expectSends()
    await expect(t.tcp.connect({ address: t.peer, port: 7 }, { signal: abort.signal })).rejects.toThrow('enough')
    await t.end()
  })

  it('an abort after the connection is there changes nothing', async () => {
    const t = new Script()
    const abort = new AbortController()
    await t.connect({}, { signal: abort.signal })
    abort.abort()
    await t.settle()
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('fails where the IP layer has no route', async () => {
    const t = new Script()
    await expect(t.tcp.connect({ address: ip('fd00::9'), port: 1 })).rejects.toMatchObject({
      code: 'ERR_TCP_UNREACHABLE',
      cause: { code: 'ERR_IP_FAMILY' },
    })
    t.ip.failures.push(new IpError('ERR_IP_NO_ROUTE', 'gone'))
    await expect(t.tcp.connect({ address: t.peer, port: 1 })).rejects.toMatchObject({ code: 'ERR_TCP_UNREACHABLE' })
    expect(t.tcp.stats.refused).toEqual({ ERR_IP_NO_ROUTE: 1 })
    await t.end()
  })

  it('MUST-46 throws at group and broadcast addresses, and at ports that are none', async () => {
    const t = new Script()
    for (const address of ['224.0.0.1', '255.255.255.255', '10.0.0.255', '0.0.0.0', 'ff02::1', '::'])
      expect(() => t.tcp.connect({ address: ip(address), port: 1 })).toThrow(TypeError)
    for (const port of [0, 65536, -1, 1.5e9, Number.NaN])
      expect(() => t.tcp.connect({ address: t.peer, port })).toThrow(RangeError)
    expect(() => t.tcp.connect({ address: t.peer, port: 1, localPort: 0 })).toThrow(RangeError)
    await t.end()
  })

  it('MUST-43, MUST-45 uses the local address and port that were asked for', async () => {
    const t = new Script()
    const local = ip('10.0.0.77')
    t.tcp.connect({ address: t.peer, port: 7, localAddress: local, localPort: 1234 }).catch(() => {})
    expect(t.sent[0]!.src).toBe(local)
    expect([...t.sent[0]!.bytes.subarray(0, 2)]).toEqual([1234 >>> 8, 1234 & 255])
    const again = t.tcp.connect({ address: t.peer, port: 7, localAddress: local, localPort: 1234 })
    await expect(again).rejects.toMatchObject({ code: 'ERR_TCP_PORT_IN_USE' })
    await t.end()
  })

  it('MUST-48, MUST-49 sets traffic class and time to live on every segment', async () => {
    const t = new Script()
    await t.connect({}, { trafficClass: 0xb8, ttl: 3 })
    expect(t.history.map((p) => [p.trafficClass, p.ttl])).toEqual([
      [0xb8, 3],
      [0xb8, 3],
    ])
    await t.end()
  })
})

describe('simultaneous open (RFC 9293 figure 8)', () => {
  it('MUST-10 crossing SYNs establish one connection', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.take()
    await t.arrives({ syn: true, seq: 0, mss: 1000 })
    t.expectSends({ syn: true, seq: 0, ack: 1, mss: 1460 })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1000 })
    const flow = await promise
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(flow.info().mss).toBe(1000)
    await t.end()
  })

  it('completes with a bare ACK too', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ seq: 1, ack: 1 })
    await promise
    await t.end()
  })

  it('sends the SYN,ACK again with its options, and on a repeated SYN at once', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.arrives({ syn: true, seq: 0 })
    t.take()
    await t.advance(1000)
    t.expectSends({ syn: true, seq: 0, ack: 1, mss: 1460 })
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, seq: 0, ack: 1, mss: 1460 })
    await t.arrives({ seq: 1, ack: 1 })
    await promise
    await t.end()
  })

  it('MUST-11 a reset in SYN-RECEIVED refuses an active open', async () => {
    const t = new Script()
    const promise = t.connectStart()
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ rst: true, seq: 1 })
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_REFUSED' })
    await t.end()
  })
})

describe('passive open (RFC 9293 §3.10.7.2)', () => {
  it('takes SYN, sends SYN,ACK, takes ACK', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    const accepted = listener.accept()
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, seq: 0, ack: 1, mss: 1460, window: 65535 })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.arrives({ seq: 1, ack: 1 })
    t.expectSends()
    expect(t.states()).toEqual(['ESTABLISHED'])
    const flow = await accepted
    expect(flow.remote).toEqual({ address: t.peer, port: 40000 })
    await t.end()
  })

  it('takes text with the last ACK of the handshake', async () => {
    const t = new Script()
    const flow = await t.accept({}, { data: 'request', psh: true })
    t.expectSends({ ack: 8 })
    expect(await readText(flow)).toBe('request')
    await t.end()
  })

  it('takes a FIN with it', async () => {
    const t = new Script()
    const flow = await t.accept({}, { data: 'x', fin: true })
    expect(await readText(flow)).toBe('x')
    expect(await readText(flow)).toBe(null)
    expect(t.states()).toEqual(['CLOSE-WAIT'])
    await t.end()
  })

  it('sends the SYN,ACK again with its options', async () => {
    const t = new Script({ timestamps: true, sack: true, windowScale: true })
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0, mss: 1460, ts: [1, 0], sackPermitted: true, windowScale: 3 })
    const options = { syn: true, seq: 0, ack: 1, mss: 1460, windowScale: 7, sackPermitted: true }
    t.expectSends(options)
    for (const ms of [1000, 2000, 4000]) {
      await t.advance(ms)
      t.expectSends(options)
    }
    await listener.close()
    await t.end()
  })

  it('answers a repeated SYN with the SYN,ACK', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    t.take()
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, seq: 0, ack: 1 })
    await t.end()
  })

  it('returns to LISTEN on an exact reset, on a SYN in the window, and when nothing comes', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ rst: true, seq: 1 })
    expect(t.states()).toEqual([])
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ syn: true, seq: 100 })
    expect(t.states()).toEqual([])
    await t.arrives({ syn: true, seq: 0 })
    await t.advance(180_000)
    expect(t.states()).toEqual([])
    expect(t.tcp.stats.attemptFails).toBe(3)
    await t.arrives({ syn: true, seq: 0 })
    await t.arrives({ seq: 1, ack: 1 })
    await listener.accept()
    await t.end()
  })

  it('answers an ACK of something else with a reset, and stays', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    t.take()
    await t.arrives({ seq: 1, ack: 0 }, { seq: 1, ack: 2 })
    t.expectSends({ rst: true, seq: 0, ack: undefined }, { rst: true, seq: 2, ack: undefined })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    await t.end()
  })

  it('ignores a reset and resets an ACK that come for the listener', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ rst: true, seq: 5 }, { rst: true, seq: 5, ack: 9 })
    t.expectSends()
    await t.arrives({ seq: 5, ack: 9 }, { syn: true, seq: 5, ack: 9 })
    t.expectSends({ rst: true, seq: 9, ack: undefined }, { rst: true, seq: 9, ack: undefined })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('ignores text and FIN on a SYN until they come again', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, fin: true, seq: 0, data: 'abc' })
    t.expectSends({ syn: true, ack: 1 })
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    t.expectSends({ ack: 4 })
    expect(await readText(await listener.accept())).toBe('abc')
    await t.end()
  })
})

describe('what SYNs agree on', () => {
  it('MUST-15 assumes 536 and 1220 where no MSS option comes', async () => {
    for (const v6 of [false, true]) {
      const t = new Script({ v6 })
      const promise = t.connectStart()
      await t.arrives({ syn: true, seq: 0, ack: 1 })
      expect((await promise).info().mss).toBe(v6 ? 1220 : 536)
      await t.end()
    }
  })

  it('MUST-16 sends no more than the peer takes and the way carries', async () => {
    for (const [peerMss, mtu, timestamps, mss] of [
      [1000, 1480, false, 1000],
      [1460, 1020, false, 1000],
      [1460, 1480, true, 1448],
      [9000, 1480, true, 1448],
      [20, 1480, false, 48],
    ] as const) {
      const t = new Script({ mtu, timestamps })
      const promise = t.connectStart()
      await t.arrives({ syn: true, seq: 0, ack: 1, mss: peerMss, ...(timestamps ? { ts: [1, 0] } : {}) })
      expect((await promise).info().mss).toBe(mss)
      await t.end()
    }
  })

  it('MUST-14, MUST-67 announces what the IP layer can take', async () => {
    const t = new Script({ mtu: 8980 })
    void t.connectStart()
    t.expectSends({ mss: 8960 })
    await t.end()
    const large = new Script({ mtu: 65_535 + 20 })
    void large.connectStart()
    large.expectSends({ mss: 65_535 })
    await large.end()
  })

  it('MUST-65 sends the MSS, the scale and SACK-permitted on SYNs only', async () => {
    const t = new Script({ sack: true, windowScale: true })
    const flow = await t.connect({ sackPermitted: true, windowScale: 2 })
    await flow.write(new Uint8Array(10))
    await t.settle()
    t.expectSends({ mss: undefined, windowScale: undefined, sackPermitted: false, length: 10 })
    await t.end()
  })

  it('RFC 7323 §2: scales windows where both SYNs carry the option, never in a SYN', async () => {
    const t = new Script({ windowScale: true })
    const promise = t.connectStart()
    t.expectSends({ windowScale: 7, window: 65535 })
    await t.arrives({ syn: true, seq: 0, ack: 1, windowScale: 3, window: 1000 })
    t.expectSends({ ack: 1, window: (256 * 1024) >>> 7 })
    const flow = await promise
    expect(flow.info()).toMatchObject({ windowScaling: true, sendWindow: 1000 })
    await t.arrives({ seq: 1, ack: 1, window: 1000 })
    expect(flow.info().sendWindow).toBe(8000)
    await t.end()
  })

  it('does not scale, nor use SACK or timestamps, where the peer does not', async () => {
    const t = new Script({ windowScale: true, sack: true, timestamps: true })
    const promise = t.connectStart()
    t.expectSends({ windowScale: 7, sackPermitted: true })
    await t.arrives({ syn: true, seq: 0, ack: 1, window: 1000 })
    t.expectSends({ ack: 1, window: 65535, ts: undefined })
    const flow = await promise
    expect(flow.info()).toMatchObject({ windowScaling: false, sack: false, timestamps: false })
    await t.arrives({ seq: 1, ack: 1, window: 65535, windowScale: 5 })
    expect(flow.info().sendWindow).toBe(65535)
    await t.end()
  })

  it('does not answer with options that the SYN did not carry', async () => {
    const t = new Script({ windowScale: true, sack: true, timestamps: true })
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, mss: 1460, windowScale: undefined, sackPermitted: false, ts: undefined })
    await t.end()
  })

  it('survives garbage for options on a SYN (MUST-7)', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0, options: Uint8Array.of(2, 0, 0, 0) })
    t.expectSends({ syn: true, ack: 1 })
    await t.end()
  })
})
