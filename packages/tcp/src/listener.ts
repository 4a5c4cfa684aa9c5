import type { IpAddress } from '@fata/addr'
import type { FlowOptions } from '@fata/flow'
import type { Connection } from './core/connection.ts'
import { EVENT_CLOSED, EVENT_ESTABLISHED } from './core/signals.ts'
import { TcpError } from './errors.ts'
import { ConnectionFlow } from './flow.ts'
import type { CheckedFlowOptions } from './flow-options.ts'
import type { TcpFlow, TcpListener } from './interface.ts'
import type { Host, Owner } from './owner.ts'
import { WaitList } from './wait-list.ts'

/** Where a listener listens, and its limits. */
export interface ListenSettings {
  readonly address: IpAddress | undefined
  readonly port: number | 'any'
  readonly backlog: number
  readonly synBacklog: number
  /** Fast opens whose handshake is not over, at most; 0: none. */
  readonly fastOpen: number
  readonly flowOptions: CheckedFlowOptions
}

/** What a listener needs of the shell. */
export interface ListenerHost extends Host {
  /** Ends a connection that has not become a flow, with a reset unless `silent`. */
  refuse(c: Connection, silent: boolean): void
  /** The application's `onFlow` has failed. */
  onFlowFailed(flow: TcpFlow, error: unknown): void
  unlisten(listener: ConnectionListener): void
}

/** No cookie is good for longer. */
const COOKIE_LIFE_MS = 128_000

/**
 * Half-open connections, and flows that nobody has accepted.
 *
 * Of half-open connections the oldest gives way where SYN cookies are off: in a flood of SYNs the old ones are the forged ones, since an honest peer needs one
 * round trip, and refusing new ones would let a flood of a few packets per second shut the port. Of established flows none gives way,
 * their peers count on them: the last ACK of a handshake that finds no place is ignored (the peer's data or our SYN,ACK bring
 * another), and no further SYN is answered.
 */
export class ConnectionListener implements TcpListener, Owner {
  readonly local: { readonly address: IpAddress | undefined; readonly port: number | 'any' }
  readonly ready: Promise<void> = Promise.resolve()
  readonly settings: ListenSettings
  onReady: (() => void) | undefined = undefined
  readonly #host: ListenerHost
  readonly #onFlow: ((flow: TcpFlow) => void | Promise<void>) | undefined
  /** In order of arrival. */
  readonly #halfOpen = new Set<Connection>()
  readonly #ready: ConnectionFlow[] = []
  readonly #accepters = new WaitList<TcpFlow>()
  readonly #fast = new Set<Connection>()
  #cookieAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(
    settings: ListenSettings,
    host: ListenerHost,
    onFlow: ((flow: TcpFlow) => void | Promise<void>) | undefined,
  ) {
    this.settings = settings
    this.local = { address: settings.address, port: settings.port }
    this.#host = host
    this.#onFlow = onFlow
  }

  get waiting(): number {
    return this.#ready.length
  }

  /** No further half-open connection can be kept. */
  get isCrowded(): boolean {
    return this.#halfOpen.size >= this.settings.synBacklog
  }

  /** One more connection may be used before its handshake is over (RFC 7413 §4.2.1). */
  get hasFastRoom(): boolean {
    for (const c of this.#fast) if (c.state !== 'SYN-RECEIVED') this.#fast.delete(c)
    return this.#fast.size < this.settings.fastOpen
  }

  noteFast(c: Connection): void {
    this.#fast.add(c)
  }

  /** A SYN has been answered by a cookie. */
  noteCookie(now: number): void {
    this.#cookieAt = now
  }

  /** Cookies may come back. */
  hasSentCookies(now: number): boolean {
    return now - this.#cookieAt < COOKIE_LIFE_MS
  }

  /** No further flow can be kept. */
  get isFull(): boolean {
    return this.#ready.length >= this.settings.backlog
  }

  /** Takes a connection whose SYN has arrived, at the cost of the oldest half-open one where there are too many. */
  admit(c: Connection): void {
    if (this.#halfOpen.size >= this.settings.synBacklog) {
      const [oldest] = this.#halfOpen
      if (oldest !== undefined) {
        this.#halfOpen.delete(oldest)
        // A reset for each forged SYN would make this host part of the attack; an honest peer's ACK is answered with one.
        this.#host.refuse(oldest, true)
      }
    }
    this.#halfOpen.add(c)
    c.owner = this
  }

  accept(options: FlowOptions = {}): Promise<TcpFlow> {
    const { signal } = options
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const flow = this.#accepters.size === 0 ? this.#ready.shift() : undefined
    if (flow !== undefined) return Promise.resolve(flow)
    if (this.#closed) return Promise.reject(closedError())
    return this.#accepters.wait(signal)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#host.unlisten(this)
    for (const c of this.#halfOpen) this.#host.refuse(c, false)
    this.#halfOpen.clear()
    for (const flow of this.#ready.splice(0)) flow.abort()
    this.#accepters.rejectAll(closedError())
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TcpFlow, void> {
    for (;;) {
      const flow = await this.accept().catch(() => undefined)
      if (flow === undefined) return
      yield flow
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  onEvents(c: Connection, events: number): void {
    if ((events & EVENT_ESTABLISHED) !== 0) {
      const flow = new ConnectionFlow(c, this.#host)
      this.#halfOpen.delete(c)
      c.owner = flow
      this.#deliver(flow)
      flow.onEvents(c, events)
    } else if ((events & EVENT_CLOSED) !== 0) {
      this.#halfOpen.delete(c)
    }
  }

  #deliver(flow: ConnectionFlow): void {
    if (this.#onFlow !== undefined) this.#hand(flow, this.#onFlow)
    else if (this.#accepters.size > 0) this.#accepters.resolveFirst(flow)
    else {
      this.#ready.push(flow)
      this.onReady?.()
    }
  }

  #hand(flow: ConnectionFlow, onFlow: (flow: TcpFlow) => void | Promise<void>): void {
    const failed = (error: unknown): void => this.#host.onFlowFailed(flow, error)
    try {
      onFlow(flow)?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}

function closedError(): TcpError {
  return new TcpError('ERR_TCP_CLOSED', 'the listener is closed')
}
