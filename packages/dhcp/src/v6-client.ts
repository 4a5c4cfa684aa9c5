import { formatIp, type Ipv6, ipv6, type Mac } from '@fata/addr'
import { assert } from '@fata/bytes'
import { countDrop } from '@fata/net'
import { type Clock, createDriver, type Driver, type Logger, type Random, silentLogger } from '@fata/runtime'
import type { LossReason } from './core/client.ts'
import { V6ClientCore, type V6Output } from './core/v6-client.ts'
import type { V6Identity } from './core/v6-client-messages.ts'
import type { V6State } from './core/v6-client-state.ts'
import { V6InformCore, type V6InformOutput } from './core/v6-inform.ts'
import type { Dhcpv6Information, Dhcpv6Lease } from './core/v6-lease.ts'
import { DhcpError } from './errors.ts'
import { sendCounted } from './sender.ts'
import { createStats, type DhcpSocket, type DhcpStats } from './types.ts'
import { type Dhcpv6ClientOptions, type Dhcpv6ClientSettings, v6ClientSettings } from './v6-client-options.ts'
import { Waiters } from './waiters.ts'
import { duidFromMac, iaidFromMac } from './wire/client-id.ts'
import { decodeV6, encodeV6, type V6Message } from './wire/v6-message.ts'

/** All_DHCP_Relay_Agents_and_Servers, RFC 8415 §7.1 */
const SERVERS: Ipv6 = /* @__PURE__ */ ipv6('ff02::1:2')
const SERVER_PORT = 547
/** The MTU of every link of IPv6, without the headers of IPv6 and UDP. */
const LONGEST_MESSAGE = 1280 - 48

/** What a DHCPv6 client needs. */
export interface Dhcpv6ClientDeps {
  /** Bound to port 546. It sends from a link-local address. */
  readonly socket: DhcpSocket
  readonly clock: Clock
  readonly random: Random
  /** Of the device. */
  readonly mac: Mac
  readonly log?: Logger | undefined
}

/** What has become of the lease. `'renewed'` also where some of its addresses have changed. On `'lost'` none must be used from the call on. */
export type Dhcpv6LeaseEvent =
  | { readonly kind: 'acquired' | 'renewed'; readonly lease: Dhcpv6Lease }
  | { readonly kind: 'lost'; readonly lease: Dhcpv6Lease; readonly reason: LossReason }

/** Acquires IPv6 addresses and keeps them, or asks for configuration alone. What to do with it is up to the listener of `onLease`. */
export interface Dhcpv6Client extends AsyncDisposable {
  readonly state: V6State['kind']
  /** The lease in use. */
  readonly lease: Dhcpv6Lease | undefined
  readonly stats: DhcpStats
  /**
   * Begins, unless it has begun, and resolves with the lease in use as soon as there is one. It goes on trying for ever. Rejects with the signal's
   * reason, which ends this wait only, and with DhcpError `ERR_DHCP_CLOSED`, `ERR_DHCP_RELEASED`.
   */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<Dhcpv6Lease>
  /** Adds a listener, called synchronously, and returns the function that removes it. */
  onLease(listener: (event: Dhcpv6LeaseEvent) => void): () => void
  /** Asks for more time now instead of at T1. Nothing without a lease. */
  renew(): void
  /** Tells the server that duplicate address detection found `address`, which is not used any more. */
  conflict(address: Ipv6): void
  /** Gives the lease back and stops; `start` begins again. Resolves when the server has answered, or has not for 15 s. */
  release(): Promise<void>
  /**
   * Asks for configuration without addresses (stateless DHCP) until somebody answers. Rejects with the signal's reason, `ERR_DHCP_BUSY` while another
   * call waits, `ERR_DHCP_CLOSED`, `ERR_DHCP_RELEASED`.
   */
  inform(options?: { readonly signal?: AbortSignal | undefined }): Promise<Dhcpv6Information>
  /** Stops without giving the lease back. Idempotent, never rejects. */
  close(): Promise<void>
}

/** Makes a client and becomes the listener of the socket. Throws a RangeError for nonsense in the options. */
export function createDhcpv6Client(deps: Dhcpv6ClientDeps, options: Dhcpv6ClientOptions = {}): Dhcpv6Client {
  return new V6ClientShell(deps, v6ClientSettings(options))
}

class V6ClientShell implements Dhcpv6Client {
  readonly stats: DhcpStats = createStats()
  readonly log: Logger
  readonly socket: DhcpSocket
  readonly #core: V6ClientCore
  readonly #driver: Driver<V6ClientCore>
  readonly #inform: Driver<V6InformCore>
  readonly #listeners = new Set<(event: Dhcpv6LeaseEvent) => void>()
  readonly #leases = new Waiters<Dhcpv6Lease>()
  readonly #answers = new Waiters<Dhcpv6Information>()
  readonly #left = new Waiters<void>()
  readonly #buffer = new Uint8Array(LONGEST_MESSAGE)
  #informing = false
  #closed = false

  constructor({ socket, clock, random, mac, log = silentLogger }: Dhcpv6ClientDeps, set: Dhcpv6ClientSettings) {
    const who: V6Identity = { ...set, duid: set.duid ?? duidFromMac(mac), iaid: set.iaid ?? iaidFromMac(mac) }
    this.log = log
    this.socket = socket
    this.#core = new V6ClientCore(who, { ...set, shortestLeaseS: set.shortestLeaseSeconds }, random)
    this.#driver = createDriver<V6Output, V6ClientCore>(this.#core, clock, (out) => this.#perform(out))
    const inform = new V6InformCore(who, random)
    this.#inform = createDriver<V6InformOutput, V6InformCore>(inform, clock, (out) => this.#performInform(out))
    socket.onMessage = (buf, off, end) => this.#receive(buf, off, end)
  }

  get state(): V6State['kind'] {
    return this.#core.state.kind
  }

  get lease(): Dhcpv6Lease | undefined {
    return this.#core.lease
  }

  start(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Dhcpv6Lease> {
    if (this.#closed) return Promise.reject(closedError())
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    const { lease } = this
    if (lease !== undefined) return Promise.resolve(lease)
    const acquired = this.#leases.wait(options.signal)
    this.#driver.step((core, now) => core.start(now))
    return acquired
  }

  onLease(listener: (event: Dhcpv6LeaseEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  renew(): void {
    this.#driver.step((core, now) => core.renew(now))
  }

  conflict(address: Ipv6): void {
    this.#driver.step((core, now) => core.conflict(now, address))
  }

  async release(): Promise<void> {
    this.#driver.step((core, now) => core.release(now))
    this.#reject(new DhcpError('ERR_DHCP_RELEASED', 'the lease has been given back'))
    if (this.#core.leaving) await this.#left.wait(undefined)
  }

  inform(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Dhcpv6Information> {
    if (this.#closed) return Promise.reject(closedError())
    if (this.#informing) return Promise.reject(new DhcpError('ERR_DHCP_BUSY', 'an Information-request is under way'))
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    this.#informing = true
    const answer = this.#answers.wait(options.signal)
    this.#inform.step((core, now) => core.ask(now))
    return answer.finally(() => {
      this.#informing = false
      this.#inform.step((core) => core.stop())
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.socket.onMessage = undefined
    this.#driver.step((core) => core.stop())
    this.#driver.stop()
    this.#reject(closedError())
    this.#left.resolve()
    this.#inform.stop()
    this.#listeners.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #reject(reason: DhcpError): void {
    this.#leases.reject(reason)
    this.#answers.reject(reason)
  }

  #receive(buf: Uint8Array, off: number, end: number): void {
    const message = decodeV6(buf, off, end)
    if (typeof message === 'string') {
      countDrop(this.stats.dropped, message)
      return
    }
    this.stats.received++
    if (this.#inform.step((core, now) => core.receive(now, message))) return
    const ignored = this.#driver.step((core, now) => core.receive(now, message))
    if (ignored !== undefined) countDrop(this.stats.dropped, ignored)
  }

  #perform(out: V6Output): void {
    switch (out.kind) {
      case 'send':
        this.#send(out.message)
        break
      case 'acquired':
      case 'renewed':
        this.#tell('info', out.kind === 'acquired' ? 'lease acquired' : 'lease renewed', out.lease)
        for (const listener of this.#listeners) listener(out)
        this.#leases.resolve(out.lease)
        break
      case 'lost':
        this.#tell(out.reason === 'released' ? 'info' : 'warn', 'lease lost', out.lease, out.reason)
        for (const listener of this.#listeners) listener(out)
        break
      case 'left':
        this.#left.resolve()
        break
      default:
        out satisfies never
    }
  }

  #performInform(out: V6InformOutput): void {
    if (out.kind === 'send') this.#send(out.message)
    else this.#answers.resolve(out.information)
  }

  #send(message: V6Message): void {
    const length = encodeV6(this.#buffer, 0, this.#buffer.length, message)
    assert(length !== undefined, 'a client has few addresses and options')
    sendCounted(this, this.#buffer.subarray(0, length), { address: SERVERS, port: SERVER_PORT }, undefined)
  }

  #tell(level: 'info' | 'warn', message: string, lease: Dhcpv6Lease, reason?: string): void {
    if (!this.log.enabled(level)) return
    const fields = { addresses: lease.addresses.map(({ address }) => formatIp(address)).join(' ') }
    this.log.log(level, 'dhcpv6', message, reason === undefined ? fields : { ...fields, reason })
  }
}

function closedError(): DhcpError {
  return new DhcpError('ERR_DHCP_CLOSED', 'the DHCPv6 client is closed')
}
