import type { Endpoint, IpAddress } from '@fata/addr'
import type { GroupMembership, SourceFilter } from '@fata/ip'
import type { DropCounts, Fill } from '@fata/net'
import type { UdpError } from './errors.ts'

/** UDP, whatever carries it. */
export interface Udp {
  /**
   * Makes a socket. Throws UdpError `ERR_UDP_PORT_IN_USE`, `ERR_UDP_NO_PORT` (no ephemeral port is free), `ERR_UDP_NO_ADDRESS` (not an address of
   * this host), `ERR_UDP_LIMIT` (too many sockets), `ERR_UDP_CLOSED`; a TypeError or RangeError for nonsense; the signal's reason.
   */
  bind(options?: UdpBindOptions): UdpSocket
  /** Closes every socket. Idempotent, never rejects. */
  close(): Promise<void>
  readonly stats: UdpStats
}

/** What a socket is bound to and how it behaves. */
export interface UdpBindOptions {
  /**
   * Local address: one of the host's, a group or a broadcast address that it is to hear, or 0.0.0.0 or `::` for every address of that family.
   * Default: every address of both.
   */
  readonly address?: IpAddress | undefined
  /**
   * Local port. 0, the default, takes a free one at random (RFC 6056). `'any'` hears every port that no other socket is bound to, for proxies
   * and gateways.
   */
  readonly port?: number | 'any' | undefined
  /** Connects at once; see `UdpSocket.connect`. */
  readonly remote?: Endpoint | undefined
  /**
   * Shares address and port with other sockets that say so as well. Each gets the datagrams to groups and to everybody; others go to the one
   * that was bound last. Default false.
   */
  readonly shared?: boolean | undefined
  /** `address` need not be one of the host's. Default false. */
  readonly transparent?: boolean | undefined
  /** May send to broadcast addresses. Default false. */
  readonly broadcast?: boolean | undefined
  /** Datagrams and bytes that wait for `receive`; what comes on top is dropped and counted. An empty queue takes any datagram. Default: those of the `Udp`. */
  readonly queueDatagrams?: number | undefined
  readonly queueBytes?: number | undefined
  /** See `UdpSocket.onMessage`. */
  readonly onMessage?: UdpMessageHandler | undefined
  /** See `UdpSocket.onError`. */
  readonly onError?: ((error: UdpError) => void) | undefined
  /** Closes the socket. */
  readonly signal?: AbortSignal | undefined
}

/** A datagram at `buf[off..end)`. Everything is valid during the call only; addresses may be kept. */
export type UdpMessageHandler = (buf: Uint8Array, off: number, end: number, info: UdpInfo) => void

/** What is known of a received datagram. */
export interface UdpInfo {
  /** Sender. Port 0 where it wants no answer. */
  readonly src: Endpoint
  /** Where it was sent to: for answers from the right address, pass `dst.address` as `UdpSendOptions.src`. */
  readonly dst: Endpoint
  /** Time to live or hop limit as received. */
  readonly ttl: number
  /** DSCP and ECN as received. */
  readonly trafficClass: number
  /** Sent to a group or to everybody. */
  readonly multicast: boolean
  /** IPv4 header options as received, a copy; undefined where there are none. */
  readonly headerOptions?: Uint8Array | undefined
}

/** A received datagram. It belongs to the receiver. */
export interface Datagram extends UdpInfo {
  readonly data: Uint8Array
  /** Bytes of data as sent: more than those of `data` where `UdpReceiveOptions.maxBytes` cut it. */
  readonly size: number
}

/** How `UdpSocket.receive` waits, and for what. */
export interface UdpReceiveOptions {
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
  /** Bytes of data that are wanted; what a datagram has more is lost, and `Datagram.size` tells. Default: all. */
  readonly maxBytes?: number | undefined
}

/** How one datagram is to be sent. */
export interface UdpSendOptions {
  /**
   * Source address, one of the host's, or 0.0.0.0 to broadcast addresses while it has none. Default: the one that the socket is bound to, else the
   * IP layer's choice.
   */
  readonly src?: IpAddress | undefined
  /** Source port, for a socket of port `'any'`, which has none. */
  readonly srcPort?: number | undefined
  /** Time to live or hop limit, 1..255. Default: the IP layer's, which is another one for groups. */
  readonly ttl?: number | undefined
  /** DSCP and ECN, 0..255. Default 0. */
  readonly trafficClass?: number | undefined
  /** May the datagram be fragmented? Default true; false throws `ERR_UDP_TOO_LONG` where it does not fit. */
  readonly fragment?: boolean | undefined
  /** IPv4 header options as on the wire, at most 40 bytes: RFC 1122 §4.1.3.2. */
  readonly headerOptions?: Uint8Array | undefined
}

/**
 * A UDP socket. Datagrams go either to `onMessage` or, while that is undefined, into a bounded queue for `receive` and iteration.
 *
 * Sending is synchronous and best-effort: that nothing was thrown does not say that the datagram arrives. Errors which the network reports
 * about datagrams that were sent come later, see `onError`.
 *
 * Iterating yields datagrams until the socket is closed; leaving the loop does not close it.
 */
export interface UdpSocket extends AsyncIterable<Datagram>, AsyncDisposable {
  /** Resolves when the socket hears its port; rejects as `Udp.bind` throws. At once but over the host's sockets. */
  readonly ready: Promise<void>
  /** The address that it was bound to; undefined for every one of both families. */
  readonly address: IpAddress | undefined
  readonly port: number | 'any'
  /** The only peer it hears, where it is connected. */
  readonly remote: Endpoint | undefined
  readonly stats: UdpStats
  /** Called synchronously, without a copy, for every datagram from here on. */
  onMessage: UdpMessageHandler | undefined
  /**
   * Called with what the network reports about datagrams that this socket sent: `ERR_UDP_REFUSED`, `ERR_UDP_UNREACHABLE`, `ERR_UDP_TOO_LONG`. While
   * it is undefined, a connected socket reports by rejecting `receive`, and any other counts the report as `unreported-error`. Nothing
   * proves that a report is genuine.
   */
  onError: ((error: UdpError) => void) | undefined

  /**
   * From here on hears `remote` alone, and sends to it unless told otherwise; undefined undoes that. What is in the queue stays. Throws UdpError
   * `ERR_UDP_PORT_IN_USE`, `ERR_UDP_FAMILY`, `ERR_UDP_CLOSED`.
   */
  connect(remote: Endpoint | undefined): void

  /**
   * Sends a copy of `data` to `dst`, by default the connected peer: at most 65507 bytes over IPv4, 65527 over IPv6. Throws UdpError, nothing
   * sent: `ERR_UDP_TOO_LONG`, `ERR_UDP_UNREACHABLE` (no route), `ERR_UDP_NO_ADDRESS` (no source address), `ERR_UDP_FAMILY`, `ERR_UDP_BROADCAST` (needs the
   * option), `ERR_UDP_CLOSED`; a TypeError without destination.
   */
  send(data: Uint8Array, dst?: Endpoint, options?: UdpSendOptions): void

  /** As `send`, with data of at most `size` bytes that `fill` writes into the device's memory; see `Fill` of @fata/net. */
  write(dst: Endpoint | undefined, size: number, fill: Fill, options?: UdpSendOptions): void

  /**
   * The next datagram. Concurrent calls are served in order. Rejects with `ERR_UDP_CLOSED`, with the signal's reason, and on a connected socket
   * without `onError` with what the network reports, which the socket survives.
   */
  receive(options?: UdpReceiveOptions): Promise<Datagram>

  /**
   * Hears `group` from here on, from everybody or as `filter` says, until what it returns is left or the socket is closed; the socket must be
   * bound to the group's port. A group that a socket has not joined it hears where somebody else on this host has. Throws a RangeError where it
   * is no group, or there are too many; UdpError `ERR_UDP_FAMILY`, `ERR_UDP_CLOSED`; a TypeError where the UDP was made without groups.
   */
  join(group: IpAddress, filter?: SourceFilter): GroupMembership

  /** Bytes of data that reach `dst` in one packet, as far as is known. Throws as `send`. */
  maxPayload(dst?: Endpoint): number

  /** Ends reception at once and forgets what is queued. Idempotent, never rejects. */
  close(): Promise<void>
}

/** Counters of a socket, or of all of them. Bytes are data without headers. */
export interface UdpStats {
  rxDatagrams: number
  rxBytes: number
  txDatagrams: number
  txBytes: number
  /**
   * Of a socket: `queue-full`, and `unreported-error` (see `onError`). Of all: these too; the reasons of `Malformed`; `bad-checksum`, `zero-checksum`
   * (IPv6), `no-port` (nobody is bound to it), `source-filtered` (by the filter of a socket's group), `closed` (by a handler of the same datagram), `unknown-error` (a report about no socket's datagram).
   */
  readonly dropped: DropCounts
}
