import { formatIpv4, type Ipv4, type Mac } from '@fata/addr'
import { assert } from '@fata/bytes'
import { countDrop } from '@fata/net'
import { type Clock, createDriver, type Driver, type Logger, type Random, silentLogger } from '@fata/runtime'
import { identity } from './client-identity.ts'
import { clientSettings, type DhcpClientOptions, type DhcpClientSettings } from './client-options.ts'
import { ClientCore, type ClientOutput, type LossReason } from './core/client.ts'
import type { ClientState } from './core/client-state.ts'
import { InformCore, type InformOutput } from './core/inform.ts'
import { type DhcpConfiguration, type DhcpLease, isHost } from './core/lease.ts'
import { DhcpError } from './errors.ts'
import { LeaseStore } from './lease-store.ts'
import { sendCounted } from './sender.ts'
import { createStats, type DhcpSocket, type DhcpStats, type DhcpStore } from './types.ts'
import { Waiters } from './waiters.ts'
import { type DhcpMessage, decode, encode } from './wire/message.ts'

const SERVER_PORT = 67
const IP_AND_UDP_HEADERS = 28

/** What a DHCP client needs. */
export interface DhcpClientDeps {
  /** Bound to port 68. */
  readonly socket: DhcpSocket
  readonly clock: Clock
  readonly random: Random
  /** Of the device. */
  readonly mac: Mac
  readonly log?: Logger | undefined
  /** Whether nobody on the link has an address, as `probe` of @fata/arp. Without it addresses are used unchecked. */
  readonly probe?: ((address: Ipv4, options: { readonly signal: AbortSignal }) => Promise<boolean>) | undefined
  /** Keeps the lease over a restart. */
  readonly store?: DhcpStore | undefined
}

/** What has become of the lease. On `'lost'` the address must not be used from the call on (RFC 2131 §4.4.5). */
export type DhcpLeaseEvent =
  | { readonly kind: 'acquired' | 'renewed'; readonly lease: DhcpLease }
  | { readonly kind: 'lost'; readonly lease: DhcpLease; readonly reason: LossReason }

/** Acquires an address and keeps it. What to do with it is up to the listener of `onLease`. */
export interface DhcpClient extends AsyncDisposable {
  readonly state: ClientState['kind']
  /** The lease in use. */
  readonly lease: DhcpLease | undefined
  readonly stats: DhcpStats
  /**
   * Begins, unless it has begun, and resolves with the lease in use as soon as there is one. It goes on trying for ever. Rejects with the signal's
   * reason, which ends this wait only, and with DhcpError `ERR_DHCP_CLOSED`, `ERR_DHCP_RELEASED`.
   */
  start(options?: { readonly signal?: AbortSignal | undefined }): Promise<DhcpLease>
  /** Adds a listener, called synchronously, and returns the function that removes it. */
  onLease(listener: (event: DhcpLeaseEvent) => void): () => void
  /** Asks for more time now instead of at T1. Nothing without a lease. */
  renew(): void
  /** Tells the server that somebody else uses the address, gives it up and begins anew: what RFC 5227 §2.4 has after conflicts. */
  conflict(): void
  /** Gives the lease back and stops; `start` begins again. Resolves when the store has forgotten it. */
  release(): Promise<void>
  /**
   * Asks for configuration to an address that is the host's by other means (DHCPINFORM). Rejects with the signal's reason, `ERR_DHCP_TIMEOUT` after about
   * 60 s, `ERR_DHCP_BUSY` while another call waits, `ERR_DHCP_CLOSED`, `ERR_DHCP_RELEASED`. Throws a RangeError for what is no address of a host.
   */
  inform(address: Ipv4, options?: { readonly signal?: AbortSignal | undefined }): Promise<DhcpConfiguration>
  /** Stops without giving the lease back, so that the next start gets it again. Idempotent, never rejects. */
  close(): Promise<void>
}

/** Makes a client and becomes the listener of the socket. Throws a RangeError or TypeError for nonsense in the options. */
export function createDhcpClient(deps: DhcpClientDeps, options: DhcpClientOptions = {}): DhcpClient {
  return new ClientShell(deps, clientSettings(options))
}

class ClientShell implements DhcpClient {
  readonly stats: DhcpStats = createStats()
  readonly log: Logger
  readonly socket: DhcpSocket
  readonly #deps: DhcpClientDeps
  readonly #core: ClientCore
  readonly #driver: Driver<ClientCore>
  readonly #inform: Driver<InformCore>
  readonly #store: LeaseStore | undefined
  readonly #listeners = new Set<(event: DhcpLeaseEvent) => void>()
  readonly #leases = new Waiters<DhcpLease>()
  readonly #answers = new Waiters<DhcpConfiguration>()
  readonly #buffer: Uint8Array
  #probing: AbortController | undefined
  #informing = false
  /** Counts up when what is under way is not wanted any more. */
  #run = 0
  #loading = false
  #closed = false

  constructor(deps: DhcpClientDeps, set: DhcpClientSettings) {
    const { socket, clock, random, store, log = silentLogger } = deps
    const who = identity(deps.mac, set)
    this.#deps = deps
    this.log = log
    this.socket = socket
    this.#store = store && new LeaseStore(store, set.storeKey, clock, log)
    this.#buffer = new Uint8Array(set.maxMessageSize - IP_AND_UDP_HEADERS)
    const settings = { ...set, shortestLeaseS: set.shortestLeaseSeconds, probes: deps.probe !== undefined }
    this.#core = new ClientCore(who, settings, random)
    this.#driver = createDriver<ClientOutput, ClientCore>(this.#core, clock, (out) => this.#perform(out))
    const inform = new InformCore(who, set.requestTries, random)
    this.#inform = createDriver<InformOutput, InformCore>(inform, clock, (out) => this.#performInform(out))
    socket.onMessage = (buf, off, end) => this.#receive(buf, off, end)
  }

  get state(): ClientState['kind'] {
    return this.#core.state.kind
  }

  get lease(): DhcpLease | undefined {
    return this.#core.lease
  }

  start(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<DhcpLease> {
    if (this.#closed) return Promise.reject(closedError())
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    const { lease } = this
    if (lease !== undefined) return Promise.resolve(lease)
    const acquired = this.#leases.wait(options.signal)
    if (this.#store === undefined) this.#driver.step((core, now) => core.start(now))
    else if (!this.#loading && this.state === 'stopped') void this.#startFrom(this.#store)
    return acquired
  }

  onLease(listener: (event: DhcpLeaseEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  renew(): void {
    this.#driver.step((core, now) => core.renew(now))
  }

  conflict(): void {
    this.#driver.step((core, now) => core.conflict(now))
  }

  async release(): Promise<void> {
    this.#halt(new DhcpError('ERR_DHCP_RELEASED', 'the lease has been given back'), (core) => core.release())
    await this.#store?.settled()
  }

  inform(address: Ipv4, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<DhcpConfiguration> {
    const { signal } = options
    if (!isHost(address)) throw new RangeError(`${formatIpv4(address)} is not the address of a host`)
    if (this.#closed) return Promise.reject(closedError())
    if (this.#informing) return Promise.reject(new DhcpError('ERR_DHCP_BUSY', 'another DHCPINFORM is under way'))
    if (signal?.aborted) return Promise.reject(signal.reason)
    this.#informing = true
    const answer = this.#answers.wait(signal)
    this.#inform.step((core, now) => core.ask(now, address))
    return answer.finally(() => {
      this.#informing = false
      this.#inform.step((core) => core.stop())
    })
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.socket.onMessage = undefined
      this.#halt(closedError(), (core) => core.stop())
      this.#driver.stop()
      this.#inform.stop()
      this.#listeners.clear()
    }
    await this.#store?.settled()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #startFrom(store: LeaseStore): Promise<void> {
    const run = this.#run
    this.#loading = true
    const known = await store.load()
    if (run !== this.#run) return
    this.#loading = false
    this.#driver.step((core, now) => core.start(now, known))
  }

  #halt(reason: DhcpError, end: (core: ClientCore) => void): void {
    this.#run++
    this.#loading = false
    this.#driver.step(end)
    this.#probing?.abort()
    this.#leases.reject(reason)
    this.#answers.reject(reason)
  }

  #receive(buf: Uint8Array, off: number, end: number): void {
    const message = decode(buf, off, end)
    if (typeof message === 'string') {
      countDrop(this.stats.dropped, message)
      return
    }
    this.stats.received++
    if (this.#inform.step((core) => core.receive(message))) return
    const ignored = this.#driver.step((core, now) => core.receive(now, message))
    if (ignored !== undefined) countDrop(this.stats.dropped, ignored)
  }

  #perform(out: ClientOutput): void {
    switch (out.kind) {
      case 'send':
        this.#send(out.message, out.src, out.to)
        break
      case 'probe':
        void this.#probe(out.address)
        break
      case 'acquired':
      case 'renewed':
        this.#tell('info', out.kind === 'acquired' ? 'lease acquired' : 'lease renewed', out.lease)
        this.#store?.save(out.lease)
        for (const listener of this.#listeners) listener(out)
        this.#leases.resolve(out.lease)
        break
      case 'lost':
        this.#tell(out.reason === 'released' ? 'info' : 'warn', 'lease lost', out.lease, out.reason)
        for (const listener of this.#listeners) listener(out)
        break
      case 'forget':
        this.#store?.forget()
        break
      default:
        out satisfies never
    }
  }

  #performInform(out: InformOutput): void {
    switch (out.kind) {
      case 'send':
        this.#send(out.message, out.src, out.to)
        break
      case 'informed':
        this.#answers.resolve(out.configuration)
        break
      case 'unanswered':
        this.#answers.reject(new DhcpError('ERR_DHCP_TIMEOUT', 'no server answers'))
        break
      default:
        out satisfies never
    }
  }

  async #probe(address: Ipv4): Promise<void> {
    const { probe } = this.#deps
    assert(probe !== undefined, 'the core asks for probes only where there is one')
    this.#probing?.abort()
    const probing = new AbortController()
    this.#probing = probing
    let free: boolean
    try {
      free = await probe(address, { signal: probing.signal })
    } catch (error) {
      if (probing.signal.aborted) return
      // That nobody could look does not say that somebody is there.
      this.log.log('warn', 'dhcp', 'the address cannot be probed', {
        address: formatIpv4(address),
        error: String(error),
      })
      free = true
    }
    if (this.#probing === probing) this.#driver.step((core, now) => core.probed(now, address, free))
  }

  #send(message: DhcpMessage, src: Ipv4, to: Ipv4): void {
    const length = encode(this.#buffer, 0, this.#buffer.length, message)
    if (length === undefined) countDrop(this.stats.unsent, 'too-long')
    else sendCounted(this, this.#buffer.subarray(0, length), { address: to, port: SERVER_PORT }, src)
  }

  #tell(level: 'info' | 'warn', message: string, lease: DhcpLease, reason?: string): void {
    if (!this.log.enabled(level)) return
    const fields = { address: formatIpv4(lease.address), server: formatIpv4(lease.server) }
    this.log.log(level, 'dhcp', message, reason === undefined ? fields : { ...fields, reason })
  }
}

function closedError(): DhcpError {
  return new DhcpError('ERR_DHCP_CLOSED', 'the DHCP client is closed')
}
