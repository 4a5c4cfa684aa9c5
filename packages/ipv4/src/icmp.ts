import { IPV4_ANY, type Ipv4 } from '@fata/addr'
import { copyBytes, foldSum, putU16, u16 } from '@fata/bytes'
import { type IpPacket, type IpReportKind, type IpWriteOptions, PROTOCOL_ICMP, TokenBucket } from '@fata/ip'
import { countDrop, type Fill } from '@fata/net'
import { forbidsError } from './core/error-rules.ts'
import { countUnsent, type Host } from './host.ts'
import type { IcmpErrors } from './icmp-errors.ts'
import type { Pinger } from './pinger.ts'
import { reflectedOptions } from './reflected-options.ts'
import type { Sender } from './sender.ts'
import {
  createIcmpHeader,
  decodeIcmp,
  encodeIcmp,
  HEADER_LEN,
  ICMP_ECHO_REPLY,
  ICMP_ECHO_REQUEST,
  ICMP_HEADER_LEN,
  ICMP_PARAMETER_PROBLEM,
  ICMP_REDIRECT,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  type IcmpHeader,
  type Ipv4Header,
  TIME_EXCEEDED_REASSEMBLY,
  UNREACHABLE_PORT,
  UNREACHABLE_PROTOCOL,
  UNREACHABLE_SOURCE_ROUTE,
} from './wire.ts'

/** RFC 1812 §4.3.2.3: an error quotes as much as fits into this. */
const MAX_ERROR = 576
const DSCP = 0xfc
const CHECKSUM = 2

/** An error that this host sends, and what it is counted as. */
export interface ErrorKind {
  readonly kind: IpReportKind
  readonly type: number
  readonly code: number
}

export const PROTOCOL_UNREACHABLE: ErrorKind = {
  kind: 'protocol-unreachable',
  type: ICMP_UNREACHABLE,
  code: UNREACHABLE_PROTOCOL,
}
export const PORT_UNREACHABLE: ErrorKind = { kind: 'port-unreachable', type: ICMP_UNREACHABLE, code: UNREACHABLE_PORT }
export const SOURCE_ROUTE_FAILED: ErrorKind = {
  kind: 'source-route-failed',
  type: ICMP_UNREACHABLE,
  code: UNREACHABLE_SOURCE_ROUTE,
}
export const REASSEMBLY_TIMEOUT: ErrorKind = {
  kind: 'reassembly-timeout',
  type: ICMP_TIME_EXCEEDED,
  code: TIME_EXCEEDED_REASSEMBLY,
}
export const PARAMETER_PROBLEM: ErrorKind = { kind: 'parameter-problem', type: ICMP_PARAMETER_PROBLEM, code: 0 }

interface ReplyOptions extends IpWriteOptions {
  src: Ipv4
  trafficClass: number
  headerOptions: Uint8Array | undefined
}

/** ICMP, RFC 792 and RFC 1122 §3.2.2: answers echo requests, sends errors, and hands what arrives to those whom it concerns. */
export class Icmp {
  readonly #host: Host
  readonly #sender: Sender
  readonly #pinger: Pinger
  readonly #errors: IcmpErrors
  readonly #bucket: TokenBucket
  readonly #received = createIcmpHeader()
  readonly #sent = createIcmpHeader()
  readonly #reply: ReplyOptions = { src: IPV4_ANY, trafficClass: 0, headerOptions: undefined }
  // What the fills below copy.
  #buf: Uint8Array = new Uint8Array(0)
  #off = 0
  #end = 0

  constructor(host: Host, sender: Sender, pinger: Pinger, errors: IcmpErrors) {
    this.#host = host
    this.#sender = sender
    this.#pinger = pinger
    this.#errors = errors
    this.#bucket = new TokenBucket(host.settings.icmpErrorsPerSecond, host.settings.icmpErrorBurst)
  }

  /** A message came at `buf[off..end)`. Whoever listens to ICMP gets it, too. */
  input(buf: Uint8Array, off: number, end: number, packet: IpPacket): void {
    const { stats, listeners } = this.#host
    const m = decodeIcmp(buf, off, end, this.#received)
    if (typeof m === 'string') {
      countDrop(stats.dropped, m)
      return
    }
    stats.delivered++
    const ignored = this.#handle(m, buf, off, end, packet)
    if (ignored !== undefined) countDrop(stats.dropped, ignored)
    listeners.deliver(buf, off, end, packet)
  }

  /** Returns why the message is ignored. */
  #handle(m: IcmpHeader, buf: Uint8Array, off: number, end: number, packet: IpPacket): string | undefined {
    switch (m.type) {
      case ICMP_ECHO_REQUEST:
        return this.#answer(buf, off, end, packet)
      case ICMP_ECHO_REPLY:
        return this.#pinger.replied(m.rest, packet.src as Ipv4, packet.ttl, buf, off + ICMP_HEADER_LEN, end)
      case ICMP_UNREACHABLE:
      case ICMP_TIME_EXCEEDED:
      case ICMP_PARAMETER_PROBLEM:
        return this.#errors.input(m, buf, off, end, packet)
      case ICMP_REDIRECT:
        return this.#errors.redirect(m.rest as Ipv4, buf, off, end, packet)
      case ICMP_SOURCE_QUENCH:
        // RFC 6633 §3
        return 'icmp-source-quench'
      default:
        return this.#host.listeners.has(PROTOCOL_ICMP) ? undefined : 'icmp-unknown-type'
    }
  }

  /** RFC 1122 §3.2.2.6. */
  #answer(buf: Uint8Array, off: number, end: number, packet: IpPacket): string | undefined {
    const { settings, stats } = this.#host
    if (!settings.answerEcho) return 'echo-disabled'
    if (packet.multicast) return 'echo-to-group'
    this.#buf = buf
    this.#off = off
    this.#end = end
    this.#reply.src = packet.dst as Ipv4
    this.#reply.trafficClass = packet.trafficClass & DSCP
    this.#reply.headerOptions = this.#reflected(packet, buf, off)
    try {
      this.#sender.write(packet.src, PROTOCOL_ICMP, end - off, this.#fillReply, this.#reply)
    } catch (error) {
      countUnsent(stats, 'echo-reply', error)
    }
    return undefined
  }

  #reflected(packet: IpPacket, buf: Uint8Array, off: number): Uint8Array | undefined {
    const { headerOptions = 0, dst } = packet
    if (headerOptions === 0) return undefined
    return reflectedOptions(buf, off - headerOptions, off, dst as Ipv4, this.#host.clock.now())
  }

  /** The request with another type; the checksum follows the change (RFC 1624), so that it vouches for the data all the way. */
  readonly #fillReply: Fill = (buf, off) => {
    const length = copyBytes(buf, off, this.#buf, this.#off, this.#end)
    const sum = (~u16(buf, off + CHECKSUM) & 0xffff) + (~(ICMP_ECHO_REQUEST << 8) & 0xffff)
    buf[off] = ICMP_ECHO_REPLY
    putU16(buf, off + CHECKSUM, ~foldSum(sum))
    return length
  }

  /**
   * Sends an error about the packet with header `h` at `buf[off..end)`, where RFC 1122 §3.2.2 and the rate limit allow it. `group`: it
   * came to a group of IP or the link layer. `rest` is the message's second word.
   */
  sendError(
    what: ErrorKind,
    h: Ipv4Header,
    buf: Uint8Array,
    off: number,
    end: number,
    group: boolean,
    rest: number = 0,
  ): void {
    const { stats } = this.#host
    const rule = forbidsError(h, buf, off, end, group) ?? (this.#mayError() ? undefined : 'rate-limit')
    if (rule !== undefined) {
      countDrop(stats.errorsWithheld, rule)
      return
    }
    this.#sent.type = what.type
    this.#sent.code = what.code
    this.#sent.rest = rest
    this.#buf = buf
    this.#off = off
    this.#end = Math.min(end, off + MAX_ERROR - HEADER_LEN - ICMP_HEADER_LEN)
    this.#reply.src = h.dst
    this.#reply.trafficClass = 0
    this.#reply.headerOptions = undefined
    const size = ICMP_HEADER_LEN + this.#end - off
    try {
      this.#sender.write(h.src, PROTOCOL_ICMP, size, this.#fillError, this.#reply)
      countDrop(stats.errorsSent, what.kind)
    } catch (error) {
      countUnsent(stats, 'icmp-error', error)
    }
  }

  readonly #fillError: Fill = (buf, off) => {
    const end = off + ICMP_HEADER_LEN + copyBytes(buf, off + ICMP_HEADER_LEN, this.#buf, this.#off, this.#end)
    encodeIcmp(buf, off, end, this.#sent)
    return end - off
  }

  /**
   * Half of the errors cost double, at random: else who can make this host send errors could tell from the limit how many others made
   * it send (CVE-2020-25705).
   */
  #mayError(): boolean {
    const { settings, random, clock } = this.#host
    if (settings.icmpErrorsPerSecond === 0) return false
    return this.#bucket.take(clock.now(), 1 + (random.uint32() & 1))
  }
}
