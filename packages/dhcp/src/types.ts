import type { Endpoint, IpAddress } from '@fata/addr'
import type { KvRw } from '@fata/kv'
import type { DropCounts } from '@fata/net'

/** Declared as a method, so that a handler that is told more about a datagram fits as well. */
interface Listener {
  onMessage(buf: Uint8Array, off: number, end: number, info: { readonly src: Endpoint }): void
}

/**
 * What DHCP needs of a UDP socket; those of @fata/udp are such. It must be bound to the port of its side and may send broadcasts, for DHCPv4 also
 * from 0.0.0.0. Whoever made it closes it.
 */
export interface DhcpSocket {
  /** Called synchronously for every datagram; bytes and `info` are valid during the call. Set by DHCP, and unset when that is closed. */
  onMessage: Listener['onMessage'] | undefined
  /** Sends a copy of `data`, or throws an error with a `code` that begins with `ERR_`. */
  send(data: Uint8Array, dst: Endpoint, options?: { readonly src?: IpAddress | undefined }): void
}

/** What DHCP needs of a store. */
export type DhcpStore = Pick<KvRw, 'get' | 'set' | 'remove'>

/** Counters of a client or server. */
export interface DhcpStats {
  /** Well-formed messages. */
  received: number
  sent: number
  /** Received and without effect, by reason: those of `Malformed`, `unexpected`, `wrong-xid`, ... */
  readonly dropped: DropCounts
  /** Not sent, by reason: `send-failed`, `too-long`, `store-busy`, `store-failed`. */
  readonly unsent: DropCounts
}

/** Counters at zero. */
export function createStats(): DhcpStats {
  return { received: 0, sent: 0, dropped: {}, unsent: {} }
}
