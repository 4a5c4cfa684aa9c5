import { describe, expect, it } from 'vitest'
import { readText, Script } from '../support/script.ts'

/** The initial sequence number that a connection gets which is opened at `ms` with this seed. */
async function issAt(ms: number, seed = 1): Promise<number> {
  const t = new Script({ seed, startAt: ms, ephemeralPorts: [5000, 5000] })
  void t.connectStart()
  const iss = t.ourIss
  await t.end()
  return iss
}

describe('RFC 9293 §3.4: sequence numbers', () => {
  it('MUST-66: ACK, RST and URG count while the window is shut', async () => {
    const t = new Script({ receiveBufferBytes: 4, receiveBufferMaxBytes: 4 })
    const flow = await t.accept()
    const reports: string[] = []
    flow.onReport = (report) => reports.push(report)
    await flow.write(new Uint8Array(3))
    await t.settle()
    await t.arrives({ seq: 1, ack: 1, data: 'full' })
    expect(flow.info().receiveWindow).toBe(0)
    await t.arrives({ seq: 5, ack: 4, urg: 9 })
    expect(flow.info()).toMatchObject({ unackedBytes: 0, urgentBytes: 13 })
    expect(reports).toEqual(['urgent'])
    await t.arrives({ rst: true, seq: 5 })
    expect(t.states()).toEqual([])
    await t.end()
  })
})

describe('RFC 9293 §3.4.1: initial sequence numbers', () => {
  it('MUST-8: follow a clock, one step every 4 us', async () => {
    const [first, later] = [await issAt(0), await issAt(1000)]
    expect((later - first) | 0).toBe(250_000)
  })

  it('SHLD-1: ISN = M + F(endpoints, secret), so that every pair of endpoints has numbers of its own', async () => {
    const t = new Script()
    const numbers = new Set<number>()
    for (const localPort of [5001, 5002, 5003]) {
      t.tcp.connect({ address: t.peer, port: 7, localPort }).catch(() => {})
      t.peerPort = 7
      numbers.add(t.ourIss)
    }
    expect(numbers.size).toBe(3)
    await t.end()
  })

  it('MUST-9: F cannot be computed without the secret', async () => {
    const differences = new Set(await Promise.all([1, 2, 3].map(async (seed) => issAt(0, seed))))
    expect(differences.size).toBe(3)
  })

  it('§3.4.2: a segment is acceptable where any part of it lies in the window', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abc' }, { seq: 2, ack: 1, data: 'bcde' })
    expect(await readText(flow)).toBe('abcde')
    await t.end()
  })
})
