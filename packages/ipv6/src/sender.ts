import { formatIp, type IpAddress, type Ipv6, ipv6Equals, isIpv4, isIpv6Multicast, type Mac } from '@fata/addr'
import { copyGather, u32 } from '@fata/bytes'
import { IpError, type IpWriteOptions, PROTOCOL_TCP, PROTOCOL_UDP } from '@fata/ip'
import { ETHERTYPE_IPV6, type Link } from '@fata/link'
import { countDrop, type Fill, type FrameMeta, NetError } from '@fata/net'
import type { Driver, Random } from '@fata/runtime'
import { isUsable } from './core/addresses.ts'
import type { Ipv6Core } from './core/core.ts'
import type { Destination } from './core/destination-cache.ts'
import { isSettled } from './core/neighbor.ts'
import type { QueuedPacket } from './core/queued-packet.ts'
import { isInZone, pathMtu } from './core/routing.ts'
import { Emitter } from './emitter.ts'
import { flowLabel } from './flow-label.ts'
import type { Loopback } from './loopback.ts'
import {
  createIpv6Header,
  encodeIpv6Header,
  IPV6_HEADER_LEN,
  type Ipv6Header,
  MAX_PAYLOAD,
} from './wire/ipv6-header.ts'

const NO_OPTIONS: IpWriteOptions = Object.freeze({})
const NOBODY = 0 as Mac
/** How errors of the network, which are no bugs, are counted. */
const REFUSALS: Readonly<Record<string, string>> = {
  ERR_IP_NO_ROUTE: 'no-route',
  ERR_IP_NO_SOURCE: 'no-source',
  ERR_NET_CLOSED: 'link-closed',
  ERR_NET_FRAME_TOO_LONG: 'link-frame-too-long',
}

/** The error of everything that is asked of a closed layer. */
export function closedError(): NetError {
  return new NetError('ERR_NET_CLOSED', 'the IPv6 layer is closed')
}

/**
 * The sending half. A packet is written straight into the device's memory where it can leave at once and whole; else it is written to
 * memory of ours first: to be fragmented, to wait for its next hop, or to come back to this host.
 */
export class Sender {
  readonly #link: Link
  readonly #core: Ipv6Core
  readonly #driver: Driver<Ipv6Core>
  readonly #emitter: Emitter
  readonly #loopback: Loopback
  readonly #flowKey: number
  #closed = false

  constructor(link: Link, core: Ipv6Core, driver: Driver<Ipv6Core>, loopback: Loopback, random: Random) {
    this.#link = link
    this.#core = core
    this.#driver = driver
    this.#emitter = new Emitter(link, core.host)
    this.#loopback = loopback
    this.#flowKey = random.uint32()
  }

  close(): void {
    this.#closed = true
  }

  // What the functions below work on. A fill cannot re-enter, so fields do instead of a closure per packet.
  #dst: Ipv6 | undefined
  #last: Destination | undefined
  readonly #find = (core: Ipv6Core, now: number): ReturnType<Ipv6Core['destinationFor']> =>
    core.destinationFor(now, this.#dst!)
  #src: Ipv6 | undefined
  readonly #use = (core: Ipv6Core, now: number): Mac | undefined => core.useNeighbor(now, this.#last!, this.#src!).mac

  /** The way to `dst`. Throws as `Ip.source`. */
  destination(dst: IpAddress): Destination {
    if (isIpv4(dst)) throw new IpError('ERR_IP_FAMILY', `not an IPv6 address: ${formatIp(dst)}`)
    const { host } = this.#core
    const last = this.#last
    const known =
      last !== undefined && (last.address === dst || ipv6Equals(last.address, dst)) ? last : host.destinations.get(dst)
    if (known !== undefined && known.generation === host.generation && isInZone(host, dst)) {
      host.destinations.touch(known)
      this.#last = known
      return known
    }
    this.#dst = dst
    const found = this.#driver.step(this.#find)
    if (found === 'ERR_IP_NO_ROUTE') throw new IpError(found, `no route to ${formatIp(dst)}`)
    if (found === 'ERR_IP_NO_SOURCE') throw noSource(dst)
    this.#last = found
    return found
  }

  /** As `Ip.source`. */
  source(dst: IpAddress): Ipv6 {
    const { source } = this.destination(dst)
    if (source === undefined) throw noSource(dst)
    return source
  }

  /** Largest packet to `dst`. Throws as `Ip.source`. */
  packetMtu(dst: IpAddress): number {
    this.source(dst)
    const destination = this.destination(dst)
    return destination.nextHop.kind === 'local' ? IPV6_HEADER_LEN + MAX_PAYLOAD : pathMtu(this.#core.host, destination)
  }

  readonly #header: Ipv6Header = createIpv6Header()
  #inner: Fill = () => 0
  #rest = 0

  readonly #fill: Fill = (buf, off) => {
    const segment = off + IPV6_HEADER_LEN
    const length = this.#inner(buf, segment)
    const h = this.#header
    const hasPorts = h.nextHeader === PROTOCOL_TCP || h.nextHeader === PROTOCOL_UDP
    h.payloadLength = length + this.#rest
    h.flowLabel = flowLabel(this.#flowKey, h.src, h.dst, h.nextHeader, hasPorts ? u32(buf, segment) : 0)
    encodeIpv6Header(buf, off, h)
    return IPV6_HEADER_LEN + length
  }

  /** As `Ip.write`. */
  write(dst: IpAddress, protocol: number, size: number, fill: Fill, options: IpWriteOptions = NO_OPTIONS): void {
    if (this.#closed) throw closedError()
    const destination = this.destination(dst)
    const { meta, payload } = options
    const rest = payload === undefined ? 0 : payload.length
    const most = size + rest
    if (most > MAX_PAYLOAD) {
      throw new IpError('ERR_IP_TOO_LONG', `a payload of ${most} bytes exceeds ${MAX_PAYLOAD}`)
    }
    const mtu = pathMtu(this.#core.host, destination)
    const { nextHop } = destination
    const whole = IPV6_HEADER_LEN + most <= mtu || nextHop.kind === 'local' || this.#isSuperFrame(protocol, meta)
    if (!whole && options.fragment === false) {
      const length = IPV6_HEADER_LEN + most
      throw new IpError('ERR_IP_WOULD_FRAGMENT', `a packet of ${length} bytes exceeds the path MTU of ${mtu}`)
    }
    this.#src = this.#sourceFor(destination, options.src)
    // Asking for the next hop has consequences, so it comes before the fields that describe this packet.
    const to = this.#linkAddress(destination)
    this.#describe(destination, protocol, options)
    this.#inner = fill
    this.#rest = rest
    const isLooped = nextHop.kind === 'local' || (nextHop.kind !== 'neighbor' && this.#isLooped(destination.address))
    if (whole && to !== undefined && !isLooped) {
      this.#link.write(to, ETHERTYPE_IPV6, IPV6_HEADER_LEN + size, this.#fill, meta, payload)
      this.#core.host.stats.sent++
      return
    }
    const packet = this.#copy(most, options)
    if (isLooped) this.#loopback.push(packet)
    if (nextHop.kind === 'local') return
    if (to === undefined) this.#core.host.neighbors.queue(destination.neighbor!, packet)
    else this.#emitter.emit(to, packet)
  }

  /** As `write`, where nobody is there to be told that the packet cannot be sent: it is counted. */
  tryWrite(dst: Ipv6, protocol: number, size: number, fill: Fill, options: IpWriteOptions): void {
    try {
      this.write(dst, protocol, size, fill, options)
    } catch (error) {
      this.#countRefusal(error)
    }
  }

  #describe(destination: Destination, protocol: number, options: IpWriteOptions): void {
    const { host } = this.#core
    const h = this.#header
    const isGroup = isIpv6Multicast(destination.address)
    h.trafficClass = byte('trafficClass', options.trafficClass ?? 0, 0)
    h.hopLimit = byte('ttl', options.ttl ?? (isGroup ? host.settings.multicastHopLimit : host.hopLimit), 1)
    h.nextHeader = protocol
    h.src = this.#src!
    h.dst = destination.address
  }

  #sourceFor(destination: Destination, src: IpAddress | undefined): Ipv6 {
    const { source, address } = destination
    if (src === undefined) {
      if (source === undefined) throw noSource(address)
      return source
    }
    if (isIpv4(src)) throw new IpError('ERR_IP_FAMILY', `not an IPv6 address: ${formatIp(src)}`)
    if (source !== undefined && ipv6Equals(src, source)) return src
    const own = this.#core.host.addresses.get(src)
    if (own !== undefined && isUsable(own)) return src
    if (this.#core.host.settings.transparent && !isIpv6Multicast(src)) return src
    throw new IpError('ERR_IP_NO_SOURCE', `not an own address: ${formatIp(src)}`)
  }

  /** The device cuts it. `fill` may be the one to say so, but only of TCP. */
  #isSuperFrame(protocol: number, meta: FrameMeta | undefined): boolean {
    return meta !== undefined && (meta.gso !== 'none' || (protocol === PROTOCOL_TCP && this.#link.offload.tso6))
  }

  /** Undefined where the next hop has to be asked for it. */
  #linkAddress(destination: Destination): Mac | undefined {
    const { nextHop, neighbor } = destination
    if (nextHop.kind === 'multicast') return nextHop.mac
    if (nextHop.kind !== 'neighbor') return NOBODY
    if (neighbor === undefined || !isSettled(neighbor)) return this.#driver.step(this.#use)
    this.#core.host.neighbors.touch(neighbor)
    return neighbor.mac
  }

  /** Somebody here listens to the group as well. */
  #isLooped(dst: Ipv6): boolean {
    const { settings, mld } = this.#core.host
    return settings.multicastLoopback && isIpv6Multicast(dst) && mld.isMember(dst)
  }

  /** The packet in memory of its own, with room for `most` bytes of payload. */
  #copy(most: number, { meta, payload }: IpWriteOptions): QueuedPacket {
    const buf = new Uint8Array(IPV6_HEADER_LEN + most)
    let end = this.#fill(buf, 0)
    if (payload !== undefined) end += copyGather(buf, end, payload)
    return {
      bytes: end === buf.length ? buf : buf.subarray(0, end),
      meta: meta === undefined || (meta.checksum === 'none' && meta.gso === 'none') ? undefined : { ...meta },
    }
  }

  /** Sends a packet whose next hop is known; what cannot be sent is counted, since its writer is not there to be told. */
  transmit(to: Mac, packet: QueuedPacket): void {
    if (this.#closed) return
    try {
      this.#emitter.emit(to, packet)
    } catch (error) {
      this.#countRefusal(error)
    }
  }

  #countRefusal(error: unknown): void {
    const reason = REFUSALS[(error as { code?: string }).code ?? '']
    if (reason === undefined) throw error
    countDrop(this.#core.host.stats.unsent, reason)
  }
}

function noSource(dst: IpAddress): IpError {
  return new IpError('ERR_IP_NO_SOURCE', `no source address for ${formatIp(dst)}`)
}

function byte(name: string, value: number, least: number): number {
  if ((value & 0xff) !== value || value < least) throw new RangeError(`${name} must be in ${least}..255, got ${value}`)
  return value
}
