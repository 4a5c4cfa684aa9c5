import { endpoint, ip, ipv4, ipv6 } from '@fata/addr'
import { fromHex, hex, u16 } from '@fata/bytes'
import { PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import { NO_OFFLOAD } from '@fata/net'
import { seededRandom } from '@fata/runtime'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { createUdp, type Udp, UdpError, type UdpSendOptions } from '../src/index.ts'
import { checksumHolds, decode, HEADER_LEN } from '../src/wire.ts'
import { createTestIp, type Sent, type TestIp } from './support/test-ip.ts'

const OWN = ipv4('10.0.0.1')
const PEER = endpoint('10.0.0.2:53')
const PEER6 = endpoint('[fd00::2]:53')

function code(expected: string): unknown {
  return expect.objectContaining({ name: 'UdpError', code: expected })
}

/** The data of a packet, whose header is checked on the way. */
function open(packet: Sent): string {
  const header = decode(packet.bytes, 0, packet.bytes.length)
  if (typeof header === 'string') throw new Error(header)
  expect(header.length).toBe(packet.bytes.length)
  const pseudo = pseudoHeaderSum(packet.src, packet.dst, PROTOCOL_UDP, header.length)
  expect(header.checksum).not.toBe(0)
  expect(checksumHolds(packet.bytes, 0, packet.bytes.length, pseudo)).toBe(true)
  return `${header.srcPort} > ${header.dstPort}: ${hex(packet.bytes, HEADER_LEN)}`
}

describe('sending', () => {
  let host: TestIp
  let udp: Udp

  beforeEach(() => {
    host = createTestIp({ addresses: ['10.0.0.1/24', 'fd00::1/64'] })
    udp = createUdp({ ip: host.ip, random: seededRandom(1) })
  })

  it('puts a header with a checksum in front of the data, over both families', () => {
    const socket = udp.bind({ port: 4000 })
    socket.send(fromHex('010203'), PEER)
    socket.send(fromHex('04'), PEER6)
    expect(host.sent.map(open)).toEqual(['4000 > 53: 010203', '4000 > 53: 04'])
    expect(host.sent.map(({ src, protocol }) => [src, protocol])).toEqual([
      [OWN, PROTOCOL_UDP],
      [ipv6('fd00::1'), PROTOCOL_UDP],
    ])
    expect(socket.stats).toMatchObject({ txDatagrams: 2, txBytes: 4 })
    expect(udp.stats).toMatchObject({ txDatagrams: 2, txBytes: 4 })
  })

  it('sends an empty datagram', () => {
    udp.bind({ port: 4000 }).send(new Uint8Array(0), PEER)
    expect(host.sent.map(open)).toEqual(['4000 > 53: '])
  })

  it('computes every checksum right, and never 0', () => {
    const socket = udp.bind({ port: 4000 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.constantFrom(PEER, PEER6), (data, dst) => {
        socket.send(data, dst)
        open(host.sent.pop()!)
      }),
    )
    const zero = fromHex('0000')
    socket.send(zero, PEER)
    const sum = u16(host.sent.pop()!.bytes, 6)
    zero[0] = sum >>> 8
    zero[1] = sum
    socket.send(zero, PEER)
    expect(u16(host.sent[0]!.bytes, 6)).toBe(0xffff)
    open(host.sent[0]!)
  })

  it('lets fill write the data, as much as it says', () => {
    const socket = udp.bind({ port: 4000 })
    socket.write(PEER, 100, (buf, off) => {
      buf[off] = 7
      buf[off + 1] = 8
      return 2
    })
    expect(open(host.sent[0]!)).toBe('4000 > 53: 0708')
    expect(socket.stats.txBytes).toBe(2)
  })

  it('needs a destination, from the call or from connect', () => {
    const socket = udp.bind({ port: 4000 })
    expect(() => socket.send(fromHex('01'))).toThrow(TypeError)
    expect(() => socket.write(undefined, 1, () => 0)).toThrow(TypeError)
    expect(() => socket.maxPayload()).toThrow(TypeError)
    socket.connect(PEER)
    socket.send(fromHex('01'))
    socket.send(fromHex('02'), endpoint('10.0.0.3:54'))
    expect(host.sent.map(open)).toEqual(['4000 > 53: 01', '4000 > 54: 02'])
    expect(host.sent[1]!.dst).toBe(ipv4('10.0.0.3'))
  })

  it('sends from the address that it is bound to, unless told otherwise', () => {
    const two = createTestIp({ addresses: ['10.0.0.1/24', '10.0.0.9/24'] })
    const socket = createUdp({ ip: two.ip, random: seededRandom(1) }).bind({ port: 1, address: ip('10.0.0.9') })
    socket.send(fromHex('01'), PEER)
    socket.send(fromHex('01'), PEER, { src: OWN })
    expect(two.sent.map(({ src }) => src)).toEqual([ipv4('10.0.0.9'), OWN])
    two.sent.map(open)
  })

  it('does not send from a group that it is bound to', () => {
    const socket = udp.bind({ port: 5353, address: ip('224.0.0.251') })
    socket.send(fromHex('01'), PEER)
    expect(host.sent[0]!.src).toBe(OWN)
  })

  it('passes on how the datagram is to travel', () => {
    const socket = udp.bind({ port: 1 })
    socket.send(fromHex('01'), PEER, { ttl: 3, trafficClass: 0xb8, fragment: false })
    socket.send(fromHex('01'), PEER)
    expect(host.sent[0]).toMatchObject({ ttl: 3, trafficClass: 0xb8, fragment: false })
    expect(host.sent[1]).toMatchObject({ ttl: undefined, trafficClass: undefined, fragment: undefined })
  })

  it.each([
    ['255.255.255.255:9', '10.0.0.255:9'],
    ['10.0.0.255:9', '255.255.255.255:9'],
  ])('asks for the option before it sends to everybody: %s', (to) => {
    const socket = udp.bind({ port: 1 })
    expect(() => socket.send(fromHex('01'), endpoint(to))).toThrow(code('ERR_UDP_BROADCAST'))
    udp.bind({ port: 2, broadcast: true }).send(fromHex('01'), endpoint(to))
    expect(host.sent).toHaveLength(1)
    socket.send(fromHex('01'), endpoint('10.0.0.3:9'))
    socket.send(fromHex('01'), endpoint('10.0.1.255:9'))
  })

  it('needs a source port where the socket has none, and only there', () => {
    const any = udp.bind({ port: 'any' })
    any.send(fromHex('01'), PEER, { src: OWN, srcPort: 99 })
    expect(open(host.sent[0]!)).toBe('99 > 53: 01')
    expect(() => any.send(fromHex('01'), PEER)).toThrow(TypeError)
    expect(() => udp.bind({ port: 1 }).send(fromHex('01'), PEER, { srcPort: 99 })).toThrow(TypeError)
  })

  it.each<[UdpSendOptions]>([
    [{ ttl: 0 }],
    [{ ttl: 256 }],
    [{ trafficClass: -1 }],
    [{ trafficClass: 1.5 }],
    [{ srcPort: 65536 }],
  ])('refuses %j', (options) => {
    expect(() => udp.bind({ port: 1 }).send(fromHex('01'), PEER, options)).toThrow(RangeError)
    expect(host.sent).toEqual([])
  })

  it.each([0, 65536, Number.NaN, 1.5])('refuses port %s', (port) => {
    expect(() => udp.bind({ port: 1 }).send(fromHex('01'), { address: OWN, port })).toThrow(RangeError)
  })

  it.each([-1, 1.5, Number.NaN])('refuses size %s', (size) => {
    expect(() => udp.bind({ port: 1 }).write(PEER, size, () => 0)).toThrow(RangeError)
  })

  describe('what does not fit', () => {
    it('is told before anything is sent', () => {
      const socket = udp.bind({ port: 1 })
      const fill = (): number => 0
      socket.write(PEER, 65507, fill)
      expect(() => socket.write(PEER, 65508, fill)).toThrow(code('ERR_UDP_TOO_LONG'))
      socket.write(PEER6, 65527, fill)
      expect(() => socket.write(PEER6, 65528, fill)).toThrow(code('ERR_UDP_TOO_LONG'))
      expect(socket.stats.txDatagrams).toBe(2)
    })

    it('is told where it may not be fragmented', () => {
      const socket = udp.bind({ port: 1 })
      expect(socket.maxPayload(PEER)).toBe(1472)
      socket.send(new Uint8Array(1472), PEER, { fragment: false })
      const tooLong = (): void => socket.send(new Uint8Array(1473), PEER, { fragment: false })
      expect(tooLong).toThrow(code('ERR_UDP_TOO_LONG'))
      expect(tooLong).toThrow(
        expect.objectContaining({ cause: expect.objectContaining({ code: 'ERR_IP_WOULD_FRAGMENT' }) }),
      )
    })
  })

  describe('where the device completes checksums', () => {
    beforeEach(() => {
      host = createTestIp({ addresses: ['10.0.0.1/24'], offload: { ...NO_OFFLOAD, checksum: true } })
      udp = createUdp({ ip: host.ip, random: seededRandom(1) })
    })

    it('leaves the sum of the data to it', () => {
      udp.bind({ port: 1 }).send(fromHex('010203'), PEER)
      const { bytes, meta } = host.sent[0]!
      expect(meta).toMatchObject({ checksum: 'partial', checksumStart: 0, checksumOffset: 6, gso: 'none' })
      const pseudo = pseudoHeaderSum(OWN, PEER.address, PROTOCOL_UDP, 11)
      expect(u16(bytes, 6)).toBe(pseudo % 0xffff)
    })

    it('but sums what will be cut into fragments', () => {
      const socket = udp.bind({ port: 1 })
      socket.send(new Uint8Array(1473).fill(1), PEER)
      expect(host.sent[0]!.meta).toBeUndefined()
      open(host.sent[0]!)
      socket.send(new Uint8Array(1472).fill(1), PEER)
      expect(host.sent[1]!.meta?.checksum).toBe('partial')
    })
  })

  describe('what cannot be sent', () => {
    it.each([
      ['ERR_UDP_UNREACHABLE', 'ERR_IP_NO_ROUTE', '192.0.2.1:9'],
      ['ERR_UDP_FAMILY', 'ERR_IP_FAMILY', '[2001:db8::1]:9'],
    ])('is %s where IP says %s', (udpCode, ipCode, to) => {
      host = createTestIp({ addresses: ['10.0.0.1/24'], gateway: false })
      const socket = createUdp({ ip: host.ip, random: seededRandom(1) }).bind()
      const dst = endpoint(to)
      const error = expect.objectContaining({
        code: udpCode,
        remote: dst,
        cause: expect.objectContaining({ code: ipCode }),
      })
      expect(() => socket.send(fromHex('01'), dst)).toThrow(error)
      expect(() => socket.maxPayload(dst)).toThrow(error)
      expect(socket.stats.txDatagrams).toBe(0)
    })

    it('is unreachable where the device is closed', () => {
      host.down = true
      expect(() => udp.bind().send(fromHex('01'), PEER)).toThrow(code('ERR_UDP_UNREACHABLE'))
    })

    it('is of the other family than the socket', () => {
      const v4 = udp.bind({ address: ip('0.0.0.0') })
      const v6 = udp.bind({ address: ip('fd00::1') })
      expect(() => v4.send(fromHex('01'), PEER6)).toThrow(code('ERR_UDP_FAMILY'))
      expect(() => v6.send(fromHex('01'), PEER)).toThrow(code('ERR_UDP_FAMILY'))
      expect(() => v4.connect(PEER6)).toThrow(code('ERR_UDP_FAMILY'))
      expect(() => udp.bind({ address: ip('::'), remote: PEER })).toThrow(code('ERR_UDP_FAMILY'))
      expect(() => udp.bind().send(fromHex('01'), PEER6, { src: OWN })).toThrow(code('ERR_UDP_FAMILY'))
    })

    it('is what the caller breaks itself', () => {
      const socket = udp.bind()
      const mine = new Error('mine')
      const fill = (): number => {
        throw mine
      }
      expect(() => socket.write(PEER, 1, fill)).toThrow(mine)
      socket.send(fromHex('01'), PEER)
      expect(socket.stats.txDatagrams).toBe(1)
    })

    it('is anything from a closed socket', async () => {
      const socket = udp.bind()
      await socket.close()
      expect(() => socket.send(fromHex('01'), PEER)).toThrow(UdpError)
      expect(() => socket.send(fromHex('01'), PEER)).toThrow(code('ERR_UDP_CLOSED'))
      expect(() => socket.connect(PEER)).toThrow(code('ERR_UDP_CLOSED'))
      expect(() => socket.maxPayload(PEER)).toThrow(code('ERR_UDP_CLOSED'))
      await expect(socket.receive()).rejects.toMatchObject({ code: 'ERR_UDP_CLOSED' })
    })
  })
})
