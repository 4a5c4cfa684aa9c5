import { readAll } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { Pair, pattern } from './support/pair.ts'

describe('many connections', () => {
  it('ten thousand are opened, used and closed, and nothing is left', async () => {
    const pair = new Pair({ b: { backlog: 20_000, synBacklog: 20_000 } })
    const count = 10_000
    let served = 0
    pair.b.listen({ port: 80 }, async (flow) => {
      const question = await flow.read()
      served++
      await flow.write(question!)
      await flow.close()
    })
    const one = async (i: number): Promise<void> => {
      const flow = await pair.a.connect({ address: pair.bIp.address, port: 80 })
      await flow.write(Uint8Array.of(i, i >>> 8))
      expect(await flow.read()).toEqual(Uint8Array.of(i, i >>> 8))
      expect(await flow.read()).toBe(null)
      await flow.close()
    }
    await pair.settle(Promise.all(Array.from({ length: count }, (_, i) => one(i))))
    expect(served).toBe(count)
    expect(pair.a.stats).toMatchObject({
      activeOpens: count,
      attemptFails: 0,
      resetsIn: 0,
      resetsOut: 0,
      retransmits: 0,
    })
    await pair.end()
  })

  it('one after the other, they come and go', async () => {
    const pair = new Pair({ a: { ephemeralPorts: [50_000, 50_063] }, link: { loss: 0.05, latencyMs: 2 } })
    pair.b.listen({ port: 80 }, async (flow) => {
      for await (const chunk of flow) await flow.write(chunk)
      await flow.close()
    })
    for (let i = 0; i < 64; i++) {
      const flow = await pair.settle(pair.a.connect({ address: pair.bIp.address, port: 80 }))
      const bytes = pattern(3000, i)
      await pair.settle(flow.write(bytes.slice()))
      await pair.settle(flow.shutdown())
      let got = 0
      for await (const chunk of { [Symbol.asyncIterator]: () => settling(pair, flow) }) got += chunk.length
      expect(got).toBe(3000)
      await pair.settle(flow.close())
    }
    await pair.end()
  })
})

/** Iterates while the clock runs. */
async function* settling(pair: Pair, flow: TcpFlow): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const chunk = await pair.settle(flow.read())
    if (chunk === null) return
    yield chunk
  }
}

describe('ends that do not come', () => {
  it('a peer who vanishes in the middle costs nothing for ever', async () => {
    let cut = false
    const drop = (): boolean => cut
    const pair = new Pair({ link: { drop }, a: { userTimeoutMs: 10_000 }, b: { userTimeoutMs: 10_000 } })
    const { client, server } = await pair.connect()
    const outcome = Promise.allSettled([
      client.write(pattern(1_000_000)),
      server.write(pattern(1_000_000)),
      readAll(client),
      readAll(server),
    ])
    await pair.clock.run(() => pair.there.length > 20)
    cut = true
    await pair.settle(outcome)
    expect((await outcome).map((o) => o.status === 'rejected' && o.reason.code)).toEqual(
      Array(4).fill('ERR_TCP_TIMEOUT'),
    )
    await pair.end()
  })

  it('lost window updates do not stop a transfer', async () => {
    // Everything from the reader that carries no text and does not shut the window is lost once in a while.
    let n = 0
    const pair = new Pair({
      back: { drop: (p) => p.bytes.length < 60 && (p.bytes[13]! & 7) === 0 && n++ % 3 !== 0 },
      b: { receiveBufferBytes: 8000, receiveBufferMaxBytes: 8000 },
    })
    const { client, server } = await pair.connect()
    const bytes = pattern(100_000)
    void client.write(bytes.slice())
    let got = 0
    while (got < bytes.length) got += (await pair.settle(server.read()))!.length
    client.abort()
    await pair.clock.run()
    server.abort()
    await pair.end()
  })

  it('two ends with shut windows do not talk themselves to death', async () => {
    const small = { receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000 }
    const pair = new Pair({ a: small, b: small })
    const { client, server } = await pair.connect()
    void client.write(pattern(20_000)).catch(() => {})
    void server.write(pattern(20_000)).catch(() => {})
    await pair.clock.run(() => false, pair.clock.now() + 600_000)
    expect(pair.there.length + pair.back.length).toBeLessThan(200)
    let got = 0
    while (got < 20_000) got += (await pair.settle(server.read()))!.length
    got = 0
    while (got < 20_000) got += (await pair.settle(client.read()))!.length
    await pair.settle(Promise.all([client.close(), server.close()]))
    await pair.end()
  })
})
