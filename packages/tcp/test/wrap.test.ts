import { u32 } from '@fata/bytes'
import { readAll } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import { type LinkOptions, OFFLOAD, Pair, pattern, sendAll } from './support/pair.ts'
import { readText, Script, text } from './support/script.ts'

/** Milliseconds by which the clock must be ahead for a sequence number of `from` to become `to`: it moves by 250 per millisecond. */
function shift(from: number, to: number): number {
  return ((to - from) >>> 0) / 250
}

const EDGES = { 'the sign changes': 2 ** 31, 'numbers wrap': 2 ** 32 }

describe.each(Object.entries(EDGES))('where %s', (_, edge) => {
  it.each([
    ['a good link', {}],
    ['loss and reordering', { loss: 0.05, latencyMs: 5, jitterMs: 3 }],
  ] as [string, LinkOptions][])('data goes both ways over %s', async (_name, link) => {
    for (const side of ['a', 'b'] as const) {
      for (const sack of [true, false]) {
        for (const offload of [undefined, OFFLOAD]) {
          const options = { seed: 11, link, a: { sack }, ...(offload === undefined ? {} : { offload }) }
          const probe = new Pair(options)
          await probe.connect()
          const syn = (side === 'a' ? probe.there : probe.back)[0]!
          const pair = new Pair({ ...options, startAt: shift(u32(syn.bytes, 4), edge - 20_000) })
          const { client, server } = await pair.connect()
          const began = u32((side === 'a' ? pair.there : pair.back)[0]!.bytes, 4)
          expect(edge - began).toBeGreaterThan(0)
          expect(edge - began).toBeLessThan(60_000)
          const [east, west] = [pattern(150_000, 1), pattern(120_000, 2)]
          const work = Promise.all([sendAll(client, east), sendAll(server, west), readAll(server), readAll(client)])
          const [, , gotEast, gotWest] = await pair.settle(work)
          expect(Buffer.compare(gotEast, east)).toBe(0)
          expect(Buffer.compare(gotWest, west)).toBe(0)
          await pair.settle(Promise.all([client.close(), server.close()]))
          await pair.end()
        }
      }
    }
  })

  it('text out of order, a FIN ahead and old duplicates are told apart', async () => {
    for (const before of [1, 2, 3, 50, 101, 150]) {
      const t = new Script({ peerIss: (edge - before) | 0, sack: true })
      const flow = await t.accept({ sackPermitted: true })
      await t.arrives({ seq: 201, ack: 1, data: text(50, 200), fin: true })
      expect(t.take()[0]!.sack).toEqual([[201, 251]])
      await t.arrives({ seq: 51, ack: 1, data: text(100, 50) })
      await t.arrives({ seq: 1, ack: 1, data: text(50) })
      t.take()
      await t.arrives({ seq: 1, ack: 1, data: text(50) })
      t.expectSends({ ack: 151 })
      await t.arrives({ seq: 151, ack: 1, data: text(50, 150) })
      t.expectSends({ ack: 252 })
      let all = ''
      for (let s = await readText(flow); s !== null; s = await readText(flow)) all += s
      expect(all).toBe(text(250))
      await t.end()
    }
  })

  it('the own numbers: windows, retransmission, Nagle and the FIN', async () => {
    const probe = new Script()
    await probe.accept()
    for (const before of [1, 2, 500, 1461, 3000]) {
      const t = new Script({ startAt: shift(probe.ourIss, edge - before) })
      const flow = await t.accept({}, { window: 5000 })
      expect((edge - before - t.ourIss) | 0).toBe(0)
      await flow.write(new Uint8Array(6000))
      await t.settle()
      expect(t.take().map((s) => [s.seq, s.length])).toEqual([
        [1, 1460],
        [1461, 1460],
        [2921, 1460],
      ])
      await t.advance(200)
      t.expectSends({ seq: 1, length: 1460 })
      await t.arrives({ seq: 1, ack: 4381, window: 5000 })
      t.expectSends({ seq: 4381, length: 1460 }, { seq: 5841, length: 160 })
      void flow.shutdown()
      await t.settle()
      t.expectSends({ seq: 6001, fin: true })
      await t.arrives({ seq: 1, ack: 6002 })
      expect(t.states()).toEqual(['FIN-WAIT-2'])
      await t.end()
    }
  })
})

async function fourGibibytes(): Promise<void> {
  const pair = new Pair({ offload: OFFLOAD, link: { latencyMs: 0.1 } })
  const { client, server } = await pair.connect()
  const chunk = pattern(1 << 20)
  const rounds = 4500
  const reading = (async () => {
    let at = 0
    for (let got = await server.read({ borrow: true }); got !== null; got = await server.read({ borrow: true })) {
      expect([got[0], got.at(-1)]).toEqual([chunk[at % chunk.length], chunk[(at + got.length - 1) % chunk.length]])
      at += got.length
    }
    return at
  })()
  const writing = (async () => {
    for (let i = 0; i < rounds; i++) await client.write(chunk)
    await client.shutdown()
  })()
  const [total] = await pair.settle(Promise.all([reading, writing]))
  expect(total).toBe(rounds * chunk.length)
  await pair.settle(Promise.all([client.close(), server.close()]))
  await pair.end()
}

// Takes a minute: part of the thorough run.
if (process.env['FATA_TCP_SEEDS'] !== undefined)
  it('more than 4 GiB pass through one connection', fourGibibytes, 180_000)
