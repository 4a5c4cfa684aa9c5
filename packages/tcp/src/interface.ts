import type { Endpoint, IpAddress } from '@fata/addr'
import type { Flow, FlowOptions, WebStreams } from '@fata/flow'
import type { IpReportKind } from '@fata/ip'
import type { State } from './core/state.ts'
import type { TcpErrorCode } from './errors.ts'
import type { TcpFlowOptions } from './flow-options.ts'
import type { TcpStats } from './stats.ts'

/** TCP over an IP layer, or whatever offers the same: the host's sockets, another implementation. */
export interface Tcp extends AsyncDisposable {
  /** Counters, live. */
  readonly stats: TcpStats

  /**
   * Opens a connection and resolves when it is established. Rejects with TcpError `ERR_TCP_REFUSED` (a reset, a port unreachable),
   * `ERR_TCP_TIMEOUT`, `ERR_TCP_UNREACHABLE` (no route, next hop or protocol unreachable), `ERR_TCP_PORT_IN_USE`, `ERR_TCP_NO_PORT`,
   * `ERR_TCP_LIMIT`, `ERR_TCP_CLOSED`, or with the signal's reason. Throws a RangeError or TypeError on nonsense: a port that is
   * none, a group or broadcast address (MUST-46).
   */
  connect(to: TcpTarget, options?: TcpConnectOptions): Promise<TcpFlow>

  /**
   * Accepts connections. With `onFlow` each goes there as soon as it is established; an error that it throws, or rejects with, aborts
   * the flow. Without, they wait for `accept`. Throws TcpError `ERR_TCP_PORT_IN_USE`, `ERR_TCP_NO_PORT`, `ERR_TCP_CLOSED`.
   */
  listen(on: TcpListenTarget, onFlow?: (flow: TcpFlow) => void | Promise<void>): TcpListener

  /** Every connection in any state but CLOSED, LISTEN included in none. A snapshot. */
  connections(): readonly TcpConnectionState[]

  /**
   * Ends everything: listeners at once, flows as by `Flow.close` if they need no longer than `graceMs` for it (default 0), else as by
   * `Flow.abort`. Idempotent, never rejects.
   */
  close(options?: { readonly graceMs?: number | undefined }): Promise<void>
}

/** The other end. */
export interface TcpTarget {
  readonly address: IpAddress
  /** 1..65535 */
  readonly port: number
  /** Default: what the IP layer chooses. */
  readonly localAddress?: IpAddress | undefined
  /** 1..65535. Default: an unpredictable free one (RFC 6056). */
  readonly localPort?: number | undefined
}

export interface TcpConnectOptions extends TcpFlowOptions {
  /** Gives up, and forgets the connection. */
  readonly signal?: AbortSignal | undefined
  /** What is written first, as by `write`; it belongs to the flow. */
  readonly data?: Uint8Array | undefined
  /** Send `data` with the SYN where the peer has given a cookie, ask for one where not (RFC 7413). What is sent may arrive twice. Default false. */
  readonly fastOpen?: boolean | undefined
  /** Gives up with `ERR_TCP_TIMEOUT`. Default: `TcpOptions.synTimeoutMs`. */
  readonly timeoutMs?: number | undefined
}

/** Where to listen, and what accepted flows begin with. */
export interface TcpListenTarget extends TcpFlowOptions {
  /** 1..65535; 0 for a free one; `'any'` for every port that has no listener of its own (transparent proxies). */
  readonly port: number | 'any'
  /** Default: every address. One that is not the host's is taken as it is, if the IP layer delivers packets for it. */
  readonly address?: IpAddress | undefined
  /** See `TcpOptions.backlog`. */
  readonly backlog?: number | undefined
  /** See `TcpOptions.synBacklog`. */
  readonly synBacklog?: number | undefined
  /**
   * Take data that comes with a SYN (RFC 7413): so many connections may be there before their handshake is over. A request may come
   * twice then. Default 0: never.
   */
  readonly fastOpen?: number | undefined
}

/** A place where connections arrive. */
export interface TcpListener extends AsyncDisposable, AsyncIterable<TcpFlow> {
  /** Resolves when connections are accepted and `local` is final; rejects as `Tcp.listen` throws. At once but over the host's sockets. */
  readonly ready: Promise<void>
  /** `address` undefined: every address. */
  readonly local: { readonly address: IpAddress | undefined; readonly port: number | 'any' }
  /** Connections that wait for `accept`. */
  readonly waiting: number
  /** Called when a connection has come to wait for `accept`; undefined for none, which is the default. */
  onReady: (() => void) | undefined
  /** The next connection. Rejects with `ERR_TCP_CLOSED` after `close`, or with the signal's reason. */
  accept(options?: FlowOptions): Promise<TcpFlow>
  /** Ends listening; connections that nobody has accepted are reset, iterations end. Idempotent, never rejects. */
  close(): Promise<void>
}

export interface TcpReadOptions extends FlowOptions {
  /**
   * The chunk is valid until the next `read`, `close` or `abort` only: its memory is used again, which is several times as fast as
   * new memory for each chunk. Default false: the chunk is the caller's.
   */
  readonly borrow?: boolean | undefined
  /** No longer chunk than this, at least 1. Default: what is at hand in one piece. */
  readonly most?: number | undefined
}

export interface TcpWriteOptions extends FlowOptions {
  /** The chunk is urgent data (RFC 9293 §3.8.5; new applications should not use it). */
  readonly urgent?: boolean | undefined
}

/** An established connection. `abort` resets it; `close` with unread data does so too, once the peer has what was written. */
export interface TcpFlow extends Flow {
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Both directions as Web Streams, made on first use. */
  readonly streams: WebStreams

  read(options?: TcpReadOptions): Promise<Uint8Array | null>

  /** As `Flow.write`; rejects with `ERR_TCP_LIMIT`, and has not accepted the chunk, where memory for written data is used up. */
  write(chunk: Uint8Array, options?: TcpWriteOptions): Promise<void>

  /** A copy of the bytes that have arrived and not been read, `most` of them or what there is; they stay to be read. */
  peek(most: number): Uint8Array

  /** What is known of the connection. A snapshot. */
  info(): TcpInfo

  /** Changes what was chosen at the beginning; what is not given stays. `keepalive: false` turns it off. */
  configure(options: TcpFlowOptions): void

  /** Names the receiver of asynchronous reports (RFC 9293 §3.9.1.8), undefined for none, which is the default. */
  onReport: ((report: TcpReport) => void) | undefined

  /**
   * Called when reading or writing may no longer have to wait, or the flow has ended: what poll(2) waits for. undefined for none,
   * which is the default.
   */
  onReady: (() => void) | undefined
}

/**
 * `'urgent'`: urgent data arrives, `info().urgentBytes` says how much is left (MUST-32, MUST-33). `'soft-error'`: ICMP tells of trouble,
 * `info().softError` of which kind; the connection goes on (MUST-47). `'stalled'`: the peer has not answered several
 * retransmissions (SHLD-9).
 */
export type TcpReport = 'urgent' | 'soft-error' | 'stalled'

/** One connection, for those who look from outside. */
export interface TcpConnectionState {
  readonly state: State
  readonly local: Endpoint
  readonly remote: Endpoint
}

/** After Linux's `tcp_info`, whose names stand in brackets where ours differ. Times are ms, sizes bytes, what is called segments a count. */
export interface TcpInfo extends TcpConnectionState {
  /** Effective send MSS [snd_mss]; what the peer was told [advmss]; what he sends as a full segment, as far as seen [rcv_mss]. */
  readonly mss: number
  readonly advertisedMss: number
  readonly receiveMss: number
  /** Largest segment, header included, that the way to the peer carries in one packet. */
  readonly pathMtu: number
  /** Timestamps, SACK, ECN and window scaling, where both ends use them. */
  readonly timestamps: boolean
  readonly sack: boolean
  readonly ecn: boolean
  readonly windowScaling: boolean
  /** Shift counts of the peer's window and of the own one [snd_wscale, rcv_wscale]. */
  readonly sendScale: number
  readonly receiveScale: number
  readonly rttMs: number
  readonly rttVarMs: number
  /** Infinity where none has been measured. */
  readonly minRttMs: number
  readonly rtoMs: number
  /** Expirations of the retransmission or probe timer in a row; unanswered probes of a shut window or a silent peer. */
  readonly backoff: number
  readonly probes: number
  readonly congestion: string
  readonly cwnd: number
  readonly ssthresh: number
  readonly recovery: 'none' | 'fast' | 'timeout'
  /** What recovery is doing, in Linux's words [ca_state]. */
  readonly congestionState: 'open' | 'disorder' | 'cwr' | 'recovery' | 'loss'
  /** Segments sent and not acknowledged; of these reported as arrived, taken for lost, sent again [unacked, sacked, lost, retrans]. */
  readonly unackedSegments: number
  readonly sackedSegments: number
  readonly lostSegments: number
  readonly resentSegments: number
  /** Segments known to have arrived, SYN included; of these such whose ACK told of congestion [delivered_ce]. */
  readonly deliveredSegments: number
  readonly deliveredMarkedSegments: number
  /** Times that reordering was seen [reord_seen]; retransmissions that the peer did not need [dsack_dups]. */
  readonly reorderings: number
  readonly duplicates: number
  /** The peer's window; the own one. */
  readonly sendWindow: number
  readonly receiveWindow: number
  /** Written and not sent; sent and not acknowledged; of these, in the network as far as is known. */
  readonly unsentBytes: number
  readonly unackedBytes: number
  readonly inFlightBytes: number
  /** Of what is unacknowledged: reported by the peer; taken for lost; of these, sent again. */
  readonly sackedBytes: number
  readonly lostBytes: number
  readonly resentBytes: number
  /** Segments have overtaken each other on their way (RFC 8985). */
  readonly reorderingSeen: boolean
  /** Arrived and not read; of all that, out of order; urgent data that has not been read. */
  readonly unreadBytes: number
  readonly outOfOrderBytes: number
  readonly urgentBytes: number
  /** The peer's end has arrived, behind everything unread. */
  readonly endReceived: boolean
  readonly bytesSent: number
  readonly bytesAcked: number
  readonly bytesReceived: number
  /** Segments sent again, and their bytes [total_retrans, bytes_retrans]. */
  readonly retransmits: number
  readonly retransmittedBytes: number
  /** How long there was something to send; of that, limited by the peer's window, by the send buffer [busy_time, rwnd_limited, sndbuf_limited]. */
  readonly busyMs: number
  readonly windowLimitedMs: number
  readonly bufferLimitedMs: number
  /** Since text was sent, since it came, since anything came [last_data_sent, last_data_recv, last_ack_recv]; Infinity for never. */
  readonly sinceTextOutMs: number
  readonly sinceTextInMs: number
  readonly sinceHeardMs: number
  /** Bytes per second at which segments leave; Infinity where they are not spread [pacing_rate]. */
  readonly paceBytesPerSecond: number
  readonly softError: IpReportKind | undefined
  /** Why the connection is gone; undefined while it is not, and after an orderly end. */
  readonly failure: TcpErrorCode | undefined
  /** Data on the SYN was taken [TCPI_OPT_SYN_DATA]; the peer gave a cookie for the next time (RFC 7413). */
  readonly synData: boolean
  readonly fastOpenCookie: boolean
}
