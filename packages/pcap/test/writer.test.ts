import { mac } from '@fata/addr'
import { addToGather, createGather, fromHex, hex } from '@fata/bytes'
import { describe, expect, it } from 'vitest'
import { createPcapWriter, type PcapWriter, type PcapWriterOptions, readPcap } from '../src/index.ts'
import { block, Collected, clockAt, WALL_MS } from './files.ts'

const SECTION = block('0a0d0d0a', '4d3c2b1a', '01000000', 'ffffffffffffffff', '04000400 46617461', '00000000')

function start(options: PcapWriterOptions = {}, wall?: number) {
  const file = new Collected()
  const clock = clockAt(wall)
  const writer = createPcapWriter({ sink: file.sink, clock }, options)
  return { file, clock, writer }
}

const bytesOf = (...values: number[]): Uint8Array => Uint8Array.from(values)
const record = (writer: PcapWriter, device: number, bytes: Uint8Array, direction: 'in' | 'out' = 'in'): void =>
  writer.packet(device, direction, bytes, 0, bytes.length)

describe('the blocks, byte for byte', () => {
  it('section header', () => {
    const { file, writer } = start()
    writer.close()
    expect(hex(file.bytes)).toBe(SECTION)
  })

  it('section header with a comment, padded', () => {
    const { file, writer } = start({ application: 'x', comment: 'héé' })
    writer.close()
    const options = ['01000500 68c3a9c3a9 000000', '04000100 78 000000', '00000000']
    expect(hex(file.bytes)).toBe(block('0a0d0d0a', '4d3c2b1a', '01000000', 'ffffffffffffffff', ...options))
  })

  it('interface description: least and most', () => {
    const { file, writer } = start()
    writer.addInterface({ medium: 'ip' })
    writer.addInterface({
      medium: 'ethernet',
      name: 'tap0',
      description: 'a switch',
      mac: mac('02:00:00:0a:0b:0c'),
      comment: 'c',
      snaplen: 96,
    })
    writer.close()
    const least = block('01000000', '6500 0000', '00000400', '09000100 09000000', '00000000')
    const most = block(
      '01000000',
      '0100 0000',
      '60000000',
      '01000100 63000000',
      '02000400 74617030',
      '03000800 6120737769746368',
      '06000600 0200000a0b0c 0000',
      '09000100 09000000',
      '00000000',
    )
    expect(hex(file.bytes)).toBe(SECTION + least + most)
  })

  it('enhanced packet: time stamp, lengths, padding, direction', () => {
    const { file, writer, clock } = start()
    const device = writer.addInterface({ medium: 'ip' })
    writer.flush()
    const before = file.bytes.length
    clock.advance(0.000001)
    record(writer, device, bytesOf(0x45, 1, 2, 3, 4), 'out')
    record(writer, device, bytesOf(), 'in')
    writer.close()
    // 1704164645678000001 ns
    const ns = BigInt(WALL_MS) * 1_000_000n + 1n
    const time = hex(fromHex(ns.toString(16).padStart(16, '0')))
    const word = (h: string): string => h.replace(/(..)(..)(..)(..)/, '$4$3$2$1')
    const stamp = word(time.slice(0, 8)) + word(time.slice(8))
    const flags = (direction: string): string => `02000400 ${direction}000000 00000000`
    const first = block('06000000', '00000000', stamp, '05000000 05000000', '4501020304 000000', flags('02'))
    const second = block('06000000', '00000000', stamp, '00000000 00000000', flags('01'))
    expect(hex(file.bytes.subarray(before))).toBe(first + second)
  })

  it('enhanced packet with a comment', () => {
    const { file, writer } = start({}, 0)
    const device = writer.addInterface({ medium: 'ip' })
    writer.flush()
    const before = file.bytes.length
    writer.packet(device, 'in', bytesOf(1, 2, 3, 4), 0, 4, undefined, 'ab')
    writer.close()
    const options = '01000200 61620000 02000400 01000000 00000000'
    const expected = block('06000000', '00000000', '0000000000000000', '04000000 04000000', '01020304', options)
    expect(hex(file.bytes.subarray(before))).toBe(expected)
  })

  it('interface statistics', () => {
    const { file, writer, clock } = start({}, 0)
    const device = writer.addInterface({ medium: 'ip' })
    writer.flush()
    const before = file.bytes.length
    clock.advance(5000)
    writer.statistics(device, { received: 2 ** 40 + 7, dropped: 3 })
    writer.close()
    // 5 * 10^9 = 0x1_2a05f200
    const end = '01000000 00f2052a'
    const options = [
      `02000800 0000000000000000`,
      `03000800 ${end}`,
      '04000800 0700000000010000',
      '05000800 0300000000000000',
    ]
    expect(hex(file.bytes.subarray(before))).toBe(block('05000000', '00000000', end, ...options, '00000000'))
  })
})

describe('time stamps', () => {
  const stamps = (wall: number, ...advances: number[]): bigint[] => {
    const { file, writer, clock } = start({}, wall)
    const device = writer.addInterface({ medium: 'ip' })
    for (const ms of advances) {
      clock.advance(ms)
      record(writer, device, bytesOf(1))
    }
    writer.close()
    return [...readPcap(file.bytes)].map(({ timeNs }) => timeNs!)
  }

  it('are exact to the nanosecond, though milliseconds since 1970 are not', () => {
    const base = BigInt(WALL_MS) * 1_000_000n
    expect(stamps(WALL_MS, 0, 0.000001, 0.123456, 1000)).toEqual([
      base,
      base + 1n,
      base + 123_457n,
      base + 1_000_123_457n,
    ])
  })

  it.each([0, 1, 999.5, 2 ** 32 / 1e6, 4294.967295, 4294.967296, 1e12, 8_640_000_000_000])('hold for %s ms', (wall) => {
    const ms = Math.floor(wall)
    const expected = BigInt(ms) * 1_000_000n + BigInt(Math.round((wall - ms) * 1e6))
    expect(stamps(wall, 0)).toEqual([expected])
  })
})

describe('packet', () => {
  it('joins the ranges of a payload and cuts at the limit, wherever that falls', () => {
    const payload = createGather()
    addToGather(payload, bytesOf(9, 4, 5, 9), 1, 3)
    addToGather(payload, bytesOf(), 0, 0)
    addToGather(payload, bytesOf(6, 7, 8), 0, 3)
    for (let snaplen = 1; snaplen <= 9; snaplen++) {
      const { file, writer } = start()
      const device = writer.addInterface({ medium: 'ip', snaplen })
      writer.packet(device, 'in', bytesOf(9, 1, 2, 3, 9), 1, 4, payload)
      writer.close()
      const [packet] = [...readPcap(file.bytes)]
      expect([...packet!.bytes]).toEqual([1, 2, 3, 4, 5, 6, 7, 8].slice(0, snaplen))
      expect(packet!.length).toBe(8)
    }
  })

  it('copies no more of a payload than it records', () => {
    const { file, writer } = start({ chunkBytes: 4096 })
    const device = writer.addInterface({ medium: 'ip', snaplen: 20 })
    const payload = createGather()
    addToGather(payload, new Uint8Array(10_000).fill(7), 0, 10_000)
    for (let i = 0; i < 100; i++) writer.packet(device, 'out', bytesOf(1, 2), 0, 2, payload)
    writer.close()
    const packets = [...readPcap(file.bytes)]
    expect(packets).toHaveLength(100)
    for (const { bytes, length } of packets) expect([bytes.length, bytes[19], length]).toEqual([20, 7, 10_002])
  })

  it('writes zeros as padding, whatever was in memory', () => {
    const { file, writer } = start({ chunkBytes: 4096 })
    const device = writer.addInterface({ medium: 'ip' })
    record(writer, device, new Uint8Array(2000).fill(0xff))
    writer.retract()
    record(writer, device, bytesOf(0xff))
    writer.close()
    expect(hex(file.bytes)).toContain('01000000' + '01000000' + 'ff000000')
  })

  it('refuses an interface that was not added', () => {
    const { writer } = start()
    expect(() => record(writer, 0, bytesOf(1))).toThrow(RangeError)
    expect(() => writer.statistics(0, { received: 0, dropped: 0 })).toThrow(RangeError)
  })
})

describe('handing over', () => {
  it('waits for a task of its own and then has everything', () => {
    const { file, writer, clock } = start()
    const device = writer.addInterface({ medium: 'ip' })
    expect(file.chunks).toHaveLength(0)
    clock.advance(0)
    expect(file.chunks).toHaveLength(1)
    record(writer, device, bytesOf(1))
    record(writer, device, bytesOf(2))
    expect(file.chunks).toHaveLength(1)
    clock.advance(0)
    expect(file.chunks).toHaveLength(2)
    expect([...readPcap(file.bytes)]).toHaveLength(2)
  })

  it('never touches again what it has handed over', () => {
    const { file, writer, clock } = start({ chunkBytes: 4096 })
    const device = writer.addInterface({ medium: 'ip' })
    const kept: string[] = []
    for (let i = 0; i < 300; i++) {
      record(writer, device, new Uint8Array(i * 3).fill(i))
      if (i % 7 === 0) clock.advance(1)
      for (let k = kept.length; k < file.chunks.length; k++) kept.push(hex(file.chunks[k]!))
    }
    writer.close()
    expect(file.chunks.map((chunk) => hex(chunk)).slice(0, kept.length)).toEqual(kept)
    const packets = [...readPcap(file.bytes)]
    expect(packets.map(({ bytes }) => bytes.length)).toEqual(Array.from({ length: 300 }, (_, i) => i * 3))
    expect(packets.every(({ bytes }, i) => bytes.every((b) => b === (i & 255)))).toBe(true)
  })

  it('does not wait when a chunk is full, nor for a packet longer than one', () => {
    const { file, writer } = start({ chunkBytes: 4096 })
    const device = writer.addInterface({ medium: 'ip' })
    for (let i = 0; i < 5; i++) record(writer, device, new Uint8Array(1000))
    expect(file.chunks).toHaveLength(1)
    record(writer, device, new Uint8Array(65535))
    writer.close()
    expect([...readPcap(file.bytes)].map(({ length }) => length)).toEqual([1000, 1000, 1000, 1000, 1000, 65535])
  })
})

describe('retract', () => {
  it('takes back the last packet, once', () => {
    const { file, writer } = start()
    const device = writer.addInterface({ medium: 'ip' })
    record(writer, device, bytesOf(1))
    record(writer, device, bytesOf(2))
    expect(writer.retract()).toBe(true)
    expect(writer.retract()).toBe(false)
    record(writer, device, bytesOf(3))
    writer.close()
    expect([...readPcap(file.bytes)].map(({ bytes }) => bytes[0])).toEqual([1, 3])
    expect(writer.stats).toEqual({ packets: 2, dropped: 0 })
  })

  it('cannot take back what the sink has, nor what another block follows', () => {
    const { file, writer } = start()
    const device = writer.addInterface({ medium: 'ip' })
    record(writer, device, bytesOf(1))
    writer.flush()
    expect(writer.retract()).toBe(false)
    record(writer, device, bytesOf(2))
    writer.addInterface({ medium: 'ip' })
    expect(writer.retract()).toBe(false)
    writer.close()
    expect([...readPcap(file.bytes)]).toHaveLength(2)
  })
})

describe('a sink that fails', () => {
  const failing = (onError?: (error: unknown) => void) => {
    const clock = clockAt()
    let left = 1
    const received: Uint8Array[] = []
    const sink = (bytes: Uint8Array): void => {
      if (left-- <= 0) throw new Error('disk full')
      received.push(bytes)
    }
    const writer = createPcapWriter({ sink, clock }, { onError })
    const device = writer.addInterface({ medium: 'ip' })
    clock.advance(0)
    return { clock, writer, device, received }
  }

  it('is told to onError once, and disturbs nobody else', () => {
    const errors: unknown[] = []
    const { clock, writer, device, received } = failing((error) => errors.push(error))
    for (let i = 0; i < 3; i++) {
      record(writer, device, bytesOf(1))
      clock.advance(0)
    }
    writer.close()
    expect(errors).toEqual([new Error('disk full')])
    expect(writer.stats).toEqual({ packets: 1, dropped: 2 })
    expect(received).toHaveLength(1)
  })

  it('is thrown in a task of its own by default', () => {
    const { clock, writer, device } = failing()
    record(writer, device, bytesOf(1))
    writer.flush()
    expect(() => clock.advance(0)).toThrow('disk full')
  })
})

describe('close', () => {
  it('is idempotent; packets that come later are counted', () => {
    const { file, writer } = start()
    const device = writer.addInterface({ medium: 'ip' })
    writer.close()
    const { length } = file.bytes
    record(writer, device, bytesOf(1))
    writer.addInterface({ medium: 'ip' })
    writer.close()
    expect(file.bytes).toHaveLength(length)
    expect(writer.stats).toEqual({ packets: 0, dropped: 1 })
  })
})

describe('options', () => {
  it('without sense are refused', () => {
    const { writer } = start()
    for (const chunkBytes of [0, 4095, 5000.5]) expect(() => start({ chunkBytes })).toThrow(RangeError)
    for (const snaplen of [0, -1, 1.5, 2 ** 32]) {
      expect(() => writer.addInterface({ medium: 'ip', snaplen })).toThrow(RangeError)
    }
    expect(() => start({ comment: 'x'.repeat(65536) })).toThrow(RangeError)
    expect(() => start({ comment: 'x'.repeat(65535) })).not.toThrow()
  })
})
