import { describe, expect, it } from 'vitest'
import { bytesOf, Script } from '../support/script.ts'

describe('RFC 9293 §3.7.1: maximum segment size', () => {
  it('MUST-14: the option is sent, and obeyed', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.expectSends({ syn: true, mss: 1460 })
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 700 })
    const flow = await promise
    t.take()
    await flow.write(new Uint8Array(1000))
    await t.settle()
    t.expectSends({ length: 700 }, { length: 300 })
    await t.end()
  })

  it.each([
    ['IPv4', false, 1460],
    ['IPv6', true, 1440],
  ])('SHLD-5, MAY-3: over %s it is always sent', async (_, v6, mss) => {
    const t = new Script({ v6, mtu: mss + 20 })
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    t.expectSends({ syn: true, ack: 1, mss })
    await t.end()
  })

  it.each([
    ['536 over IPv4', false, 536],
    ['1220 over IPv6', true, 1220],
  ])('MUST-15: without the option the peer takes %s', async (_, v6, mss) => {
    const t = new Script({ v6 })
    const flow = await t.accept({ mss: undefined as unknown as number, options: new Uint8Array(0) })
    expect(flow.info().mss).toBe(mss)
    await t.end()
  })

  it('MUST-16: Eff.snd.MSS is the least of what the peer takes and the way carries, less the options', async () => {
    const t = new Script({ timestamps: true, mtu: 1020 })
    const flow = await t.accept({ mss: 1460, ts: [1, 0] }, { ts: [1, 0] })
    expect(flow.info().mss).toBe(1000 - 12)
    await flow.write(new Uint8Array(988))
    await t.settle()
    expect(t.take()[0]).toMatchObject({ length: 988 })
    await t.end()
  })

  it('MUST-65: the option is on no other segment', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    void flow.close()
    await t.settle()
    for (const packet of t.history) {
      const { syn, mss } = t.see(packet)
      expect(mss !== undefined).toBe(syn)
    }
    await t.end()
  })

  it('MUST-67: the value is what the IP layer can take, less 20', async () => {
    const t = new Script({ mtu: 8980 })
    void t.connectStart()
    t.expectSends({ syn: true, mss: 8960 })
    await t.end()
  })
})

describe('RFC 9293 §3.7.2, §3.7.3: path MTU', () => {
  it('SHLD-6: segments follow the MTU as it changes', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(new Uint8Array(1460))
    await t.settle()
    t.expectSends({ length: 1460 })
    t.ip.mtuNow = 1020
    t.ip.report('packet-too-big', t.history.at(-1)!, { mtu: 1040 })
    await t.settle()
    t.expectSends({ seq: 1, length: 1000 }, { seq: 1001, length: 460 })
    expect(flow.info().mss).toBe(1000)
    await t.end()
  })
})

describe('RFC 9293 §3.7.4: Nagle', () => {
  it('SHLD-7: less than a segment waits while data is unacknowledged', async () => {
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
    t.expectSends({ data: 'bc' })
    await t.end()
  })

  it('MUST-17: an application can turn it off for a connection', async () => {
    const t = new Script()
    const flow = await t.accept()
    flow.configure({ noDelay: true })
    for (const data of ['a', 'b', 'c']) {
      await flow.write(bytesOf(data))
      await t.settle()
      t.expectSends({ data })
    }
    await t.end()
  })
})
