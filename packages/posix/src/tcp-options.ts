import type { TcpFlowOptions } from '@fata/tcp'
import { CONSTANTS as C } from './constants.ts'
import { PosixError } from './errno.ts'
import type { Linger, OptionValue } from './file.ts'
import type { Personality } from './personality.ts'

const key = (level: number, name: number): string => `${level}:${name}`

/** Least sizes that Linux gives to buffers. */
const LEAST_RECEIVE = 2304
const LEAST_SEND = 4608
/** Seconds; Linux refuses longer ones. */
const MAX_KEEP = 32_767
const MAX_KEEP_COUNT = 127
const MAX_SYN_COUNT = 127

/** Options that are kept and given back as they are, with what they say at first. */
const PLAIN: ReadonlyMap<string, number> = new Map(
  [
    [C.SOL_SOCKET, C.SO_REUSEADDR],
    [C.SOL_SOCKET, C.SO_REUSEPORT],
    [C.SOL_SOCKET, C.SO_DEBUG],
    [C.SOL_SOCKET, C.SO_DONTROUTE],
    [C.SOL_SOCKET, C.SO_BROADCAST],
    [C.SOL_SOCKET, C.SO_KEEPALIVE],
    [C.SOL_SOCKET, C.SO_OOBINLINE],
    [C.SOL_SOCKET, C.SO_PRIORITY],
    [C.SOL_SOCKET, C.SO_RCVTIMEO],
    [C.SOL_SOCKET, C.SO_SNDTIMEO],
    [C.SOL_SOCKET, C.SO_MARK],
    [C.SOL_SOCKET, C.SO_MAX_PACING_RATE],
    [C.SOL_SOCKET, C.SO_TIMESTAMP],
    [C.SOL_SOCKET, C.SO_BUSY_POLL],
    [C.SOL_TCP, C.TCP_NODELAY],
    [C.SOL_TCP, C.TCP_CORK],
    [C.SOL_TCP, C.TCP_DEFER_ACCEPT],
    [C.SOL_TCP, C.TCP_WINDOW_CLAMP],
    [C.SOL_TCP, C.TCP_USER_TIMEOUT],
    [C.SOL_TCP, C.TCP_THIN_LINEAR_TIMEOUTS],
    [C.SOL_TCP, C.TCP_THIN_DUPACK],
    [C.SOL_TCP, C.TCP_FASTOPEN],
    [C.SOL_TCP, C.TCP_FASTOPEN_CONNECT],
    [C.SOL_TCP, C.TCP_FASTOPEN_NO_COOKIE],
    [C.SOL_TCP, C.TCP_SAVE_SYN],
    [C.SOL_TCP, C.TCP_INQ],
    [C.SOL_IP, C.IP_TOS],
    [C.SOL_IP, C.IP_RECVTOS],
    [C.SOL_IP, C.IP_RECVTTL],
    [C.SOL_IP, C.IP_RECVERR],
    [C.SOL_IP, C.IP_FREEBIND],
    [C.SOL_IP, C.IP_MINTTL],
    [C.SOL_IP, C.IP_BIND_ADDRESS_NO_PORT],
    [C.SOL_IPV6, C.IPV6_RECVERR],
    [C.SOL_IPV6, C.IPV6_V6ONLY],
    [C.SOL_IPV6, C.IPV6_TCLASS],
  ].map(([level, name]) => [key(level!, name!), 0]),
)

function number(value: OptionValue): number {
  if (typeof value !== 'number') throw new PosixError('EINVAL')
  return value
}

function within(value: number, least: number, most: number): number {
  if (value < least || value > most) throw new PosixError('EINVAL')
  return value
}

/** The options of one TCP socket: what was set, and what follows from it for its flow. */
export class TcpSocketOptions {
  readonly #personality: Personality
  readonly #set = new Map<string, OptionValue>()

  constructor(personality: Personality) {
    this.#personality = personality
  }

  /** A socket that accept(2) gives begins with what its listener has. */
  inherit(from: TcpSocketOptions): void {
    for (const [k, value] of from.#set) this.#set.set(k, value)
  }

  /** The value, or undefined where the answer is the socket's. Throws ENOPROTOOPT. */
  get(level: number, name: number): OptionValue | undefined {
    const k = key(level, name)
    return this.#set.get(k) ?? this.#default(level, name) ?? PLAIN.get(k)
  }

  number(level: number, name: number): number {
    const value = this.get(level, name)
    return typeof value === 'number' ? value : 0
  }

  get linger(): Linger {
    return (this.#set.get(key(C.SOL_SOCKET, C.SO_LINGER)) as Linger | undefined) ?? { onoff: 0, linger: 0 }
  }

  /** Throws EINVAL, ENOPROTOOPT. */
  set(level: number, name: number, value: OptionValue): void {
    const k = key(level, name)
    if (PLAIN.has(k)) this.#set.set(k, number(value))
    else this.#set.set(k, this.#check(level, name, value))
  }

  #default(level: number, name: number): OptionValue | undefined {
    const p = this.#personality
    if (level === C.SOL_SOCKET && name === C.SO_RCVBUF) return p.receiveBuffer
    if (level === C.SOL_SOCKET && name === C.SO_SNDBUF) return p.sendBuffer
    if (level === C.SOL_SOCKET && name === C.SO_LINGER) return { onoff: 0, linger: 0 }
    if (level === C.SOL_SOCKET && (name === C.SO_RCVLOWAT || name === C.SO_SNDLOWAT)) return 1
    if (level === C.SOL_IP && name === C.IP_TTL) return 64
    if (level === C.SOL_IP && name === C.IP_MTU_DISCOVER) return C.IP_PMTUDISC_WANT
    if (level === C.SOL_IPV6 && name === C.IPV6_UNICAST_HOPS) return 64
    if (level !== C.SOL_TCP) return undefined
    return new Map<number, OptionValue>([
      [C.TCP_KEEPIDLE, p.keepIdle],
      [C.TCP_KEEPINTVL, p.keepInterval],
      [C.TCP_KEEPCNT, p.keepCount],
      [C.TCP_KEEPINIT, p.keepInit],
      [C.TCP_SYNCNT, p.synRetries],
      [C.TCP_LINGER2, p.finTimeout],
      [C.TCP_CONGESTION, p.congestion],
      [C.TCP_NOTSENT_LOWAT, p.notSentLowat],
      [C.TCP_QUICKACK, 1],
    ]).get(name)
  }

  #check(level: number, name: number, value: OptionValue): OptionValue {
    if (level === C.SOL_SOCKET) return this.#checkSocket(name, value)
    if (level === C.SOL_TCP) return this.#checkTcp(name, value)
    if (level === C.SOL_IP && name === C.IP_TTL) return within(number(value), 1, 255)
    if (level === C.SOL_IP && name === C.IP_MTU_DISCOVER) return within(number(value), 0, 5)
    if (level === C.SOL_IPV6 && name === C.IPV6_UNICAST_HOPS) return within(number(value), -1, 255)
    throw new PosixError('ENOPROTOOPT')
  }

  #checkSocket(name: number, value: OptionValue): OptionValue {
    const p = this.#personality
    switch (name) {
      case C.SO_RCVBUF:
      case C.SO_RCVBUFFORCE:
        return this.#buffer(number(value), p.receiveBufferMax, LEAST_RECEIVE, C.SO_RCVBUF)
      case C.SO_SNDBUF:
      case C.SO_SNDBUFFORCE:
        return this.#buffer(number(value), p.sendBufferMax, LEAST_SEND, C.SO_SNDBUF)
      case C.SO_LINGER:
        if (typeof value !== 'object' || !('onoff' in value)) throw new PosixError('EINVAL')
        return value
      case C.SO_RCVLOWAT:
      case C.SO_ZEROCOPY:
        return number(value)
      default:
        throw new PosixError('ENOPROTOOPT')
    }
  }

  /** What getsockopt will say of a buffer of which `wanted` bytes were asked for. */
  #buffer(wanted: number, most: number, least: number, name: number): number {
    const p = this.#personality
    const granted = Math.min(wanted, most)
    const value = p.doublesBuffers ? Math.max(2 * granted, least) : granted
    this.#set.set(key(C.SOL_SOCKET, name), value)
    return value
  }

  #checkTcp(name: number, value: OptionValue): OptionValue {
    switch (name) {
      case C.TCP_MAXSEG:
        return within(number(value), 88, 32_767)
      case C.TCP_KEEPIDLE:
      case C.TCP_KEEPINTVL:
        return within(number(value), 1, MAX_KEEP)
      case C.TCP_KEEPINIT:
        return within(number(value), 0, 0x7fffffff)
      case C.TCP_KEEPCNT:
        return within(number(value), 1, MAX_KEEP_COUNT)
      case C.TCP_SYNCNT:
        return within(number(value), 1, MAX_SYN_COUNT)
      case C.TCP_LINGER2:
      case C.TCP_QUICKACK:
      case C.TCP_NOTSENT_LOWAT:
        return number(value)
      case C.TCP_CONGESTION:
        if (value === 'reno' || value === 'cubic' || value === 'newreno') return value
        throw new PosixError('ENOENT')
      default:
        throw new PosixError('ENOPROTOOPT')
    }
  }

  #chosen(level: number, name: number): number | undefined {
    const value = this.#set.get(key(level, name))
    return typeof value === 'number' ? value : undefined
  }

  /** Bytes that may wait to be acknowledged before a writer waits. */
  get sendBytes(): number {
    return this.#chosen(C.SOL_SOCKET, C.SO_SNDBUF) ?? this.#personality.sendBytes
  }

  #congestion(): 'cubic' | 'newreno' | undefined {
    const name = this.#set.get(key(C.SOL_TCP, C.TCP_CONGESTION))
    return name === 'cubic' ? 'cubic' : name === undefined ? undefined : 'newreno'
  }

  /** What the flow is to be told. */
  flowOptions(v4: boolean): TcpFlowOptions {
    const p = this.#personality
    const buffer = this.#chosen(C.SOL_SOCKET, C.SO_RCVBUF)
    const timeout = this.number(C.SOL_TCP, C.TCP_USER_TIMEOUT)
    const tos = v4 ? this.#chosen(C.SOL_IP, C.IP_TOS) : this.#chosen(C.SOL_IPV6, C.IPV6_TCLASS)
    const ttl = v4 ? this.#chosen(C.SOL_IP, C.IP_TTL) : this.#chosen(C.SOL_IPV6, C.IPV6_UNICAST_HOPS)
    return {
      noDelay: this.number(C.SOL_TCP, C.TCP_NODELAY) !== 0,
      cork: this.number(C.SOL_TCP, C.TCP_CORK) !== 0,
      keepalive: this.number(C.SOL_SOCKET, C.SO_KEEPALIVE) !== 0 && {
        idleMs: 1000 * this.number(C.SOL_TCP, C.TCP_KEEPIDLE),
        intervalMs: 1000 * this.number(C.SOL_TCP, C.TCP_KEEPINTVL),
        probes: this.number(C.SOL_TCP, C.TCP_KEEPCNT),
      },
      userTimeoutMs: timeout > 0 ? timeout : undefined,
      trafficClass: tos === undefined ? undefined : tos & 0xfc,
      ttl: ttl === undefined || ttl < 1 ? undefined : ttl,
      receiveBufferBytes: buffer === undefined ? undefined : p.doublesBuffers ? buffer / 2 : buffer,
      sendBufferBytes: this.#chosen(C.SOL_SOCKET, C.SO_SNDBUF),
      maxSegmentBytes: this.#chosen(C.SOL_TCP, C.TCP_MAXSEG),
      congestion: this.#congestion(),
      paceBytesPerSecond: this.#chosen(C.SOL_SOCKET, C.SO_MAX_PACING_RATE),
    }
  }
}
