import { constants } from 'node:os'
import { addToGather, createGather, type Gather, hex } from '@fata/bytes'
import { createFrameMeta, type FrameMeta, type Net } from '@fata/net'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import type { TunTapDevice } from '../src/device.ts'
import { EBADFD } from '../src/errno.ts'
import { READABLE, WRITABLE } from '../src/native.ts'
import type { InterfaceState, TapOptions } from '../src/options.ts'
import { openDevice } from '../src/tap.ts'
import { FakeNative } from './fake-native.ts'

const { EAGAIN, EINVAL, EIO } = constants.errno
const ETHERNET = 14
const NO_HEADER = '00'.repeat(10)

interface Bench {
  readonly native: FakeNative
  readonly tap: TunTapDevice
  readonly runtime: VirtualRuntime
}

function open(options: TapOptions = {}, mode: 'tap' | 'tun' = 'tap', native: FakeNative = new FakeNative()): Bench {
  const runtime = createVirtualRuntime()
  return { native, runtime, tap: openDevice(native, mode, options, runtime) }
}

/** Resolves when what was put off to the end of the task has run. */
function taskEnd(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function frame(id: number, length = 60): Uint8Array {
  return new Uint8Array(length).fill(id)
}

function write(net: Net, bytes: Uint8Array, meta?: FrameMeta, payload?: Gather): void {
  const fill = (buf: Uint8Array, off: number): number => {
    buf.set(bytes, off)
    return bytes.length
  }
  net.write(bytes.length, fill, meta, payload)
}

function gather(...ranges: Uint8Array[]): Gather {
  const g = createGather()
  for (const range of ranges) addToGather(g, range, 0, range.length)
  return g
}

/** As the kernel hands it over. */
function withHeader(bytes: Uint8Array, header = '00000000000000000000'): Uint8Array {
  const b = new Uint8Array(10 + bytes.length)
  for (let i = 0; i < 10; i++) b[i] = Number.parseInt(header.slice(2 * i, 2 * i + 2), 16)
  b.set(bytes, 10)
  return b
}

function writes(native: FakeNative): string[] {
  return native.calls.filter((call) => call.startsWith('write'))
}

describe('sending', () => {
  it('hands the frames of a task over with one call, when the task is over', async () => {
    const { native, tap } = open()
    for (const id of [1, 2, 3]) write(tap, frame(id))
    await Promise.resolve()
    expect(writes(native)).toEqual([])
    await taskEnd()
    expect(writes(native)).toEqual(['write 3'])
    expect(native.sent).toEqual([1, 2, 3].map((id) => NO_HEADER + hex(frame(id))))
    expect(tap.stats).toMatchObject({ txFrames: 3, txBytes: 180, txDropped: {} })
  })

  it('hands over together what promises of the same task write', async () => {
    const { native, tap } = open()
    write(tap, frame(1))
    await Promise.resolve().then(() => write(tap, frame(2)))
    await taskEnd()
    expect(writes(native)).toEqual(['write 2'])
  })

  it('hands over once, behind batchEnd, what is written during a batch', () => {
    const { native, tap } = open()
    const seen: string[] = []
    tap.listen({
      frame: (buf, off) => {
        write(tap, frame(buf[off]!))
        seen.push(`frame, ${native.sent.length} sent`)
      },
      batchEnd: () => {
        write(tap, frame(9))
        seen.push(`end, ${native.sent.length} sent`)
      },
    })
    native.receive(withHeader(frame(1)), withHeader(frame(2)))
    expect(seen).toEqual(['frame, 0 sent', 'frame, 0 sent', 'end, 0 sent'])
    expect(writes(native)).toEqual(['write 3'])
  })

  it('hands over at once what does not fit', () => {
    const { native, tap } = open()
    for (let i = 0; i < 130; i++) write(tap, frame(i))
    expect(writes(native)).toEqual(['write 64', 'write 64'])
    expect(native.sent).toHaveLength(128)
  })

  it('takes long payload by reference and copies short or scattered', async () => {
    const { native, tap } = open()
    const long = frame(1, 400)
    const short = frame(2, 40)
    const scattered = Array.from({ length: 40 }, (_, i) => frame(i, 10))
    write(tap, frame(0, 54), undefined, gather(long, short))
    write(tap, frame(0, 54), undefined, gather(short))
    write(tap, frame(0, 54), undefined, gather(...scattered))
    short.fill(0xff)
    for (const range of scattered) range.fill(0xff)
    await taskEnd()
    const head = NO_HEADER + hex(frame(0, 54))
    expect(native.sent).toEqual([
      head + hex(long) + hex(frame(0xff, 40)),
      head + hex(frame(2, 40)),
      head + Array.from({ length: 40 }, (_, i) => hex(frame(i, 10))).join(''),
    ])
  })

  it('hands over before more buffers are referred to than one call takes', () => {
    const { native, tap } = open()
    for (let i = 0; i < 40; i++) write(tap, frame(i), undefined, gather(frame(i, 300), frame(i, 300)))
    expect(writes(native)).toEqual(['write 32'])
  })

  it('lets go of the payload', async () => {
    const { native, tap } = open()
    let held = 0
    const original = native.write.bind(native)
    native.write = (...args) => {
      held = args[5].filter((buffer) => buffer.length > 0).length
      const n = original(...args)
      buffers = args[5]
      return n
    }
    let buffers: readonly Uint8Array[] = []
    write(tap, frame(0), undefined, gather(frame(1, 500)))
    await taskEnd()
    expect(held).toBe(1)
    expect(buffers.filter((buffer) => buffer.length > 0)).toEqual([])
  })

  it('drops the one frame that the kernel does not like', async () => {
    const { native, tap } = open()
    native.outcomes.push(0, EINVAL, 0, EINVAL)
    for (const id of [1, 2, 3, 4, 5]) write(tap, frame(id), undefined, id === 2 ? gather(frame(9, 300)) : undefined)
    await taskEnd()
    expect(native.sent).toEqual([1, 3, 5].map((id) => NO_HEADER + hex(frame(id))))
    expect(tap.stats).toMatchObject({ txFrames: 3, txBytes: 180, txDropped: { 'device-error': 2 } })
  })

  it('adds a VLAN tag to what the MTU allows', async () => {
    const { native, tap } = open()
    const tagged = frame(1, 1500 + ETHERNET + 4)
    tagged.set([0x81, 0x00], 12)
    write(tap, tagged)
    expect(() => write(tap, frame(1, 1500 + ETHERNET + 1))).toThrow(/exceeds 1514/)
    await taskEnd()
    expect(native.sent).toHaveLength(1)
  })

  it('follows the MTU of the interface', () => {
    const { native, tap } = open()
    native.announce({ mtu: 9000 })
    expect(tap.mtu).toBe(9000)
    write(tap, frame(1, 9014))
    native.announce({ mtu: 600 })
    expect(() => write(tap, frame(1, 615))).toThrow(/exceeds 614/)
  })
})

describe('the queue', () => {
  it('keeps what the kernel does not take, with its payload, in order, until the descriptor is writable', async () => {
    const { native, tap } = open()
    native.outcomes.push(0, EAGAIN)
    const payload = frame(7, 300)
    for (const id of [1, 2, 3]) write(tap, frame(id), undefined, gather(payload))
    await taskEnd()
    expect(native.sent).toHaveLength(1)
    expect(native.device.events).toBe(READABLE | WRITABLE)
    payload.fill(0xff)
    write(tap, frame(4))
    await taskEnd()
    expect(native.sent).toHaveLength(1)
    native.outcomes.push(0, EAGAIN)
    native.ready(WRITABLE)
    expect(native.device.events).toBe(READABLE | WRITABLE)
    native.ready(WRITABLE)
    expect(native.device.events).toBe(READABLE)
    const sent = [1, 2, 3].map((id) => NO_HEADER + hex(frame(id)) + hex(frame(7, 300)))
    expect(native.sent).toEqual([...sent, NO_HEADER + hex(frame(4))])
    expect(tap.stats).toMatchObject({ txFrames: 4, txBytes: 3 * 360 + 60, txDropped: {} })
  })

  it('is bounded', async () => {
    const { native, tap } = open({ queueBytes: 5 * 74 })
    native.outcomes.push(EAGAIN)
    for (let id = 0; id < 9; id++) write(tap, frame(id))
    await taskEnd()
    expect(tap.stats.txDropped).toEqual({ 'queue-full': 4 })
    native.outcomes.push(0, 0, EAGAIN)
    native.ready(WRITABLE)
    for (let id = 20; id < 23; id++) write(tap, frame(id))
    await taskEnd()
    expect(tap.stats.txDropped).toEqual({ 'queue-full': 5 })
    native.ready(WRITABLE)
    expect(native.sent).toEqual([0, 1, 2, 3, 4, 20, 21].map((id) => NO_HEADER + hex(frame(id))))
  })

  it('may have no room at all', async () => {
    const { native, tap } = open({ queueBytes: 0 })
    native.outcomes.push(EAGAIN)
    write(tap, frame(1))
    await taskEnd()
    expect(tap.stats.txDropped).toEqual({ 'queue-full': 1 })
    expect(native.device.events).toBe(READABLE)
  })

  it('passes over a frame that the kernel does not like', async () => {
    const { native, tap } = open()
    native.outcomes.push(EAGAIN)
    for (const id of [1, 2, 3]) write(tap, frame(id))
    await taskEnd()
    native.outcomes.push(0, EINVAL)
    native.ready(WRITABLE)
    expect(native.sent).toEqual([1, 3].map((id) => NO_HEADER + hex(frame(id))))
    expect(tap.stats.txDropped).toEqual({ 'device-error': 1 })
  })
})

describe('receiving', () => {
  it('delivers what is ready and then ends the batch', () => {
    const { native, tap } = open()
    const seen: string[] = []
    tap.listen({
      frame: (buf, off, end, meta) => seen.push(`${buf[off]} ${end - off} ${meta.checksum}`),
      batchEnd: () => seen.push('end'),
    })
    native.receive(withHeader(frame(1, 61)), withHeader(frame(2), '02000000000000000000'))
    native.ready(READABLE)
    expect(seen).toEqual(['1 61 none', '2 60 valid', 'end'])
    expect(tap.stats).toMatchObject({ rxFrames: 2, rxBytes: 121, rxDropped: {} })
  })

  it.each([
    ['tap', true],
    ['tap', false],
    ['tun', true],
    ['tun', false],
  ] as const)('puts the IP packet of a %s (offload: %s) at an 8-byte boundary, both ways', (mode, offload) => {
    const { native, tap } = open({ offload }, mode)
    const link = mode === 'tap' ? ETHERNET : 0
    const positions: number[] = []
    tap.listen({ frame: (_, off) => positions.push((off + link) % 8) })
    const lengths = [60, 61, 67]
    native.receive(...lengths.map((length) => (offload ? withHeader(frame(1, length)) : frame(1, length))))
    for (const length of lengths) {
      tap.write(length, (_, off) => {
        positions.push((off + link) % 8)
        return length
      })
    }
    expect(positions).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('counts what it cannot deliver', () => {
    const { native, tap } = open()
    native.receive(withHeader(frame(1)))
    tap.listen({ frame: () => expect.unreachable() })
    native.receive(withHeader(frame(1, 13)))
    native.receive(withHeader(frame(1), '00050000000000000000'))
    native.receive(withHeader(frame(1), '01000000000000103000'))
    native.receive(frame(1, 8))
    expect(tap.stats).toMatchObject({
      rxFrames: 0,
      rxDropped: { 'no-listener': 1, 'too-short': 2, 'unknown-gso': 1, 'bad-checksum-position': 1 },
    })
  })

  it('stops in the middle of a batch when the listener closes it', async () => {
    const { native, tap } = open()
    let frames = 0
    let closing: Promise<void> | undefined
    tap.listen({
      frame: () => {
        frames++
        write(tap, frame(5))
        closing = tap.close()
      },
      batchEnd: () => expect.unreachable(),
    })
    native.receive(withHeader(frame(1)), withHeader(frame(2)))
    await closing
    expect(frames).toBe(1)
    expect(native.sent).toHaveLength(1)
  })

  it('sends what was written before a listener threw', () => {
    const { native, tap } = open()
    tap.listen({
      frame: () => {
        write(tap, frame(5))
        throw new Error('of the listener')
      },
    })
    expect(() => native.receive(withHeader(frame(1)))).toThrow('of the listener')
    expect(native.sent).toHaveLength(1)
  })
})

describe('the interface', () => {
  function watched(options: TapOptions = {}): Bench & { states: InterfaceState[] } {
    const states: InterfaceState[] = []
    return { ...open({ ...options, onState: (state) => states.push(state) }), states }
  }

  it('is up or down as the kernel tells, whatever happens to frames', async () => {
    const { native, tap, states } = watched()
    native.outcomes.push(EIO)
    for (const id of [1, 2, 3]) write(tap, frame(id))
    await taskEnd()
    expect(writes(native)).toEqual(['write 3'])
    expect(tap.stats.txDropped).toEqual({ 'interface-down': 3 })
    expect(tap.state).toBe('up')
    native.announce({ up: false })
    native.announce({ up: false })
    native.receive(withHeader(frame(1)))
    expect(tap.state).toBe('down')
    native.announce({ up: true })
    await taskEnd()
    expect(states).toEqual(['down', 'up'])
  })

  it('shows in frames whether it is up or down where the kernel does not tell', async () => {
    const { native, tap, states } = watched()
    native.announce({}, true)
    for (const [outcome, state] of [
      [EIO, 'down'],
      [0, 'up'],
      [EIO, 'down'],
    ] as const) {
      native.outcomes.push(outcome)
      write(tap, frame(1))
      await taskEnd()
      expect(tap.state).toBe(state)
    }
    native.receive(withHeader(frame(1)))
    await taskEnd()
    expect(states).toEqual(['down', 'up', 'down', 'up'])
  })

  it.each(['poll', 'read', 'write'])('is gone where %s says so, and nothing is watched any more', async (how) => {
    const { native, tap, states } = watched()
    native.outcomes.push(EAGAIN)
    write(tap, frame(1))
    await taskEnd()
    if (how === 'poll') native.ready(-9)
    else if (how === 'read') {
      native.readEnd = -EBADFD
      native.ready(READABLE)
    } else {
      native.outcomes.push(EBADFD)
      native.ready(WRITABLE)
    }
    native.outcomes.push(EBADFD)
    write(tap, frame(2))
    await taskEnd()
    expect(states).toEqual(['gone'])
    expect(native.device.events).toBe(0)
    expect(tap.stats.txDropped).toEqual({ 'interface-gone': 2 })
    await tap.close()
  })

  it('may move to another namespace', () => {
    const { native, tap } = open()
    native.announce({}, true)
    native.announce({ mtu: 900 })
    expect([tap.state, tap.mtu]).toEqual(['up', 1500])
  })

  it('ignores others', () => {
    const { native, tap } = open()
    native.announce({ index: 8, mtu: 900, up: false })
    expect([tap.state, tap.mtu]).toEqual(['up', 1500])
  })

  it('is asked where messages about it were lost', () => {
    const { native, tap } = open()
    native.link.mtu = 1280
    native.overrun()
    expect(tap.mtu).toBe(1280)
  })
})

describe('the process', () => {
  it('is kept alive by a device with a listener, unless it is told otherwise', async () => {
    const { native, tap } = open()
    expect(native.device.keepsAlive).toBe(false)
    tap.listen({ frame: () => {} })
    expect(native.device.keepsAlive).toBe(true)
    tap.unref()
    expect(native.device.keepsAlive).toBe(false)
    tap.ref()
    expect(native.device.keepsAlive).toBe(true)
    await tap.close()
    tap.unref()
    tap.listen({ frame: () => {} })
    expect(native.device.events).toBe(0)
  })
})

describe('closing', () => {
  it('sends first, closes both descriptors once, and refuses writes', async () => {
    const { native, tap } = open()
    write(tap, frame(1))
    const closing = tap.close()
    expect(tap.close()).toBe(closing)
    expect(() => write(tap, frame(2))).toThrow(expect.objectContaining({ code: 'ERR_NET_CLOSED' }))
    await closing
    await taskEnd()
    expect(native.sent).toHaveLength(1)
    expect(native.calls.filter((call) => call.startsWith('close'))).toEqual(['close 100', 'close 200'])
  })

  it('waits for the kernel', async () => {
    const { native, tap } = open()
    native.outcomes.push(EAGAIN)
    write(tap, frame(1))
    const closing = tap.close()
    expect(native.device.events).toBe(WRITABLE)
    expect(native.device.closed).toBe(false)
    native.ready(WRITABLE)
    await closing
    expect(native.sent).toHaveLength(1)
  })

  it('does not wait for ever', async () => {
    const { native, tap, runtime } = open({ lingerMs: 500 })
    native.outcomes.push(EAGAIN)
    write(tap, frame(1))
    const closing = tap.close()
    runtime.clock.advance(499)
    expect(native.device.closed).toBe(false)
    runtime.clock.advance(1)
    await closing
    expect(tap.stats.txDropped).toEqual({ closed: 1 })
  })
})

describe('metadata', () => {
  it('goes into the header of a sent frame', async () => {
    const { native, tap } = open()
    const meta = createFrameMeta()
    tap.write(
      66,
      (buf, off) => {
        buf.fill(0x80, off, off + 66)
        Object.assign(meta, {
          checksum: 'partial',
          checksumStart: off + 34,
          checksumOffset: 16,
          gso: 'tcp6',
          gsoSize: 1000,
        })
        return 66
      },
      meta,
      gather(frame(1, 5000)),
    )
    await taskEnd()
    expect(native.sent[0]!.slice(0, 20)).toBe('01844200e80322001000')
  })

  it('is refused without offload', () => {
    const { tap } = open({ offload: false })
    const meta = { ...createFrameMeta(), checksum: 'partial' as const }
    expect(tap.offload).toEqual({ checksum: false, tso4: false, tso6: false })
    expect(() => write(tap, frame(1), meta)).toThrow(expect.objectContaining({ code: 'ERR_NET_UNSUPPORTED' }))
  })
})
