import type { CongestionFactory } from './core/congestion/congestion.ts'
import { CONGESTION_NAMES, type CongestionName } from './core/congestion/create.ts'

/** When to probe a peer that is silent (RFC 9293 §3.8.4). */
export interface TcpKeepalive {
  /** Silence before the first probe. Default 2 h, which MUST-28 makes the least default. */
  readonly idleMs?: number | undefined
  /** Between probes that nobody answers. Default 75 s. */
  readonly intervalMs?: number | undefined
  /** So many unanswered probes end the connection with `ERR_TCP_TIMEOUT`. Default 9. */
  readonly probes?: number | undefined
}

/** What can be chosen for each connection, and changed while it is there; the default is that of the whole. */
export interface TcpFlowOptions {
  /** See `TcpOptions.noDelay`. */
  readonly noDelay?: boolean | undefined
  /** Send full segments only, as long as this is on; less leaves after a retransmission timeout, or when the flow ends. Default false. */
  readonly cork?: boolean | undefined
  /** Acknowledge every segment at once. Default false: as RFC 9293 §3.8.6.3 says. */
  readonly quickAck?: boolean | undefined
  /** Probe a silent peer. Default: no (MUST-25). */
  readonly keepalive?: TcpKeepalive | boolean | undefined
  /** See `TcpOptions.userTimeoutMs`; Infinity for never (MUST-21). */
  readonly userTimeoutMs?: number | undefined
  /** See `TcpOptions.congestion`. */
  readonly congestion?: CongestionName | CongestionFactory | undefined
  /**
   * Largest segment, in bytes of text and options, that is sent, and before the connection is there also what the peer is told;
   * 48..65495. Default: what the way to the peer carries.
   */
  readonly maxSegmentBytes?: number | undefined
  /** Received bytes that wait to be read: a fixed size instead of one that grows. Decides the window scale when given at the beginning. */
  readonly receiveBufferBytes?: number | undefined
  /** The offered window never exceeds this. Default: no such bound. */
  readonly windowClampBytes?: number | undefined
  /** Written bytes that are not acknowledged, above which `write` waits: a fixed size instead of one that grows. */
  readonly sendBufferBytes?: number | undefined
  /** `write` waits also while so many bytes have not been sent yet. Default: no such bound. */
  readonly unsentBytes?: number | undefined
  /** What is sent is spread to so many bytes per second. Default: no such bound. */
  readonly paceBytesPerSecond?: number | undefined
  /**
   * How long `close` goes on delivering what was written; then a reset ends the connection. 0: at once, with `ERR_TCP_ABORTED` for
   * who waits. Default Infinity: as long as `userTimeoutMs` lets it.
   */
  readonly lingerMs?: number | undefined
  /** DSCP and ECN bits of what is sent: the traffic class byte (MUST-48). Default 0. */
  readonly trafficClass?: number | undefined
  /** Time to live or hop limit of what is sent, 1..255 (MUST-49). Default: the IP layer's. */
  readonly ttl?: number | undefined
}

/** Keepalive with every value. */
export type KeepaliveConfig = { readonly [K in keyof TcpKeepalive]-?: number }

/** `TcpFlowOptions` with `keepalive` resolved; what is not given is undefined. */
export type CheckedFlowOptions = Omit<TcpFlowOptions, 'keepalive'> & { readonly keepalive: KeepaliveConfig | undefined }

const MOST_BUFFER = 1 << 30

/** Least and greatest value of each option that is a number. */
const RANGES = {
  userTimeoutMs: [1, Number.POSITIVE_INFINITY],
  maxSegmentBytes: [48, 65495],
  receiveBufferBytes: [1, MOST_BUFFER],
  windowClampBytes: [1, MOST_BUFFER],
  sendBufferBytes: [1, MOST_BUFFER],
  unsentBytes: [1, Number.POSITIVE_INFINITY],
  paceBytesPerSecond: [1, Number.POSITIVE_INFINITY],
  lingerMs: [0, Number.POSITIVE_INFINITY],
  trafficClass: [0, 255],
  ttl: [1, 255],
} as const

/** What a connection keeps of the options that it is given. */
const CHOICES = [
  'noDelay',
  'cork',
  'quickAck',
  'congestion',
  ...(Object.keys(RANGES) as (keyof typeof RANGES)[]),
] as const

/** Most flows: they share it. */
const NOTHING_CHOSEN: CheckedFlowOptions = Object.freeze({ keepalive: undefined })

/** Throws a RangeError that names the value. */
export function checkRange(name: string, value: number, least: number, greatest: number): void {
  if (!(value >= least && value <= greatest))
    throw new RangeError(`${name} must be in ${least}..${greatest}, got ${value}`)
}

export function checkOneOf(name: string, value: string, values: readonly string[]): void {
  if (!values.includes(value)) throw new RangeError(`${name} must be one of ${values.join(', ')}, got ${value}`)
}

/** A name, or a factory. */
export function checkCongestion(value: CongestionName | CongestionFactory): void {
  if (typeof value !== 'function') checkOneOf('congestion', value, CONGESTION_NAMES)
}

/** Throws a RangeError on nonsense. */
export function checkFlowOptions(options: TcpFlowOptions): CheckedFlowOptions {
  for (const [name, [least, greatest]] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES]
    if (value !== undefined) checkRange(name, value, least, greatest)
  }
  if (options.congestion !== undefined) checkCongestion(options.congestion)
  const { keepalive } = options
  const probing = keepalive === undefined || keepalive === false ? undefined : keepalive === true ? {} : keepalive
  const given = CHOICES.filter((name) => options[name] !== undefined)
  if (given.length === 0 && probing === undefined) return NOTHING_CHOSEN
  const checked: Record<string, unknown> = { keepalive: probing && checkKeepalive(probing) }
  // One by one, so that all objects with the same choices have one shape.
  for (const name of given) checked[name] = options[name]
  return checked as unknown as CheckedFlowOptions
}

/** Fills in the defaults. Throws a RangeError on nonsense. */
function checkKeepalive(keepalive: TcpKeepalive): KeepaliveConfig {
  const { idleMs = 7_200_000, intervalMs = 75_000, probes = 9 } = keepalive
  checkRange('idleMs', idleMs, 1, Number.MAX_SAFE_INTEGER)
  checkRange('intervalMs', intervalMs, 1, Number.MAX_SAFE_INTEGER)
  checkRange('probes', probes, 1, 1000)
  return { idleMs, intervalMs, probes }
}
