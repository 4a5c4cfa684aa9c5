import type { Mac } from '@fata/addr'
import type { Gather } from '@fata/bytes'
import type { Fill, FrameMeta, Offload } from '@fata/net'
import type { EtherType } from './ethertype.ts'

/**
 * How an IP layer puts packets on a link: over Ethernet, where the next hop's address must be known (see `Neighbors`), or over a
 * point-to-point link, which has one other end and no addresses.
 */
export interface Link {
  /** Own link-layer address; undefined on a point-to-point link, where nothing is resolved. */
  readonly mac: Mac | undefined
  /** Largest IP packet in bytes. The device's, asked for each time. */
  readonly mtu: number
  /** What the device below does. */
  readonly offload: Offload

  /**
   * Sends one packet to `dst` (ignored on a point-to-point link). `size`, `fill`, `meta` and `payload` are as in `Net.write`, without
   * the link's own header. Throws NetError `ERR_NET_CLOSED`, `ERR_NET_FRAME_TOO_LONG`.
   */
  write(dst: Mac, protocol: EtherType, size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void

  /** Names the receiver of a protocol's packets and returns the function that ends it. Throws a TypeError where the protocol has one. */
  listen(protocol: EtherType, listener: LinkListener): () => void
}

/** Receives packets of one protocol. */
export interface LinkListener {
  /** One packet at `buf[off..end)`, which may have trailing padding. Everything is valid during the call only. */
  packet(buf: Uint8Array, off: number, end: number, frame: LinkFrame): void
  /** The device's batch is over. */
  batchEnd?(): void
}

/** What the link knows of a received packet. Reused: valid during the call only. */
export interface LinkFrame {
  /** Sender; 0 on a point-to-point link. */
  src: Mac
  /** Destination; 0 on a point-to-point link. */
  dst: Mac
  /** The destination was a group: multicast or broadcast. RFC 1122 §3.2.2 forbids ICMP errors about such packets. */
  multicast: boolean
  meta: FrameMeta
}
