import {
  broadcastAddress,
  type Endpoint,
  formatEndpoint,
  formatIp,
  IPV4_ANY,
  IPV4_BROADCAST,
  type IpAddress,
  isIpv4,
} from '@fata/addr'
import { foldSum, putU16 } from '@fata/bytes'
import { type Ip, type IpWriteOptions, PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import { createFrameMeta, type Fill } from '@fata/net'
import type { Binding } from './core/port-table.ts'
import { UdpError } from './errors.ts'
import { requireInteger } from './options.ts'
import { asUdpError } from './reports.ts'
import type { UdpSendOptions } from './types.ts'
import { CHECKSUM_OFFSET, createHeader, datagramChecksum, encode, HEADER_LEN } from './wire.ts'

/** What a total length of 16 bits leaves behind the headers of IPv4 and UDP, and behind that of UDP alone (IPv6). */
const LONGEST_OVER_IPV4 = 65507
const LONGEST_OVER_IPV6 = 65527

const NO_OPTIONS: UdpSendOptions = Object.freeze({})

/** What of a socket decides how it sends. */
export interface SendingSocket extends Binding {
  /** The address that it sends from; undefined where the IP layer chooses. */
  readonly source: IpAddress | undefined
  readonly mayBroadcast: boolean
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Puts datagrams on IP. What one datagram needs is kept in fields, so that nothing is allocated for it. */
export class Sender {
  readonly #ip: Ip
  readonly #header = createHeader()
  readonly #meta = createFrameMeta()
  readonly #options: Mutable<IpWriteOptions> = {
    src: undefined,
    ttl: undefined,
    trafficClass: undefined,
    fragment: undefined,
    headerOptions: undefined,
    meta: undefined,
  }
  #inner: Fill = () => 0
  #src: IpAddress = IPV4_ANY
  #dst: IpAddress = IPV4_ANY

  constructor(ip: Ip) {
    this.#ip = ip
  }

  /** Sends one datagram, or throws as `UdpSocket.send`. Returns the bytes of data that `fill` wrote. */
  send(socket: SendingSocket, dst: Endpoint, size: number, fill: Fill, options: UdpSendOptions = NO_OPTIONS): number {
    const { address } = dst
    this.#require(socket, dst, size, options)
    try {
      const src = options.src ?? socket.source ?? this.#ip.source(address)
      this.#options.src = src
      this.#options.ttl = options.ttl
      this.#options.trafficClass = options.trafficClass
      this.#options.fragment = options.fragment
      this.#options.headerOptions = options.headerOptions
      this.#options.meta = this.#mayLeaveChecksum(address, size) ? this.#meta : undefined
      this.#header.srcPort = options.srcPort ?? socket.localPort
      this.#header.dstPort = dst.port
      this.#src = src
      this.#dst = address
      this.#inner = fill
      this.#ip.write(address, PROTOCOL_UDP, HEADER_LEN + size, this.#fill, this.#options)
    } catch (error) {
      throw asUdpError(error, dst)
    }
    return this.#header.length - HEADER_LEN
  }

  /** Bytes of data that reach `dst` unfragmented. */
  maxPayload(dst: Endpoint): number {
    try {
      return this.#ip.mtu(dst.address) - HEADER_LEN
    } catch (error) {
      throw asUdpError(error, dst)
    }
  }

  /** Fragments carry no checksum of their own, so a datagram that will be cut must be summed here. */
  #mayLeaveChecksum(address: IpAddress, size: number): boolean {
    return this.#ip.offload(address).checksum && HEADER_LEN + size <= this.#ip.mtu(address)
  }

  readonly #fill: Fill = (buf, off) => {
    const header = this.#header
    const meta = this.#options.meta
    const length = this.#inner(buf, off + HEADER_LEN) + HEADER_LEN
    const pseudoHeader = pseudoHeaderSum(this.#src, this.#dst, PROTOCOL_UDP, length)
    header.length = length
    header.checksum = meta === undefined ? 0 : foldSum(pseudoHeader)
    encode(buf, off, header)
    if (meta === undefined) {
      putU16(buf, off + CHECKSUM_OFFSET, datagramChecksum(buf, off, off + length, pseudoHeader))
    } else {
      meta.checksum = 'partial'
      meta.checksumStart = off
      meta.checksumOffset = CHECKSUM_OFFSET
    }
    return length
  }

  #require(socket: SendingSocket, dst: Endpoint, size: number, options: UdpSendOptions): void {
    const { address, port } = dst
    const v4 = isIpv4(address)
    requireInteger('port', port, 1, 65535)
    requireInteger('size', size, 0, Number.MAX_SAFE_INTEGER)
    if (options.ttl !== undefined) requireInteger('ttl', options.ttl, 1, 255)
    if (options.trafficClass !== undefined) requireInteger('trafficClass', options.trafficClass, 0, 255)
    if (options.srcPort !== undefined) requireInteger('srcPort', options.srcPort, 0, 65535)
    if ((options.srcPort === undefined) === (socket.localPort === 0))
      throw new TypeError("srcPort is for sockets of port 'any', which need it, and for no others")
    if (socket.family !== 'both' && v4 !== (socket.family === 'ipv4'))
      throw new UdpError('ERR_UDP_FAMILY', `a socket of ${socket.family} cannot send to ${formatEndpoint(dst)}`)
    if (options.src !== undefined && v4 !== isIpv4(options.src))
      throw new UdpError(
        'ERR_UDP_FAMILY',
        `from ${formatIp(options.src)} nothing can be sent to ${formatEndpoint(dst)}`,
      )
    if (!v4 && options.headerOptions !== undefined)
      throw new UdpError('ERR_UDP_FAMILY', `IPv6 has no header options: ${formatEndpoint(dst)}`)
    if (size > (v4 ? LONGEST_OVER_IPV4 : LONGEST_OVER_IPV6))
      throw new UdpError('ERR_UDP_TOO_LONG', `${size} bytes do not fit into a datagram to ${formatEndpoint(dst)}`)
    if (v4 && !socket.mayBroadcast && isBroadcast(this.#ip, address))
      throw new UdpError('ERR_UDP_BROADCAST', `${formatEndpoint(dst)} needs the option broadcast`)
  }
}

/** The limited broadcast address, or that of a subnet of this host. */
export function isBroadcast(ip: Ip, address: IpAddress): boolean {
  // The host part of a directed broadcast has two bits at least, all of them ones.
  if (!isIpv4(address) || (address & 3) !== 3) return false
  if (address === IPV4_BROADCAST) return true
  for (const prefix of ip.addresses()) {
    if (isIpv4(prefix.address) && broadcastAddress({ address: prefix.address, length: prefix.length }) === address)
      return true
  }
  return false
}
