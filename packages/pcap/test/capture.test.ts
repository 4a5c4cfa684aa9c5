import { mac } from '@fata/addr'
import { addToGather, createGather } from '@fata/bytes'
import { createCallbackNet, createFrameMeta, type Net } from '@fata/net'
import { suite } from '@fata/net/conformance'
import { createVirtualRuntime } from '@fata/runtime'
import { createPair, createSwitch } from '@fata/vnetif'
import { describe, expect, it } from 'vitest'
import { capture, createPcapWriter, readPcap } from '../src/index.ts'
import { Collected } from './files.ts'

describe.each([false, true])('a captured device is a device (offload: %s)', (offload) => {
  for (const medium of ['ip', 'ethernet'] as const) {
    describe(`a pair of medium '${medium}'`, () => {
      suite({
        describe,
        it,
        create() {
          const { clock, random } = createVirtualRuntime()
          const { a, b } = createPair({ clock, random }, { medium, offload })
          const { sink } = new Collected()
          return {
            a: capture(a, { sink, clock }),
            b: capture(b, { sink, clock }),
            settle: async () => clock.advance(9),
          }
        },
      })
    })
  }

  describe('a switch', () => {
    suite({
      describe,
      it,
      create() {
        const { clock, random } = createVirtualRuntime()
        const network = createSwitch({ clock, random })
        const writer = createPcapWriter({ sink: new Collected().sink, clock })
        const a = capture(network.port({ offload }), writer, { annotateOffload: true })
        return { a, b: network.port(), settle: async () => clock.advance(9) }
      },
    })
  })
})

function lab(options: Parameters<typeof capture>[2] = {}, offload = false) {
  const { clock, random } = createVirtualRuntime()
  const pair = createPair({ clock, random }, { offload, tx: { latencyMs: 2 } })
  const file = new Collected()
  const net = capture(pair.a, { sink: file.sink, clock }, options)
  return { clock, file, net, inner: pair.a, b: pair.b }
}

const write = (net: Net, ...bytes: number[]): void =>
  net.write(bytes.length, (buf, off) => {
    buf.set(bytes, off)
    return bytes.length
  })

describe('capture', () => {
  it('records both directions with their times, and the statistics at close', async () => {
    const { clock, file, net, b } = lab({ name: 'a' })
    net.listen({ frame: () => {} })
    write(net, 0x45, 1)
    clock.advance(1)
    write(b, 0x45, 2)
    clock.advance(2)
    await net.close()
    const packets = [...readPcap(file.bytes)]
    const start = BigInt(Date.UTC(2020, 0, 1)) * 1_000_000n
    expect(packets.map(({ direction, bytes, timeNs }) => [direction, [...bytes], timeNs! - start])).toEqual([
      ['out', [0x45, 1], 0n],
      ['in', [0x45, 2], 3_000_000n],
    ])
    expect(packets[0]!.interface).toMatchObject({ linkType: 101, name: 'a', mac: undefined, received: 1, dropped: 0 })
  })

  it('describes the device: Ethernet, address, limit', async () => {
    const { clock, random } = createVirtualRuntime()
    const port = createSwitch({ clock, random }).port({ mac: mac('02:00:00:00:00:05') })
    const file = new Collected()
    const options = { name: 'port', description: 'of a switch', comment: 'hello', snaplen: 60 }
    const net = capture(port, { sink: file.sink, clock }, options)
    net.write(100, (buf, off) => (buf.fill(0xff, off, off + 100) ? 100 : 0))
    await net.close()
    const [packet] = [...readPcap(file.bytes)]
    expect(packet!.interface).toMatchObject({ linkType: 1, mac: port.mac, ...options })
    expect([packet!.bytes.length, packet!.length]).toEqual([60, 100])
  })

  it('records another address where it is told to', async () => {
    const other = mac('02:00:00:00:00:99')
    const { clock, file, net } = lab({ mac: other })
    write(net, 1)
    clock.advance(1)
    expect([...readPcap(file.bytes)][0]!.interface.mac).toBe(other)
  })

  it('records what was sent, not what was lent, and the payload', () => {
    const { clock, file, net } = lab()
    const payload = createGather()
    addToGather(payload, Uint8Array.of(7, 8, 9), 1, 3)
    const fill = (buf: Uint8Array, off: number): number => {
      buf.fill(0xa5, off, off + 20)
      buf.set([5, 6], off)
      return 2
    }
    net.write(20, fill, undefined, payload)
    clock.advance(0)
    expect([...readPcap(file.bytes)].map(({ bytes }) => [...bytes])).toEqual([[5, 6, 8, 9]])
  })

  it('does not record what the device refuses', async () => {
    const { clock, file, net } = lab()
    write(net, 1)
    expect(() => net.write(4000, () => 4000)).toThrow(expect.objectContaining({ code: 'ERR_NET_FRAME_TOO_LONG' }))
    expect(() => net.write(4, () => Number.NaN)).toThrow('fill wrote')
    const meta = { ...createFrameMeta(), checksum: 'partial' as const }
    expect(() => net.write(40, () => 40, meta)).toThrow(expect.objectContaining({ code: 'ERR_NET_UNSUPPORTED' }))
    write(net, 2)
    clock.advance(0)
    expect([...readPcap(file.bytes)].map(({ bytes }) => [...bytes])).toEqual([[1], [2]])
  })

  it('records a frame before those that its sending leads to', () => {
    const { clock } = createVirtualRuntime()
    const file = new Collected()
    let net: Net | undefined
    const inner = createCallbackNet({
      medium: 'ip',
      mtu: 100,
      send(_buf, off, end) {
        if (end - off === 1) write(net!, 2, 2)
        if (end - off === 3) throw new Error('refused')
      },
    })
    net = capture(inner.net, { sink: file.sink, clock })
    write(net, 1)
    expect(() => write(net!, 3, 3, 3)).toThrow('refused')
    clock.advance(0)
    expect([...readPcap(file.bytes)].map(({ bytes }) => bytes.length)).toEqual([1, 2])
  })

  it('keeps super-frames and partial checksums as they are, with a note where asked', () => {
    for (const annotateOffload of [false, true]) {
      const { clock, file, net } = lab({ annotateOffload }, true)
      const meta = createFrameMeta()
      const send = (gsoSize: number): void =>
        net.write(
          4000,
          (_buf, off) => {
            const gso = gsoSize === 0 ? 'none' : 'tcp4'
            Object.assign(meta, { checksum: 'partial', checksumStart: off + 20, checksumOffset: 16, gso, gsoSize })
            return gsoSize === 0 ? 100 : 4000
          },
          meta,
        )
      send(0)
      send(1000)
      write(net, 1)
      clock.advance(0)
      const packets = [...readPcap(file.bytes)]
      expect(packets.map(({ length }) => length)).toEqual([100, 4000, 1])
      expect(packets.map(({ comment }) => comment)).toEqual(
        annotateOffload
          ? ['checksum partial', 'checksum partial, to be cut into segments of 1000 bytes', undefined]
          : [undefined, undefined, undefined],
      )
    }
  })

  it('follows the device: its MTU, its counters, its listener', () => {
    const { clock, net, inner, b } = lab()
    inner.mtu = 1280
    expect(net.mtu).toBe(1280)
    expect(net.stats).toBe(inner.stats)
    expect(net.offload).toBe(inner.offload)
    let calls = ''
    net.listen({ frame: () => void (calls += 'f'), batchEnd: () => void (calls += 'e') })
    write(b, 1)
    write(b, 2)
    clock.advance(10)
    expect(calls).toBe('ffe')
  })

  it('counts since it began', async () => {
    const { clock, inner, b } = lab()
    for (let i = 0; i < 5; i++) write(b, 1)
    clock.advance(10)
    const file = new Collected()
    const net = capture(inner, { sink: file.sink, clock })
    write(b, 1)
    net.listen({ frame: () => {} })
    write(b, 1)
    write(net, 1)
    clock.advance(10)
    await net.close()
    expect([...readPcap(file.bytes)][0]!.interface).toMatchObject({ received: 2, dropped: 0 })
  })

  it('counts drops, also when counters were set back', async () => {
    const { clock, file, net, inner, b } = lab()
    write(b, 1)
    clock.advance(10)
    write(net, 1)
    await net.close()
    expect([...readPcap(file.bytes)][0]!.interface).toMatchObject({ received: 1, dropped: 1 })
    const late = new Collected()
    const again = capture(inner, { sink: late.sink, clock })
    inner.stats.rxDropped['no-listener'] = 0
    await again.close()
    expect([...readPcap(late.bytes)]).toEqual([])
  })

  it('completes the file once', async () => {
    const { file, net } = lab()
    await Promise.all([net.close(), net.close()])
    await net.close()
    const { length } = file.bytes
    expect(length).toBeGreaterThan(0)
    await net.close()
    expect(file.bytes).toHaveLength(length)
  })

  it('of several devices makes one file, in order of time', async () => {
    const { clock, random } = createVirtualRuntime()
    const network = createSwitch({ clock, random })
    const file = new Collected()
    const writer = createPcapWriter({ sink: file.sink, clock })
    const [a, b] = ['a', 'b'].map((name) => capture(network.port({ rx: { latencyMs: 5 } }), writer, { name }))
    b!.listen({ frame: () => {} })
    write(a!, ...new Array(20).fill(0xff))
    clock.advance(5)
    await a!.close()
    write(b!, ...new Array(30).fill(0xff))
    await b!.close()
    writer.close()
    expect([...readPcap(file.bytes)].map((p) => [p.interface.name, p.direction, p.length])).toEqual([
      ['a', 'out', 20],
      ['b', 'in', 20],
      ['b', 'out', 30],
    ])
  })

  it('outlives a sink that fails', async () => {
    const { clock, random } = createVirtualRuntime()
    const { a, b } = createPair({ clock, random })
    const errors: unknown[] = []
    const sink = (): void => {
      throw new Error('disk full')
    }
    const net = capture(a, { sink, clock }, { onError: (error) => errors.push(error) })
    let received = 0
    b.listen({ frame: () => void received++ })
    for (let i = 0; i < 5; i++) {
      write(net, 1)
      clock.advance(5)
    }
    await net.close()
    expect(received).toBe(5)
    expect(errors).toHaveLength(1)
  })

  it('refuses options without sense', () => {
    expect(() => lab({ snaplen: 0 })).toThrow(RangeError)
  })
})
