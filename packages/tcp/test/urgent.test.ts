import { describe, expect, it } from 'vitest'
import { bytesOf, readText, Script } from './support/script.ts'

describe('urgent data (RFC 9293 §3.8.5)', () => {
  it('MUST-30, MUST-62 is marked up to the octet behind it, until it is acknowledged', async () => {
    const t = new Script({ noDelay: true })
    const flow = await t.accept()
    await flow.write(bytesOf('abc'), { urgent: true })
    await t.settle()
    t.expectSends({ data: 'abc', urg: 3 })
    await flow.write(bytesOf('de'))
    await t.settle()
    t.expectSends({ data: 'de', urg: undefined })
    await t.advance(200)
    t.expectSends({ data: 'abcde', urg: 3 })
    await t.arrives({ seq: 1, ack: 6 })
    await flow.write(bytesOf('f'))
    await t.settle()
    t.expectSends({ data: 'f', urg: undefined })
    await t.end()
  })

  it('MUST-31 may be of any length', async () => {
    const t = new Script({ windowScale: true })
    const flow = await t.accept({ windowScale: 8 }, { window: 4000 })
    await flow.write(new Uint8Array(200_000), { urgent: true })
    await t.settle()
    const first = t.take()
    expect(first[0]).toMatchObject({ urg: 65_535 })
    await t.end()
  })

  it('is not put into super-segments', async () => {
    const t = new Script({ offload: { checksum: true, tso4: true, tso6: true } })
    const flow = await t.accept()
    await flow.write(new Uint8Array(5000), { urgent: true })
    await t.settle()
    expect(t.take().map((s) => [s.length, s.urg])).toEqual([
      [1460, 5000],
      [1460, 3540],
      [1460, 2080],
      [620, 620],
    ])
    await t.end()
  })

  it('MUST-32, MUST-33 is announced, and stays in line', async () => {
    const t = new Script()
    const flow = await t.accept()
    const left: number[] = []
    flow.onReport = (report) => {
      if (report === 'urgent') left.push(flow.info().urgentBytes)
    }
    await t.arrives({ seq: 1, ack: 1, data: 'abc', urg: 5 })
    expect(left).toEqual([5])
    await t.arrives({ seq: 4, ack: 1, data: 'de', urg: 2 })
    expect(left).toEqual([5])
    await t.arrives({ seq: 6, ack: 1, data: 'fg', urg: 1 })
    expect(left).toEqual([5, 6])
    expect(await readText(flow)).toBe('abcdefg')
    expect(flow.info().urgentBytes).toBe(0)
    await t.end()
  })

  it('an old pointer, and one that points nowhere, says nothing', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abc' })
    await flow.read()
    const reports: string[] = []
    flow.onReport = (report) => reports.push(report)
    await t.arrives({ seq: 1, ack: 1, data: 'abcd', urg: 2 }, { seq: 5, ack: 1, urg: 0 })
    expect(reports).toEqual([])
    await t.end()
  })

  it('MUST-66 a pointer is taken while the window is shut', async () => {
    const t = new Script({ receiveBufferBytes: 100, receiveBufferMaxBytes: 100 })
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 100 })
    await t.arrives({ seq: 101, ack: 1, data: 'x', urg: 1 })
    expect(flow.info().urgentBytes).toBe(101)
    await t.end()
  })
})
