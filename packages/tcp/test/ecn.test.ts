import { readAll } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { Pair, pattern, sendAll } from './support/pair.ts'
import { Script, type ScriptOptions } from './support/script.ts'

/** Traffic class bytes: ECN-capable, congestion experienced. */
const ECT0 = 2
const CE = 3

async function agreed(options: ScriptOptions = {}): Promise<{ t: Script; flow: TcpFlow }> {
  const t = new Script(options)
  const flow = await t.accept({ ece: true, cwr: true })
  expect(flow.info().ecn).toBe(true)
  return { t, flow }
}

describe('ECN (RFC 3168, SHLD-8)', () => {
  it('§6.1.1: is agreed to where the peer asks', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0, ece: true, cwr: true })
    t.expectSends({ syn: true, ack: 1, ece: true, cwr: false })
    expect(t.history.at(-1)!.trafficClass).toBe(0)
    await t.arrives({ seq: 1, ack: 1 })
    expect((await listener.accept()).info().ecn).toBe(true)
    await t.end()
  })

  it('not to what is no request, nor where it is off', async () => {
    for (const [syn, ecn] of [
      [{}, 'accept'],
      [{ ece: true }, 'accept'],
      [{ cwr: true }, 'accept'],
      [{ ece: true, cwr: true }, 'off'],
    ] as const) {
      const t = new Script({ ecn })
      t.tcp.listen({ port: 80 })
      await t.arrives({ syn: true, seq: 0, ...syn })
      t.expectSends({ syn: true, ece: false, cwr: false })
      await t.end()
    }
  })

  it('is asked for where that is chosen, but not again with a SYN that was lost', async () => {
    for (const [answer, ecn] of [
      [{ ece: true }, true],
      [{}, false],
      [{ ece: true, cwr: true }, false],
    ] as const) {
      const t = new Script({ ecn: 'request' })
      const promise = t.connectStart()
      t.expectSends({ syn: true, ece: true, cwr: true })
      await t.advance(1000)
      t.expectSends({ syn: true, ece: false, cwr: false })
      await t.arrives({ syn: true, seq: 0, ack: 1, ...answer })
      expect((await promise).info().ecn).toBe(ecn)
      await t.end()
    }
    const t = new Script()
    void t.connectStart()
    t.expectSends({ syn: true, ece: false, cwr: false })
    await t.end()
  })

  it('§6.1.2, §6.1.5: new text is capable, ACKs and retransmissions are not', async () => {
    const { t, flow } = await agreed()
    flow.configure({ trafficClass: 0xb9 })
    await flow.write(new Uint8Array(100))
    await t.settle()
    expect(t.history.at(-1)!.trafficClass).toBe(0xb8 | ECT0)
    await t.advance(200)
    expect(t.history.at(-1)!.trafficClass).toBe(0xb9)
    await t.arrives({ seq: 1, ack: 101, data: 'x' })
    expect(t.history.at(-1)!.trafficClass).toBe(0xb9)
    await t.end()
  })

  it('§6.1.3: a mark is echoed until the peer has answered', async () => {
    const { t } = await agreed()
    t.arrivesAs({ seq: 1, ack: 1, data: 'a' }, { trafficClass: CE })
    t.expectSends({ ack: 2, ece: true })
    await t.arrives({ seq: 2, ack: 1, data: 'b' })
    t.expectSends({ ack: 3, ece: true })
    await t.arrives({ seq: 3, ack: 1, data: 'c', cwr: true })
    t.expectSends({ ack: 4, ece: false })
    t.arrivesAs({ seq: 4, ack: 1, data: 'd', cwr: true }, { trafficClass: CE })
    t.expectSends({ ack: 5, ece: true })
    await t.end()
  })

  it('§6.1.2: an echo cuts the window once per round trip (RFC 8511 §3: to four fifths), and is answered', async () => {
    const { t, flow } = await agreed({ noDelay: true })
    await flow.write(new Uint8Array(14_600))
    await t.settle()
    t.take()
    await t.arrives({ seq: 1, ack: 1461, ece: true })
    expect(flow.info()).toMatchObject({ cwnd: 10_512, recovery: 'none' })
    await t.arrives({ seq: 1, ack: 2921, ece: true })
    expect(flow.info().cwnd).toBe(10_512)
    await t.arrives({ seq: 1, ack: 14_601, ece: true })
    await flow.write(new Uint8Array(100))
    await t.settle()
    t.expectSends({ length: 100, cwr: true })
    await flow.write(new Uint8Array(100))
    await t.settle()
    t.expectSends({ length: 100, cwr: false })
    await t.end()
  })

  it('two ends of ours use it over a link that marks instead of dropping', async () => {
    const ecn = 'request'
    const pair = new Pair({
      a: { ecn },
      b: { ecn },
      link: { latencyMs: 10, rate: 1250, queueBytes: 100_000, markBytes: 15_000 },
    })
    const { client, server } = await pair.connect()
    expect([client.info().ecn, server.info().ecn]).toEqual([true, true])
    const bytes = pattern(2_000_000)
    const [, got] = await pair.settle(Promise.all([sendAll(client, bytes), readAll(server)]))
    expect(Buffer.compare(got, bytes)).toBe(0)
    expect(pair.a.stats).toMatchObject({ retransmits: 0, timeouts: 0 })
    expect(client.info().ssthresh).toBeLessThan(100_000)
    await pair.settle(Promise.all([client.close(), server.close()]))
    await pair.end()
  })
})
