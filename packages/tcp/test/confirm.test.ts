import { describe, expect, it } from 'vitest'
import { Script } from './support/script.ts'

describe('reachability hints (RFC 4861 §7.3.1)', () => {
  it('an acknowledgment of new data is one, at most every 2 s', async () => {
    const t = new Script()
    const flow = await t.connect()
    expect(t.ip.confirmed).toHaveLength(1)
    for (let i = 0; i < 50; i++) {
      await flow.write(new Uint8Array(10))
      await t.advance(100)
      await t.arrives({ seq: 1, ack: 11 + 10 * i })
    }
    expect(t.ip.confirmed).toHaveLength(3)
    await t.end()
  })

  it('so is new data, since the peer sends it only as acknowledgments arrive', async () => {
    const t = new Script()
    await t.accept()
    const before = t.ip.confirmed.length
    await t.advance(2000)
    await t.arrives({ seq: 1, ack: 1, data: 'x' })
    expect(t.ip.confirmed).toHaveLength(before + 1)
    expect(t.ip.confirmed.at(-1)).toEqual(t.peer)
    await t.end()
  })

  it('a duplicate acknowledgment, an old segment or a SYN is none', async () => {
    const t = new Script()
    await t.connect()
    await t.advance(2000)
    const before = t.ip.confirmed.length
    await t.arrives({ seq: 1, ack: 1 })
    await t.arrives({ seq: 0, ack: 1, data: 'x' })
    await t.arrives({ seq: 5, ack: 1, data: 'x' })
    expect(t.ip.confirmed).toHaveLength(before)
    await t.end()
  })

  it('a connection that is being opened gives none', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0 })
    await t.advance(5000)
    expect(t.ip.confirmed).toEqual([])
    await t.end()
  })
})
