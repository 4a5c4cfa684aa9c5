import { mac } from '@fata/addr'
import { addToGather, createGather } from '@fata/bytes'
import { describe, expect, it } from 'vitest'
import { type CallbackNet, createCallbackNet, createFrameMeta, type Fill, type FrameMeta } from '../src/index.ts'

const MAC = mac('02:00:00:00:00:01')
const nothing = (): void => {}

function recording(mtu = 100): CallbackNet & { sent: string[] } {
  const sent: string[] = []
  const made = createCallbackNet({
    medium: 'ip',
    mtu,
    send: (buf, off, end) => void sent.push(String.fromCharCode(...buf.subarray(off, end))),
  })
  return { ...made, sent }
}

const text =
  (s: string): Fill =>
  (buf, off) => {
    for (let i = 0; i < s.length; i++) buf[off + i] = s.charCodeAt(i)
    return s.length
  }

describe('createCallbackNet', () => {
  it('hands what is written to send', () => {
    const { net, sent } = recording()
    const payload = createGather()
    addToGather(payload, Uint8Array.from([99, 100]), 1, 2)
    net.write(9, text('ab'), undefined, payload)
    expect(sent).toEqual(['abd'])
    expect(net.stats).toMatchObject({ txFrames: 1, txBytes: 3 })
  })

  it('counts nothing and stays usable when send throws', () => {
    let broken = true
    const { net } = createCallbackNet({
      medium: 'ip',
      mtu: 100,
      send() {
        if (broken) throw new Error('pulled the plug')
      },
    })
    expect(() => net.write(1, () => 1)).toThrow('pulled the plug')
    expect(net.stats.txFrames).toBe(0)
    broken = false
    net.write(1, () => 1)
    expect(net.stats.txFrames).toBe(1)
  })

  it('refuses receive inside of send', () => {
    const made: CallbackNet = createCallbackNet({ medium: 'ip', mtu: 100, send: (buf) => made.receive(buf) })
    made.net.listen({ frame: nothing })
    expect(() => made.net.write(1, () => 1)).toThrow(TypeError)
  })

  it('delivers a part of a buffer, and all of it by default', () => {
    const { net, receive } = recording()
    const seen: number[][] = []
    net.listen({ frame: (buf, off, end) => void seen.push([...buf.subarray(off, end)]) })
    receive(Uint8Array.from([1, 2, 3]))
    receive(Uint8Array.from([1, 2, 3]), 1, 2)
    expect(seen).toEqual([[1, 2, 3], [2]])
    expect(net.stats).toMatchObject({ rxFrames: 2, rxBytes: 4 })
  })

  it('ends a batch with the first frame that is not followed by more', () => {
    const { net, receive } = recording()
    const calls: string[] = []
    net.listen({ frame: () => void calls.push('frame'), batchEnd: () => void calls.push('end') })
    receive(new Uint8Array(1), 0, 1, true)
    receive(new Uint8Array(1))
    expect(calls).toEqual(['frame', 'frame', 'end'])
  })

  it('counts what arrives before listen and after close', async () => {
    const { net, receive } = recording()
    receive(new Uint8Array(1))
    net.listen({ frame: nothing })
    await net.close()
    receive(new Uint8Array(1))
    receive(new Uint8Array(1))
    expect(net.stats.rxDropped).toEqual({ 'no-listener': 1, closed: 2 })
  })

  it('lets its listener close it, in the last frame of a batch, too', () => {
    const { net, receive } = recording()
    let ended = false
    net.listen({ frame: () => void net.close(), batchEnd: () => (ended = true) })
    receive(new Uint8Array(1))
    expect(ended).toBe(false)
  })

  it('says nothing of each frame, whatever a listener did to the record of the last', () => {
    const { net, receive } = recording()
    const seen: FrameMeta[] = []
    net.listen({
      frame(_buf, _off, _end, meta) {
        seen.push({ ...meta })
        meta.checksum = 'valid'
      },
    })
    receive(new Uint8Array(1))
    receive(new Uint8Array(1))
    expect(seen).toEqual([createFrameMeta(), createFrameMeta()])
  })

  it.each([67, 65536, 1500.5, Number.NaN])('refuses an MTU of %s', (mtu) => {
    expect(() => createCallbackNet({ medium: 'ip', mtu, send: nothing })).toThrow(RangeError)
  })

  it('refuses an address without Ethernet, and Ethernet without one', () => {
    expect(() => createCallbackNet({ medium: 'ip', mac: MAC, mtu: 1500, send: nothing })).toThrow(TypeError)
    expect(() => createCallbackNet({ medium: 'ethernet', mtu: 1500, send: nothing })).toThrow(TypeError)
  })
})
