import type { IpAddress, Prefix } from '@fata/addr'
import type { Gather } from '@fata/bytes'
import type { Fill, FrameMeta, Offload } from '@fata/net'
import type { IpReport } from './report.ts'

/**
 * What a transport needs of an IP layer. One instance serves one family or both; an address of a family that it does not serve is
 * refused with `ERR_IP_FAMILY`.
 */
export interface Ip {
  /** The configured addresses with their prefix lengths, without those that may not be used yet (tentative ones). */
  addresses(): readonly Prefix[]

  /** The source address that packets to `dst` get. Throws IpError `ERR_IP_NO_ROUTE`, `ERR_IP_NO_SOURCE`, `ERR_IP_FAMILY`. */
  source(dst: IpAddress): IpAddress

  /** Largest transport segment in bytes (header and payload) that reaches `dst` in one packet, as far as is known. Throws as `source`. */
  mtu(dst: IpAddress): number

  /** What the device towards `dst` does. Throws as `source`. */
  offload(dst: IpAddress): Offload

  /**
   * Sends one packet to `dst`. `fill` writes at most `size` bytes of transport header and data, the ranges of `options.payload` follow.
   * The packet may leave later (its next hop is being resolved), then from a copy; that nobody answered is told by `IpListener.error`.
   *
   * Throws IpError, nothing sent: as `source`; `ERR_IP_WOULD_FRAGMENT` where it exceeds the path MTU and `options.fragment` is false;
   * `ERR_IP_TOO_LONG` where it exceeds what a datagram can carry. Throws NetError `ERR_NET_CLOSED`.
   */
  write(dst: IpAddress, protocol: number, size: number, fill: Fill, options?: IpWriteOptions): void

  /**
   * Adds a receiver of a protocol's packets and returns the function that removes it. Several may listen: they are asked in the
   * order in which they came until one takes the packet.
   */
  listen(protocol: number, listener: IpListener): () => void

  /**
   * What was sent to `dst` has arrived: new data of a peer that waits for acknowledgments came, or an acknowledgment of new data.
   * Spares the next hop the question whether it is there (RFC 4861 §7.3.1, RFC 1122 §2.3.2.1). Once in a few seconds is enough. Never
   * throws.
   */
  confirm(dst: IpAddress): void
}

/** How one packet is to be sent. Read during the call only, so that one record can be reused. */
export interface IpWriteOptions {
  /** Source address, one of the host's own. Default: `source(dst)`. */
  readonly src?: IpAddress | undefined
  /** Time to live or hop limit, 1..255. Default: the layer's. */
  readonly ttl?: number | undefined
  /** DSCP and ECN: the TOS or traffic class byte. Default 0. */
  readonly trafficClass?: number | undefined
  /** May the packet be fragmented here or (IPv4) on its way? Default true. */
  readonly fragment?: boolean | undefined
  /**
   * IPv4 header options as on the wire, at most 40 bytes (RFC 791 §3.1): with them that much less of the MTU is left. IPv6 has none and
   * looks at no such list.
   */
  readonly headerOptions?: Uint8Array | undefined
  /** Offload metadata, as in `Net.write`; `fill` may set it. */
  readonly meta?: FrameMeta | undefined
  /** Ranges that follow what `fill` wrote, as in `Net.write`. */
  readonly payload?: Gather | undefined
}

/** Receives packets of one protocol. */
export interface IpListener {
  /**
   * One transport segment at `buf[off..end)`, exactly as long as the IP header says. Everything is valid during the call only. Returns
   * whether it was taken; a packet that nobody takes is answered with an ICMP port unreachable, where RFC 1122 §3.2.2 allows one.
   */
  packet(buf: Uint8Array, off: number, end: number, packet: IpPacket): boolean
  /** What became of a packet that this host sent. Valid during the call only. */
  error?(report: IpReport): void
  /** The device's batch is over. */
  batchEnd?(): void
}

/** What the IP layer knows of a received packet. Reused: valid during the call only; addresses may be kept. */
export interface IpPacket {
  src: IpAddress
  dst: IpAddress
  protocol: number
  /** Time to live or hop limit as received. */
  ttl: number
  /** DSCP and ECN as received. */
  trafficClass: number
  /** Sent to a group: IP or link-layer multicast or broadcast. */
  multicast: boolean
  /** Bytes of IPv4 header options, which stand in front of the segment: `buf[off - headerOptions..off)`. Absent where there cannot be any. */
  headerOptions?: number | undefined
  /** Offload metadata. `meta.checksum` other than `'none'` means that the transport checksum needs no verification. */
  meta: FrameMeta
}
