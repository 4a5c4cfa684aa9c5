import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type Ipv4, ipv4, ipv4Prefix, mac } from '@fata/addr'
import type { IpListener } from '@fata/ip'
import type { Link, LinkFrame, LinkListener } from '@fata/link'
import { createFrameMeta, type Fill, NO_OFFLOAD } from '@fata/net'
import { createVirtualRuntime } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { createIpv4 } from '../src/index.ts'
import { icmp, packet } from './support/host.ts'

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

const PEER: Ipv4 = ipv4('10.0.0.2')
/** Few enough that not even large garbage fills the nursery, which would be collected unseen. */
const PACKETS = 4_000

/** A host whose link and transport allocate nothing. */
function lean() {
  const runtime = createVirtualRuntime(1)
  const slab = new Uint8Array(2048)
  const counts = { sent: 0, got: 0 }
  let receive!: LinkListener
  const link: Link = {
    mac: mac('02:00:00:00:00:01'),
    mtu: 1500,
    offload: NO_OFFLOAD,
    write(_dst, _protocol, _size, fill): void {
      fill(slab, 14)
      counts.sent++
    },
    listen(_protocol, listener) {
      receive = listener
      return () => {}
    },
  }
  const peer = mac('02:00:00:00:00:02')
  const ip = createIpv4({ ...runtime, link, neighbors: { lookup: () => peer, resolve: () => {} } })
  ip.addAddress(ipv4Prefix('10.0.0.1/24'))
  const listener: IpListener = {
    packet() {
      counts.got++
      return true
    },
  }
  ip.listen(17, listener)
  const frame: LinkFrame = { src: peer, dst: peer, multicast: false, meta: createFrameMeta() }
  return {
    ip,
    counts,
    receive: (bytes: Uint8Array) => receive.packet(bytes, 0, bytes.length, frame),
    clock: runtime.clock,
  }
}

/** A boxed number has 12 bytes or more. */
const NOTHING = 8
/** The engine compiles on another thread, which a busy machine may keep waiting. */
const ROUNDS = 100

/** Bytes of heap that one call of `step` takes, on the average, once the engine has compiled it. */
function bytesPer(step: () => void): number {
  let bytes = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS && bytes >= NOTHING; round++) {
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < PACKETS; i++) step()
    bytes = (process.memoryUsage().heapUsed - before) / PACKETS
  }
  return bytes
}

describe('a packet allocates nothing', () => {
  const fill: Fill = (buf, off) => buf.fill(1, off, off + 8).length && 8

  it('when it is sent', () => {
    const { ip, counts } = lean()
    const options = { ttl: 9, fragment: true }
    expect(bytesPer(() => ip.write(PEER, 17, 8, fill, options))).toBeLessThan(NOTHING)
    expect(counts.sent).toBeGreaterThanOrEqual(PACKETS)
  })

  it('when it is received', () => {
    const { receive, counts } = lean()
    const bytes = packet({}, new Uint8Array(40))
    expect(bytesPer(() => receive(bytes))).toBeLessThan(NOTHING)
    expect(counts.got).toBeGreaterThanOrEqual(PACKETS)
  })

  it('when it is an echo request that is answered', () => {
    const { receive, counts } = lean()
    const bytes = packet({ protocol: 1 }, icmp(8, 0, 7, new Uint8Array(40)))
    expect(bytesPer(() => receive(bytes))).toBeLessThan(NOTHING)
    expect(counts.sent).toBeGreaterThanOrEqual(PACKETS)
  })

  it('when it is for somebody else', () => {
    const { receive, ip } = lean()
    const bytes = packet({ dst: PEER }, new Uint8Array(40))
    expect(bytesPer(() => receive(bytes))).toBeLessThan(NOTHING)
    expect(Object.keys(ip.stats.dropped)).toEqual(['not-for-us'])
  })

  it('and the measure can tell', () => {
    const kept: object[] = []
    expect(bytesPer(() => (kept[0] = { a: 1, b: [] }))).toBeGreaterThan(NOTHING)
  })
})
