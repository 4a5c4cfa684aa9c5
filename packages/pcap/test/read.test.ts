import { mac } from '@fata/addr'
import { fromHex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CapturedPacket, createPcapWriter, PcapError, type PcapErrorCode, readPcap } from '../src/index.ts'
import { Collected, clockAt } from './files.ts'

const read = (bytes: Uint8Array): CapturedPacket[] => [...readPcap(bytes)]

/** Builds files field by field, in either byte order. */
class Builder {
  readonly #bytes: number[] = []
  readonly #isLittle: boolean

  constructor(isLittle = false) {
    this.#isLittle = isLittle
  }

  #put(value: bigint, size: number): this {
    const bytes = Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
    this.#bytes.push(...(this.#isLittle ? bytes : bytes.reverse()))
    return this
  }

  u16 = (...values: number[]): this => {
    for (const v of values) this.#put(BigInt(v), 2)
    return this
  }

  u32 = (...values: number[]): this => {
    for (const v of values) this.#put(BigInt(v), 4)
    return this
  }

  u64 = (value: bigint): this => this.#put(value, 8)

  raw = (...bytes: number[]): this => {
    this.#bytes.push(...bytes)
    return this
  }

  text = (s: string): this => this.raw(...new TextEncoder().encode(s))

  option = (code: number, value: Builder): this => {
    this.u16(code, value.done().length).raw(...value.done())
    return this.raw(...new Array((4 - (value.done().length % 4)) % 4).fill(0))
  }

  block = (type: number, body: Builder): this => {
    const length = body.done().length + 12
    return this.u32(type, length)
      .raw(...body.done())
      .u32(length)
  }

  sub = (): Builder => new Builder(this.#isLittle)
  section = (length = 0xffff_ffff_ffff_ffffn): this =>
    this.block(0x0a0d0d0a, this.sub().u32(0x1a2b3c4d).u16(1, 0).u64(length))
  device = (linkType = 1, snaplen = 0, options: Builder = this.sub()): this =>
    this.block(
      1,
      this.sub()
        .u16(linkType, 0)
        .u32(snaplen)
        .raw(...options.done()),
    )
  packet = (device: number, stamp: bigint, bytes: number[], options: Builder = this.sub()): this => {
    const body = this.sub().u32(device, Number(stamp >> 32n), Number(stamp & 0xffffffffn), bytes.length, bytes.length)
    return this.block(6, body.raw(...bytes, ...new Array((4 - (bytes.length % 4)) % 4).fill(0)).raw(...options.done()))
  }
  done = (): Uint8Array => Uint8Array.from(this.#bytes)
}

const build = (isLittle = false): Builder => new Builder(isLittle)

describe.each([true, false])('pcapng, little-endian: %s', (isLittle) => {
  it('gives packets with device, time, direction, lengths and comment', () => {
    const b = build(isLittle)
    const options = b
      .sub()
      .option(2, b.sub().text('eth0'))
      .option(6, b.sub().raw(2, 0, 0, 0, 0, 9))
    options.option(9, b.sub().raw(9)).option(1, b.sub().text('ünïcode')).u32(0)
    const flags = b.sub().option(1, b.sub().text('odd')).option(2, b.sub().u32(2)).u32(0)
    const bytes = b.section().device(1, 100, options).packet(0, 0x17a6_8b3d_0000_0005n, [1, 2, 3], flags).done()
    expect(read(bytes)).toEqual([
      {
        interface: {
          linkType: 1,
          snaplen: 100,
          name: 'eth0',
          description: undefined,
          mac: mac('02:00:00:00:00:09'),
          comment: 'ünïcode',
          received: undefined,
          dropped: undefined,
        },
        timeNs: 0x17a6_8b3d_0000_0005n,
        direction: 'out',
        bytes: Uint8Array.of(1, 2, 3),
        length: 3,
        comment: 'odd',
      },
    ])
  })

  it('counts time in the resolution of the device, microseconds by default', () => {
    const b = build(isLittle)
    const withOption = (...options: [number, number[]][]): Builder => {
      const o = b.sub()
      for (const [code, value] of options) o.option(code, b.sub().raw(...value))
      return o.u32(0)
    }
    b.section().device()
    b.device(1, 0, withOption([9, [3]]))
    b.device(1, 0, withOption([9, [12]]))
    b.device(1, 0, withOption([9, [0x80 | 10]]))
    const hour = b.sub().u64(3600n).done()
    b.device(1, 0, withOption([9, [0]], [14, [...hour]]))
    for (let i = 0; i < 5; i++) b.packet(i, 5_000_001n, [1])
    expect(read(b.done()).map(({ timeNs }) => timeNs)).toEqual([
      5_000_001_000n,
      5_000_001_000_000n,
      5_000n,
      (5_000_001n * 1_000_000_000n) / 1024n,
      5_003_601_000_000_000n,
    ])
  })

  it('reads simple and obsolete packets and skips blocks that it does not know', () => {
    const b = build(isLittle)
    b.section().device(101, 4).device()
    b.block(4, b.sub().u32(0))
      .block(0x0bad, b.sub().u32(1, 2, 3))
      .block(0x8000_0001, b.sub())
    b.block(3, b.sub().u32(6).raw(1, 2, 3, 4))
    b.block(2, b.sub().u16(1, 9).u32(0, 1_000_000, 2, 2).raw(7, 8, 0, 0))
    expect(read(b.done()).map((p) => [p.interface.linkType, p.timeNs, [...p.bytes], p.length])).toEqual([
      [101, undefined, [1, 2, 3, 4], 6],
      [1, 1_000_000_000n, [7, 8], 2],
    ])
  })

  it('reads statistics', () => {
    const b = build(isLittle)
    const options = b.sub().option(4, b.sub().u64(70n)).option(5, b.sub().u64(7n)).u32(0)
    b.section()
      .device()
      .packet(0, 0n, [1])
      .block(
        5,
        b
          .sub()
          .u32(0, 0, 0)
          .raw(...options.done()),
      )
    expect(read(b.done())[0]!.interface).toMatchObject({ received: 70, dropped: 7 })
  })

  it('begins anew with each section, of either byte order, with or without a length', () => {
    const first = build(isLittle)
    const inside = first.sub().device(1).packet(0, 1n, [1]).done()
    first.section(BigInt(inside.length)).raw(...inside)
    const second = build(!isLittle).section().device(101).packet(0, 2n, [2])
    const packets = read(Uint8Array.from([...first.done(), ...second.done()]))
    expect(packets.map((p) => [p.interface.linkType, p.timeNs])).toEqual([
      [1, 1000n],
      [101, 2000n],
    ])
  })
})

describe.each([true, false])('classic pcap, little-endian: %s', (isLittle) => {
  it.each([
    [0xa1b2c3d4, 1_234_567_890_000_005_000n],
    [0xa1b23c4d, 1_234_567_890_000_000_005n],
  ])('of magic %i', (magic, timeNs) => {
    const b = build(isLittle).u32(magic).u16(2, 4).u32(0, 0, 65535, 101)
    b.u32(1_234_567_890, 5, 3, 3).raw(1, 2, 3)
    b.u32(1_234_567_890, 5, 1, 9).raw(4)
    const packets = read(b.done())
    expect(packets.map((p) => [[...p.bytes], p.length, p.timeNs])).toEqual([
      [[1, 2, 3], 3, timeNs],
      [[4], 9, timeNs],
    ])
    expect(packets[0]!.interface).toMatchObject({ linkType: 101, snaplen: 65535 })
    expect(packets[0]!.direction).toBeUndefined()
  })
})

describe('what is wrong', () => {
  const fails = (bytes: Uint8Array, code: PcapErrorCode): void => {
    expect(() => read(bytes)).toThrow(expect.objectContaining({ name: 'PcapError', code }))
  }
  const started = (): Builder => build().section().device(1, 8)
  const packetWith = (...words: number[]): Builder => started().block(6, build().u32(...words))

  it.each<[string, PcapErrorCode, () => Uint8Array]>([
    ['something else', 'ERR_PCAP_UNSUPPORTED', () => fromHex('7f454c46 00000000')],
    [
      'pcapng of version 2',
      'ERR_PCAP_UNSUPPORTED',
      () => build().block(0x0a0d0d0a, build().u32(0x1a2b3c4d).u16(2, 0).u64(0n)).done(),
    ],
    ['pcap of version 2.3', 'ERR_PCAP_UNSUPPORTED', () => build().u32(0xa1b2c3d4).u16(2, 3).u32(0, 0, 1, 1).done()],
    [
      'pcap with check sequences',
      'ERR_PCAP_UNSUPPORTED',
      () => build().u32(0xa1b2c3d4).u16(2, 4).u32(0, 0, 1, 0x1400_0001).done(),
    ],
    [
      'no byte-order magic',
      'ERR_PCAP_MALFORMED',
      () => build().block(0x0a0d0d0a, build().u32(1).u16(1, 0).u64(0n)).done(),
    ],
    ['a short section header', 'ERR_PCAP_MALFORMED', () => build().block(0x0a0d0d0a, build().u32(0x1a2b3c4d)).done()],
    ['a block of 8 bytes', 'ERR_PCAP_MALFORMED', () => build().section().u32(7, 8, 8).done()],
    ['a block of 13 bytes', 'ERR_PCAP_MALFORMED', () => build().section().u32(7, 13, 0, 13).done()],
    ['lengths that differ', 'ERR_PCAP_MALFORMED', () => build().section().u32(7, 16, 0, 12).done()],
    ['a section longer than the file', 'ERR_PCAP_TRUNCATED', () => build().section(20n).block(7, build()).done()],
    ['a section that ends inside of a block', 'ERR_PCAP_MALFORMED', () => build().section(8n).block(7, build()).done()],
    [
      'a section that ends too late',
      'ERR_PCAP_MALFORMED',
      () => build().section(24n).block(7, build()).section().done(),
    ],
    ['a short interface description', 'ERR_PCAP_MALFORMED', () => build().section().block(1, build().u32(1)).done()],
    ['short statistics', 'ERR_PCAP_MALFORMED', () => started().block(5, build().u32(0)).done()],
    ['a short packet', 'ERR_PCAP_MALFORMED', () => packetWith(0, 0, 0, 0).done()],
    ['a short simple packet', 'ERR_PCAP_MALFORMED', () => started().block(3, build()).done()],
    ['a simple packet of another length', 'ERR_PCAP_MALFORMED', () => started().block(3, build().u32(9, 1)).done()],
    ['a packet of no device', 'ERR_PCAP_MALFORMED', () => packetWith(1, 0, 0, 0, 0).done()],
    ['a packet longer than its block', 'ERR_PCAP_MALFORMED', () => packetWith(0, 0, 0, 5, 5, 0).done()],
    ['a packet longer than it was', 'ERR_PCAP_MALFORMED', () => packetWith(0, 0, 0, 4, 3, 0).done()],
    ['a packet longer than the limit', 'ERR_PCAP_MALFORMED', () => packetWith(0, 0, 0, 9, 9, 0, 0, 0).done()],
    [
      'an option without a header',
      'ERR_PCAP_MALFORMED',
      () => build().section().block(1, build().u32(1, 0).u16(2)).raw(0, 0).done(),
    ],
    [
      'an option longer than its block',
      'ERR_PCAP_MALFORMED',
      () => started().device(1, 0, build().u16(2, 5).u32(0)).done(),
    ],
    [
      'an end of options with a value',
      'ERR_PCAP_MALFORMED',
      () => started().device(1, 0, build().u16(0, 4).u32(0)).done(),
    ],
    ['bytes behind the end of options', 'ERR_PCAP_MALFORMED', () => started().device(1, 0, build().u32(0, 0)).done()],
    [
      'a resolution of 2 bytes',
      'ERR_PCAP_MALFORMED',
      () =>
        started()
          .device(1, 0, build().option(9, build().u16(6)).u32(0))
          .done(),
    ],
    [
      'a name that is not UTF-8',
      'ERR_PCAP_MALFORMED',
      () =>
        started()
          .device(1, 0, build().option(2, build().raw(0xff)).u32(0))
          .done(),
    ],
    [
      'a fraction of a second and more',
      'ERR_PCAP_MALFORMED',
      () => build().u32(0xa1b2c3d4).u16(2, 4).u32(0, 0, 9, 1, 0, 1e6, 0, 0).done(),
    ],
    [
      'a classic packet longer than it was',
      'ERR_PCAP_MALFORMED',
      () => build().u32(0xa1b2c3d4).u16(2, 4).u32(0, 0, 9, 1, 0, 0, 4, 3, 0).done(),
    ],
    [
      'a classic packet longer than the limit',
      'ERR_PCAP_MALFORMED',
      () => build().u32(0xa1b2c3d4).u16(2, 4).u32(0, 0, 3, 1, 0, 0, 4, 4, 0).done(),
    ],
  ])('%s: %s', (_what, code, make) => {
    fails(make(), code)
  })

  it('is told behind the packets before, with its place', () => {
    const good = started().packet(0, 0n, [1]).done()
    const packets: CapturedPacket[] = []
    let error: unknown
    try {
      for (const packet of readPcap(Uint8Array.from([...good, 0, 0, 0]))) packets.push(packet)
    } catch (e) {
      error = e
    }
    expect(packets).toHaveLength(1)
    expect(error).toBeInstanceOf(PcapError)
    expect(error).toMatchObject({ code: 'ERR_PCAP_TRUNCATED', offset: good.length })
  })

  it('shows in every truncated prefix', () => {
    const b = build(true)
    const options = b.sub().option(2, b.sub().text('x')).option(9, b.sub().raw(9)).u32(0)
    b.section().device(1, 0, options).packet(0, 1n, [1, 2, 3]).packet(0, 2n, [4])
    const classic = build()
      .u32(0xa1b2c3d4)
      .u16(2, 4)
      .u32(0, 0, 9, 1)
      .u32(1, 2, 3, 3)
      .raw(1, 2, 3)
      .u32(1, 2, 1, 1)
      .raw(4)
    for (const [whole, boundaries] of [
      [b.done(), [28, 28 + 40, 28 + 40 + 36]],
      [classic.done(), [24, 43]],
    ] as const) {
      expect(read(whole)).toHaveLength(2)
      for (let end = 0; end < whole.length; end++) {
        const prefix = whole.slice(0, end)
        const index = (boundaries as readonly number[]).indexOf(end)
        if (index === -1) fails(prefix, 'ERR_PCAP_TRUNCATED')
        else expect(read(prefix)).toEqual(read(whole).slice(0, Math.max(0, index - (boundaries.length - 2))))
      }
    }
  })

  it('never is another error, whatever the bytes', () => {
    const seed = started().packet(0, 5n, [1, 2, 3]).device(101).packet(1, 6n, [4]).done()
    const change = fc.tuple(fc.nat({ max: seed.length - 1 }), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), fc.nat({ max: seed.length }), (changes, length) => {
        const bytes = seed.slice(0, length)
        for (const [at, value] of changes) if (at < length) bytes[at] = value
        try {
          read(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(PcapError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('round trip', () => {
  it('gives back what was written', () => {
    const packet = fc.record({
      device: fc.nat({ max: 2 }),
      direction: fc.constantFrom('in' as const, 'out' as const),
      bytes: fc.uint8Array({ maxLength: 300 }),
      comment: fc.option(fc.string({ maxLength: 20, unit: 'grapheme' }), { nil: undefined }),
      waitNs: fc.nat({ max: 5_000_000 }),
    })
    fc.assert(
      fc.property(fc.array(packet), fc.integer({ min: 1, max: 200 }), (packets, snaplen) => {
        const file = new Collected()
        const clock = clockAt()
        const writer = createPcapWriter({ sink: file.sink, clock }, { chunkBytes: 4096 })
        for (const medium of ['ip', 'ethernet', 'ip'] as const) writer.addInterface({ medium, snaplen, name: medium })
        for (const { device, direction, bytes, comment, waitNs } of packets) {
          clock.advance(waitNs / 1e6)
          writer.packet(device, direction, bytes, 0, bytes.length, undefined, comment)
        }
        writer.close()
        const got = read(file.bytes).map((p) => ({
          linkType: p.interface.linkType,
          direction: p.direction,
          bytes: p.bytes,
          length: p.length,
          comment: p.comment,
        }))
        expect(got).toEqual(
          packets.map(({ device, direction, bytes, comment }) => ({
            linkType: device === 1 ? 1 : 101,
            direction,
            bytes: bytes.slice(0, snaplen),
            length: bytes.length,
            comment,
          })),
        )
      }),
    )
  })
})
