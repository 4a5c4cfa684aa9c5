import { formatIp, IPV4_ANY, type IpAddress, type Ipv4, isIpv4, isIpv4Loopback } from '@fata/addr'
import { copyGather, type Gather, hex } from '@fata/bytes'
import { IpError, type IpWriteOptions, PROTOCOL_TCP } from '@fata/ip'
import { ETHERTYPE_IPV4 } from '@fata/link'
import { createFrameMeta, type Fill, type FrameMeta, resetFrameMeta } from '@fata/net'
import { isSingleHost } from './core/error-rules.ts'
import { Identifications } from './core/identification.ts'
import type { Path } from './core/paths.ts'
import type { StoredPacket } from './core/pending.ts'
import type { Emitter } from './emitter.ts'
import type { Groups } from './groups.ts'
import { closedError, copyMeta, type Host, linkMtu } from './host.ts'
import type { LocalDelivery } from './local-delivery.ts'
import type { NextHops } from './next-hops.ts'
import { badOptionAt, createHeader, encode, HEADER_LEN, type Ipv4Header, MAX_HEADER_LEN, MAX_LENGTH } from './wire.ts'

const NO_OPTIONS: IpWriteOptions = Object.freeze({})

function byte(name: string, value: number, least: number): number {
  if ((value & 0xff) !== value || value < least) throw new RangeError(`${name} must be in ${least}..255, got ${value}`)
  return value
}

/** Bytes of a header with these options. */
function lengthWith(options: Uint8Array): number {
  const length = HEADER_LEN + ((options.length + 3) & ~3)
  if (length > MAX_HEADER_LEN || badOptionAt(options, 0, options.length) >= 0)
    throw new RangeError(`headerOptions are no list of at most 40 bytes: ${hex(options)}`)
  return length
}

/** What the sender hands packets to. */
export interface Ways {
  readonly emitter: Emitter
  readonly nextHops: NextHops
  readonly local: LocalDelivery
  readonly groups: Groups
}

/**
 * The sending half. A packet is written straight into the device's memory where it can leave at once and whole; else it is written to
 * memory of ours first: to be fragmented, to wait for its next hop, or to come back to this host.
 */
export class Sender {
  readonly #host: Host
  readonly #ways: Ways
  readonly #ids: Identifications
  /** Made when the first datagram is to be fragmented, or is to come back as well. */
  #scratch: StoredPacket | undefined
  #closed = false

  // What the fills write. A fill cannot re-enter, so fields do instead of a closure per packet.
  readonly #header: Ipv4Header = createHeader()
  #options: Uint8Array | undefined
  #inner: Fill = () => 0
  #payload: Gather | undefined

  constructor(host: Host, ways: Ways) {
    this.#host = host
    this.#ways = ways
    this.#ids = new Identifications(host.random)
  }

  /** The way to `dst`, and its source address unless that is 0.0.0.0. Throws IpError `ERR_IP_FAMILY`, `ERR_IP_NO_ROUTE`. */
  path(dst: IpAddress): Path {
    if (!isIpv4(dst)) throw new IpError('ERR_IP_FAMILY', `not an IPv4 address: ${formatIp(dst)}`)
    const path = this.#host.core.paths.to(dst)
    if (path === undefined) throw new IpError('ERR_IP_NO_ROUTE', `no route to ${formatIp(dst)}`)
    return path
  }

  /** As `Ip.source`. */
  source(dst: IpAddress): Ipv4 {
    const { source } = this.path(dst)
    if (source === IPV4_ANY) throw new IpError('ERR_IP_NO_SOURCE', `no source address for ${formatIp(dst)}`)
    return source
  }

  readonly #fill: Fill = (buf, off) => {
    const { headerLength } = this.#header
    const length = headerLength + this.#inner(buf, off + headerLength)
    this.#header.totalLength = length + (this.#payload === undefined ? 0 : this.#payload.length)
    encode(buf, off, this.#header, this.#options)
    return length
  }

  /** Writes the whole packet and returns its end. */
  readonly #flatten = (buf: Uint8Array, off: number): number => {
    const end = off + this.#fill(buf, off)
    return this.#payload === undefined ? end : end + copyGather(buf, end, this.#payload)
  }

  /** As `Ip.write`. */
  write(dst: IpAddress, protocol: number, size: number, fill: Fill, options: IpWriteOptions = NO_OPTIONS): void {
    if (this.#closed) throw closedError()
    if (!(size >= 0)) throw new RangeError(`size must be 0 or more, got ${size}`)
    const path = this.path(dst)
    const to = dst as Ipv4
    const { meta, payload, headerOptions } = options
    const headerLength = headerOptions === undefined ? HEADER_LEN : lengthWith(headerOptions)
    const length = headerLength + size + (payload === undefined ? 0 : payload.length)
    if (length > MAX_LENGTH) throw new IpError('ERR_IP_TOO_LONG', `a packet of ${length} bytes exceeds ${MAX_LENGTH}`)
    this.#describe(to, protocol, path, options)
    this.#header.headerLength = headerLength
    this.#options = headerOptions
    this.#inner = fill
    this.#payload = payload
    if (path.kind === 'local') this.#ways.local.store(length, this.#flatten, meta)
    else this.#writeOut(path, to, length, options)
  }

  /** Sets the header. Atomic datagrams need no identification, RFC 6864 §4.1. */
  #describe(dst: Ipv4, protocol: number, path: Path, options: IpWriteOptions): void {
    const { settings, core } = this.#host
    const h = this.#header
    h.trafficClass = byte('trafficClass', options.trafficClass ?? 0, 0)
    h.ttl = byte('ttl', options.ttl ?? (path.kind === 'multicast' ? settings.multicastTtl : settings.ttl), 1)
    h.protocol = protocol
    h.src = options.src === undefined ? this.source(dst) : this.#checkedSource(options.src, path)
    h.dst = dst
    h.dontFragment = options.fragment === false && !core.pathMtus.mustFragment(dst)
    h.id = h.dontFragment || path.kind === 'local' ? 0 : this.#ids.next(h.src, dst, protocol)
  }

  /** RFC 1122 §3.2.1.3: an own address, or 0.0.0.0 while one is being learnt. */
  #checkedSource(src: IpAddress, path: Path): Ipv4 {
    if (!isIpv4(src)) throw new IpError('ERR_IP_FAMILY', `not an IPv4 address: ${formatIp(src)}`)
    const { addresses } = this.#host.core
    if (addresses.has(src)) return src
    if (src === IPV4_ANY && (path.kind === 'broadcast' || path.kind === 'multicast')) return src
    if (path.kind === 'local' && isIpv4Loopback(src)) return src
    if (this.#host.settings.transparent && isSingleHost(src) && !addresses.isBroadcast(src)) return src
    throw new IpError('ERR_IP_NO_SOURCE', `not an own address: ${formatIp(src)}`)
  }

  #writeOut(path: Path, dst: Ipv4, length: number, options: IpWriteOptions): void {
    const { link, stats, settings } = this.#host
    const { emitter, nextHops, local, groups } = this.#ways
    const { meta, payload } = options
    const mtu = linkMtu(this.#host, dst)
    const whole = length <= mtu || this.#isSuperFrame(meta)
    if (!whole && options.fragment === false)
      throw new IpError('ERR_IP_WOULD_FRAGMENT', `a packet of ${length} bytes exceeds the path MTU of ${mtu}`)
    const mac = nextHops.lookup(path, dst)
    if (mac === undefined) {
      const packet = { buf: new Uint8Array(length), off: 0, end: 0, meta: createFrameMeta() }
      nextHops.wait(path.nextHop, this.#store(packet, meta))
      return
    }
    const returns = path.kind === 'multicast' && settings.multicastLoopback
    const isOwnGroup = returns && groups.refuse(dst, this.#header.src) === undefined
    if (!whole || isOwnGroup) {
      const packet = this.#store(this.#scratchPacket(), meta)
      emitter.emit(mac, packet)
      if (isOwnGroup) local.storeCopy(packet)
      return
    }
    link.write(mac, ETHERTYPE_IPV4, length - (payload === undefined ? 0 : payload.length), this.#fill, meta, payload)
    stats.sent++
  }

  /** The device cuts it. Where `meta` does not say so yet, `fill` may: it is TCP then, and the device would refuse anything else. */
  #isSuperFrame(meta: FrameMeta | undefined): boolean {
    if (meta === undefined) return false
    return meta.gso !== 'none' || (this.#header.protocol === PROTOCOL_TCP && this.#host.link.offload.tso4)
  }

  #store(packet: StoredPacket, meta: FrameMeta | undefined): StoredPacket {
    packet.end = this.#flatten(packet.buf, packet.off)
    if (meta === undefined) resetFrameMeta(packet.meta)
    else copyMeta(packet.meta, meta, 0)
    return packet
  }

  #scratchPacket(): StoredPacket {
    this.#scratch ??= { buf: new Uint8Array(MAX_LENGTH), off: 0, end: 0, meta: createFrameMeta() }
    return this.#scratch
  }

  close(): void {
    this.#closed = true
  }
}
