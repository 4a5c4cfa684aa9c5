import type { Mac } from '@fata/addr'
import { addToGather, createGather, hex } from '@fata/bytes'
import {
  createPointToPoint,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  type LinkListener,
  type PointToPoint,
} from '@fata/link'
import { createCallbackNet, createFrameMeta, type Net, type NetListener, NO_OFFLOAD } from '@fata/net'
import { describe, expect, it } from 'vitest'

const NOBODY = 0 as Mac

interface Rig {
  readonly link: PointToPoint
  readonly net: Net
  readonly sent: string[]
  readonly receive: (buf: Uint8Array, off?: number, end?: number, more?: boolean) => void
}

function rig(): Rig {
  const sent: string[] = []
  const { net, receive } = createCallbackNet({
    medium: 'ip',
    mtu: 1280,
    send: (buf, off, end) => sent.push(hex(buf, off, end)),
  })
  return { link: createPointToPoint(net), net, sent, receive }
}

/** Notes what it is told, with the protocol's name. */
function noting(notes: string[], name: string): LinkListener {
  return {
    packet: (buf, off, end, frame) =>
      notes.push(`${name} ${hex(buf, off, end)} ${frame.src}>${frame.dst} ${frame.multicast} ${frame.meta.checksum}`),
    batchEnd: () => notes.push(`${name} end`),
  }
}

describe('a point-to-point link', () => {
  it('needs a device of bare IP packets', () => {
    const { net } = createCallbackNet({ medium: 'ethernet', mac: 0x020000000001 as Mac, mtu: 1500, send: () => {} })
    expect(() => createPointToPoint(net)).toThrow(TypeError)
  })

  it('has no address, and the MTU and offloads of its device', () => {
    let mtu = 1500
    const device = {
      medium: 'ip',
      offload: { checksum: true, tso4: true, tso6: false },
      listen() {},
      get mtu() {
        return mtu
      },
    } as unknown as Net
    const link = createPointToPoint(device)
    expect([link.mac, link.mtu, link.offload]).toEqual([undefined, 1500, { checksum: true, tso4: true, tso6: false }])
    mtu = 1280
    expect(link.mtu).toBe(1280)
    expect(rig().link.offload).toBe(NO_OFFLOAD)
  })

  it('writes packets as they are, with metadata and payload', () => {
    const { link, sent } = rig()
    const payload = createGather()
    addToGather(payload, Uint8Array.of(0, 1, 2, 3), 1, 3)
    const fill = (buf: Uint8Array, off: number): number => {
      buf.set([0x45, 0xff], off)
      return 2
    }
    link.write(NOBODY, ETHERTYPE_IPV4, 4, fill, createFrameMeta(), payload)
    link.write(NOBODY, ETHERTYPE_IPV4, 4, fill)
    expect(sent).toEqual(['45ff0102', '45ff'])
  })

  it('passes on what the device refuses', async () => {
    const { link, net } = rig()
    expect(() => link.write(NOBODY, ETHERTYPE_IPV4, 1281, () => 1281)).toThrow(
      expect.objectContaining({ code: 'ERR_NET_FRAME_TOO_LONG' }),
    )
    await net.close()
    expect(() => link.write(NOBODY, ETHERTYPE_IPV4, 20, () => 20)).toThrow(
      expect.objectContaining({ code: 'ERR_NET_CLOSED' }),
    )
  })

  it('delivers by the version nibble, in the ranges of the device', () => {
    const { link, receive } = rig()
    const notes: string[] = []
    link.listen(ETHERTYPE_IPV4, noting(notes, 'v4'))
    link.listen(ETHERTYPE_IPV6, noting(notes, 'v6'))
    receive(Uint8Array.of(0xee, 0x45, 0x01, 0xee), 1, 3, true)
    receive(Uint8Array.of(0x60, 0x02))
    expect(notes).toEqual(['v4 4501 0>0 false none', 'v6 6002 0>0 false none', 'v4 end', 'v6 end'])
    expect(link.dropped).toEqual({})
  })

  it('hands on the metadata of each packet', () => {
    let listener: NetListener | undefined
    const device = { medium: 'ip', listen: (l: NetListener) => (listener = l) } as unknown as Net
    const notes: string[] = []
    createPointToPoint(device).listen(ETHERTYPE_IPV4, noting(notes, 'v4'))
    listener!.frame(Uint8Array.of(0x45), 0, 1, { ...createFrameMeta(), checksum: 'valid' })
    listener!.frame(Uint8Array.of(0x46), 0, 1, { ...createFrameMeta(), checksum: 'partial' })
    expect(notes).toEqual(['v4 45 0>0 false valid', 'v4 46 0>0 false partial'])
  })

  it('counts what it cannot deliver, by reason', () => {
    const { link, receive } = rig()
    link.listen(ETHERTYPE_IPV4, { packet: () => {} })
    receive(new Uint8Array(0))
    receive(Uint8Array.of(0x60))
    receive(Uint8Array.of(0x60))
    for (const version of [0, 1, 2, 3, 5, 7, 8, 15]) receive(Uint8Array.of(version << 4))
    expect(link.dropped).toEqual({ 'too-short': 1, 'no-listener': 2, 'unknown-version': 8 })
  })

  it('has one listener for a protocol, which can be replaced after it ended', () => {
    const { link, receive } = rig()
    const notes: string[] = []
    const endFirst = link.listen(ETHERTYPE_IPV4, noting(notes, 'first'))
    expect(() => link.listen(ETHERTYPE_IPV4, noting(notes, 'second'))).toThrow('EtherType 0x800 has a listener already')
    endFirst()
    link.listen(ETHERTYPE_IPV4, noting(notes, 'second'))
    endFirst()
    receive(Uint8Array.of(0x45))
    expect(notes).toEqual(['second 45 0>0 false none', 'second end'])
  })

  it('lets a listener end itself, and do without the end of batches', () => {
    const { link, receive } = rig()
    let packets = 0
    const end = link.listen(ETHERTYPE_IPV4, {
      packet() {
        packets++
        end()
      },
    })
    receive(Uint8Array.of(0x45))
    receive(Uint8Array.of(0x45))
    expect([packets, link.dropped['no-listener']]).toEqual([1, 1])
  })

  it('numbers protocols as the registry does', () => {
    expect([ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6]).toEqual([0x0800, 0x0806, 0x86dd])
  })
})
