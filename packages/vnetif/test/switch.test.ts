import { mac, writeMac } from '@fata/addr'
import { createVirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { createSwitch, type VnetPort } from '../src/index.ts'
import { hear, MACS, say, switchLab, texts } from './lab.ts'

const [A, B, C] = MACS as [(typeof MACS)[0], (typeof MACS)[0], (typeof MACS)[0]]

describe('forwarding', () => {
  it('carries a frame from one port to the other, not back to the sender', () => {
    const { clock, ports, heard } = switchLab(2)
    say(ports[0]!, 'hello', B)
    clock.advance(0)
    expect(heard.map(texts)).toEqual([[], ['hello']])
  })

  it('floods broadcast, multicast and what is addressed to nobody known', () => {
    const { clock, network, ports, heard } = switchLab(3)
    say(ports[0]!, 'broadcast')
    say(ports[0]!, 'multicast', mac('01:00:5e:00:00:01'))
    say(ports[0]!, 'unknown', C)
    clock.advance(0)
    const all = ['broadcast', 'multicast', 'unknown']
    expect(heard.map(texts)).toEqual([[], all, all])
    expect(network.stats.flooded).toBe(3)
  })

  it('sends to one port once it has heard the address there', () => {
    const { clock, network, ports, heard } = switchLab(3)
    say(ports[2]!, 'here I am')
    say(ports[0]!, 'to C', C)
    clock.advance(0)
    expect(heard.map(texts)).toEqual([['here I am'], ['here I am'], ['to C']])
    expect(network.lookup(C)).toBe(ports[2])
    expect(network.lookup(B)).toBeUndefined()
  })

  it('follows an address that moves, within one batch, too', () => {
    const { clock, network, ports, heard } = switchLab(3)
    say(ports[2]!, '1', B, C)
    say(ports[0]!, '2', C)
    say(ports[1]!, '3', A, C)
    say(ports[0]!, '4', C)
    clock.advance(0)
    expect(texts(heard[2]!)).toEqual(['2'])
    expect(texts(heard[1]!)).toEqual(['1', '4'])
    expect(network.stats.moved).toBe(1)
  })

  it('tells addresses apart by their first bytes and by their last, within one batch, too', () => {
    const { clock, network, ports, heard } = switchLab(3)
    const twins = [mac('02:00:00:00:00:07'), mac('06:00:00:00:00:07'), mac('02:00:00:00:00:08')] as const
    for (const [i, twin] of twins.entries()) say(ports[i]!, 'hi', A, twin)
    say(ports[2]!, 'hi', A, twins[1])
    expect(twins.map((twin) => ports.indexOf(network.lookup(twin)!))).toEqual([0, 2, 2])
    say(ports[1]!, 'hi', A, twins[1])
    say(ports[0]!, 'to 1', twins[1])
    say(ports[0]!, 'to 2', twins[2])
    say(ports[2]!, 'to 1', twins[1])
    say(ports[2]!, 'to 0', twins[0])
    clock.advance(0)
    expect(heard.map((h) => texts(h).filter((text) => text !== 'hi'))).toEqual([['to 0'], ['to 1', 'to 1'], ['to 2']])
  })

  it('learns no group addresses', () => {
    const { clock, network, ports } = switchLab(2)
    const group = mac('03:00:00:00:00:01')
    say(ports[0]!, 'x', B, group)
    clock.advance(0)
    expect(network.lookup(group)).toBeUndefined()
  })

  it('does not send a frame back to where its destination lives', () => {
    const { clock, network, ports, heard } = switchLab(3)
    say(ports[0]!, 'to myself', A)
    clock.advance(0)
    expect(heard.map(texts)).toEqual([[], [], []])
    expect(network.stats.filtered).toBe(1)
  })

  it('keeps the order of frames, flooded or not', () => {
    const { clock, ports, heard } = switchLab(3)
    say(ports[1]!, 'hi')
    for (let i = 0; i < 200; i++) say(ports[0]!, `${i}`, i % 3 === 0 ? B : i % 3 === 1 ? undefined : C)
    clock.advance(0)
    const numbers = Array.from({ length: 200 }, (_, i) => i)
    expect(texts(heard[1]!)).toEqual(numbers.map(String))
    expect(texts(heard[2]!).slice(1)).toEqual(numbers.filter((i) => i % 3 !== 0).map(String))
  })

  it('drops and counts what is no Ethernet frame', () => {
    const { clock, ports, heard } = switchLab(2)
    ports[0]!.write(13, (buf, off) => (buf.fill(0xff, off, off + 13) ? 13 : 0))
    clock.advance(0)
    expect(heard[1]).toEqual([])
    expect(ports[0]!.stats).toMatchObject({ txFrames: 0, txDropped: { 'too-short': 1 } })
  })
})

describe('the table of addresses', () => {
  const speak = (port: VnetPort, n: number): void => {
    port.write(14, (buf, off) => {
      buf.fill(0xff, off, off + 14)
      writeMac(buf, off + 6, (0x0200_0000_1000 + n) as (typeof MACS)[0])
      return 14
    })
  }
  const address = (n: number): (typeof MACS)[0] => (0x0200_0000_1000 + n) as (typeof MACS)[0]

  it('forgets an address that has been silent for macAgeMs, exactly', () => {
    const runtime = createVirtualRuntime()
    const network = createSwitch(runtime, { macAgeMs: 1000 })
    const port = network.port()
    speak(port, 1)
    runtime.clock.advance(999)
    expect(network.lookup(address(1))).toBe(port)
    runtime.clock.advance(1)
    expect(network.lookup(address(1))).toBeUndefined()
  })

  it('keeps an address that speaks', () => {
    const runtime = createVirtualRuntime()
    const network = createSwitch(runtime, { macAgeMs: 1000 })
    const port = network.port()
    for (let i = 0; i < 10; i++) {
      speak(port, 1)
      runtime.clock.advance(600)
    }
    expect(network.lookup(address(1))).toBe(port)
    expect(network.stats.learned).toBe(1)
  })

  it('floods again what is addressed to a forgotten one', () => {
    const { clock, ports, heard } = switchLab(3)
    say(ports[1]!, 'hi', A)
    clock.advance(299_999)
    say(ports[0]!, '1', B)
    clock.advance(1)
    say(ports[0]!, '2', B)
    clock.advance(0)
    expect(texts(heard[2]!)).toEqual(['hi', '2'])
  })

  it('makes room at its bound: the address silent longest goes', () => {
    const runtime = createVirtualRuntime()
    const network = createSwitch(runtime, { macTableSize: 3 })
    const port = network.port()
    for (const n of [1, 2, 3, 1, 4]) {
      speak(port, n)
      runtime.clock.advance(10)
    }
    expect([1, 2, 3, 4].filter((n) => network.lookup(address(n)) === port)).toEqual([1, 3, 4])
    expect(network.stats).toMatchObject({ learned: 4, evicted: 1 })
  })

  it('holds at most macTableSize addresses, whoever sends how many', () => {
    const runtime = createVirtualRuntime()
    const network = createSwitch(runtime, { macTableSize: 8 })
    const port = network.port()
    for (let n = 0; n < 1000; n++) speak(port, n)
    const known = Array.from({ length: 1000 }, (_, n) => n).filter((n) => network.lookup(address(n)) !== undefined)
    expect(known).toEqual([992, 993, 994, 995, 996, 997, 998, 999])
  })
})

describe('ports', () => {
  it('have addresses of their own, locally administered, from the seed', () => {
    const macs = (seed: number): unknown[] => {
      const network = createSwitch(createVirtualRuntime(seed))
      return Array.from({ length: 50 }, () => network.port().mac)
    }
    expect(new Set(macs(1)).size).toBe(50)
    expect(macs(1)).toEqual(macs(1))
    expect(macs(1)).not.toEqual(macs(2))
    for (const m of macs(3)) expect(((m as number) / 2 ** 40) & 3).toBe(2)
  })

  it('leave the switch when they are closed, and others take their place', async () => {
    const { clock, runtime, network, ports, heard } = switchLab(3)
    say(ports[1]!, 'hi')
    clock.advance(0)
    await ports[1]!.close()
    expect(network.ports).toEqual([ports[0], ports[2]])
    expect(network.lookup(B)).toBeUndefined()
    const again = network.port({ mac: B })
    const heardAgain = hear(runtime, again)
    say(ports[0]!, 'welcome back', B)
    clock.advance(0)
    expect(texts(heardAgain)).toEqual(['welcome back'])
    expect(texts(heard[1]!)).toEqual([])
  })

  it('closed with frames on their way, count them', async () => {
    const { clock, ports } = switchLab(2)
    ports[1]!.impair({ latencyMs: 10 }, 'rx')
    say(ports[0]!, 'late', B)
    ports[1]!.impair({ latencyMs: 0 }, 'rx')
    await ports[1]!.close()
    clock.advance(100)
    expect(ports[1]!.stats.rxDropped).toEqual({ closed: 1 })
  })

  it('closed by the switch', async () => {
    const { network, ports } = switchLab(3)
    await network.close()
    await network.close()
    expect(network.ports).toEqual([])
    for (const port of ports) expect(() => say(port, 'x')).toThrow(expect.objectContaining({ code: 'ERR_NET_CLOSED' }))
  })

  it('are learned from no frame that arrives after they were closed', async () => {
    const { clock, network, ports, heard } = switchLab(2)
    ports[0]!.impair({ latencyMs: 10 }, 'tx')
    say(ports[0]!, 'last words', B)
    await ports[0]!.close()
    clock.advance(10)
    expect(texts(heard[1]!)).toEqual(['last words'])
    expect(network.lookup(A)).toBeUndefined()
  })
})

describe('options', () => {
  const runtime = createVirtualRuntime()

  it.each([{ macTableSize: 0 }, { macTableSize: 1.5 }, { macAgeMs: 0 }, { macAgeMs: Number.NaN }])(
    'refuses %o',
    (options) => {
      expect(() => createSwitch(runtime, options)).toThrow(RangeError)
    },
  )

  it.each([
    { mtu: 67 },
    { mtu: 65536 },
    { mtu: 1500.5 },
    { queueFrames: 0 },
    { queueBytes: 0 },
    { rx: { loss: 2 } },
    { tx: { latencyMs: -1 } },
  ])('refuses the port %o', (options) => {
    const network = createSwitch(runtime)
    expect(() => network.port(options)).toThrow(RangeError)
    expect(network.ports).toEqual([])
  })

  it('refuses segmentation offload without checksum offload', () => {
    const offload = { checksum: false, tso4: true, tso6: false }
    expect(() => createSwitch(runtime).port({ offload })).toThrow(TypeError)
  })
})
