import { formatMac, ip, mac } from '@fata/addr'
import { foldSum, putU16, putU32, sumBytes, u16, u32 } from '@fata/bytes'
import type { FrameMeta, Net } from '@fata/net'
import { describe, expect, it } from 'vitest'
import type { TunTapDevice } from '../src/device.ts'
import type { TapOptions } from '../src/options.ts'
import { openTap, openTun } from '../src/tap.ts'
import { cannotOpenDevices, echo, until, useNamespace, write } from './real.ts'
import { TcpPeer } from './tcp-peer.ts'

const HOST_MAC = mac('02:00:00:00:00:01')

const ns = useNamespace()

/** A TAP that the kernel reaches at 10.0.0.2 and fd00::2, without asking for its address. */
function open(options: TapOptions = {}): TunTapDevice {
  const tap = openTap({ name: 'tap0', netns: ns.name, up: false, ...options })
  ns.defer(() => tap.close())
  ns.run('ip', 'link', 'set', 'tap0', 'address', formatMac(HOST_MAC))
  ns.run('ip', 'link', 'set', 'tap0', 'up')
  for (const address of ['10.0.0.1/24', 'fd00::1/64']) ns.run('ip', 'address', 'add', address, 'dev', 'tap0', 'nodad')
  for (const address of ['10.0.0.2', 'fd00::2'])
    ns.run('ip', 'neighbour', 'add', address, 'lladdr', formatMac(tap.mac!), 'dev', 'tap0')
  return tap
}

interface Seen {
  readonly frames: Uint8Array[]
  /** Of the frames, with positions counted from their first byte. */
  readonly metas: FrameMeta[]
  batches: number
}

/** Keeps the frames that are wanted: a kernel chatters. */
function listen(net: Net, wanted: (frame: Uint8Array) => boolean): Seen {
  const seen: Seen = { frames: [], metas: [], batches: 0 }
  net.listen({
    frame: (buf, off, end, meta) => {
      const frame = buf.slice(off, end)
      if (!wanted(frame)) return
      seen.frames.push(frame)
      seen.metas.push({ ...meta, checksumStart: meta.checksumStart - off })
    },
    batchEnd: () => void seen.batches++,
  })
  return seen
}

/** `count` datagrams of `size` bytes to port 7 of 10.0.0.2. */
function blast(count: number, size: number): void {
  const script = `
    const socket = require('dgram').createSocket('udp4')
    socket.connect(7, '10.0.0.2', () => {
      let left = ${count}
      const send = () => left-- > 0 ? socket.send(Buffer.alloc(${size}, left), send) : socket.close()
      send()
    })`
  ns.run(process.execPath, '-e', script)
}

const isUdp = (frame: Uint8Array): boolean => u16(frame, 12) === 0x0800 && frame[23] === 17

/** Of the UDP datagram in an IPv4 frame. */
function pseudoSum(frame: Uint8Array): number {
  return foldSum(sumBytes(frame, 26, 34, 17 + frame.length - 34))
}

describe.skipIf(cannotOpenDevices('TAP and TUN against the kernel'))('the kernel', () => {
  it('answers an ARP request', async () => {
    const tap = open()
    const seen = listen(tap, (frame) => u16(frame, 12) === 0x0806 && u16(frame, 20) === 2)
    const request = new Uint8Array(42)
    request.fill(0xff, 0, 6)
    putU32(request, 12, 0x0806_0001)
    putU32(request, 16, 0x0800_0604)
    putU16(request, 20, 1)
    putU32(request, 28, 0x0a00_0002)
    putU32(request, 38, 0x0a00_0001)
    write(tap, request)
    await until(() => seen.frames.length > 0, 'a reply')
    expect(u32(seen.frames[0]!, 28)).toBe(0x0a00_0001)
    expect(tap.stats.txFrames).toBe(1)
  })

  it.each(['tap', 'tun'] as const)('gets its pings back through a %s', async (mode) => {
    const net = mode === 'tap' ? open() : openTun({ name: 'tun0', netns: ns.name, hostAddresses: ['10.0.0.1/24'] })
    ns.defer(() => net.close())
    net.listen(echo(net))
    const output = await ns.start('ping', '-c', '5', '-i', '0.01', '-W', '5', '10.0.0.2')
    expect(output).toContain('5 packets transmitted, 5 received')
  })

  it('is read in batches of at most 64 frames', async () => {
    const tap = open()
    const seen = listen(tap, isUdp)
    blast(200, 100)
    await until(() => seen.frames.length === 200, 'all frames')
    expect(seen.batches).toBeGreaterThanOrEqual(4)
    expect(seen.batches).toBeLessThanOrEqual(8)
    expect(seen.frames.map((frame) => frame[42])).toEqual(Array.from({ length: 200 }, (_, i) => 199 - i))
  })

  it('leaves UDP checksums to a device with offload, as partial sums', async () => {
    const tap = open()
    const seen = listen(tap, isUdp)
    blast(1, 1000)
    await until(() => seen.frames.length === 1, 'the datagram')
    const frame = seen.frames[0]!
    expect(seen.metas[0]).toMatchObject({ checksum: 'partial', checksumStart: 34, checksumOffset: 6, gso: 'none' })
    expect(u16(frame, 40)).toBe(pseudoSum(frame))
  })

  it('completes UDP checksums for a device without offload', async () => {
    const tap = open({ offload: false })
    const seen = listen(tap, isUdp)
    blast(1, 1000)
    await until(() => seen.frames.length === 1, 'the datagram')
    const frame = seen.frames[0]!
    expect(seen.metas[0]!.checksum).toBe('none')
    expect(foldSum(sumBytes(frame, 34, frame.length, pseudoSum(frame)))).toBe(0xffff)
  })

  it('fills the MTU, and a larger one that was set while the device is open', async () => {
    const tap = open()
    const seen = listen(tap, isUdp)
    blast(1, 1472)
    ns.run('ip', 'link', 'set', 'tap0', 'mtu', '9000')
    blast(1, 8972)
    await until(() => seen.frames.length === 2, 'both frames')
    expect(seen.frames.map((frame) => frame.length)).toEqual([1514, 9014])
    await until(() => tap.mtu === 9000, 'the MTU')
  })

  it.each([
    ['IPv4', '10.0.0.2', '10.0.0.1', 'tcp4', 1460],
    ['IPv6', 'fd00::2', 'fd00::1', 'tcp6', 1440],
  ] as const)('sends TCP over %s in super-frames with partial checksums', async (_, own, host, gso, mss) => {
    const tap = open()
    const peer = new TcpPeer(tap, { own: ip(own), host: ip(host), hostMac: HOST_MAC, mss })
    tap.listen(peer)
    const total = 1_000_000
    void ns.start(process.execPath, '-e', `require('net').connect(7, '${own}').end(Buffer.alloc(${total}, 'fata'))`)
    await until(() => peer.closed, 'the end of the stream')
    expect(Buffer.concat(peer.segments.map((s) => s.payload)).equals(Buffer.alloc(total, 'fata'))).toBe(true)
    const superFrames = peer.segments.filter((s) => s.meta.gso !== 'none')
    const tcp = gso === 'tcp4' ? 34 : 54
    for (const { meta } of superFrames)
      expect(meta).toEqual({ checksum: 'partial', checksumStart: tcp, checksumOffset: 16, gso, gsoSize: mss })
    expect(Math.max(...superFrames.map((s) => s.length))).toBeGreaterThan(20_000)
    expect(peer.segments.length).toBeLessThan(total / mss / 4)
  })

  it.each([
    ['IPv4', '10.0.0.2', '10.0.0.1', 1460],
    ['IPv6', 'fd00::2', 'fd00::1', 1440],
  ] as const)('takes super-frames over %s', async (_, own, host, mss) => {
    const tap = open()
    const peer = new TcpPeer(tap, { own: ip(own), host: ip(host), hostMac: HOST_MAC, mss })
    tap.listen(peer)
    const payload = Buffer.alloc(40_000, 'fata')
    const server = ns.start(
      process.execPath,
      '-e',
      `require('net').createServer((s) => {
         let data = ''
         s.on('data', (chunk) => {
           data += chunk
           if (data.length === ${payload.length}) { console.log(data === 'fata'.repeat(10000)); process.exit() }
         })
       }).listen(7)`,
    )
    await until(() => ns.run('ss', '-Hltn').includes(':7'), 'the listener')
    peer.connect(7)
    await until(() => peer.segments.length > 0, 'the connection')
    peer.send(payload)
    expect((await server).trim()).toBe('true')
    expect(tap.stats.txDropped).toEqual({})
  })
})
