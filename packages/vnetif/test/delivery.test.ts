import { createVirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { createSwitch } from '../src/index.ts'
import { hear, MACS, pairLab, say, sayNumbers, switchLab, texts, times } from './lab.ts'

const [A, B] = MACS as [(typeof MACS)[0], (typeof MACS)[0]]

describe('delivery', () => {
  it('happens in a task of its own, never inside of a write', () => {
    const { runtime, a, heard } = pairLab()
    say(a, 'later')
    expect(heard).toEqual([])
    runtime.clock.advance(0)
    expect(texts(heard)).toEqual(['later'])
  })

  it('is one batch for all frames that are ready', () => {
    const { runtime, a, b } = pairLab()
    const calls: string[] = []
    b.listen({ frame: () => calls.push('frame'), batchEnd: () => calls.push('end') })
    sayNumbers(a, 3)
    runtime.clock.advance(0)
    sayNumbers(a, 1)
    runtime.clock.advance(0)
    expect(calls).toEqual(['frame', 'frame', 'frame', 'end', 'frame', 'end'])
  })

  it('is one batch for frames that fall due at one time from several links', () => {
    const { clock, ports } = switchLab(3)
    let calls = ''
    ports[2]!.listen({ frame: () => void (calls += 'f'), batchEnd: () => void (calls += 'e') })
    ports[0]!.impair({ latencyMs: 5 }, 'tx')
    ports[1]!.impair({ latencyMs: 5 }, 'tx')
    say(ports[0]!, '1', MACS[2])
    say(ports[1]!, '2', MACS[2])
    say(ports[0]!, '3', MACS[2])
    clock.advance(5)
    expect(calls).toBe('fffe')
  })

  it('lets two listeners answer each other for ever without recursion, one batch at a time', () => {
    const { clock, ports } = switchLab(3)
    let depth = 0
    let count = 0
    for (const [port, other] of [
      [ports[0]!, B],
      [ports[1]!, A],
    ] as const) {
      port.listen({
        frame() {
          depth++
          expect(depth).toBe(1)
          if (++count < 10_000) say(port, 'ping', other)
          depth--
        },
      })
    }
    say(ports[0]!, 'ping', B)
    clock.advance(0)
    expect(count).toBe(10_000)
  })

  it('does not let a port that feeds itself keep out others', () => {
    const { clock, ports, heard } = switchLab(3)
    let left = 0
    const order: string[] = []
    ports[1]!.listen({
      frame() {
        order.push('b')
        if (left-- > 0) say(ports[0]!, 'again', B)
        if (left === 4) say(ports[0]!, 'to c', MACS[2])
      },
      batchEnd: () => order.push('|'),
    })
    ports[2]!.listen({ frame: () => order.push('c') })
    say(ports[1]!, 'hi')
    say(ports[2]!, 'hi')
    clock.advance(0)
    order.length = 0
    left = 5
    say(ports[0]!, 'first', B)
    clock.advance(0)
    expect(order.join('')).toBe('b|b|cb|b|b|b|')
    expect(heard[0]!.length).toBe(2)
  })

  it('goes on behind a listener that throws', () => {
    const { runtime, a, b } = pairLab()
    const seen: number[] = []
    b.listen({
      frame(buf, off) {
        seen.push(buf[off + 5]! - 48)
        if (seen.length === 2) throw new Error('listener')
      },
    })
    sayNumbers(a, 4)
    expect(() => runtime.clock.advance(0)).toThrow('listener')
    runtime.clock.advance(0)
    expect(seen).toEqual([0, 1, 2, 3])
  })

  it('survives a listener that moves virtual time', () => {
    const { runtime, a, b } = pairLab()
    const seen: number[] = []
    let depth = 0
    b.listen({
      frame(buf, off) {
        expect(depth++).toBe(0)
        seen.push(buf[off + 5]! - 48)
        if (seen.length === 1) sayNumbers(a, 1)
        runtime.clock.advance(1)
        depth--
      },
    })
    sayNumbers(a, 3)
    runtime.clock.advance(1)
    runtime.clock.advance(10)
    expect(seen).toEqual([0, 1, 2, 0])
  })

  it('gives a new listener the rest of a batch', () => {
    const { runtime, a, b } = pairLab()
    let first = ''
    let second = ''
    b.listen({
      frame() {
        first += 'f'
        b.listen({ frame: () => void (second += 'f'), batchEnd: () => void (second += 'e') })
      },
      batchEnd: () => void (first += 'e'),
    })
    sayNumbers(a, 3)
    runtime.clock.advance(0)
    expect([first, second]).toEqual(['f', 'ffe'])
  })
})

describe('the queue of a port', () => {
  it('holds queueFrames frames and counts the others', () => {
    const { runtime, a, b, heard } = pairLab({ queueFrames: 10 })
    sayNumbers(a, 25)
    runtime.clock.advance(0)
    expect(heard).toHaveLength(10)
    expect(b.stats).toMatchObject({ rxFrames: 10, rxDropped: { 'queue-full': 15 } })
    sayNumbers(a, 3)
    runtime.clock.advance(0)
    expect(heard).toHaveLength(13)
  })

  it('holds queueBytes bytes', () => {
    const { runtime, a, b, heard } = pairLab({ queueBytes: 1050 })
    sayNumbers(a, 15, 100)
    runtime.clock.advance(0)
    expect(heard).toHaveLength(10)
    expect(b.stats.rxDropped).toEqual({ 'queue-full': 5 })
  })

  it('takes 4096 frames by default, at any point of its ring', () => {
    const { runtime, a, b, heard } = pairLab()
    for (const burst of [7, 4096, 3000, 4097]) {
      heard.length = 0
      sayNumbers(a, burst, 60)
      runtime.clock.advance(0)
      expect(heard.map(({ text }) => Number(text.slice(0, 6)))).toEqual(
        Array.from({ length: Math.min(burst, 4096) }, (_, i) => i),
      )
    }
    expect(b.stats.rxDropped).toEqual({ 'queue-full': 1 })
  })
})

describe('the MTU', () => {
  it('bounds what arrives from a port with a larger one', () => {
    const { clock, runtime, network, ports } = switchLab(1, { mtu: 9000 })
    const small = network.port({ mac: B, mtu: 1500 })
    const heard = hear(runtime, small)
    say(ports[0]!, 'x'.repeat(1501), B)
    say(ports[0]!, 'x'.repeat(1500), B)
    clock.advance(0)
    expect(heard.map(({ text }) => text.length)).toEqual([1500])
    expect(small.stats.rxDropped).toEqual({ 'too-long': 1 })
  })

  it('may change while the port is open', () => {
    const { a, b, runtime, heard } = pairLab()
    a.mtu = b.mtu = 9000
    sayNumbers(a, 1, 9000)
    a.mtu = 1280
    expect(() => sayNumbers(a, 1, 1281)).toThrow(expect.objectContaining({ code: 'ERR_NET_FRAME_TOO_LONG' }))
    runtime.clock.advance(0)
    expect(heard.map(({ text }) => text.length)).toEqual([9000])
    expect(() => (a.mtu = 20)).toThrow(RangeError)
    expect(a.mtu).toBe(1280)
  })
})

describe('memory', () => {
  it('is reused: a long run lies in few buffers', () => {
    const { runtime, a, b } = pairLab()
    const buffers = new Set<ArrayBufferLike>()
    let frames = 0
    b.listen({
      frame(buf) {
        buffers.add(buf.buffer)
        frames++
      },
    })
    for (let batch = 0; batch < 200; batch++) {
      sayNumbers(a, 100, 1500)
      runtime.clock.advance(0)
    }
    expect(frames).toBe(20_000)
    expect(buffers.size).toBe(1)
  })

  it('is taken by what was sent, not by what was lent', () => {
    const { runtime, a, b } = pairLab()
    const buffers = new Set<ArrayBufferLike>()
    b.listen({ frame: (buf) => void buffers.add(buf.buffer) })
    for (let i = 0; i < 2000; i++) a.write(1500, (buf, off) => (buf.fill(1, off, off + 20) ? 20 : 0))
    runtime.clock.advance(0)
    expect(b.stats.rxFrames).toBe(2000)
    expect(buffers.size).toBe(1)
  })

  it('is given back by a fill that throws, and by refused frames', () => {
    const { runtime, a, heard } = pairLab()
    for (let i = 0; i < 1000; i++) {
      expect(() =>
        a.write(1500, () => {
          throw new Error('fill')
        }),
      ).toThrow('fill')
    }
    const lent = new Set<ArrayBufferLike>()
    for (let i = 0; i < 300; i++) {
      expect(() => a.write(1500, (buf) => lent.add(buf.buffer) && 1501)).toThrow(RangeError)
    }
    expect(lent.size).toBe(1)
    say(a, 'still alive')
    runtime.clock.advance(0)
    expect(texts(heard)).toEqual(['still alive'])
  })

  it('puts the IP header on a multiple of 8', () => {
    const runtime = createVirtualRuntime()
    const { a } = pairLab()
    const port = createSwitch(runtime).port()
    for (let i = 0; i < 20; i++) {
      a.write(21 + i, (buf, off) => ((buf.byteOffset + off) % 8 === 0 ? 1 : 99))
      port.write(21 + i, (buf, off) => ((buf.byteOffset + off + 14) % 8 === 0 ? 14 : 99))
    }
    expect(a.stats.txFrames + port.stats.txFrames).toBe(40)
  })

  it('keeps two frames apart where a fill writes another frame', () => {
    const { runtime, a, heard } = pairLab()
    a.write(3, (buf, off) => {
      say(a, 'inner')
      buf.fill(0x6f, off, off + 3)
      return 3
    })
    say(a, 'the last one')
    runtime.clock.advance(0)
    expect(texts(heard)).toEqual(['inner', 'ooo', 'the last one'])
    expect(times(heard)).toEqual([0, 0, 0])
  })
})
