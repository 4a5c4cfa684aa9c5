import { formatIpv6, formatMac, type Ipv6, ipv6, isMulticastMac, MAC_BROADCAST, type Mac, mac } from '@fata/addr'
import { copyGather } from '@fata/bytes'
import { type IpListener, PROTOCOL_UDP } from '@fata/ip'
import type { Link, LinkFrame, LinkListener } from '@fata/link'
import { createFrameMeta, type FrameMeta, NO_OFFLOAD, type Offload } from '@fata/net'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createIpv6, type Ipv6Event, type Ipv6Layer, type Ipv6Options } from '../src/index.ts'
import { type Shown, show } from './packets.ts'

export const OWN_MAC: Mac = mac('02:00:00:00:00:0a')
export const ROUTER_MAC: Mac = mac('02:00:00:00:00:01')
export const PEER_MAC: Mac = mac('02:00:00:00:00:0b')
/** Of `OWN_MAC`. */
export const OWN_LINK_LOCAL = 'fe80::ff:fe00:a'

/** A packet that a host has sent. */
export interface Sent extends Shown {
  readonly at: number
  readonly to: Mac
  readonly bytes: Uint8Array
  readonly meta: FrameMeta | undefined
}

/** A link that keeps what is sent. */
export class TestLink implements Link {
  readonly mac: Mac | undefined
  mtu: number
  offload: Offload
  listener: LinkListener | undefined
  sent: Sent[] = []
  refusal: Error | undefined
  readonly #now: () => number
  readonly #slab = new Uint8Array(70_000)

  constructor(now: () => number, address: Mac | undefined, mtu = 1500, offload: Offload = NO_OFFLOAD) {
    this.#now = now
    this.mac = address
    this.mtu = mtu
    this.offload = offload
  }

  write(...[dst, , size, fill, meta, payload]: Parameters<Link['write']>): void {
    if (this.refusal !== undefined) throw this.refusal
    this.#slab.fill(0xa5, 0, size + 14)
    let end = fill(this.#slab, 14)
    if (end > size) throw new RangeError(`fill wrote ${end} of ${size} bytes`)
    end += 14
    if (payload !== undefined) end += copyGather(this.#slab, end, payload)
    if (end - 14 > this.mtu && (meta === undefined || meta.gso === 'none')) throw new Error('frame too long')
    const bytes = this.#slab.slice(14, end)
    const kept = meta === undefined ? undefined : { ...meta, checksumStart: meta.checksumStart - 14 }
    this.sent.push({ ...show(bytes), at: this.#now(), to: dst, bytes, meta: kept })
  }

  listen(_protocol: number, listener: LinkListener): () => void {
    if (this.listener !== undefined) throw new TypeError('there is a listener')
    this.listener = listener
    return () => {
      this.listener = undefined
    }
  }

  /** A packet arrives from `src`, at `dst` or at the MAC address of its group. */
  receive(bytes: Uint8Array, src: Mac = PEER_MAC, dst?: Mac, meta: FrameMeta = createFrameMeta()): void {
    const frame = new Uint8Array(bytes.length + 9).fill(0x5a)
    frame.set(bytes, 5)
    const to = dst ?? (bytes[24] === 0xff ? MAC_BROADCAST : (this.mac ?? (0 as Mac)))
    const shown: LinkFrame = { src, dst: to, multicast: isMulticastMac(to), meta }
    this.listener?.packet(frame, 5, frame.length, shown)
    this.listener?.batchEnd?.()
  }
}

/** A host under test, in virtual time. Its addresses are made of its MAC address unless it is told otherwise. */
export interface Harness {
  readonly runtime: VirtualRuntime
  readonly link: TestLink
  readonly layer: Ipv6Layer
  readonly events: Ipv6Event[]
  /** What has been sent since the last call. */
  sent(): Sent[]
  /** One line for each. */
  lines(): string[]
  advance(ms: number): void
  receive(bytes: Uint8Array, src?: Mac): void
}

export interface HarnessOptions extends Ipv6Options {
  readonly address?: Mac | undefined
  readonly mtu?: number
  readonly linkOffload?: Offload
  readonly seed?: number
}

export function harness(given: HarnessOptions = {}): Harness {
  const { address = OWN_MAC, mtu = 1500, linkOffload = NO_OFFLOAD, seed = 1, ...options } = given
  const runtime = createVirtualRuntime(seed)
  const link = new TestLink(runtime.clock.now, 'address' in given ? given.address : address, mtu, linkOffload)
  const layer = createIpv6({ ...runtime, link }, { interfaceIds: 'eui-64', ...options })
  const events: Ipv6Event[] = []
  layer.onEvent((event) => events.push(event))
  const sent = (): Sent[] => link.sent.splice(0)
  return {
    runtime,
    link,
    layer,
    events,
    sent,
    lines: () => sent().map(line),
    advance: (ms) => runtime.clock.advance(ms),
    receive: (bytes, src) => link.receive(bytes, src),
  }
}

/** A host whose addresses are there at time 0, and which sends nothing by itself. */
export function quietHost(given: HarnessOptions = {}): Harness {
  const h = harness({
    addresses: [{ address: ipv6('fd00::a'), length: 64 }],
    dupAddrDetectTransmits: 0,
    acceptRouterAdvertisements: false,
    unsolicitedAdvertisements: 0,
    mld: false,
    ...given,
  })
  h.sent()
  return h
}

/** A packet in a line: link-layer destination, source, destination and what it is. */
export function line(p: Sent): string {
  const what =
    p.nd !== undefined
      ? describeNd(p)
      : p.mld !== undefined && typeof p.mld !== 'string'
        ? p.mld.map((r) => `${r.type} ${formatIpv6(r.group)}`).join(', ')
        : p.type !== undefined
          ? `icmp ${p.type}/${p.code}`
          : p.nextHeader === PROTOCOL_UDP
            ? `udp ${p.payload.length}`
            : `protocol ${p.nextHeader}`
  return `${formatMac(p.to)} ${formatIpv6(p.src)} > ${formatIpv6(p.dst)}: ${what}`
}

function describeNd({ nd }: Sent): string {
  switch (nd!.kind) {
    case 'neighbor-solicitation':
      return `NS ${formatIpv6(nd!.target)}${nd!.options.nonce === undefined ? '' : ' nonce'}`
    case 'neighbor-advertisement': {
      const flags = [nd!.router && 'R', nd!.solicited && 'S', nd!.override && 'O'].filter(Boolean).join('')
      return `NA ${formatIpv6(nd!.target)} ${flags}`
    }
    case 'router-solicitation':
      return 'RS'
    default:
      return nd!.kind
  }
}

/** Writes a UDP datagram of `length` bytes of data. */
export function sendUdp(layer: Ipv6Layer, dst: Ipv6 | string, length = 4, options = {}): void {
  const to = typeof dst === 'string' ? ipv6(dst) : dst
  const fill = (buf: Uint8Array, off: number): number => {
    buf.fill(0, off, off + 8)
    buf[off + 1] = 10
    buf[off + 3] = 20
    for (let i = 0; i < length; i++) buf[off + 8 + i] = i
    return 8 + length
  }
  layer.write(to, PROTOCOL_UDP, 8 + length, fill, options)
}

/** What a listener heard. */
export interface Heard extends IpListener {
  readonly packets: { readonly from: string; readonly to: string; readonly ttl: number; readonly data: Uint8Array }[]
  readonly errors: { readonly kind: string; readonly dst: string; readonly reporter: string; readonly mtu: number }[]
  batches: number
}

/** A listener that takes everything, or what `takes` says. */
export function listenTo(layer: Ipv6Layer, protocol: number = PROTOCOL_UDP, takes = true): Heard {
  const heard: Heard = {
    packets: [],
    errors: [],
    batches: 0,
    packet(buf, off, end, p) {
      heard.packets.push({
        from: formatIpv6(p.src as Ipv6),
        to: formatIpv6(p.dst as Ipv6),
        ttl: p.ttl,
        data: buf.slice(off, end),
      })
      return takes
    },
    error(r) {
      heard.errors.push({
        kind: r.kind,
        dst: formatIpv6(r.dst as Ipv6),
        reporter: formatIpv6(r.reporter as Ipv6),
        mtu: r.mtu,
      })
    },
    batchEnd() {
      heard.batches++
    },
  }
  layer.listen(protocol, heard)
  return heard
}
