import { connect, type Socket } from 'node:net'
import {
  type Endpoint,
  formatEndpoint,
  formatIp,
  IPV4_ANY,
  IPV4_BROADCAST,
  IPV6_ANY,
  type IpAddress,
  isIpv4,
  isMulticast,
  isUnspecified,
  parseIp,
  unmapIpv4,
} from '@fata/addr'
import type { Clock, Logger } from '@fata/runtime'
import {
  createTcpStats,
  type Tcp,
  type TcpConnectionState,
  type TcpConnectOptions,
  TcpError,
  type TcpFlow,
  type TcpFlowOptions,
  type TcpListener,
  type TcpListenTarget,
  type TcpStats,
  type TcpTarget,
} from '@fata/tcp'
import { StackError } from '../errors.ts'
import { tcpError } from './errors.ts'
import { applyOptions, SocketFlow } from './flow.ts'
import { type ListenSettings, SocketListener } from './listener.ts'
import type { Places } from './places.ts'

const BACKLOG = 128

/** TCP of the host. */
export class SocketTcp implements Tcp {
  readonly stats: TcpStats = createTcpStats()
  readonly #places: Places
  readonly #clock: Clock
  readonly #log: Logger
  readonly #flows = new Set<TcpFlow>()
  readonly #listeners = new Set<TcpListener>()
  #closed = false

  constructor(places: Places, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.#places = places
    this.#clock = clock
    this.#log = log
  }

  connect(to: TcpTarget, options: TcpConnectOptions = {}): Promise<TcpFlow> {
    requirePort('port', to.port, 1)
    if (to.localPort !== undefined) requirePort('localPort', to.localPort, 1)
    if (isMulticast(to.address) || isUnspecified(to.address) || to.address === IPV4_BROADCAST)
      throw new RangeError(`${formatIp(to.address)} is not the address of one host`)
    requireSupported(options)
    return this.#connect(to, options)
  }

  async #connect(to: TcpTarget, options: TcpConnectOptions): Promise<TcpFlow> {
    const { signal, timeoutMs } = options
    signal?.throwIfAborted()
    this.#requireOpen()
    const shown = formatEndpoint(to)
    if (!this.#places.has(to.address))
      throw new TcpError('ERR_TCP_UNREACHABLE', `${shown}: this stack has not its family`)
    this.stats.activeOpens++
    const socket = connect({
      host: formatIp(to.address),
      port: to.port,
      allowHalfOpen: true,
      ...(to.localAddress === undefined ? {} : { localAddress: formatIp(to.localAddress) }),
      ...(to.localPort === undefined ? {} : { localPort: to.localPort }),
    })
    try {
      await this.#connected(socket, shown, signal, timeoutMs)
    } catch (error) {
      this.stats.attemptFails++
      socket.on('error', () => {}).destroy()
      throw error
    }
    applyOptions(socket, options)
    return this.#flow(socket)
  }

  #connected(
    socket: Socket,
    shown: string,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
  ): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const now = this.#clock.now()
      const timer = this.#clock.schedule(now + (timeoutMs ?? Number.POSITIVE_INFINITY), () =>
        reject(new TcpError('ERR_TCP_TIMEOUT', `${shown} does not answer`)),
      )
      const onAbort = (): void => reject(signal?.reason)
      const onError = (error: Error): void => reject(tcpError(error, 'ERR_TCP_UNREACHABLE'))
      signal?.addEventListener('abort', onAbort)
      socket.once('error', onError).once('connect', resolve)
      socket.once('close', () => reject(new TcpError('ERR_TCP_CLOSED', 'TCP is closed')))
      void new Promise<void>((settled) => socket.once('connect', settled).once('close', () => settled())).then(() => {
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        socket.off('error', onError)
      })
    })
  }

  listen(on: TcpListenTarget, onFlow?: (flow: TcpFlow) => void | Promise<void>): TcpListener {
    if (on.port === 'any') throw unsupported("port 'any'")
    requirePort('port', on.port, 0)
    requireSupported(on)
    this.#requireOpen()
    const settings: ListenSettings = {
      ...this.#whereTo(on.address),
      port: on.port,
      backlog: on.backlog ?? BACKLOG,
      flowOptions: on,
    }
    const listener = new SocketListener(
      settings,
      {
        adopt: (socket, options) => this.#adopt(socket, options),
        refuse: (flow, reason) => this.#refuse(flow, reason),
        unlisten: (one) => void this.#listeners.delete(one),
      },
      onFlow,
    )
    this.#listeners.add(listener)
    return listener
  }

  connections(): readonly TcpConnectionState[] {
    return [...this.#flows].map((flow) => flow.info()).map(({ state, local, remote }) => ({ state, local, remote }))
  }

  async close({ graceMs = 0 }: { readonly graceMs?: number | undefined } = {}): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#listeners].map((listener) => listener.close()))
    if (graceMs > 0) await this.#closeFlows(graceMs)
    for (const flow of this.#flows) flow.abort(new TcpError('ERR_TCP_CLOSED', 'TCP is closed'))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #closeFlows(graceMs: number): Promise<void> {
    const late = new Promise<void>((resolve) => void this.#clock.schedule(this.#clock.now() + graceMs, resolve))
    await Promise.race([late, Promise.all([...this.#flows].map((flow) => flow.close()))])
  }

  /** The addresses that a listener without one of its own listens on. */
  #whereTo(address: IpAddress | undefined): Pick<ListenSettings, 'addresses' | 'shown'> {
    if (address !== undefined) {
      if (!this.#places.has(address))
        throw new TcpError('ERR_TCP_UNREACHABLE', `${formatIp(address)}: this stack has not its family`)
      return { addresses: [address], shown: address }
    }
    const { mode } = this.#places
    switch (mode.kind) {
      case 'any':
        return { addresses: [undefined], shown: undefined }
      case 'ipv4-only':
        return { addresses: [IPV4_ANY], shown: undefined }
      case 'ipv6-only':
        return { addresses: [IPV6_ANY], shown: undefined }
      case 'addresses': {
        const addresses = mode.prefixes.map((prefix): IpAddress => prefix.address)
        return { addresses, shown: addresses.length === 1 ? addresses[0] : undefined }
      }
    }
  }

  #adopt(socket: Socket, options: TcpFlowOptions): TcpFlow | undefined {
    if (this.#closed) return undefined
    this.stats.passiveOpens++
    applyOptions(socket, options)
    return this.#flow(socket)
  }

  #flow(socket: Socket): TcpFlow {
    const local = endpointOf(socket.localAddress, socket.localPort)
    const remote = endpointOf(socket.remoteAddress, socket.remotePort)
    const flow: SocketFlow = new SocketFlow(socket, local, remote, () => {
      this.stats.bytesIn += socket.bytesRead
      this.stats.bytesOut += socket.bytesWritten
      this.#flows.delete(flow)
    })
    this.#flows.add(flow)
    return flow
  }

  #refuse(flow: TcpFlow, error: unknown): void {
    this.#log.log('warn', 'tcp', 'connection aborted', { peer: formatEndpoint(flow.remote), error })
    flow.abort(error)
  }

  #requireOpen(): void {
    if (this.#closed) throw new TcpError('ERR_TCP_CLOSED', 'TCP is closed')
  }
}

function requirePort(name: string, port: number, least: number): void {
  if (!(Number.isInteger(port) && port >= least && port <= 65535))
    throw new RangeError(`${name} must be an integer in ${least}..65535, got ${port}`)
}

/** What says how packets look cannot be set through Node, and to leave it out in silence would be a pretended success. */
function requireSupported({ ttl, trafficClass }: TcpFlowOptions): void {
  if (ttl !== undefined) throw unsupported('ttl')
  if (trafficClass !== undefined) throw unsupported('trafficClass')
}

function unsupported(what: string): StackError {
  return new StackError('ERR_STACK_UNSUPPORTED', `${what}: not to be had over the host's sockets`)
}

/** IPv4 addresses come as such, also by a socket of both families. */
function endpointOf(text: string | undefined, port: number | undefined): Endpoint {
  const address = text === undefined ? undefined : parseIp(text)
  if (address === undefined) return { address: IPV4_ANY, port: port ?? 0 }
  return { address: (isIpv4(address) ? undefined : unmapIpv4(address)) ?? address, port: port ?? 0 }
}
