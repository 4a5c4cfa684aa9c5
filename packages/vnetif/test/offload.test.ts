import { mac, writeMac } from '@fata/addr'
import { checksum, putU16, putU32, u16 } from '@fata/bytes'
import { createFrameMeta, type FrameMeta, type Net } from '@fata/net'
import { describe, expect, it } from 'vitest'
import type { VnetPort } from '../src/index.ts'
import { MACS, pairLab, say, switchLab } from './lab.ts'

const HEADERS = 40

/** An IPv4 TCP packet with its checksum partial; what fill is and what it says. */
function tcp(
  meta: FrameMeta,
  payload: number,
  gsoSize: number,
  header: number,
): (buf: Uint8Array, off: number) => number {
  return (buf, off) => {
    const ip = off + header
    const end = ip + HEADERS + payload
    buf.fill(0, ip, end)
    if (header > 0) {
      writeMac(buf, off, MACS[1]!)
      writeMac(buf, off + 6, MACS[0]!)
      putU16(buf, off + 12, 0x0800)
    }
    buf[ip] = 0x45
    putU16(buf, ip + 2, end - ip)
    buf[ip + 9] = 6
    putU32(buf, ip + 12, 0x0a000001)
    putU32(buf, ip + 16, 0x0a000002)
    putU16(buf, ip + 10, checksum(buf, ip, ip + 20))
    buf[ip + 32] = 0x50
    putU16(buf, ip + 36, ~checksum(buf, ip + 12, ip + 20, 6 + end - ip - 20))
    for (let i = 0; i < payload; i++) buf[ip + HEADERS + i] = i
    meta.checksum = 'partial'
    meta.checksumStart = ip + 20
    meta.checksumOffset = 16
    meta.gso = gsoSize === 0 ? 'none' : 'tcp4'
    meta.gsoSize = gsoSize
    return end - off
  }
}

function sendTcp(net: Net, payload: number, gsoSize = 0): void {
  const meta = createFrameMeta()
  const header = net.medium === 'ethernet' ? 14 : 0
  net.write(header + HEADERS + payload, tcp(meta, payload, gsoSize, header), meta)
}

interface Seen {
  length: number
  checksum: FrameMeta['checksum']
  gso: FrameMeta['gso']
  isComplete: boolean
}

function watch(port: VnetPort): Seen[] {
  const seen: Seen[] = []
  const header = port.medium === 'ethernet' ? 14 : 0
  port.listen({
    frame(buf, off, end, meta) {
      const ip = off + header
      const rest = u16(buf, ip + 2) - 20
      const isComplete = checksum(buf, ip + 12, ip + 20 + rest, 6 + rest) === 0
      seen.push({ length: end - off, checksum: meta.checksum, gso: meta.gso, isComplete })
    },
  })
  return seen
}

describe('between two devices with offload', () => {
  it('super-frames pass untouched and by reference', () => {
    const { runtime, a, b } = pairLab({ offload: true })
    let at: [Uint8Array, number] | undefined
    let lent: [Uint8Array, number] | undefined
    b.listen({ frame: (buf, off) => void (at = [buf, off]) })
    const meta = createFrameMeta()
    const fill = tcp(meta, 60_000, 1448, 0)
    const spy = (buf: Uint8Array, off: number): number => {
      lent = [buf, off]
      return fill(buf, off)
    }
    a.write(HEADERS + 60_000, spy, meta)
    runtime.clock.advance(0)
    expect(at![0]).toBe(lent![0])
    expect(at![1]).toBe(lent![1])
    expect(a.stats.txFrames).toBe(1)
  })

  it('an impaired link makes wire frames of them, each with its own fate', () => {
    const { runtime, a, b } = pairLab({ offload: true, tx: { loss: 0.5 } }, 3)
    const seen = watch(b)
    sendTcp(a, 60_000, 600)
    runtime.clock.advance(0)
    expect(seen.length).toBeGreaterThan(25)
    expect(seen.length).toBeLessThan(75)
    expect(seen.every((s) => s.length === 640 && s.isComplete && s.checksum === 'none' && s.gso === 'none')).toBe(true)
    expect(a.stats.txFrames + a.stats.txDropped['loss']!).toBe(100)
  })

  it('a corrupted frame is not vouched for, and its checksum shows it', () => {
    const { runtime, a, b } = pairLab({ offload: true, b: { rx: { corrupt: 1 } } }, 5)
    const seen = watch(b)
    for (let i = 0; i < 100; i++) sendTcp(a, 1400)
    runtime.clock.advance(0)
    expect(seen.every((s) => s.checksum === 'none')).toBe(true)
    expect(seen.filter((s) => s.isComplete).length).toBeLessThan(5)
  })

  it('a healed link passes super-frames again, behind what is on its way', () => {
    const { runtime, a, b } = pairLab({ offload: true })
    const seen = watch(b)
    a.impair({ latencyMs: 10 })
    sendTcp(a, 2000, 1000)
    a.impair({ latencyMs: 0 })
    sendTcp(a, 3000, 1000)
    runtime.clock.advance(10)
    sendTcp(a, 4000, 1000)
    runtime.clock.advance(10)
    expect(seen.map((s) => s.length)).toEqual([1040, 1040, 1040, 1040, 1040, 4040])
  })
})

describe('for a device without offload', () => {
  it('checksums are completed and super-frames cut', () => {
    const { runtime, a, b } = pairLab({ a: { offload: true } })
    const seen = watch(b)
    sendTcp(a, 101)
    sendTcp(a, 2500, 1000)
    runtime.clock.advance(0)
    expect(seen.map((s) => s.length)).toEqual([141, 1040, 1040, 540])
    expect(seen.every((s) => s.isComplete && s.checksum === 'none')).toBe(true)
  })

  it('segments that exceed its MTU are dropped and counted', () => {
    const { runtime, a, b } = pairLab({ a: { offload: true, mtu: 9000 } })
    const seen = watch(b)
    sendTcp(a, 20_000, 8960)
    runtime.clock.advance(0)
    expect(seen).toEqual([])
    expect(b.stats.rxDropped).toEqual({ 'too-long': 3 })
  })
})

describe('for a device with a smaller MTU', () => {
  it('super-frames are judged by their segments', () => {
    const { runtime, a, b } = pairLab({ offload: true, a: { mtu: 9000 } })
    const seen = watch(b)
    sendTcp(a, 20_000, 1460)
    sendTcp(a, 20_000, 1461)
    runtime.clock.advance(0)
    expect(seen.map((s) => s.length)).toEqual([20_040])
    expect(b.stats.rxDropped).toEqual({ 'too-long': 1 })
  })
})

describe('flooded to devices with and without offload', () => {
  it('each gets what it takes', () => {
    const { clock, network, ports } = switchLab(1, { offload: true })
    const able = network.port({ offload: true })
    const sums = network.port({ offload: { checksum: true, tso4: false, tso6: true } })
    const plain = network.port()
    const seen = [able, sums, plain].map(watch)
    sendTcp(ports[0]!, 100)
    sendTcp(ports[0]!, 2000, 1000)
    clock.advance(0)
    const small = { length: 154, gso: 'none', isComplete: true }
    const segment = { length: 1054, gso: 'none', isComplete: true }
    expect(seen[0]).toEqual([
      { ...small, checksum: 'valid' },
      { length: 2054, gso: 'tcp4', checksum: 'partial', isComplete: false },
    ])
    expect(seen[1]).toEqual([
      { ...small, checksum: 'valid' },
      { ...segment, checksum: 'valid' },
      { ...segment, checksum: 'valid' },
    ])
    expect(seen[2]).toEqual([
      { ...small, checksum: 'none' },
      { ...segment, checksum: 'none' },
      { ...segment, checksum: 'none' },
    ])
  })

  it('frames stay partial where all take them', () => {
    const { clock, ports } = switchLab(3, { offload: true })
    const seen = watch(ports[1]!)
    sendTcp(ports[0]!, 100)
    clock.advance(0)
    expect(seen).toMatchObject([{ checksum: 'partial', isComplete: false }])
  })
})

describe('metadata that makes no sense', () => {
  it('is refused where it points outside of the frame', () => {
    const { a } = pairLab({ offload: true })
    const meta = { ...createFrameMeta(), checksum: 'partial' as const, checksumStart: 1 << 20, checksumOffset: 16 }
    expect(() => a.write(60, () => 60, meta)).toThrow(TypeError)
    expect(a.stats.txFrames).toBe(0)
  })

  it('is counted where the frame is no TCP that could be cut', () => {
    const { runtime, a, b } = pairLab({ a: { offload: true } })
    const meta = createFrameMeta()
    const fill = (buf: Uint8Array, off: number): number => {
      buf.fill(0, off, off + 100)
      Object.assign(meta, {
        checksum: 'partial',
        checksumStart: off + 20,
        checksumOffset: 16,
        gso: 'tcp4',
        gsoSize: 10,
      })
      return 100
    }
    a.write(100, fill, meta)
    a.impair({ latencyMs: 1 }, 'tx')
    a.write(100, fill, meta)
    runtime.clock.advance(10)
    expect(b.stats.rxDropped).toEqual({ 'bad-offload': 1 })
    expect(a.stats).toMatchObject({ txFrames: 1, txDropped: { 'bad-offload': 1 } })
  })
})

describe('a pair', () => {
  it('refuses an address where the medium is IP, and takes one where it is Ethernet', () => {
    const own = { mac: mac('02:00:00:00:00:09') }
    expect(() => pairLab({ a: own })).toThrow(TypeError)
    expect(pairLab({ medium: 'ethernet', a: own }).a.mac).toBe(own.mac)
    expect(pairLab().a.mac).toBeUndefined()
  })

  it('has no table: whatever one end writes comes out of the other', () => {
    const { runtime, a, heard } = pairLab({ medium: 'ethernet' })
    say(a, 'x', mac('02:ff:ff:ff:ff:ff'))
    runtime.clock.advance(0)
    expect(heard).toHaveLength(1)
  })
})
