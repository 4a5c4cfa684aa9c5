import { type Ipv6, readIpv6 } from '@fata/addr'
import type { FrameMeta } from '@fata/net'
import { DESTINATION, SOURCE } from '../wire/ipv6-header.ts'

/** A packet that waits: a copy, complete from its IPv6 header on. Longer than the path MTU, it is still to be fragmented. */
export interface QueuedPacket {
  readonly bytes: Uint8Array
  /** Positions count from the beginning of `bytes`. Undefined: the packet is complete as it stands. */
  readonly meta: FrameMeta | undefined
}

/** Source of a queued packet. */
export function sourceOf(packet: QueuedPacket): Ipv6 {
  return readIpv6(packet.bytes, SOURCE)
}

/** Destination of a queued packet. */
export function destinationOf(packet: QueuedPacket): Ipv6 {
  return readIpv6(packet.bytes, DESTINATION)
}
