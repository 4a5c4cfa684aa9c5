import { type Ipv6, ipv6Equals, isIpv6Multicast } from '@fata/addr'
import type { IpReportKind } from '@fata/ip'
import { Outbox } from './outbox.ts'

/** What became of an echo request. */
export type PingOutcome = PingReply | PingFailure | PingTimeout

/** The destination answered. */
export interface PingReply {
  readonly kind: 'reply'
  readonly sequence: number
  /** Who answered: one of many where the destination was a group. */
  readonly from: Ipv6
  readonly rttMs: number
  /** Of the answer as received. */
  readonly hopLimit: number
  /** Bytes of data. */
  readonly size: number
}

/** An ICMP error came, or this host found out by itself: then `from` is its own address. */
export interface PingFailure {
  readonly kind: IpReportKind
  readonly sequence: number
  readonly from: Ipv6
  readonly rttMs: number
  /** Of the packet that brought the error; 0 where none did. */
  readonly hopLimit: number
  /** With `'packet-too-big'`: what the next link takes. Else 0. */
  readonly mtu: number
}

/** Nothing came in time. */
export interface PingTimeout {
  readonly kind: 'timeout'
  readonly sequence: number
}

/** An echo request under way. */
export interface Ping {
  readonly id: number
  readonly sequence: number
  readonly dst: Ipv6
  readonly data: Uint8Array
  readonly sentAt: number
  readonly until: number
}

/** What became of one. */
export interface Pong {
  readonly ping: Ping
  readonly outcome: PingOutcome
}

/** The echo requests under way, RFC 4443 §4.1. */
export class Pings {
  readonly #list: Ping[] = []
  readonly #out = new Outbox<Pong>()

  get size(): number {
    return this.#list.length
  }

  find(id: number, sequence: number): Ping | undefined {
    return this.#list.find((ping) => ping.id === id && ping.sequence === sequence)
  }

  start(ping: Ping): void {
    this.#list.push(ping)
  }

  /** Nobody waits for `ping`. */
  cancel(ping: Ping): void {
    const index = this.#list.indexOf(ping)
    if (index >= 0) this.#list.splice(index, 1)
  }

  /** A reply came, with its data at `buf[off..end)`. Says why it answers nothing that was asked. */
  replied(
    now: number,
    reply: { readonly id: number; readonly sequence: number; readonly from: Ipv6; readonly hopLimit: number },
    buf: Uint8Array,
    off: number,
    end: number,
  ): 'echo-reply-unexpected' | 'echo-reply-mismatch' | undefined {
    const ping = this.find(reply.id, reply.sequence)
    if (ping === undefined) return 'echo-reply-unexpected'
    if (!isIpv6Multicast(ping.dst) && !ipv6Equals(ping.dst, reply.from)) return 'echo-reply-mismatch'
    if (!isSame(ping.data, buf, off, end)) return 'echo-reply-mismatch'
    const { from, hopLimit } = reply
    const { sequence } = ping
    this.#end(ping, { kind: 'reply', sequence, from, rttMs: now - ping.sentAt, hopLimit, size: end - off })
    return undefined
  }

  /** An error came about the echo request with this identifier and sequence number. */
  failed(
    now: number,
    request: { readonly id: number; readonly sequence: number; readonly dst: Ipv6 },
    error: { readonly kind: IpReportKind; readonly from: Ipv6; readonly hopLimit: number; readonly mtu: number },
  ): void {
    const ping = this.find(request.id, request.sequence)
    if (ping === undefined || !ipv6Equals(ping.dst, request.dst)) return
    this.#end(ping, { ...error, sequence: ping.sequence, rttMs: now - ping.sentAt })
  }

  #end(ping: Ping, outcome: PingOutcome): void {
    this.cancel(ping)
    this.#out.push({ ping, outcome })
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const ping of this.#list) at = Math.min(at, ping.until)
    return at
  }

  poll(): Pong | undefined {
    return this.#out.poll()
  }

  timeout(now: number): void {
    for (const ping of this.#list.filter((p) => p.until <= now)) {
      this.#end(ping, { kind: 'timeout', sequence: ping.sequence })
    }
  }
}

function isSame(data: Uint8Array, buf: Uint8Array, off: number, end: number): boolean {
  if (end - off !== data.length) return false
  for (let i = 0; i < data.length; i++) if (buf[off + i] !== data[i]) return false
  return true
}
