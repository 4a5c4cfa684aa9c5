import { describe, expect, it } from 'vitest'
import { PLAIN, readText, Script } from './support/script.ts'

describe('opening', () => {
  it('opens actively: SYN, SYN,ACK, ACK', async () => {
    const t = new Script()
    const promise = t.connectStart()
    t.expectSends({ syn: true, seq: 0, ack: undefined, mss: 1460, window: 65535 })
    expect(t.states()).toEqual(['SYN-SENT'])
    await t.arrives({ syn: true, seq: 0, ack: 1, mss: 1460 })
    t.expectSends({ syn: false, seq: 1, ack: 1, length: 0 })
    const flow = await promise
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(flow.remote.port).toBe(7)
    await t.end()
  })

  it('opens passively', async () => {
    const t = new Script()
    const flow = await t.accept()
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(flow.local.port).toBe(80)
    await t.arrives({ seq: 1, ack: 1, data: 'hello', psh: true })
    t.expectSends({ ack: 6 })
    expect(await readText(flow)).toBe('hello')
    await flow.write(new TextEncoder().encode('world'))
    await t.settle()
    t.expectSends({ seq: 1, ack: 6, data: 'world', psh: true })
    await t.arrives({ seq: 6, ack: 6 })
    await t.end()
  })
  void PLAIN
})
