import { formatIpv4, type Ipv4, isIpv4Multicast } from '@fata/addr'
import { copyBytes, u16 } from '@fata/bytes'
import { type Ip, type IpReport, PROTOCOL_ICMP } from '@fata/ip'
import type { Ping } from './core/pings.ts'
import { closedError, type Host, type Ticket } from './host.ts'
import type { PingOptions, PingOutcome } from './types.ts'
import { encodeIcmp, HEADER_LEN, ICMP_ECHO_REQUEST, ICMP_HEADER_LEN, MAX_LENGTH } from './wire.ts'

const MAX_DATA = MAX_LENGTH - HEADER_LEN - ICMP_HEADER_LEN
const DEFAULT_SIZE = 56
const DEFAULT_TIMEOUT_MS = 1000

function inRange(name: string, value: number, most: number): void {
  if (!(Number.isInteger(value) && value >= 0 && value <= most))
    throw new RangeError(`${name} must be in 0..${most}, got ${value}`)
}

/** Bytes that count up. */
function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 0xff)
}

function equal(a: Uint8Array, b: Uint8Array, off: number, end: number): boolean {
  if (end - off !== a.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[off + i]) return false
  return true
}

/** Sends echo requests and tells their senders what became of them. */
export class Pinger {
  readonly #host: Host
  readonly #id: number
  #sequence = 0

  constructor(host: Host) {
    this.#host = host
    this.#id = host.random.uint32() & 0xffff
  }

  start(ip: Pick<Ip, 'write'>, dst: Ipv4, options: PingOptions): Promise<PingOutcome> {
    const { core, settings } = this.#host
    const { id = this.#id, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options
    const size = options.size ?? options.data?.length ?? DEFAULT_SIZE
    inRange('size', size, MAX_DATA)
    inRange('id', id, 0xffff)
    const sequence = options.sequence ?? this.#nextSequence(id)
    inRange('sequence', sequence, 0xffff)
    if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be more than 0, got ${timeoutMs}`)
    if (options.data !== undefined && options.data.length !== size)
      throw new RangeError(`size is ${size}, but there are ${options.data.length} bytes of data`)
    if (core.pings.size >= settings.maxPings) throw new RangeError(`more than ${settings.maxPings} pings at a time`)
    if (core.pings.has(id, sequence)) throw new RangeError(`a ping with id ${id}, sequence ${sequence} is under way`)
    const data = options.data === undefined ? pattern(size) : Uint8Array.from(options.data)

    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      let ended = false
      const end = (then: () => void): void => {
        if (ended) return
        ended = true
        signal?.removeEventListener('abort', abort)
        this.#host.driver.step((c) => c.pings.remove(ping))
        then()
      }
      const abort = (): void => end(() => reject(signal!.reason))
      const sentAt = this.#host.clock.now()
      const ticket: Ticket = {
        data,
        group: isIpv4Multicast(dst) || core.addresses.isBroadcast(dst),
        settle: (outcome) => end(() => resolve(outcome)),
        fail: (reason) => end(() => reject(reason)),
      }
      const ping: Ping<Ticket> = { id, sequence, dst, sentAt, expiresAt: sentAt + timeoutMs, ticket }
      signal?.addEventListener('abort', abort, { once: true })
      this.#host.driver.step((c) => c.pings.start(ping))
      try {
        this.#send(ip, ping, options)
      } catch (error) {
        ticket.fail(error)
      }
    })
  }

  #nextSequence(id: number): number {
    const { pings } = this.#host.core
    for (let tries = 0; tries < 0x10000; tries++) {
      this.#sequence = (this.#sequence + 1) & 0xffff
      if (!pings.has(id, this.#sequence)) break
    }
    return this.#sequence
  }

  #send(ip: Pick<Ip, 'write'>, ping: Ping<Ticket>, options: PingOptions): void {
    const { data } = ping.ticket
    const fill = (buf: Uint8Array, off: number): number => {
      const end = off + ICMP_HEADER_LEN + copyBytes(buf, off + ICMP_HEADER_LEN, data)
      encodeIcmp(buf, off, end, { type: ICMP_ECHO_REQUEST, code: 0, rest: ping.id * 65536 + ping.sequence })
      return end - off
    }
    ip.write(ping.dst, PROTOCOL_ICMP, ICMP_HEADER_LEN + data.length, fill, options)
  }

  /** An echo reply came with its data at `buf[off..end)`. Returns why it is ignored. */
  replied(
    rest: number,
    from: Ipv4,
    ttl: number,
    buf: Uint8Array,
    off: number,
    end: number,
  ): 'echo-reply-unexpected' | 'echo-reply-mismatch' | undefined {
    const { core, clock, log } = this.#host
    const ping = core.pings.find(rest >>> 16, rest & 0xffff)
    if (ping === undefined) return 'echo-reply-unexpected'
    const { data, group } = ping.ticket
    if ((!group && from !== ping.dst) || !equal(data, buf, off, end)) {
      if (log.enabled('debug')) log.log('debug', 'ipv4', 'echo reply differs', { from: formatIpv4(from) })
      return 'echo-reply-mismatch'
    }
    const rttMs = clock.now() - ping.sentAt
    ping.ticket.settle({ kind: 'reply', sequence: ping.sequence, from, rttMs, ttl, size: data.length })
    return undefined
  }

  /** An error came about an ICMP message that this host sent. */
  failed(report: IpReport): void {
    const { buf, off } = report
    if (buf[off] !== ICMP_ECHO_REQUEST) return
    const ping = this.#host.core.pings.find(u16(buf, off + 4), u16(buf, off + 6))
    if (ping === undefined || ping.dst !== report.dst) return
    ping.ticket.settle({
      kind: report.kind,
      sequence: ping.sequence,
      from: report.reporter as Ipv4,
      rttMs: this.#host.clock.now() - ping.sentAt,
      mtu: report.mtu,
    })
  }

  close(): void {
    for (const ping of this.#host.core.pings.clear()) ping.ticket.fail(closedError())
  }
}
