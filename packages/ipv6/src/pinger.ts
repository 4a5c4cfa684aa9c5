import { formatIpv6, type Ipv6 } from '@fata/addr'
import { copyBytes } from '@fata/bytes'
import { PROTOCOL_ICMPV6 } from '@fata/ip'
import type { Clock, Driver, Random } from '@fata/runtime'
import type { Ipv6Core } from './core/core.ts'
import type { Ping, PingOutcome, Pong } from './core/pings.ts'
import { closedError, type Sender } from './sender.ts'
import type { PingOptions } from './types.ts'
import { encodeIcmpv6, finishIcmpv6, ICMPV6_ECHO_REQUEST, ICMPV6_HEADER_LEN } from './wire/icmpv6.ts'
import { MAX_PAYLOAD } from './wire/ipv6-header.ts'

const MAX_DATA = MAX_PAYLOAD - ICMPV6_HEADER_LEN
const DEFAULT_SIZE = 56
const DEFAULT_TIMEOUT_MS = 1000

interface Waiter {
  resolve(outcome: PingOutcome): void
  reject(reason: unknown): void
}

/** Sends echo requests and tells their senders what became of them. */
export class Pinger {
  readonly #core: Ipv6Core
  readonly #driver: Driver<Ipv6Core>
  readonly #clock: Clock
  readonly #sender: Sender
  readonly #id: number
  readonly #waiters = new Map<Ping, Waiter>()
  #sequence = 0
  #closed = false

  constructor(core: Ipv6Core, driver: Driver<Ipv6Core>, clock: Clock, random: Random, sender: Sender) {
    this.#core = core
    this.#driver = driver
    this.#clock = clock
    this.#sender = sender
    this.#id = random.uint32() & 0xffff
  }

  /** As `Ipv6Layer.ping`. */
  start(dst: Ipv6, options: PingOptions): Promise<PingOutcome> {
    const ping = this.#plan(dst, options)
    const { signal } = options
    return new Promise((resolve, reject) => {
      if (this.#closed) throw closedError()
      if (signal?.aborted === true) throw signal.reason
      const abort = (): void => this.#fail(ping, signal!.reason)
      const end = (): void => signal?.removeEventListener('abort', abort)
      this.#waiters.set(ping, {
        resolve(outcome) {
          end()
          resolve(outcome)
        },
        reject(reason) {
          end()
          reject(reason)
        },
      })
      signal?.addEventListener('abort', abort, { once: true })
      this.#driver.step((core, now) => core.startPing(now, ping))
      try {
        this.#send(ping, options)
      } catch (error) {
        this.#fail(ping, error)
      }
    })
  }

  #plan(dst: Ipv6, options: PingOptions): Ping {
    const { pings, settings } = this.#core.host
    const { id = this.#id, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    const size = options.size ?? options.data?.length ?? DEFAULT_SIZE
    checkRange('size', size, MAX_DATA)
    checkRange('id', id, 0xffff)
    checkRange('hopLimit', options.hopLimit ?? 1, 255, 1)
    checkRange('trafficClass', options.trafficClass ?? 0, 255)
    const sequence = options.sequence ?? this.#nextSequence(id)
    checkRange('sequence', sequence, 0xffff)
    if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be more than 0, got ${timeoutMs}`)
    if (options.data !== undefined && options.data.length !== size) {
      throw new RangeError(`size is ${size}, but there are ${options.data.length} bytes of data`)
    }
    if (pings.size >= settings.maxPings) throw new RangeError(`more than ${settings.maxPings} pings at a time`)
    if (pings.find(id, sequence) !== undefined) {
      throw new RangeError(`a ping of ${formatIpv6(dst)} with id ${id}, sequence ${sequence} is under way`)
    }
    const data = options.data?.slice() ?? Uint8Array.from({ length: size }, (_, i) => i)
    const sentAt = this.#clock.now()
    return { id, sequence, dst, data, sentAt, until: sentAt + timeoutMs }
  }

  #nextSequence(id: number): number {
    const { pings } = this.#core.host
    do this.#sequence = (this.#sequence + 1) & 0xffff
    while (pings.find(id, this.#sequence) !== undefined && pings.size < 0x10000)
    return this.#sequence
  }

  #send({ id, sequence, dst, data }: Ping, { hopLimit, trafficClass, src: from, fragment }: PingOptions): void {
    const src = from ?? this.#sender.source(dst)
    const fill = (buf: Uint8Array, off: number): number => {
      encodeIcmpv6(buf, off, { type: ICMPV6_ECHO_REQUEST, code: 0, rest: id * 0x10000 + sequence })
      const end = off + ICMPV6_HEADER_LEN + copyBytes(buf, off + ICMPV6_HEADER_LEN, data)
      finishIcmpv6(buf, off, end, src, dst)
      return end - off
    }
    const options = { src, ttl: hopLimit, trafficClass, fragment }
    this.#sender.write(dst, PROTOCOL_ICMPV6, ICMPV6_HEADER_LEN + data.length, fill, options)
  }

  /** The core knows what became of a ping. */
  settle({ ping, outcome }: Pong): void {
    this.#take(ping)?.resolve(outcome)
  }

  #fail(ping: Ping, reason: unknown): void {
    this.#core.host.pings.cancel(ping)
    this.#take(ping)?.reject(reason)
  }

  #take(ping: Ping): Waiter | undefined {
    const waiter = this.#waiters.get(ping)
    this.#waiters.delete(ping)
    return waiter
  }

  close(): void {
    this.#closed = true
    for (const ping of [...this.#waiters.keys()]) this.#fail(ping, closedError())
  }
}

function checkRange(name: string, value: number, most: number, least = 0): void {
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new RangeError(`${name} must be in ${least}..${most}, got ${value}`)
  }
}
