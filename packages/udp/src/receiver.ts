import { type Endpoint, formatIp, IPV4_ANY, isIpv4 } from '@fata/addr'
import { u16 } from '@fata/bytes'
import { type IpListener, type IpPacket, type IpReport, PROTOCOL_UDP, pseudoHeaderSum } from '@fata/ip'
import { countDrop } from '@fata/net'
import type { Logger } from '@fata/runtime'
import type { PortTable } from './core/port-table.ts'
import { reportedError } from './reports.ts'
import type { Socket } from './socket.ts'
import { countReceived } from './stats.ts'
import type { UdpInfo, UdpStats } from './types.ts'
import { checksumHolds, createHeader, decode, HEADER_LEN, type UdpHeader } from './wire.ts'

/** Both ports; every report quotes as much. */
const QUOTED_LEN = 4

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Takes what IP hands up to the socket that it is for. */
export class Receiver implements IpListener {
  readonly #table: PortTable<Socket>
  readonly #stats: UdpStats
  readonly #log: Logger
  readonly #header = createHeader()
  readonly #src: Mutable<Endpoint> = { address: IPV4_ANY, port: 0 }
  readonly #dst: Mutable<Endpoint> = { address: IPV4_ANY, port: 0 }
  readonly #info: Mutable<UdpInfo> = {
    src: this.#src,
    dst: this.#dst,
    ttl: 0,
    trafficClass: 0,
    multicast: false,
    headerOptions: undefined,
  }
  readonly #group: Socket[] = []

  constructor(table: PortTable<Socket>, stats: UdpStats, log: Logger) {
    this.#table = table
    this.#stats = stats
    this.#log = log
  }

  packet(buf: Uint8Array, off: number, end: number, packet: IpPacket): boolean {
    const header = decode(buf, off, end, this.#header)
    if (typeof header === 'string') return this.#refuse(header, packet)
    const dataEnd = off + header.length
    const { src, dst, multicast } = packet
    const socket = multicast
      ? this.#findGroup(header, packet)
      : this.#table.find(src, header.srcPort, dst, header.dstPort)
    if (socket === undefined && multicast) return this.#nobody()
    const fault = checksumFault(buf, off, dataEnd, header, packet)
    if (fault !== undefined) return this.#refuse(fault, packet)
    if (socket === undefined) return this.#nobody()
    this.#describe(header, packet, buf, off)
    if (!multicast) this.#deliver(socket, buf, off + HEADER_LEN, dataEnd)
    else this.#deliverToGroup(packet, buf, off + HEADER_LEN, dataEnd)
    return true
  }

  error(report: IpReport): void {
    const { buf, off, end } = report
    const remotePort = end - off < QUOTED_LEN ? 0 : u16(buf, off + 2)
    const socket = remotePort === 0 ? undefined : this.#table.find(report.dst, remotePort, report.src, u16(buf, off))
    if (socket === undefined) {
      countDrop(this.#stats.dropped, 'unknown-error')
      return
    }
    const error = reportedError(report, { address: report.dst, port: remotePort })
    if (!socket.report(error)) countDrop(this.#stats.dropped, 'unreported-error')
  }

  /** Fills `#group` and returns one of it. */
  #findGroup(header: UdpHeader, { src, dst }: IpPacket): Socket | undefined {
    this.#table.findAll(src, header.srcPort, dst, header.dstPort, this.#group)
    return this.#group[0]
  }

  #deliverToGroup({ src, dst }: IpPacket, buf: Uint8Array, off: number, end: number): void {
    for (const member of this.#group) {
      if (member.hears(dst, src)) this.#deliver(member, buf, off, end)
      else countDrop(this.#stats.dropped, 'source-filtered')
    }
  }

  #deliver(socket: Socket, buf: Uint8Array, off: number, end: number): void {
    const dropped = socket.deliver(buf, off, end, this.#info)
    if (dropped === undefined) countReceived(this.#stats, end - off)
    else countDrop(this.#stats.dropped, dropped)
  }

  #describe(header: UdpHeader, packet: IpPacket, buf: Uint8Array, off: number): void {
    this.#src.address = packet.src
    this.#src.port = header.srcPort
    this.#dst.address = packet.dst
    this.#dst.port = header.dstPort
    this.#info.ttl = packet.ttl
    this.#info.trafficClass = packet.trafficClass
    this.#info.multicast = packet.multicast
    const { headerOptions = 0 } = packet
    this.#info.headerOptions = headerOptions === 0 ? undefined : buf.slice(off - headerOptions, off)
  }

  /** Taken, so that nobody answers it, and dropped. */
  #refuse(reason: string, { src, dst }: IpPacket): true {
    countDrop(this.#stats.dropped, reason)
    if (this.#log.enabled('debug'))
      this.#log.log('debug', 'udp', 'datagram refused', { reason, from: formatIp(src), to: formatIp(dst) })
    return true
  }

  /** Not taken: IP answers that the port is unreachable, where that is allowed. */
  #nobody(): false {
    countDrop(this.#stats.dropped, 'no-port')
    return false
  }
}

/** RFC 1122 §4.1.3.4; RFC 8200 §8.1 has no datagram over IPv6 without a checksum. */
function checksumFault(
  buf: Uint8Array,
  off: number,
  end: number,
  header: UdpHeader,
  { src, dst, meta }: IpPacket,
): 'zero-checksum' | 'bad-checksum' | undefined {
  if (header.checksum === 0) return isIpv4(dst) ? undefined : 'zero-checksum'
  if (meta.checksum !== 'none') return undefined
  return checksumHolds(buf, off, end, pseudoHeaderSum(src, dst, PROTOCOL_UDP, header.length))
    ? undefined
    : 'bad-checksum'
}
