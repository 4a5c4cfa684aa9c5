import { MAC_BROADCAST, type Mac, mac } from '@fata/addr'
import { addToGather, createGather, fromHex, hex } from '@fata/bytes'
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, type Link, type LinkListener } from '@fata/link'
import { createCallbackNet, createFrameMeta, type Fill, type FrameMeta, type Net, NetError } from '@fata/net'
import { beforeEach, describe, expect, it } from 'vitest'
import { createEthernet, type Ethernet } from '../src/index.ts'

const OWN = mac('52:54:00:00:00:01')
const PEER = mac('52:54:00:00:00:02')
const GROUP = mac('01:00:5e:00:00:01')

function frameOf(dst: Mac, src: Mac, type: number, packet: string): Uint8Array {
  const of = (m: Mac): string => m.toString(16).padStart(12, '0')
  return fromHex(of(dst) + of(src) + type.toString(16).padStart(4, '0') + packet)
}

function fills(packet: string): Fill {
  const bytes = fromHex(packet)
  return (buf, off) => {
    buf.set(bytes, off)
    return bytes.length
  }
}

/** What a listener heard, as text. */
function recorder(): LinkListener & { readonly heard: string[] } {
  const heard: string[] = []
  return {
    heard,
    packet(buf, off, end, frame) {
      heard.push(`${frame.src === PEER ? 'peer' : '?'} ${frame.multicast ? 'group' : 'own'} ${hex(buf, off, end)}`)
    },
    batchEnd() {
      heard.push('end of batch')
    },
  }
}

describe('an Ethernet over a device', () => {
  let sent: string[]
  let device: ReturnType<typeof createCallbackNet>
  let ethernet: Ethernet

  beforeEach(() => {
    sent = []
    device = createCallbackNet({
      medium: 'ethernet',
      mac: OWN,
      mtu: 100,
      send: (buf, off, end) => sent.push(hex(buf, off, end)),
    })
    ethernet = createEthernet(device.net)
  })

  it('is a link with the device below it', () => {
    const link: Link = ethernet
    expect(link.mac).toBe(OWN)
    expect(link.mtu).toBe(100)
    expect(link.offload).toBe(device.net.offload)
  })

  it('needs a device of Ethernet frames', () => {
    const { net } = createCallbackNet({ medium: 'ip', mtu: 100, send: () => {} })
    expect(() => createEthernet(net)).toThrow(TypeError)
  })

  it('asks the device for its MTU each time', () => {
    const net = { ...device.net, mtu: 1500 }
    const link = createEthernet(net)
    net.mtu = 9000
    expect(link.mtu).toBe(9000)
  })

  describe('writing', () => {
    it('puts the header in front of what fill wrote', () => {
      ethernet.write(PEER, ETHERTYPE_IPV4, 3, fills('010203'))
      expect(sent).toEqual(['525400000002' + '525400000001' + '0800' + '010203'])
    })

    it('runs fill before it writes the header', () => {
      const seen: string[] = []
      ethernet.write(PEER, ETHERTYPE_IPV4, 0, () => 0)
      ethernet.write(MAC_BROADCAST, ETHERTYPE_ARP, 1, (buf, off) => {
        seen.push(hex(buf, off - 14, off - 8))
        buf[off] = 9
        return 1
      })
      expect(seen).toEqual(['525400000002'])
      expect(sent[1]).toBe('ffffffffffff' + '525400000001' + '0806' + '09')
    })

    it('sends as many bytes as fill says, without padding', () => {
      ethernet.write(PEER, ETHERTYPE_IPV6, 50, fills('ff'))
      expect(sent).toEqual(['525400000002' + '525400000001' + '86dd' + 'ff'])
    })

    it('takes another source', () => {
      ethernet.write(PEER, 0x88b5, 1, fills('00'), undefined, undefined, mac('02:00:00:00:00:09'))
      expect(sent).toEqual(['525400000002' + '020000000009' + '88b5' + '00'])
    })

    it('asks for the whole MTU where no size is given', () => {
      const all: Fill = (buf, off) => {
        buf.fill(7, off, off + 100)
        return 100
      }
      ethernet.write(PEER, ETHERTYPE_IPV4, undefined, all)
      expect(sent[0]!.length).toBe(2 * 114)
    })

    it('leaves room for the payload where no size is given', () => {
      const payload = createGather()
      addToGather(payload, fromHex('aabbccdd'), 1, 3)
      ethernet.write(PEER, ETHERTYPE_IPV4, undefined, fills('01'), undefined, payload)
      expect(sent).toEqual(['525400000002' + '525400000001' + '0800' + '01' + 'bbcc'])
    })

    it('refuses what exceeds the MTU and sends nothing', () => {
      const tooLong = (): void => ethernet.write(PEER, ETHERTYPE_IPV4, 101, fills('00'))
      expect(tooLong).toThrow(expect.objectContaining({ name: 'NetError', code: 'ERR_NET_FRAME_TOO_LONG' }))
      expect(sent).toEqual([])
    })

    it('fails when the device is closed', async () => {
      await device.net.close()
      expect(() => ethernet.write(PEER, ETHERTYPE_IPV4, 1, fills('00'))).toThrow(NetError)
    })

    it('hands the metadata down as it is', () => {
      const seen: (FrameMeta | undefined)[] = []
      const net: Net = { ...device.net, listen: () => {}, write: (_size, _fill, meta) => seen.push(meta) }
      const meta = createFrameMeta()
      createEthernet(net).write(PEER, ETHERTYPE_IPV4, 1, fills('00'), meta)
      createEthernet(net).write(PEER, ETHERTYPE_IPV4, 1, fills('00'))
      expect(seen).toEqual([meta, undefined])
      expect(seen[0]).toBe(meta)
    })

    it('passes the device one and the same fill', () => {
      const seen = new Set<Fill>()
      const link = createEthernet({ ...device.net, listen: () => {}, write: (_size, fill) => seen.add(fill) })
      for (let i = 0; i < 3; i++) link.write(PEER, ETHERTYPE_IPV4, 1, fills('00'))
      expect(seen.size).toBe(1)
    })
  })

  describe('receiving', () => {
    it('delivers by EtherType, without the header', () => {
      const v4 = recorder()
      const v6 = recorder()
      ethernet.listen(ETHERTYPE_IPV4, v4)
      ethernet.listen(ETHERTYPE_IPV6, v6)
      device.receive(frameOf(OWN, PEER, 0x0800, '4500'), 0, 16, true)
      device.receive(frameOf(OWN, PEER, 0x86dd, '6000'))
      expect(v4.heard).toEqual(['peer own 4500', 'end of batch'])
      expect(v6.heard).toEqual(['peer own 6000', 'end of batch'])
    })

    it('takes frames to groups and to everybody, and says so', () => {
      const v4 = recorder()
      ethernet.listen(ETHERTYPE_IPV4, { packet: v4.packet })
      device.receive(frameOf(GROUP, PEER, 0x0800, '01'))
      device.receive(frameOf(MAC_BROADCAST, PEER, 0x0800, '02'))
      device.receive(frameOf(OWN, PEER, 0x0800, '03'))
      expect(v4.heard).toEqual(['peer group 01', 'peer group 02', 'peer own 03'])
    })

    it('hands over destination and metadata of each frame', () => {
      const seen: unknown[] = []
      ethernet.listen(ETHERTYPE_IPV4, {
        packet: (_b, _o, _e, frame) => seen.push(frame.dst, frame.meta.checksum),
      })
      device.receive(frameOf(GROUP, PEER, 0x0800, '01'))
      expect(seen).toEqual([GROUP, 'none'])
    })

    it.each([
      ['too-short', frameOf(OWN, PEER, 0x0800, '').subarray(0, 13)],
      ['group-source', frameOf(OWN, GROUP, 0x0800, '00')],
      ['own-source', frameOf(MAC_BROADCAST, OWN, 0x0800, '00')],
      ['not-for-us', frameOf(mac('52:54:00:00:00:03'), PEER, 0x0800, '00')],
      ['ieee-802.3', frameOf(OWN, PEER, 0x0003, 'aaaa03')],
      ['undefined-type', frameOf(OWN, PEER, 0x05dd, '00')],
      ['vlan-tagged', frameOf(OWN, PEER, 0x8100, '00050800')],
      ['no-listener', frameOf(OWN, PEER, 0x86dd, '60')],
      ['no-listener', frameOf(OWN, PEER, 0x0806, '00')],
      ['unknown-ethertype', frameOf(OWN, PEER, 0x88cc, '00')],
    ])('counts %s', (reason, frame) => {
      const v4 = recorder()
      ethernet.listen(ETHERTYPE_IPV4, { packet: v4.packet })
      device.receive(frame)
      expect(ethernet.dropped).toEqual({ [reason]: 1 })
      expect(v4.heard).toEqual([])
    })

    it('has one listener for a type, until it leaves', () => {
      const first = recorder()
      const leave = ethernet.listen(ETHERTYPE_ARP, { packet: first.packet })
      expect(() => ethernet.listen(ETHERTYPE_ARP, recorder())).toThrow(TypeError)
      leave()
      const second = recorder()
      ethernet.listen(ETHERTYPE_ARP, { packet: second.packet })
      leave()
      device.receive(frameOf(OWN, PEER, 0x0806, '05'))
      expect(first.heard).toEqual([])
      expect(second.heard).toEqual(['peer own 05'])
    })

    it('may answer from inside the delivery', () => {
      ethernet.listen(ETHERTYPE_IPV4, {
        packet: (buf, off, end, frame) =>
          ethernet.write(frame.src, ETHERTYPE_IPV4, end - off, (b, o) => {
            b.set(buf.subarray(off, end), o)
            return end - off
          }),
      })
      device.receive(frameOf(OWN, PEER, 0x0800, 'beef'))
      expect(sent).toEqual(['525400000002' + '525400000001' + '0800' + 'beef'])
    })
  })
})
