import { formatIpv4, formatMac, IPV4_BROADCAST, type Ipv4, type Mac } from '@fata/addr'
import { countDrop } from '@fata/net'
import { type Clock, type Logger, silentLogger } from '@fata/runtime'
import { BindingStore, type DhcpServerStore } from './binding-store.ts'
import type { DhcpBinding } from './core/bindings.ts'
import { ServerCore } from './core/server.ts'
import type { Destination, Reply } from './core/server-messages.ts'
import { DhcpError, isOperational } from './errors.ts'
import { sendCounted } from './sender.ts'
import { coreSettings, type DhcpServerOptions, type DhcpServerSettings, serverSettings } from './server-options.ts'
import { createStats, type DhcpSocket, type DhcpStats } from './types.ts'
import { decode, encode } from './wire/message.ts'
import { getOption } from './wire/option.ts'
import { OPTION_MAX_MESSAGE_SIZE } from './wire/options.ts'

const SERVER_PORT = 67
const CLIENT_PORT = 68
const IP_AND_UDP_HEADERS = 28
/** What every client takes, RFC 2131 §2. */
const SMALLEST_PACKET = 576
/** What fits into a frame of Ethernet: more would have to be fragmented, and a client without address may not reassemble. */
const LARGEST_PACKET = 1500

/** What a DHCP server needs. */
export interface DhcpServerDeps {
  /** Bound to port 67. */
  readonly socket: DhcpSocket
  readonly clock: Clock
  readonly log?: Logger | undefined
  /** Keeps the bindings over a restart. An address is acknowledged only when that is written. */
  readonly store?: DhcpServerStore | undefined
  /**
   * Lets answers go by unicast to clients that do not answer ARP yet, by an entry for the moment of sending; @fata/arp is such. Without it they are
   * broadcast, as RFC 2131 §4.1 allows.
   */
  readonly neighbors?: { setStatic(address: Ipv4, mac: Mac | undefined): void } | undefined
}

/** Gives addresses to clients. It serves from the beginning, or from when its store is read. */
export interface DhcpServer extends AsyncDisposable {
  /** Resolves when the store is read. Rejects with DhcpError `ERR_DHCP_STORE` where it cannot be: then nobody is served. */
  readonly ready: Promise<void>
  readonly stats: DhcpStats
  /** Every address that is known of, with who has or had it. Expired ones stay until their address is needed. */
  bindings(): readonly DhcpBinding[]
  /** Adds a listener for addresses that are bound, released or declined, and returns the function that removes it. */
  onBinding(listener: (binding: DhcpBinding) => void): () => void
  /** Forgets who has an address: anybody may get it. Rejects as the store does. */
  forget(address: Ipv4): Promise<boolean>
  /** Stops serving and waits for the store. Idempotent, never rejects. */
  close(): Promise<void>
}

/** Makes a server and becomes the listener of the socket. Throws a RangeError or TypeError for nonsense in the options. */
export function createDhcpServer(deps: DhcpServerDeps, options: DhcpServerOptions): DhcpServer {
  return new ServerShell(deps, serverSettings(options))
}

class ServerShell implements DhcpServer {
  readonly ready: Promise<void>
  readonly stats: DhcpStats = createStats()
  readonly socket: DhcpSocket
  readonly log: Logger
  readonly #deps: DhcpServerDeps
  readonly #settings: DhcpServerSettings
  readonly #core: ServerCore
  readonly #store: BindingStore | undefined
  readonly #listeners = new Set<(binding: DhcpBinding) => void>()
  readonly #writes = new Set<Promise<void>>()
  readonly #buffer = new Uint8Array(LARGEST_PACKET - IP_AND_UDP_HEADERS)
  #isReady = false
  #closed = false

  constructor(deps: DhcpServerDeps, set: DhcpServerSettings) {
    const { socket, clock, store, log = silentLogger } = deps
    this.#deps = deps
    this.socket = socket
    this.log = log
    this.#settings = set
    this.#core = new ServerCore(coreSettings(set))
    this.#store = store && new BindingStore(store, set.storeKey, clock)
    this.#isReady = store === undefined
    this.ready = this.#load()
    this.ready.catch(() => {})
    socket.onMessage = (buf, off, end) => this.#receive(buf, off, end)
  }

  bindings(): readonly DhcpBinding[] {
    return [...this.#core.bindings()]
  }

  onBinding(listener: (binding: DhcpBinding) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async forget(address: Ipv4): Promise<boolean> {
    const known = this.#core.forget(address)
    if (known) await this.#store?.remove(address)
    return known
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.socket.onMessage = undefined
      this.#listeners.clear()
    }
    await Promise.all(this.#writes)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #load(): Promise<void> {
    if (this.#store === undefined) return
    try {
      const now = this.#deps.clock.now()
      const unreadable = await this.#store.load((binding) => this.#core.restore(now, binding))
      if (unreadable > 0) this.log.log('warn', 'dhcp', 'bindings in the store cannot be read', { count: unreadable })
      this.#isReady = true
    } catch (cause) {
      if (!isOperational(cause)) throw cause
      this.log.log('error', 'dhcp', 'the bindings cannot be read', { error: String(cause) })
      throw new DhcpError('ERR_DHCP_STORE', 'the bindings cannot be read', { cause })
    }
  }

  #receive(buf: Uint8Array, off: number, end: number): void {
    const m = decode(buf, off, end)
    if (typeof m === 'string') {
      countDrop(this.stats.dropped, m)
      return
    }
    this.stats.received++
    if (!this.#isReady) {
      countDrop(this.stats.dropped, 'not-ready')
      return
    }
    const room = getOption(m.options, OPTION_MAX_MESSAGE_SIZE) ?? SMALLEST_PACKET
    const { ignored, binding, forgotten = [], reply } = this.#core.receive(this.#deps.clock.now(), m)
    if (ignored !== undefined) countDrop(this.stats.dropped, ignored)
    for (const address of forgotten) this.#forget(address)
    const answer = (): void => {
      if (reply !== undefined) this.#send(reply, room)
    }
    if (binding === undefined) answer()
    else this.#keep(binding, answer)
  }

  /** RFC 2131 §3.1 step 4: the binding is kept before its client hears of it. */
  #keep(binding: DhcpBinding, answer: () => void): void {
    const done = (): void => {
      this.#tell(binding)
      for (const listener of this.#listeners) listener(binding)
      if (!this.#closed) answer()
    }
    if (this.#store === undefined) done()
    else if (this.#writes.size >= this.#settings.maxPendingWrites) countDrop(this.stats.unsent, 'store-busy')
    else this.#write(this.#store.save(binding), done)
  }

  #forget(address: Ipv4): void {
    if (this.#store !== undefined) this.#write(this.#store.remove(address), () => {})
  }

  #write(write: Promise<void>, done: () => void): void {
    const settled: Promise<void> = write.then(done, (error: unknown) => {
      if (!isOperational(error)) throw error
      countDrop(this.stats.unsent, 'store-failed')
      this.log.log('error', 'dhcp', 'a binding cannot be stored', { error: String(error) })
    })
    this.#writes.add(settled)
    void settled.finally(() => this.#writes.delete(settled))
  }

  /** What the client has no room for is left out from the end. */
  #send({ message, to, essential }: Reply, room: number): void {
    const options = new Map(message.options)
    const end = Math.min(room - IP_AND_UDP_HEADERS, this.#buffer.length)
    let length = encode(this.#buffer, 0, end, { ...message, options })
    for (const code of [...options.keys()].slice(essential).reverse()) {
      if (length !== undefined) break
      options.delete(code)
      length = encode(this.#buffer, 0, end, { ...message, options })
    }
    if (length === undefined) countDrop(this.stats.unsent, 'too-long')
    else this.#sendTo(this.#buffer.subarray(0, length), to)
  }

  #sendTo(data: Uint8Array, to: Destination): void {
    const { neighbors } = this.#deps
    if (to.kind === 'relay') this.#sendUdp(data, to.address, SERVER_PORT)
    else if (to.kind !== 'hardware') this.#sendUdp(data, to.address, CLIENT_PORT)
    else if (!this.#pin(to.address, to.mac)) this.#sendUdp(data, IPV4_BROADCAST, CLIENT_PORT)
    else {
      this.#sendUdp(data, to.address, CLIENT_PORT)
      neighbors?.setStatic(to.address, undefined)
    }
  }

  /** False where the neighbours cannot be told where an address is. */
  #pin(address: Ipv4, mac: Mac): boolean {
    const { neighbors } = this.#deps
    try {
      neighbors?.setStatic(address, mac)
      return neighbors !== undefined
    } catch (error) {
      if (!isOperational(error)) throw error
      return false
    }
  }

  #sendUdp(data: Uint8Array, address: Ipv4, port: number): void {
    sendCounted(this, data, { address, port }, this.#settings.address)
  }

  #tell({ address, mac, state }: DhcpBinding): void {
    const level = state === 'declined' ? 'warn' : 'info'
    if (this.log.enabled(level))
      this.log.log(level, 'dhcp', 'binding', { address: formatIpv4(address), mac: formatMac(mac), state })
  }
}
