import { IPV4_ANY, isIpv4Loopback, isIpv4Multicast } from '@fata/addr'
import { type IpPacket, PROTOCOL_ICMP } from '@fata/ip'
import type { LinkFrame, LinkListener } from '@fata/link'
import { countDrop, createFrameMeta, type FrameMeta } from '@fata/net'
import type { Datagram } from './core/datagram.ts'
import type { Ipv4Core } from './core/index.ts'
import type { StoredPacket } from './core/pending.ts'
import { type Groups, PROTOCOL_IGMP } from './groups.ts'
import type { Host, Ticket } from './host.ts'
import {
  type Icmp,
  PARAMETER_PROBLEM,
  PORT_UNREACHABLE,
  PROTOCOL_UNREACHABLE,
  REASSEMBLY_TIMEOUT,
  SOURCE_ROUTE_FAILED,
} from './icmp.ts'
import {
  badOptionAt,
  createHeader,
  decode,
  HEADER_LEN,
  type Ipv4Header,
  MAX_LENGTH,
  read,
  sourceRoute,
} from './wire.ts'

/** Why a well-formed packet is not for this host, or cannot be true: RFC 1122 §3.2.1.3. */
type Refusal =
  | 'not-for-us'
  | 'not-joined'
  | 'source-filtered'
  | 'unicast-in-link-group'
  | 'martian-loopback'
  | 'martian-broadcast'
  | 'martian-multicast'
  | 'martian-unspecified'
  | 'martian-own-address'

/** The receiving half: RFC 791 §3.2, RFC 1122 §3.2.1. */
export class Receiver implements LinkListener {
  readonly #host: Host
  readonly #icmp: Icmp
  readonly #groups: Groups
  readonly #header: Ipv4Header = createHeader()
  readonly #packet: IpPacket = {
    src: IPV4_ANY,
    dst: IPV4_ANY,
    protocol: 0,
    ttl: 0,
    trafficClass: 0,
    multicast: false,
    headerOptions: 0,
    meta: createFrameMeta(),
  }
  /** Made with the first datagram that was put together. */
  #assembled: Uint8Array | undefined
  readonly #noMeta: FrameMeta = createFrameMeta()
  // The fragment that `#addFragment` adds.
  #buf: Uint8Array = new Uint8Array(0)
  #off = 0
  #end = 0
  #group = false

  constructor(host: Host, icmp: Icmp, groups: Groups) {
    this.#host = host
    this.#icmp = icmp
    this.#groups = groups
  }

  packet(buf: Uint8Array, off: number, end: number, frame: LinkFrame): void {
    const { stats, core } = this.#host
    const malformed = decode(buf, off, end, this.#header)
    const h = this.#header
    const group = isIpv4Multicast(h.dst) || core.addresses.isBroadcast(h.dst)
    const refusal = typeof malformed === 'string' ? malformed : this.#refuse(h, group, frame.multicast)
    if (refusal !== undefined) {
      countDrop(stats.dropped, refusal)
      return
    }
    stats.received++
    this.#process(h, buf, off, off + h.totalLength, group, frame.meta)
  }

  batchEnd(): void {
    this.#host.listeners.batchEnd()
  }

  /** A packet that never left the host. Its addresses were checked when it was sent. */
  receiveLocal(packet: StoredPacket): void {
    const { buf, off, end, meta } = packet
    read(buf, off, this.#header)
    this.#process(this.#header, buf, off, end, isIpv4Multicast(this.#header.dst), meta)
  }

  /** `group`: the destination is one; `linkGroup`: that of the frame is. */
  #refuse(h: Ipv4Header, group: boolean, linkGroup: boolean): Refusal | undefined {
    const { addresses } = this.#host.core
    const { src, dst } = h
    if (group) {
      const refusal = isIpv4Multicast(dst) ? this.#groups.refuse(dst, src) : undefined
      if (refusal !== undefined) return refusal
    } else {
      if (isIpv4Loopback(dst)) return 'martian-loopback'
      if (!addresses.has(dst) && !(this.#host.settings.transparent && dst >>> 24 !== 0)) return 'not-for-us'
      // RFC 1122 §3.3.6
      if (linkGroup) return 'unicast-in-link-group'
    }
    if (isIpv4Loopback(src)) return 'martian-loopback'
    if (isIpv4Multicast(src)) return 'martian-multicast'
    if (addresses.isBroadcast(src)) return 'martian-broadcast'
    // A host that learns its address has none yet; it speaks to groups.
    if (src >>> 24 === 0 && !(src === IPV4_ANY && group)) return 'martian-unspecified'
    return addresses.has(src) ? 'martian-own-address' : undefined
  }

  /** The packet at `buf[off..end)` is for this host. */
  #process(h: Ipv4Header, buf: Uint8Array, off: number, end: number, group: boolean, meta: FrameMeta): void {
    if (h.headerLength > HEADER_LEN && !this.#checkOptions(h, buf, off, end, group)) return
    if (h.moreFragments || h.fragmentOffset !== 0) this.#reassemble(h, buf, off, end, group)
    else this.#deliver(h, buf, off, end, group, meta)
  }

  /** RFC 1122 §3.2.1.8. Options that are not known are kept and ignored. */
  #checkOptions(h: Ipv4Header, buf: Uint8Array, off: number, end: number, group: boolean): boolean {
    const { stats, settings } = this.#host
    const list = off + HEADER_LEN
    const listEnd = off + h.headerLength
    const bad = badOptionAt(buf, list, listEnd)
    if (bad >= 0) {
      countDrop(stats.dropped, 'bad-option')
      const pointer = ((bad - off) << 24) >>> 0
      this.#icmp.sendError(PARAMETER_PROBLEM, h, buf, off, end, group, pointer)
      return false
    }
    const route = sourceRoute(buf, list, listEnd)
    if (route === 'none' || (route === 'completed' && settings.acceptSourceRoutes)) return true
    countDrop(stats.dropped, 'source-routed')
    // RFC 1122 §3.3.5. Where source routes are not accepted at all, RFC 7126 §4.3 has silence.
    if (settings.acceptSourceRoutes) this.#icmp.sendError(SOURCE_ROUTE_FAILED, h, buf, off, end, group)
    return false
  }

  #reassemble(h: Ipv4Header, buf: Uint8Array, off: number, end: number, group: boolean): void {
    this.#buf = buf
    this.#off = off
    this.#end = end
    this.#group = group
    const datagram = this.#host.driver.step(this.#addFragment)
    if (datagram === undefined) return
    this.#host.stats.reassembled++
    this.#assembled ??= new Uint8Array(MAX_LENGTH)
    const whole = this.#assembled
    const wholeEnd = datagram.copyTo(whole, 0)
    read(whole, 0, h)
    h.trafficClass = datagram.trafficClass
    this.#deliver(h, whole, 0, wholeEnd, datagram.multicast, this.#noMeta)
  }

  readonly #addFragment = (core: Ipv4Core<Ticket>, now: number): Datagram | undefined =>
    core.reassembly.add(now, this.#header, this.#buf, this.#off, this.#end, this.#group)

  #deliver(h: Ipv4Header, buf: Uint8Array, off: number, end: number, group: boolean, meta: FrameMeta) {
    const { listeners, stats } = this.#host
    const packet = this.#packet
    packet.src = h.src
    packet.dst = h.dst
    packet.protocol = h.protocol
    packet.ttl = h.ttl
    packet.trafficClass = h.trafficClass
    packet.multicast = group
    packet.headerOptions = h.headerLength - HEADER_LEN
    packet.meta = meta
    const data = off + h.headerLength
    if (h.protocol === PROTOCOL_ICMP) return this.#icmp.input(buf, data, end, packet)
    if (h.protocol === PROTOCOL_IGMP) {
      const ignored = this.#groups.input(h, buf, off, end)
      if (ignored !== undefined) countDrop(stats.dropped, ignored)
    }
    const delivery = listeners.deliver(buf, data, end, packet)
    if (delivery === 'taken') stats.delivered++
    else if (h.protocol !== PROTOCOL_IGMP) this.#refused(delivery === 'refused', h, buf, off, end, group)
  }

  #refused(port: boolean, h: Ipv4Header, buf: Uint8Array, off: number, end: number, group: boolean): void {
    countDrop(this.#host.stats.dropped, port ? 'not-taken' : 'no-listener')
    this.#icmp.sendError(port ? PORT_UNREACHABLE : PROTOCOL_UNREACHABLE, h, buf, off, end, group)
  }

  /** RFC 1122 §3.3.2: its first fragment had come. */
  timedOut(datagram: Datagram): void {
    const first = datagram.first!
    read(first, 0, this.#header)
    this.#icmp.sendError(REASSEMBLY_TIMEOUT, this.#header, first, 0, first.length, datagram.multicast)
  }
}
