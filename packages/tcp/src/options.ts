import type { CongestionFactory } from './core/congestion/congestion.ts'
import type { CongestionName } from './core/congestion/create.ts'
import { checkCongestion, checkOneOf, checkRange } from './flow-options.ts'

/** All of them have defaults that suit the Internet and a fast local network alike. */
export interface TcpOptions {
  /** Connections in any state; one in TIME-WAIT gives way to a new one. Default 65536. */
  readonly maxConnections?: number | undefined
  /** Connections in TIME-WAIT; the oldest gives way. Default 16384. */
  readonly timeWaitLimit?: number | undefined
  /** Half-open connections per listener; for what comes then see `synCookies`. Default 1024. */
  readonly synBacklog?: number | undefined
  /**
   * SYN cookies (RFC 4987 §3.6): for no SYN, then the oldest half-open connection gives way; for those that find `synBacklog` full; for
   * all. Default `'auto'`.
   */
  readonly synCookies?: 'off' | 'auto' | 'always' | undefined
  /** Established connections per listener that nobody has accepted; a SYN that finds it full is not answered. Default 128. */
  readonly backlog?: number | undefined

  /** Received bytes that wait to be read, per connection: what it starts with. Default 256 KiB. */
  readonly receiveBufferBytes?: number | undefined
  /** As far as that grows for a reader that keeps pace. Decides the window scale. Default 4 MiB. */
  readonly receiveBufferMaxBytes?: number | undefined
  /** Written bytes that are not acknowledged, per connection, above which `write` waits. Default 256 KiB. */
  readonly sendBufferBytes?: number | undefined
  /** As far as that grows with the congestion window. Default 4 MiB. */
  readonly sendBufferMaxBytes?: number | undefined
  /** Received bytes of all connections together; what exceeds it is dropped, to be sent again. Default 256 MiB. */
  readonly receiveMemoryBytes?: number | undefined
  /** Written bytes of all connections together; a `write` that exceeds it is refused with `ERR_TCP_LIMIT`. Default 256 MiB. */
  readonly sendMemoryBytes?: number | undefined
  /** Pieces of data out of order per connection; further ones are dropped. Default 512. */
  readonly reassemblyRanges?: number | undefined

  /** Offer timestamps (RFC 7323). Default true. */
  readonly timestamps?: boolean | undefined
  /**
   * Take segments without the timestamp that was agreed on, as Linux does; RFC 7323 §3.2 says to drop them. Default false.
   */
  readonly tolerateMissingTimestamps?: boolean | undefined
  /** Offer selective acknowledgments (RFC 2018). Default true. */
  readonly sack?: boolean | undefined
  /** Offer window scaling (RFC 7323). Default true. */
  readonly windowScale?: boolean | undefined
  /**
   * Explicit congestion notification (RFC 3168): never; where the peer asks for it, as in Linux; asked for too. Default `'accept'`.
   */
  readonly ecn?: 'off' | 'accept' | 'request' | undefined
  /** Send small writes at once instead of collecting them while data is unacknowledged (Nagle, RFC 9293 §3.7.4). Default false. */
  readonly noDelay?: boolean | undefined
  /**
   * Which congestion control connections have: CUBIC (RFC 9438), NewReno (RFC 5681, 6582), BBR, which paces, or what the given function
   * makes for each.
   * Default `'cubic'`.
   */
  readonly congestion?: CongestionName | CongestionFactory | undefined
  /** Segments that may be sent before the first acknowledgment (RFC 6928). Default 10. */
  readonly initialWindowSegments?: number | undefined

  /**
   * Look for the segment size that the path carries by sending (RFC 4821): never; where segments vanish without a word; from the
   * beginning. Default `'black-hole'`.
   */
  readonly mtuProbing?: 'off' | 'black-hole' | 'always' | undefined
  /** Begin anew from the initial window after an idle time (RFC 5681 §4.1). Default true. */
  readonly restartAfterIdle?: boolean | undefined
  /** Report text that came twice (RFC 2883). Default true. */
  readonly dsack?: boolean | undefined

  /**
   * Least retransmission timeout. RFC 6298 says 1 s and allows less where it proves better: Linux and gVisor have used 200 ms for
   * decades, since it lies above the delayed acknowledgments of every peer and a lost last segment costs a fifth. Default 200.
   */
  readonly minRtoMs?: number | undefined
  /**
   * G of RFC 6298 §2: the timeout is so much longer than the round trip at least. Linux has 200 here, and with it hardly a needless
   * retransmission. Default 1.
   */
  readonly rtoGranularityMs?: number | undefined
  /** Retransmission timeout before a round trip has been measured (RFC 6298 §2.1). Default 1000. */
  readonly initialRtoMs?: number | undefined
  /** Longest retransmission timeout, at least 60 s (RFC 6298 §2.5). Default 60000. */
  readonly maxRtoMs?: number | undefined
  /** How long opening a connection is tried, at least 180 s (R2 of a SYN, MUST-23); `connect` can give up earlier. Default 180000. */
  readonly synTimeoutMs?: number | undefined
  /** How long data may stay unacknowledged before the connection is given up: R2, the user timeout (RFC 5482). Default 300000. */
  readonly userTimeoutMs?: number | undefined
  /**
   * How long an acknowledgment may wait for data to travel with, below 500 (MUST-40). 40 ms is Linux's least and stays clear of every
   * peer's retransmission timeout. Default 40.
   */
  readonly delayedAckMs?: number | undefined
  /** Maximum segment lifetime: TIME-WAIT lasts twice as long. Default 30000, as in Linux; RFC 9293 §3.4.2 says two minutes. */
  readonly mslMs?: number | undefined
  /** How long a closed connection waits in FIN-WAIT-2 for the peer's end. Default 60000. */
  readonly finWait2Ms?: number | undefined
  /**
   * A connection that has been silent for so long is packed into a sixth of the memory, and unpacked by the next segment or call.
   * Infinity: none is. Default 10000.
   */
  readonly parkAfterMs?: number | undefined

  /** Challenge ACKs per second of all connections together (RFC 5961 §7). Default 1000. */
  readonly challengeAcksPerSecond?: number | undefined
  /** Segments that are not acceptable and carry no text are answered once in so long, on each connection. Default 500, as in Linux. */
  readonly answerIntervalMs?: number | undefined
  /** Answer segments that belong to no connection with a reset. Off where another TCP shares the IP layer. Default true. */
  readonly resetUnknown?: boolean | undefined
  /**
   * Whose habits to have where the RFCs leave a choice and peers can see it, for hosts that should pass for such a system. `'linux'`: the
   * first 16 segments are acknowledged at once, then every second full-sized one; a window's edge moves by whole segments. `'bsd'`:
   * acknowledgments wait from the beginning, but for every second segment of any size; all the room there is is offered; a SYN's
   * options have the order of FreeBSD. Default `'linux'`.
   */
  readonly manner?: 'linux' | 'bsd' | undefined
  /**
   * Super-segments are no longer than what the flow sends in a millisecond and than half its congestion window, but may have so many
   * segments: several flows share a link more evenly, as those of Linux do with 2. Default Infinity: as long as the windows allow.
   */
  readonly burstSegments?: number | undefined
  /** First and last local port of connections that name none (RFC 6056). Default [32768, 60999]. */
  readonly ephemeralPorts?: readonly [number, number] | undefined
}

/** Every option with a value. */
export type TcpConfig = { readonly [K in keyof TcpOptions]-?: NonNullable<TcpOptions[K]> }

/** What holds where an option is not given. */
export const TCP_DEFAULTS: TcpConfig = Object.freeze({
  maxConnections: 65536,
  timeWaitLimit: 16384,
  synBacklog: 1024,
  synCookies: 'auto',
  backlog: 128,
  receiveBufferBytes: 256 * 1024,
  receiveBufferMaxBytes: 4 * 1024 * 1024,
  sendBufferBytes: 256 * 1024,
  sendBufferMaxBytes: 4 * 1024 * 1024,
  receiveMemoryBytes: 256 * 1024 * 1024,
  sendMemoryBytes: 256 * 1024 * 1024,
  reassemblyRanges: 512,
  timestamps: true,
  tolerateMissingTimestamps: false,
  sack: true,
  windowScale: true,
  noDelay: false,
  ecn: 'accept',
  congestion: 'cubic',
  initialWindowSegments: 10,
  mtuProbing: 'black-hole',
  restartAfterIdle: true,
  manner: 'linux',
  burstSegments: Number.POSITIVE_INFINITY,
  dsack: true,
  minRtoMs: 200,
  rtoGranularityMs: 1,
  initialRtoMs: 1000,
  maxRtoMs: 60_000,
  synTimeoutMs: 180_000,
  userTimeoutMs: 300_000,
  delayedAckMs: 40,
  mslMs: 30_000,
  finWait2Ms: 60_000,
  parkAfterMs: 10_000,
  challengeAcksPerSecond: 1000,
  answerIntervalMs: 500,
  resetUnknown: true,
  ephemeralPorts: [32768, 60999] as const,
})

/** Least and greatest value of each option that is an integer or a number of milliseconds. */
const RANGES: {
  readonly [K in keyof TcpConfig as TcpConfig[K] extends number ? K : never]: readonly [number, number]
} = {
  maxConnections: [1, 1 << 24],
  timeWaitLimit: [0, 1 << 24],
  synBacklog: [1, 1 << 20],
  backlog: [1, 1 << 20],
  burstSegments: [1, Number.POSITIVE_INFINITY],
  receiveBufferBytes: [1, 1 << 30],
  receiveBufferMaxBytes: [1, 1 << 30],
  sendBufferBytes: [1, 1 << 30],
  sendBufferMaxBytes: [1, 1 << 30],
  receiveMemoryBytes: [1, Number.MAX_SAFE_INTEGER],
  sendMemoryBytes: [1, Number.MAX_SAFE_INTEGER],
  reassemblyRanges: [1, 65536],
  initialWindowSegments: [1, 1000],
  minRtoMs: [1, 60_000],
  rtoGranularityMs: [0, 60_000],
  initialRtoMs: [1, 60_000],
  maxRtoMs: [60_000, 3_600_000],
  synTimeoutMs: [180_000, 86_400_000],
  userTimeoutMs: [1, Number.POSITIVE_INFINITY],
  delayedAckMs: [0, 499],
  mslMs: [0, 240_000],
  finWait2Ms: [0, 86_400_000],
  parkAfterMs: [0, Number.POSITIVE_INFINITY],
  challengeAcksPerSecond: [0, 1_000_000],
  answerIntervalMs: [0, 60_000],
}

/** Fills in the defaults. Throws a RangeError on nonsense. */
export function checkOptions(options: TcpOptions): TcpConfig {
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined))
  const config: TcpConfig = { ...TCP_DEFAULTS, ...given }
  for (const [name, [least, greatest]] of Object.entries(RANGES))
    checkRange(name, config[name as keyof typeof RANGES], least, greatest)
  checkCongestion(config.congestion)
  checkOneOf('synCookies', config.synCookies, ['off', 'auto', 'always'])
  checkOneOf('mtuProbing', config.mtuProbing, ['off', 'black-hole', 'always'])
  checkOneOf('manner', config.manner, ['linux', 'bsd'])
  checkOneOf('ecn', config.ecn, ['off', 'accept', 'request'])
  const [first, last] = config.ephemeralPorts
  checkRange('ephemeralPorts', first, 1, 65535)
  checkRange('ephemeralPorts', last, first, 65535)
  return {
    ...config,
    receiveBufferMaxBytes: Math.max(config.receiveBufferMaxBytes, config.receiveBufferBytes),
    sendBufferMaxBytes: Math.max(config.sendBufferMaxBytes, config.sendBufferBytes),
  }
}
