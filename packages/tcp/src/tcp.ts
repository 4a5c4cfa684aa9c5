import {
  broadcastAddress,
  IPV4_BROADCAST,
  type IpAddress,
  type Ipv4Prefix,
  ipEquals,
  isIpv4,
  isMulticast,
  isUnspecified,
} from '@fata/addr'
import { type Ip, PROTOCOL_TCP } from '@fata/ip'
import { silentLogger } from '@fata/runtime'
import { Connecting } from './connecting.ts'
import { send } from './core/calls.ts'
import { abort } from './core/close.ts'
import type { Connection, ConnectionId } from './core/connection.ts'
import { requestFastOpen } from './core/fast-open.ts'
import { openActive } from './core/open.ts'
import { idOf } from './core/parking.ts'
import { Engine, type TcpDeps } from './engine.ts'
import { TcpError } from './errors.ts'
import { failureOf } from './failures.ts'
import { ConnectionFlow } from './flow.ts'
import { checkFlowOptions, checkRange } from './flow-options.ts'
import { stateOf } from './info.ts'
import type {
  Tcp,
  TcpConnectionState,
  TcpConnectOptions,
  TcpFlow,
  TcpListener,
  TcpListenTarget,
  TcpTarget,
} from './interface.ts'
import { ConnectionListener } from './listener.ts'
import { checkOptions, type TcpConfig, type TcpOptions } from './options.ts'
import { EphemeralPorts } from './ports.ts'
import { Receiver } from './receiver.ts'
import { createTcpStats, type TcpStats } from './stats.ts'

/** Speaks TCP over IP and becomes a listener for that protocol. Throws a RangeError on nonsense. */
export function createTcp(deps: TcpDeps, options: TcpOptions = {}): Tcp {
  return new TcpShell(deps, checkOptions(options))
}

/** What `createTcp` makes. */
export class TcpShell implements Tcp {
  readonly stats: TcpStats = createTcpStats()
  readonly #ip: Ip
  readonly #config: TcpConfig
  /** For tests that look at the connections themselves. */
  readonly engine: Engine
  readonly #ports: EphemeralPorts
  readonly #clock
  readonly #unlisten: () => void
  #closing: Promise<void> | undefined

  constructor(deps: TcpDeps, config: TcpConfig) {
    const { ip, random, clock, log = silentLogger } = deps
    this.#ip = ip
    this.#clock = clock
    this.#config = config
    this.engine = new Engine(deps, log, config, this.stats)
    this.#ports = new EphemeralPorts(random, config.ephemeralPorts)
    this.#unlisten = ip.listen(PROTOCOL_TCP, new Receiver(this.engine, (address) => this.#isLocal(address)))
  }

  connect(to: TcpTarget, options: TcpConnectOptions = {}): Promise<TcpFlow> {
    const { signal, timeoutMs = this.#config.synTimeoutMs, data } = options
    if (data !== undefined && Object.prototype.toString.call(data) !== '[object Uint8Array]')
      throw new TypeError('a flow carries Uint8Arrays')
    const chosen = checkFlowOptions(options)
    checkRange('port', to.port, 1, 65535)
    if (to.localPort !== undefined) checkRange('localPort', to.localPort, 1, 65535)
    checkRange('timeoutMs', timeoutMs, 0, Number.POSITIVE_INFINITY)
    this.#requireUnicast(to.address)
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.#closing !== undefined) return Promise.reject(new TcpError('ERR_TCP_CLOSED', 'TCP is closed'))
    try {
      const c = this.engine.create(this.#identify(to), chosen)
      return this.#open(c, timeoutMs, options)
    } catch (error) {
      return Promise.reject(asTcpError(error))
    }
  }

  listen(on: TcpListenTarget, onFlow?: (flow: TcpFlow) => void | Promise<void>): TcpListener {
    const { address, backlog = this.#config.backlog, synBacklog = this.#config.synBacklog, fastOpen = 0 } = on
    if (on.port !== 'any') checkRange('port', on.port, 0, 65535)
    checkRange('backlog', backlog, 1, 1 << 20)
    checkRange('synBacklog', synBacklog, 1, 1 << 20)
    checkRange('fastOpen', fastOpen, 0, 1 << 20)
    const flowOptions = checkFlowOptions(on)
    if (this.#closing !== undefined) throw new TcpError('ERR_TCP_CLOSED', 'TCP is closed')
    const port = on.port === 0 ? this.#freePort(address) : on.port
    const { listeners } = this.engine
    if (listeners.get(address, port) !== undefined) throw new TcpError('ERR_TCP_PORT_IN_USE', `port ${port} is in use`)
    const listener = new ConnectionListener(
      { address, port, backlog, synBacklog, fastOpen, flowOptions },
      this.engine,
      onFlow,
    )
    listeners.add(listener)
    return listener
  }

  connections(): readonly TcpConnectionState[] {
    const { table } = this.engine
    const parked = Array.from(table.parked(), ({ packed }) => ({ ...idOf(packed!), state: 'ESTABLISHED' as const }))
    return [...table.bySlot.filter((c) => c !== undefined), ...parked].map(stateOf)
  }

  close(options: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    const { graceMs = 0 } = options
    checkRange('graceMs', graceMs, 0, Number.POSITIVE_INFINITY)
    this.#closing ??= this.#end(graceMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #open(c: Connection, timeoutMs: number, { signal, data, fastOpen }: TcpConnectOptions): Promise<TcpFlow> {
    const engine = this.engine
    const now = engine.now()
    const opening = engine.opening(c, now)
    if (!engine.makeRoom()) throw new TcpError('ERR_TCP_LIMIT', `${this.#config.maxConnections} connections are open`)
    openActive(c, opening, now)
    if (fastOpen === true) requestFastOpen(c, now)
    if (data !== undefined && !send(c, data, false))
      throw new TcpError('ERR_TCP_LIMIT', 'no memory is left for data that is written')
    c.expireAt = Math.min(c.expireAt, now + timeoutMs)
    const connecting = new Connecting(c, engine, signal)
    c.owner = connecting
    this.stats.activeOpens++
    engine.adopt(c)
    engine.flush()
    return connecting.promise
  }

  /** The four numbers of a connection to `to`. Throws IpError, TcpError. */
  #identify(to: TcpTarget): ConnectionId {
    const local = to.localAddress ?? this.#ip.source(to.address)
    const { table, listeners } = this.engine
    const isFree = (port: number): boolean => table.find(local, port, to.address, to.port) === undefined
    const localPort =
      to.localPort ?? this.#ports.choose(local, to.address, to.port, (port) => isFree(port) && !listeners.isUsed(port))
    if (localPort === undefined) throw new TcpError('ERR_TCP_NO_PORT', 'no local port is free')
    if (!isFree(localPort)) throw new TcpError('ERR_TCP_PORT_IN_USE', `port ${localPort} is in use`)
    return { local, localPort, remote: to.address, remotePort: to.port, passive: false }
  }

  #freePort(address: IpAddress | undefined): number {
    const { listeners } = this.engine
    const any = address ?? (0 as IpAddress)
    const port = this.#ports.choose(any, any, 0, (candidate) => !listeners.isUsed(candidate))
    if (port === undefined) throw new TcpError('ERR_TCP_NO_PORT', 'no local port is free')
    return port
  }

  /** MUST-46. */
  #requireUnicast(address: IpAddress): void {
    const broadcast = this.#ip
      .addresses()
      .some((p) => isIpv4(p.address) && broadcastAddress(p as Ipv4Prefix) === address)
    if (isMulticast(address) || isUnspecified(address) || address === IPV4_BROADCAST || broadcast)
      throw new TypeError('a connection needs the address of one host')
  }

  #isLocal(address: IpAddress): boolean {
    return this.#ip.addresses().some((p) => ipEquals(p.address, address))
  }

  async #end(graceMs: number): Promise<void> {
    const engine = this.engine
    for (const listener of engine.listeners.all()) void listener.close()
    if (graceMs > 0) await this.#closeFlows(graceMs)
    for (const parking of engine.table.parked()) engine.wake(parking)
    for (const c of engine.table.bySlot) {
      if (c === undefined) continue
      if (c.owner instanceof ConnectionFlow) c.owner.abort(failureOf(c, 'ERR_TCP_CLOSED'))
      abort(c, 'ERR_TCP_CLOSED')
      engine.list(c)
    }
    engine.flush()
    engine.stop()
    this.#unlisten()
  }

  /** Resolves when every flow has ended, or after `graceMs`. */
  async #closeFlows(graceMs: number): Promise<void> {
    const engine = this.engine
    const isQuiet = (): boolean => engine.table.size === engine.timeWait.size
    for (const parking of engine.table.parked()) engine.wake(parking)
    for (const c of engine.table.bySlot) if (c?.owner instanceof ConnectionFlow) void c.owner.close()
    engine.flush()
    if (isQuiet()) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.schedule(engine.now() + graceMs, resolve)
      engine.onQuiet = () => {
        if (!isQuiet()) return
        timer.cancel()
        resolve()
      }
    })
    engine.onQuiet = undefined
  }
}

function asTcpError(error: unknown): unknown {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string' || !/^ERR_(IP|NET)_/.test(code)) return error
  return new TcpError('ERR_TCP_UNREACHABLE', 'the peer cannot be reached', { cause: error })
}
