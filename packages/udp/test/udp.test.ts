import { endpoint, type IpAddress, ip, ipv4 } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import type { IpReportKind } from '@fata/ip'
import { createVirtualRuntime, seededRandom } from '@fata/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { createUdp, type Udp, type UdpBindOptions, type UdpError, type UdpOptions } from '../src/index.ts'
import { createTestIp, join, type TestIp } from './support/test-ip.ts'

const PEER = endpoint('10.0.0.2:53')

function code(expected: string): unknown {
  return expect.objectContaining({ name: 'UdpError', code: expected })
}

describe('binding', () => {
  let host: TestIp
  let udp: Udp

  const create = (options?: UdpOptions): Udp => createUdp({ ip: host.ip, random: seededRandom(1) }, options)

  beforeEach(() => {
    host = createTestIp({ addresses: ['10.0.0.1/24', 'fd00::1/64'] })
    udp = create()
  })

  it('takes a free port at random where none is asked for', () => {
    const ports = new Set<unknown>()
    for (let i = 0; i < 200; i++) ports.add(udp.bind(i % 2 === 0 ? {} : { port: 0 }).port)
    expect(ports.size).toBe(200)
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(32768)
      expect(port).toBeLessThanOrEqual(65535)
    }
  })

  it('depends on its seed alone', () => {
    expect(create().bind().port).toBe(create().bind().port)
    const other = createUdp({ ip: host.ip, random: seededRandom(2) })
    expect(other.bind().port).not.toBe(create().bind().port)
  })

  it('fails when every port of the range is in use, also by others', async () => {
    udp = create({ firstEphemeralPort: 50000, lastEphemeralPort: 50002 })
    const taken = udp.bind({ port: 50001 })
    expect(new Set([udp.bind().port, udp.bind().port])).toEqual(new Set([50000, 50002]))
    expect(() => udp.bind()).toThrow(code('ERR_UDP_NO_PORT'))
    await taken.close()
    expect(udp.bind().port).toBe(50001)
  })

  it('says what it is bound to', () => {
    const plain = udp.bind({ port: 53 })
    expect([plain.address, plain.port, plain.remote]).toEqual([undefined, 53, undefined])
    const own = udp.bind({ port: 53, address: ip('10.0.0.1'), remote: PEER })
    expect([own.address, own.port, own.remote]).toEqual([ip('10.0.0.1'), 53, PEER])
    expect(udp.bind({ port: 'any', address: ip('::') })).toMatchObject({ port: 'any', address: ip('::') })
  })

  it('is ready at once', async () => {
    await expect(udp.bind().ready).resolves.toBeUndefined()
  })

  it.each<[string, UdpBindOptions, UdpBindOptions]>([
    ['the same port', { port: 53 }, { port: 53 }],
    ['any port', { port: 'any' }, { port: 'any' }],
    ['the same peer', { port: 53, remote: PEER }, { port: 53, remote: PEER }],
    ['one who does not share', { port: 53, shared: true }, { port: 53 }],
  ])('refuses %s', (_name, first, second) => {
    udp.bind(first)
    expect(() => udp.bind(second)).toThrow(code('ERR_UDP_PORT_IN_USE'))
  })

  it('gives a port free when its socket closes', async () => {
    const socket = udp.bind({ port: 53 })
    await socket.close()
    await socket.close()
    udp.bind({ port: 53 })
  })

  it('needs an address of this host', () => {
    const foreign = ip('10.0.0.77')
    expect(() => udp.bind({ address: foreign })).toThrow(code('ERR_UDP_NO_ADDRESS'))
    expect(udp.bind({ address: foreign, transparent: true }).address).toBe(foreign)
    for (const text of [
      '10.0.0.1',
      'fd00::1',
      '224.0.0.251',
      'ff02::fb',
      '255.255.255.255',
      '10.0.0.255',
      '127.0.0.1',
      '::1',
    ])
      expect(udp.bind({ address: ip(text) }).address).toEqual(ip(text))
  })

  it.each([-1, 65536, 1.5, Number.NaN])('refuses port %s', (port) => {
    expect(() => udp.bind({ port })).toThrow(RangeError)
  })

  it('refuses nonsense about peers', () => {
    expect(() => udp.bind({ remote: { address: ip('10.0.0.2'), port: 0 } })).toThrow(RangeError)
    expect(() => udp.bind({ port: 'any', remote: PEER })).toThrow(TypeError)
    expect(() => udp.bind({ port: 'any' }).connect(PEER)).toThrow(TypeError)
  })

  it('is bounded', async () => {
    udp = create({ maxSockets: 2 })
    const first = udp.bind()
    udp.bind()
    expect(() => udp.bind()).toThrow(code('ERR_UDP_LIMIT'))
    await first.close()
    udp.bind()
  })

  it('leaves nothing behind where it fails', () => {
    udp = create({ maxSockets: 2 })
    udp.bind({ port: 53 })
    for (let i = 0; i < 5; i++) expect(() => udp.bind({ port: 53 })).toThrow(code('ERR_UDP_PORT_IN_USE'))
    udp.bind({ port: 54 })
  })

  it('ends with its signal', async () => {
    const controller = new AbortController()
    const socket = udp.bind({ port: 53, signal: controller.signal })
    const waiting = socket.receive()
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_UDP_CLOSED' })
    udp.bind({ port: 53 })
    expect(() => udp.bind({ signal: controller.signal })).toThrow(expect.objectContaining({ name: 'AbortError' }))
  })

  it('lets go of the signal when it is closed', async () => {
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    await udp.bind({ signal }).close()
    expect(listeners).toBe(0)
  })

  it('ends with the UDP', async () => {
    const sockets = [udp.bind({ port: 53 }), udp.bind({ port: 53, remote: PEER }), udp.bind({ port: 'any' })]
    const waiting = sockets.map((socket) => socket.receive())
    await udp.close()
    await udp.close()
    for (const each of waiting) await expect(each).rejects.toMatchObject({ code: 'ERR_UDP_CLOSED' })
    expect(() => udp.bind()).toThrow(code('ERR_UDP_CLOSED'))
    expect(host.deliver(PEER.address, ip('10.0.0.1'), fromHex('0001 0035 0008 0000'))).toBe(false)
    expect(udp.stats.dropped).toEqual({})
  })

  it('is disposed of at the end of its block', async () => {
    const socket = udp.bind({ port: 53 })
    await socket[Symbol.asyncDispose]()
    udp.bind({ port: 53 })
  })
})

describe('reports of the network (RFC 1122 §4.1.3.3)', () => {
  let host: TestIp
  let udp: Udp
  const router = ip('10.0.0.254')

  beforeEach(() => {
    host = createTestIp({ addresses: ['10.0.0.1/24', 'fd00::1/64'] })
    udp = createUdp({ ip: host.ip, random: seededRandom(1) })
  })

  it.each<[IpReportKind, string]>([
    ['port-unreachable', 'ERR_UDP_REFUSED'],
    ['protocol-unreachable', 'ERR_UDP_REFUSED'],
    ['net-unreachable', 'ERR_UDP_UNREACHABLE'],
    ['host-unreachable', 'ERR_UDP_UNREACHABLE'],
    ['prohibited', 'ERR_UDP_UNREACHABLE'],
    ['source-route-failed', 'ERR_UDP_UNREACHABLE'],
    ['time-exceeded', 'ERR_UDP_UNREACHABLE'],
    ['reassembly-timeout', 'ERR_UDP_UNREACHABLE'],
    ['parameter-problem', 'ERR_UDP_UNREACHABLE'],
    ['packet-too-big', 'ERR_UDP_TOO_LONG'],
  ])('%s becomes %s', (kind, expected) => {
    const heard: UdpError[] = []
    const socket = udp.bind({ onError: (error) => heard.push(error) })
    socket.send(fromHex('01'), PEER)
    host.report(kind, host.sent[0]!, router, 1280)
    const mtu = kind === 'packet-too-big' ? 1280 : undefined
    expect(heard).toEqual([code(expected)])
    expect(heard[0]).toMatchObject({ remote: PEER, reporter: router, kind })
    expect(heard[0]!.mtu).toBe(mtu)
  })

  it('reject receive of a connected socket, which goes on', async () => {
    const socket = udp.bind({ remote: PEER })
    socket.send(fromHex('01'))
    const waiting = socket.receive()
    host.report('port-unreachable', host.sent[0]!, PEER.address)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_UDP_REFUSED', remote: PEER })
    host.report('host-unreachable', host.sent[0]!, router)
    await expect(socket.receive()).rejects.toMatchObject({ code: 'ERR_UDP_UNREACHABLE' })
    socket.send(fromHex('01'))
    expect(socket.stats.dropped).toEqual({})
  })

  it('end an iteration over a connected socket', async () => {
    const socket = udp.bind({ remote: PEER })
    socket.send(fromHex('01'))
    host.report('port-unreachable', host.sent[0]!, PEER.address)
    const next = socket[Symbol.asyncIterator]().next()
    await expect(next).rejects.toMatchObject({ code: 'ERR_UDP_REFUSED' })
  })

  it('are counted where nobody hears them', () => {
    const plain = udp.bind()
    plain.send(fromHex('01'), PEER)
    host.report('port-unreachable', host.sent[0]!, PEER.address)
    expect(plain.stats.dropped).toEqual({ 'unreported-error': 1 })
    const callback = udp.bind({ remote: PEER, onMessage: () => {} })
    callback.send(fromHex('01'))
    host.report('port-unreachable', host.sent[1]!, PEER.address)
    expect(callback.stats.dropped).toEqual({ 'unreported-error': 1 })
    const idle = udp.bind({ remote: PEER })
    idle.send(fromHex('01'))
    for (let i = 0; i < 3; i++) host.report('port-unreachable', host.sent[2]!, PEER.address)
    expect(idle.stats.dropped).toEqual({ 'unreported-error': 2 })
    expect(udp.stats.dropped).toEqual({ 'unreported-error': 4 })
  })

  it("are nobody's where no socket can have sent the datagram", async () => {
    const socket = udp.bind({ remote: PEER })
    socket.send(fromHex('01'))
    const sent = host.sent[0]!
    host.report('port-unreachable', { ...sent, dst: ipv4('10.0.0.3') as IpAddress }, router)
    host.report('port-unreachable', sent, router, 0, sent.bytes.slice(0, 3))
    host.report('port-unreachable', sent, router, 0, fromHex('0001 0035 0009 0000'))
    await socket.close()
    host.report('port-unreachable', sent, router)
    expect(udp.stats.dropped).toEqual({ 'unknown-error': 4 })
  })
})

describe('two hosts', () => {
  function pair(): { clock: ReturnType<typeof createVirtualRuntime>['clock']; alice: Udp; bob: Udp } {
    const { clock, random } = createVirtualRuntime(5)
    const hosts = [
      createTestIp({ addresses: ['10.0.0.1/24', 'fd00::1/64'] }),
      createTestIp({ addresses: ['10.0.0.2/24', 'fd00::2/64'] }),
    ] as const
    join(clock, ...hosts)
    return { clock, alice: createUdp({ ip: hosts[0].ip, random }), bob: createUdp({ ip: hosts[1].ip, random }) }
  }

  it.each(['10.0.0.2:7', '[fd00::2]:7'])('echo at %s', async (at) => {
    const { clock, alice, bob } = pair()
    const server = bob.bind({
      port: 7,
      onMessage: (buf, off, end, info) =>
        server.write(
          info.src,
          end - off,
          (to, o) => {
            to.set(buf.subarray(off, end), o)
            return end - off
          },
          { src: info.dst.address },
        ),
    })
    const client = alice.bind({ remote: endpoint(at) })
    client.send(fromHex('c0ffee'))
    const answer = await clock.settle(client.receive())
    expect(hex(answer.data)).toBe('c0ffee')
    expect(answer.src).toEqual(endpoint(at))
  })

  it('carry the longest datagrams', async () => {
    const { clock, alice, bob } = pair()
    const server = bob.bind({ port: 7 })
    const data = new Uint8Array(65507).map((_, i) => i * 7)
    alice.bind().send(data, endpoint('10.0.0.2:7'))
    expect((await clock.settle(server.receive())).data).toEqual(data)
  })

  it('refuse what nobody hears', async () => {
    const { clock, alice } = pair()
    const client = alice.bind({ remote: endpoint('[fd00::2]:7') })
    client.send(fromHex('01'))
    await expect(clock.settle(client.receive())).rejects.toMatchObject({ code: 'ERR_UDP_REFUSED' })
  })

  it('are found by a broadcast', async () => {
    const { clock, alice, bob } = pair()
    const server = bob.bind({ port: 67 })
    alice.bind({ port: 68, broadcast: true }).send(fromHex('01'), endpoint('255.255.255.255:67'))
    expect(await clock.settle(server.receive())).toMatchObject({ multicast: true, src: endpoint('10.0.0.1:68') })
  })
})
