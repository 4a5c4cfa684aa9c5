import type { Mac } from '@fata/addr'
import { createVirtualRuntime, randomBelow } from '@fata/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DelayLine } from '../src/core/delay-line.ts'
import { FrameMemory } from '../src/core/frame-memory.ts'
import { MacTable } from '../src/core/mac-table.ts'
import { SerialLine } from '../src/core/serial-line.ts'
import { createSwitch, type VnetPort } from '../src/index.ts'

describe('DelayLine', () => {
  it('gives frames out by time, then in order, whatever comes in between', () => {
    const step = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant('shift' as const))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const slab = new FrameMemory(0).lend(1)
        const line = new DelayLine()
        let model: { due: number; id: number }[] = []
        for (const [id, s] of steps.entries()) {
          if (s === 'shift') {
            const frame = line.shift()
            expect(frame && { due: frame.due, id: frame.off }).toEqual(model[0])
            model = model.slice(1)
          } else {
            line.push(s, slab, id, id, 0)
            model.push({ due: s, id })
            model.sort((a, b) => a.due - b.due || a.id - b.id)
          }
          expect(line.length).toBe(model.length)
          expect(line.nextAt).toBe(model[0]?.due ?? Number.POSITIVE_INFINITY)
        }
      }),
    )
  })
})

describe('SerialLine', () => {
  const settings = { bitsPerSecond: 8000, queueFrames: 3, queueBytes: Number.POSITIVE_INFINITY }

  it('is busy for as long as its bits take', () => {
    const line = new SerialLine()
    expect(line.send(0, 10, settings)).toBe(10)
    expect(line.send(4, 10, settings)).toBe(20)
    expect(line.send(50, 5, settings)).toBe(55)
  })

  it('never lets more than queueFrames wait, over any run', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 20 }))), (frames) => {
        const line = new SerialLine()
        const starts: number[] = []
        let now = 0
        for (const [wait, length] of frames) {
          now += wait
          const waiting = starts.filter((start) => start > now).length
          const sent = line.send(now, length, settings)
          if (sent !== -1) starts.push(sent - length)
          expect(sent === -1).toBe(waiting >= 3)
        }
      }),
    )
  })

  it('counts waiting bytes exactly over a long run', () => {
    const line = new SerialLine()
    const bounded = { ...settings, queueFrames: Number.POSITIVE_INFINITY, queueBytes: 300 }
    for (let i = 0; i < 1000; i++) {
      const length = 10 + (i % 7)
      const now = i * 1000
      const taken = Array.from({ length: 40 }, () => line.send(now, length, bounded)).filter((sent) => sent !== -1)
      expect(taken).toHaveLength(1 + Math.floor(300 / length))
    }
  })

  it('stays exact over a long run', () => {
    const line = new SerialLine()
    for (let i = 0; i < 10_000; i++) {
      expect(line.send(i * 10, 10, settings)).toBe(i * 10 + 10)
      expect(line.send(i * 10, 10, { ...settings, queueFrames: 0 })).toBe(-1)
    }
  })
})

describe('MacTable', () => {
  const address = (n: number): Mac => n as Mac

  it('says by its generation that an answer may have changed', () => {
    const table = new MacTable<string>(2, 100)
    const changes = (act: () => void): boolean => {
      const before = table.generation
      act()
      return table.generation !== before
    }
    expect(changes(() => table.learn(address(1), 'a', 0))).toBe(true)
    expect(changes(() => table.learn(address(1), 'a', 1))).toBe(false)
    expect(changes(() => table.learn(address(1), 'b', 2))).toBe(true)
    expect(changes(() => table.forget('b'))).toBe(true)
    expect(table.size).toBe(0)
  })

  it('prefers to evict what is too old anyway, and does not count it', () => {
    const table = new MacTable<string>(2, 100)
    table.learn(address(1), 'a', 0)
    table.learn(address(2), 'a', 150)
    table.learn(address(3), 'a', 160)
    expect(table.evicted).toBe(0)
    expect([1, 2, 3].map((n) => table.lookup(address(n), 160))).toEqual([undefined, 'a', 'a'])
  })
})

describe('FrameMemory', () => {
  it('never lends the same bytes twice at a time', () => {
    const length = fc.integer({ min: 1, max: 900 })
    const step = fc.record({ length, trim: fc.integer({ min: 0, max: 900 }), release: fc.nat() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const memory = new FrameMemory(2, 2048)
        const held: { slab: ReturnType<FrameMemory['lend']>; off: number; end: number; id: number }[] = []
        for (const [id, { length, trim, release }] of steps.entries()) {
          const slab = memory.lend(length)
          const off = slab.start
          const end = off + Math.min(length, trim)
          slab.trim(off + length, end)
          slab.bytes.fill(id & 0xff, off, end)
          held.push({ slab, off, end, id })
          if (release % 3 !== 0) held.splice(release % held.length, 1)[0]!.slab.release()
          for (const h of held) expect(h.slab.bytes.subarray(h.off, h.end).every((b) => b === (h.id & 0xff))).toBe(true)
        }
      }),
    )
  })

  it('crashes on a release too many', () => {
    const slab = new FrameMemory(0).lend(10)
    slab.release()
    expect(() => slab.release()).toThrow('broken invariant')
  })
})

describe('a storm of frames between four ports', () => {
  it('arrives with every byte right', () => {
    const runtime = createVirtualRuntime(99)
    const { clock, random } = runtime
    const network = createSwitch(runtime)
    const links = [
      {},
      { latencyMs: 3, jitterMs: 3 },
      { bitsPerSecond: 1e9, loss: 0.1 },
      { duplicate: 0.3, reorder: 0.3 },
    ]
    const ports = links.map((rx, i) => network.port({ mtu: 9000, rx, offload: i % 2 === 0 }))
    let delivered = 0
    let wrong = 0
    for (const port of ports) {
      port.listen({
        frame(buf, off, end) {
          delivered++
          const mark = buf[off + 12]!
          if ((buf[off + 13]! << 8) + mark !== ((end - off) & 0xff) * 256 + mark) wrong++
          for (let i = off + 14; i < end; i++) if (buf[i] !== mark) wrong++
        },
      })
    }
    const write = (from: VnetPort, to: VnetPort, mark: number): void => {
      const length = 14 + randomBelow(random, 9000)
      const mac = randomBelow(random, 4) === 0 ? 0xffff_ffff_ffff : to.mac!
      from.write(9014, (buf, off) => {
        buf.fill(mark, off, off + length)
        for (let i = 0; i < 6; i++) buf[off + i] = mac / 256 ** (5 - i)
        for (let i = 0; i < 6; i++) buf[off + 6 + i] = from.mac! / 256 ** (5 - i)
        buf[off + 13] = length & 0xff
        return length
      })
    }
    for (let n = 0; n < 5000; n++) {
      write(ports[randomBelow(random, 4)]!, ports[randomBelow(random, 4)]!, n & 0xff)
      if (n % 50 === 0) clock.advance(random.uint32() / 2 ** 32)
    }
    clock.advance(1000)
    expect(delivered).toBeGreaterThan(5000)
    expect(wrong).toBe(0)
  })
})
