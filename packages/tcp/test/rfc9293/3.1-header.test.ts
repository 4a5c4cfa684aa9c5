import { checksum, u16 } from '@fata/bytes'
import { PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import { describe, expect, it } from 'vitest'
import { HEADER_LEN } from '../../src/wire.ts'
import { putSynOptions } from '../../src/wire-options.ts'
import { bytesOf, Script } from '../support/script.ts'

const UNKNOWN_KIND = 0xfd

describe('RFC 9293 §3.1: header format', () => {
  it('MUST-1: the window is an unsigned number', async () => {
    const t = new Script({ initialWindowSegments: 100 })
    const flow = await t.connect({ window: 0xffff })
    expect(flow.info().sendWindow).toBe(65535)
    await flow.write(new Uint8Array(70_000))
    await t.settle()
    expect(t.take().reduce((sum, s) => sum + s.length, 0)).toBeGreaterThan(60_000)
    await t.end()
  })

  it('REC-1: windows are kept in more than 16 bits', async () => {
    const t = new Script({ windowScale: true })
    const flow = await t.connect({ windowScale: 14 })
    await t.arrives({ seq: 1, ack: 1, window: 0xffff, data: 'x' })
    expect(flow.info().sendWindow).toBe(65535 * 2 ** 14)
    await t.end()
  })

  it('MUST-2: every segment has a right checksum', async () => {
    const t = new Script()
    const flow = await t.connect()
    await flow.write(bytesOf('odd'))
    await t.settle()
    void flow.close()
    await t.settle()
    for (const { src, dst, bytes } of t.history) {
      expect(u16(bytes, 16)).not.toBe(0)
      expect(checksum(bytes, 0, bytes.length, pseudoHeaderSum(src, dst, PROTOCOL_TCP, bytes.length))).toBe(0)
    }
    await t.end()
  })

  it('MUST-3: a segment with a wrong checksum is dropped', async () => {
    const t = new Script()
    const flow = await t.accept()
    t.arrivesAs({ seq: 1, ack: 1, data: 'x' }, {}, (bytes) => {
      bytes[20] = bytes[20]! ^ 1
    })
    t.expectSends()
    expect(flow.info().unreadBytes).toBe(0)
    expect(t.tcp.stats.dropped['bad-checksum']).toBe(1)
    await t.end()
  })

  it('MUST-64: options count at any alignment', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, options: Uint8Array.of(1, 2, 4, 0x02, 0x00, 0, 0, 0) })
    t.expectSends({ syn: true })
    await t.arrives({ seq: 1, ack: 1 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })
})

describe('RFC 9293 §3.2: options', () => {
  it('MUST-4: end of list, no-operation and MSS are supported', async () => {
    const t = new Script()
    const flow = await t.connect({ options: Uint8Array.of(1, 1, 1, 1, 2, 4, 0x01, 0xf4, 0, 3, 3, 7) })
    // The window scale stands behind the end and does not count.
    expect(flow.info()).toMatchObject({ mss: 500, windowScaling: false })
    await t.end()
  })

  it('MUST-5: an option may come in any segment', async () => {
    const t = new Script()
    const flow = await t.connect()
    await t.arrives({ seq: 1, ack: 1, data: 'x', options: Uint8Array.of(2, 4, 0x01, 0xf4) })
    expect(flow.info()).toMatchObject({ unreadBytes: 1, mss: 1460 })
    await t.end()
  })

  it('MUST-6, MUST-68: unknown options are skipped by their length', async () => {
    const t = new Script()
    const flow = await t.connect({ options: Uint8Array.of(UNKNOWN_KIND, 4, 2, 4, 2, 4, 0x01, 0xf4) })
    expect(flow.info().mss).toBe(500)
    await t.end()
  })

  it.each([
    ['0', Uint8Array.of(UNKNOWN_KIND, 0, 2, 4)],
    ['1', Uint8Array.of(UNKNOWN_KIND, 1, 2, 4)],
    ['beyond the header', Uint8Array.of(2, 4, 1, 0xf4, UNKNOWN_KIND, 9, 1, 1)],
    ['missing', Uint8Array.of(1, 1, 1, UNKNOWN_KIND)],
  ])('MUST-7: an option length of %s does no harm', async (_, options) => {
    const t = new Script()
    const flow = await t.connect()
    await t.arrives({ seq: 1, ack: 1, data: 'x', options })
    expect(flow.info().unreadBytes).toBe(1)
    await t.end()
  })

  it('MUST-69: the header is padded with zeros, or with no-operations', async () => {
    const t = new Script({ timestamps: true, sack: true, windowScale: true })
    void t.connectStart()
    const { bytes } = t.history[0]!
    const headerLen = (bytes[12]! >>> 4) * 4
    const expected = new Uint8Array(40)
    const length = putSynOptions(expected, 0, {
      mss: 1460,
      windowScale: 7,
      sackPermitted: true,
      timestamps: true,
      tsVal: (bytes[28]! << 24) | (bytes[29]! << 16) | (bytes[30]! << 8) | bytes[31]!,
      tsEcr: 0,
    })
    expect(headerLen).toBe(HEADER_LEN + length)
    expect([...bytes.slice(HEADER_LEN, headerLen)]).toEqual([...expected.slice(0, length)])
    await t.end()
  })
})
