import type { Mac } from '@fata/addr'

/** A device as a file describes it. */
export interface CapturedInterface {
  /** IANA's PCAP link type: 1 is Ethernet, 101 bare IP packets. */
  readonly linkType: number
  /** Bytes captured of each packet; 0 for no limit. */
  readonly snaplen: number
  readonly name: string | undefined
  readonly description: string | undefined
  readonly mac: Mac | undefined
  readonly comment: string | undefined
  /** Packets received and, of those, dropped: known once the reader has come to the device's statistics. */
  received: number | undefined
  dropped: number | undefined
}

/** A packet of a file. */
export interface CapturedPacket {
  readonly interface: CapturedInterface
  /** Nanoseconds since 1970-01-01 UTC; undefined where the file does not say. */
  readonly timeNs: bigint | undefined
  readonly direction: 'in' | 'out' | undefined
  /** What was captured: a part of the file's bytes, not a copy. */
  readonly bytes: Uint8Array
  /** Length of the packet when it was whole. */
  readonly length: number
  readonly comment: string | undefined
}
