import { endpoint, formatEndpoint, type IpAddress, ip, ipv4, ipv6 } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import { PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import { createFrameMeta } from '@fata/net'
import { type Logger, seededRandom } from '@fata/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { createUdp, type Udp, type UdpBindOptions, type UdpSocket } from '../src/index.ts'
import { datagramChecksum, encode, HEADER_LEN } from '../src/wire.ts'
import { createTestIp, type TestIp } from './support/test-ip.ts'

const OWN = ipv4('10.0.0.1')
const PEER = ipv4('10.0.0.2')
const OWN6 = ipv6('fd00::1')
const PEER6 = ipv6('fd00::2')

/** A datagram as it is on the wire, with its checksum. */
function datagram(src: IpAddress, srcPort: number, dst: IpAddress, dstPort: number, data = 'cafe'): Uint8Array {
  const payload = fromHex(data)
  const b = new Uint8Array(HEADER_LEN + payload.length)
  b.set(payload, HEADER_LEN)
  encode(b, 0, { srcPort, dstPort, length: b.length, checksum: 0 })
  const sum = datagramChecksum(b, 0, b.length, pseudoHeaderSum(src, dst, PROTOCOL_UDP, b.length))
  encode(b, 0, { srcPort, dstPort, length: b.length, checksum: sum })
  return b
}

describe('receiving', () => {
  let host: TestIp
  let udp: Udp
  let lines: string[]

  beforeEach(() => {
    lines = []
    const log: Logger = {
      enabled: () => true,
      log: (level, source, message, fields) => lines.push(`${level} ${source}: ${message} ${fields?.['reason']}`),
    }
    host = createTestIp({ addresses: ['10.0.0.1/24', 'fd00::1/64'] })
    udp = createUdp({ ip: host.ip, random: seededRandom(1), log })
  })

  /** Binds a socket and returns the lines of what it hears. */
  function listen(options: UdpBindOptions, into: string[] = []): string[] {
    udp.bind({
      ...options,
      onMessage: (buf, off, end, info) =>
        into.push(`${formatEndpoint(info.src)} > ${formatEndpoint(info.dst)} ${hex(buf, off, end)}`),
    })
    return into
  }

  function arrives(src: IpAddress, srcPort: number, dst: IpAddress, dstPort: number, data?: string): boolean {
    return host.deliver(src, dst, datagram(src, srcPort, dst, dstPort, data))
  }

  it('hands a datagram to the callback, in place', () => {
    let seen: Uint8Array | undefined
    const socket = udp.bind({ port: 53 })
    socket.onMessage = (buf, off, end, info) => {
      seen = buf.subarray(off, end)
      expect(info).toMatchObject({ ttl: 3, trafficClass: 0xb8, multicast: false })
    }
    const bytes = datagram(PEER, 1000, OWN, 53, '0102')
    expect(host.deliver(PEER, OWN, bytes, { ttl: 3, trafficClass: 0xb8 })).toBe(true)
    expect(hex(seen!)).toBe('0102')
    expect(socket.stats).toMatchObject({ rxDatagrams: 1, rxBytes: 2, dropped: {} })
    expect(udp.stats).toMatchObject({ rxDatagrams: 1, rxBytes: 2, dropped: {} })
  })

  it('allocates nothing of its own per datagram: one description for all', () => {
    const seen = new Set<unknown>()
    udp.bind({ port: 53, onMessage: (_b, _o, _e, info) => void seen.add(info).add(info.src).add(info.dst) })
    for (let port = 1; port < 10; port++) arrives(PEER, port, OWN, 53)
    expect(seen.size).toBe(3)
  })

  it('copies what waits in the queue', async () => {
    const socket = udp.bind({ port: 53 })
    arrives(PEER, 1000, OWN, 53, '01')
    arrives(PEER6, 1001, OWN6, 53, '02')
    const first = await socket.receive()
    const second = await socket.receive()
    expect([hex(first.data), formatEndpoint(first.src), formatEndpoint(first.dst)]).toEqual([
      '01',
      '10.0.0.2:1000',
      '10.0.0.1:53',
    ])
    expect([hex(second.data), formatEndpoint(second.src)]).toEqual(['02', '[fd00::2]:1001'])
    expect(first.data.buffer.byteLength).toBe(1)
  })

  it('takes an empty datagram, and one without source port', async () => {
    const socket = udp.bind({ port: 53 })
    arrives(PEER, 0, OWN, 53, '')
    expect(await socket.receive()).toMatchObject({ data: new Uint8Array(0), src: { address: PEER, port: 0 } })
  })

  it('ignores bytes behind the datagram', async () => {
    const socket = udp.bind({ port: 53 })
    host.deliver(PEER, OWN, new Uint8Array([...datagram(PEER, 1, OWN, 53, 'aa'), 1, 2, 3]))
    expect(hex((await socket.receive()).data)).toBe('aa')
  })

  it('leaves a datagram for nobody to IP, which answers', () => {
    udp.bind({ port: 53 })
    expect(arrives(PEER, 1, OWN, 54)).toBe(false)
    expect(udp.stats.dropped).toEqual({ 'no-port': 1 })
  })

  it.each([
    ['too-short', fromHex('0001 0035 0007')],
    ['bad-length', fromHex('0001 0035 0007 0000 00')],
    ['bad-length', fromHex('0001 0035 0009 0000')],
    ['zero-port', fromHex('0001 0000 0008 0000')],
    ['bad-checksum', fromHex('0001 0035 0008 1234')],
  ])('takes and drops %s, so that nobody answers it', (reason, bytes) => {
    const heard = listen({ port: 53 })
    expect(host.deliver(PEER, OWN, bytes)).toBe(true)
    expect(heard).toEqual([])
    expect(udp.stats.dropped).toEqual({ [reason]: 1 })
    expect(lines).toEqual([`debug udp: datagram refused ${reason}`])
  })

  it('answers nobody for a broken datagram either', () => {
    expect(host.deliver(PEER, OWN, fromHex('0001 0036 0008 1234'))).toBe(true)
    expect(udp.stats.dropped).toEqual({ 'bad-checksum': 1 })
  })

  it('takes no checksum over IPv4, and refuses it over IPv6 (RFC 8200 §8.1)', () => {
    const heard = listen({ port: 53 })
    const bytes = fromHex('0001 0035 0009 0000 aa')
    host.deliver(PEER, OWN, bytes)
    host.deliver(PEER6, OWN6, bytes)
    host.deliver(PEER6, OWN6, bytes, { meta: { ...createFrameMeta(), checksum: 'valid' } })
    expect(heard).toEqual(['10.0.0.2:1 > 10.0.0.1:53 aa'])
    expect(udp.stats.dropped).toEqual({ 'zero-checksum': 2 })
  })

  it.each(['valid', 'partial'] as const)('trusts a checksum that the device calls %s', (checksum) => {
    const heard = listen({ port: 53 })
    host.deliver(PEER, OWN, fromHex('0001 0035 0009 1234 aa'), { meta: { ...createFrameMeta(), checksum } })
    expect(heard).toHaveLength(1)
  })

  describe('who hears', () => {
    it('is the most specific socket', () => {
      const all = listen({ port: 53 })
      const v6 = listen({ port: 53, address: ipv6('fd00::1') })
      const one = listen({ port: 53, address: OWN })
      const peer = listen({ port: 53, remote: endpoint('10.0.0.2:7') })
      arrives(PEER, 7, OWN, 53, '01')
      arrives(PEER, 8, OWN, 53, '02')
      arrives(PEER6, 8, OWN6, 53, '03')
      arrives(PEER, 8, ipv4('10.0.0.99'), 53, '04')
      expect([peer, one, v6, all].map((heard) => heard.map((line) => line.slice(-2)))).toEqual([
        ['01'],
        ['02'],
        ['03'],
        ['04'],
      ])
    })

    it('is one family where the address says so', () => {
      const v4 = listen({ port: 53, address: ip('0.0.0.0') })
      const v6 = listen({ port: 53, address: ip('::') })
      arrives(PEER, 8, OWN, 53)
      arrives(PEER6, 8, OWN6, 53)
      expect([v4.length, v6.length]).toEqual([1, 1])
    })

    it('is a socket of any port for what nobody else hears', () => {
      const any = listen({ port: 'any' })
      const dns = listen({ port: 53 })
      expect(arrives(PEER, 8, OWN, 53)).toBe(true)
      expect(arrives(PEER, 8, OWN, 54)).toBe(true)
      expect(arrives(PEER, 8, ipv4('203.0.113.9'), 55)).toBe(true)
      expect(dns).toHaveLength(1)
      expect(any).toEqual(['10.0.0.2:8 > 10.0.0.1:54 cafe', '10.0.0.2:8 > 203.0.113.9:55 cafe'])
    })

    it('is everybody who shares, where the datagram goes to a group', () => {
      const group = ipv4('224.0.0.251')
      const first = listen({ port: 5353, shared: true })
      const second = listen({ port: 5353, shared: true })
      const bound = listen({ port: 5353, shared: true, address: group })
      const unicast = listen({ port: 5353, shared: true, address: OWN })
      expect(arrives(PEER, 5353, group, 5353)).toBe(true)
      expect([first, second, bound, unicast].map((heard) => heard.length)).toEqual([1, 1, 1, 0])
      arrives(PEER, 5353, OWN, 5353)
      expect([first, second, bound, unicast].map((heard) => heard.length)).toEqual([1, 1, 1, 1])
    })

    it('is nobody for a group without a socket, and the checksum is not even looked at', () => {
      expect(host.deliver(PEER, ipv4('224.0.0.1'), fromHex('0001 0035 0008 1234'))).toBe(false)
      expect(udp.stats.dropped).toEqual({ 'no-port': 1 })
    })

    it('is not a socket that another one closes while they are told', () => {
      const group = ipv4('224.0.0.251')
      const heard: string[] = []
      const sockets: UdpSocket[] = []
      for (const name of ['a', 'b']) {
        const onMessage = (): void => {
          heard.push(name)
          for (const socket of sockets) void socket.close()
        }
        sockets.push(udp.bind({ port: 5353, shared: true, onMessage }))
      }
      arrives(PEER, 5353, group, 5353)
      expect(heard).toEqual(['b'])
      expect(udp.stats.dropped).toEqual({ closed: 1 })
    })

    it('is a broadcast listener: one of every address, or of that one', () => {
      const all = listen({ port: 67 })
      const bound = listen({ port: 67, address: ip('255.255.255.255') })
      const unicast = listen({ port: 67, address: OWN })
      arrives(ipv4('10.0.0.7'), 68, ipv4('255.255.255.255'), 67)
      expect([all, bound, unicast].map((heard) => heard.length)).toEqual([1, 1, 0])
    })
  })

  describe('a connected socket', () => {
    it('hears its peer alone', () => {
      const heard: string[] = []
      const socket = udp.bind({ port: 53, onMessage: (_b, _o, _e, info) => heard.push(formatEndpoint(info.src)) })
      socket.connect({ address: PEER, port: 7 })
      expect(socket.remote).toEqual({ address: PEER, port: 7 })
      arrives(PEER, 7, OWN, 53)
      expect(arrives(PEER, 8, OWN, 53)).toBe(false)
      expect(arrives(ipv4('10.0.0.3'), 7, OWN, 53)).toBe(false)
      socket.connect(undefined)
      arrives(PEER, 8, OWN, 53)
      expect(heard).toEqual(['10.0.0.2:7', '10.0.0.2:8'])
    })

    it('keeps its peer when the other one is taken', () => {
      const remote = { address: PEER, port: 7 }
      const [a, b] = [udp.bind({ port: 53, remote }), udp.bind({ port: 53, remote: { address: PEER, port: 8 } })]
      expect(() => b.connect(remote)).toThrow(expect.objectContaining({ code: 'ERR_UDP_PORT_IN_USE' }))
      expect(b.remote).toEqual({ address: PEER, port: 8 })
      expect(arrives(PEER, 8, OWN, 53)).toBe(true)
      expect(b.stats.rxDatagrams).toBe(1)
      a.connect(remote)
      expect(a.remote).toEqual(remote)
    })

    it('keeps a peer of its own, whatever becomes of the record it was given', () => {
      const remote = { address: PEER, port: 7 }
      const socket = udp.bind({ port: 53 })
      socket.connect(remote)
      remote.port = 8
      expect(arrives(PEER, 7, OWN, 53)).toBe(true)
      void socket.close()
      expect(arrives(PEER, 7, OWN, 53)).toBe(false)
    })
  })

  describe('a full queue', () => {
    it('drops what comes on top and counts it', async () => {
      const socket = udp.bind({ port: 53, queueDatagrams: 2, queueBytes: 1000 })
      for (const data of ['01', '02', '03', '04']) arrives(PEER, 1, OWN, 53, data)
      expect(socket.stats).toMatchObject({ rxDatagrams: 2, dropped: { 'queue-full': 2 } })
      expect(udp.stats).toMatchObject({ rxDatagrams: 2, dropped: { 'queue-full': 2 } })
      expect(hex((await socket.receive()).data)).toBe('01')
    })

    it('is as long as the options say, unless the socket says otherwise', () => {
      const small = createUdp({ ip: host.ip, random: seededRandom(1) }, { queueDatagrams: 1 })
      const [a, b] = [small.bind({ port: 1 }), small.bind({ port: 2, queueDatagrams: 3 })]
      for (let i = 0; i < 5; i++) {
        arrives(PEER, 1, OWN, 1)
        arrives(PEER, 1, OWN, 2)
      }
      expect([a.stats.rxDatagrams, b.stats.rxDatagrams]).toEqual([1, 3])
      expect(() => small.bind({ queueBytes: 0 })).toThrow(RangeError)
    })
  })

  it('iterates until the socket is closed', async () => {
    const socket = udp.bind({ port: 53 })
    for (const data of ['01', '02', '03']) arrives(PEER, 1, OWN, 53, data)
    const seen: string[] = []
    for await (const { data } of socket) {
      seen.push(hex(data))
      if (seen.length === 2) break
    }
    for await (const { data } of socket) {
      seen.push(hex(data))
      void socket.close()
    }
    expect(seen).toEqual(['01', '02', '03'])
  })

  it('ends an iteration that waits', async () => {
    const socket = udp.bind({ port: 53 })
    const iterator = socket[Symbol.asyncIterator]()
    const next = iterator.next()
    await socket.close()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
})
