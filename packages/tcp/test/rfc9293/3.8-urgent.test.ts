import { describe, expect, it } from 'vitest'
import { bytesOf, readText, Script } from '../support/script.ts'

describe('RFC 9293 §3.8.5: urgent information', () => {
  it('MUST-30, MUST-62: the pointer is to the octet behind the urgent data', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('calm '))
    await flow.write(bytesOf('now'), { urgent: true })
    await t.settle()
    t.expectSends({ data: 'calm now', urg: 8 })
    await t.end()
  })

  it('MUST-30: what comes is kept in line', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'stop now please', urg: 8 })
    expect(await readText(flow)).toBe('stop now please')
    await t.end()
  })

  it('MUST-31: urgent data may be of any length', async () => {
    const t = new Script({ windowScale: true, initialWindowSegments: 200 })
    const flow = await t.connect({ windowScale: 8 })
    await t.arrives({ seq: 1, ack: 1, window: 4000, data: 'x' })
    t.take()
    await flow.write(new Uint8Array(100_000), { urgent: true })
    await t.settle()
    const sent = t.take()
    expect(sent[0]).toMatchObject({ urg: 65535 })
    expect(sent.at(-1)).toMatchObject({ urg: sent.at(-1)!.length })
    await t.end()
  })

  it('MUST-32: the application is told at once, also ahead of the data', async () => {
    const t = new Script()
    const flow = await t.accept()
    const reports: string[] = []
    flow.onReport = (report) => reports.push(report)
    await t.arrives({ seq: 1, ack: 1, data: 'a', urg: 100 })
    expect(reports).toEqual(['urgent'])
    await t.end()
  })

  it('MUST-33: and can ask how much is left to read', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.arrives({ seq: 1, ack: 1, data: 'abcdef', urg: 4 })
    expect(flow.info().urgentBytes).toBe(4)
    await flow.read({ most: 3 })
    expect(flow.info().urgentBytes).toBe(1)
    await flow.read()
    expect(flow.info().urgentBytes).toBe(0)
    await t.end()
  })

  it('SHLD-13: nothing is urgent unless the application says so', async () => {
    const t = new Script()
    const flow = await t.accept()
    await flow.write(bytesOf('x'))
    await t.settle()
    t.expectSends({ data: 'x', urg: undefined })
    await t.end()
  })
})
