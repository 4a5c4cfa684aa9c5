import { ipv4 } from '@fata/addr'
import { type IpListener, IpListeners, type IpPacket, PROTOCOL_TCP, PROTOCOL_UDP } from '@fata/ip'
import { createFrameMeta } from '@fata/net'
import { describe, expect, it, vi } from 'vitest'

const bytes = new Uint8Array(8)

function packetOf(protocol: number): IpPacket {
  const [src, dst] = [ipv4('10.0.0.1'), ipv4('10.0.0.2')]
  return { src, dst, protocol, ttl: 64, trafficClass: 0, multicast: false, meta: createFrameMeta() }
}

function listener(takes: boolean) {
  return { packet: vi.fn(() => takes), error: vi.fn(), batchEnd: vi.fn() } satisfies IpListener
}

describe('the table of listeners', () => {
  it('asks in the order of arrival until one takes the packet', () => {
    const listeners = new IpListeners()
    const [first, second, third] = [listener(false), listener(true), listener(true)]
    for (const l of [first, second, third]) listeners.add(PROTOCOL_UDP, l)
    expect(listeners.deliver(bytes, 0, 8, packetOf(PROTOCOL_UDP))).toBe('taken')
    expect([first, second, third].map((l) => l.packet.mock.calls.length)).toEqual([1, 1, 0])
  })

  it('tells whether nobody took a packet or nobody speaks its protocol', () => {
    const listeners = new IpListeners()
    const end = listeners.add(PROTOCOL_UDP, listener(false))
    expect(listeners.deliver(bytes, 0, 8, packetOf(PROTOCOL_UDP))).toBe('refused')
    expect(listeners.deliver(bytes, 0, 8, packetOf(PROTOCOL_TCP))).toBe('no-listener')
    expect([listeners.has(PROTOCOL_UDP), listeners.has(PROTOCOL_TCP)]).toEqual([true, false])
    end()
    end()
    expect(listeners.deliver(bytes, 0, 8, packetOf(PROTOCOL_UDP))).toBe('no-listener')
  })

  it('spares who is removed while the list is walked, and lets newcomers wait for the next packet', () => {
    const listeners = new IpListeners()
    const [second, late] = [listener(true), listener(true)]
    let end: () => void = () => {}
    listeners.add(PROTOCOL_UDP, {
      packet() {
        end()
        listeners.add(PROTOCOL_UDP, late)
        return false
      },
    })
    end = listeners.add(PROTOCOL_UDP, second)
    expect(listeners.deliver(bytes, 0, 8, packetOf(PROTOCOL_UDP))).toBe('refused')
    expect([second.packet, late.packet].map((p) => p.mock.calls.length)).toEqual([0, 0])
  })

  it('tells the end of a batch to each listener once', () => {
    const listeners = new IpListeners()
    const both = listener(true)
    listeners.add(PROTOCOL_UDP, both)
    listeners.add(PROTOCOL_TCP, both)
    listeners.batchEnd()
    expect(both.batchEnd).toHaveBeenCalledTimes(1)
    listeners.clear()
    listeners.batchEnd()
    expect(both.batchEnd).toHaveBeenCalledTimes(1)
  })

  it.each([-1, 256, 1.5])('refuses protocol %s', (protocol) => {
    expect(() => new IpListeners().add(protocol, listener(true))).toThrow(RangeError)
  })
})
