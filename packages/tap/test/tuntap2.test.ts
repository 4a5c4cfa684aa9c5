import { EventEmitter } from 'node:events'
import { formatMac, type Mac, mac } from '@fata/addr'
import { type NetEnds, suite } from '@fata/net/conformance'
import { createVirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { fromTuntap2, type Tuntap2Device } from '../src/tuntap2.ts'

/** A device as tuntap2 makes them: frames come as events, writes are taken at once and done later. */
class FakeDevice extends EventEmitter implements Tuntap2Device {
  readonly mtu = 1500
  readonly isTun: boolean
  readonly written: Uint8Array[] = []
  /** The other end of the cable. */
  other: FakeDevice | undefined
  answersRelease = true
  released = 0
  room = true

  constructor(isTun = false) {
    super()
    this.isTun = isTun
  }

  get mac(): string {
    throw 'you must set isUp = true in order to access this method'
  }

  write(frame: Uint8Array): boolean {
    this.written.push(frame)
    setImmediate(() => this.other?.emit('data', frame.slice()))
    return this.room
  }

  release(done?: () => void): void {
    this.released++
    if (this.answersRelease && done !== undefined) setImmediate(done)
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve))
}

for (const [kind, isTun] of [
  ['Tap', false],
  ['Tun', true],
] as const) {
  describe(`a Net of a ${kind} of tuntap2`, () => {
    const create = (): NetEnds => {
      const devices = [new FakeDevice(isTun), new FakeDevice(isTun)] as const
      devices[0].other = devices[1]
      devices[1].other = devices[0]
      const [a, b] = devices.map((device) => fromTuntap2(device))
      return { a: a!, b: b!, settle }
    }
    suite({ describe, it, create })
  })
}

function write(net: ReturnType<typeof fromTuntap2>, length = 60): void {
  net.write(length, (buf, off) => {
    buf.fill(1, off, off + length)
    return length
  })
}

describe('fromTuntap2', () => {
  it('has an address of its own, random or given', () => {
    const runtime = createVirtualRuntime()
    const device = Object.defineProperty(new FakeDevice(), 'mac', { value: '02:00:00:00:00:01' })
    expect(fromTuntap2(device, { mac: mac('02:00:00:00:00:02') }).mac).toBe(mac('02:00:00:00:00:02'))
    const first = fromTuntap2(device, {}, runtime).mac as Mac
    expect(Math.floor(first / 2 ** 40) & 3).toBe(2)
    const same = Object.defineProperty(new FakeDevice(), 'mac', { value: formatMac(first) })
    expect(fromTuntap2(same, {}, createVirtualRuntime()).mac).not.toBe(first)
  })

  it('bounds what waits in the device by what the device says', () => {
    const device = Object.assign(new FakeDevice(), { writableLength: 0 })
    const net = fromTuntap2(device, { queueBytes: 1000 })
    for (let i = 0; i < 20; i++) {
      write(net, 100)
      device.writableLength += 100
    }
    expect(device.written).toHaveLength(10)
    expect(net.stats).toMatchObject({ txFrames: 10, txBytes: 1000, txDropped: { 'queue-full': 10 } })
  })

  it('bounds what waits in a device that only says when it is full', () => {
    const device = new FakeDevice()
    const net = fromTuntap2(device)
    device.room = false
    write(net)
    write(net)
    expect(net.stats.txDropped).toEqual({ 'queue-full': 1 })
    device.room = true
    device.emit('drain')
    write(net)
    expect(device.written).toHaveLength(2)
  })

  it('survives a device that fails', () => {
    const lines: string[] = []
    const log = { enabled: () => true, log: (...line: unknown[]) => void lines.push(line.slice(0, 3).join(' ')) }
    const device = new FakeDevice()
    const net = fromTuntap2(device, {}, { ...createVirtualRuntime(), log })
    device.emit('error', new Error('EINVAL: invalid argument, write'))
    write(net)
    expect(net.stats.txDropped).toEqual({ 'device-error': 1 })
    expect(lines).toEqual(['error tap the device failed'])
  })

  it('counts runts, and what comes while the device is being released', async () => {
    const device = new FakeDevice()
    const net = fromTuntap2(device)
    net.listen({ frame: () => expect.unreachable() })
    device.emit('data', new Uint8Array(13))
    const closing = net.close()
    device.emit('data', new Uint8Array(60))
    await closing
    expect(net.stats.rxDropped).toEqual({ 'too-short': 1, closed: 1 })
  })

  it('releases once, and does not wait for ever', async () => {
    const runtime = createVirtualRuntime()
    const device = new FakeDevice()
    device.answersRelease = false
    const net = fromTuntap2(device, { lingerMs: 300 }, runtime)
    const closing = net.close()
    expect(net.close()).toBe(closing)
    runtime.clock.advance(299)
    expect(await Promise.race([closing.then(() => 'closed'), settle().then(() => 'open')])).toBe('open')
    runtime.clock.advance(1)
    await closing
    expect(device.released).toBe(1)
  })

  it('refuses nonsense', () => {
    expect(() => fromTuntap2(new FakeDevice(), { queueBytes: -1 })).toThrow(RangeError)
    expect(() => fromTuntap2(new FakeDevice(), { lingerMs: Number.NaN })).toThrow(RangeError)
  })
})
