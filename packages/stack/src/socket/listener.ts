import { createServer, type Server, type Socket } from 'node:net'
import { formatIp, type IpAddress, isIpv4 } from '@fata/addr'
import type { FlowOptions } from '@fata/flow'
import { TcpError, type TcpFlow, type TcpFlowOptions, type TcpListener } from '@fata/tcp'
import { tcpError } from './errors.ts'
import { Line } from './line.ts'

/** How often another free port is tried where one is to be had on several addresses. */
const PORT_TRIES = 16

/** Where to listen, and what becomes of connections. */
export interface ListenSettings {
  /** Undefined: every address, of both families where the host can do that by one socket. */
  readonly addresses: readonly (IpAddress | undefined)[]
  readonly shown: IpAddress | undefined
  readonly port: number
  readonly backlog: number
  readonly flowOptions: TcpFlowOptions
}

/** What a listener needs of the TCP that made it. */
export interface ListenerHost {
  /** Makes a flow of an accepted connection. */
  adopt(socket: Socket, options: TcpFlowOptions): TcpFlow | undefined
  /** The application's `onFlow` has failed, or nobody accepts. */
  refuse(flow: TcpFlow, reason: unknown): void
  unlisten(listener: SocketListener): void
}

/** One or two servers of the host as a listener. */
export class SocketListener implements TcpListener {
  readonly ready: Promise<void>
  onReady: (() => void) | undefined
  readonly #settings: ListenSettings
  readonly #host: ListenerHost
  readonly #onFlow: ((flow: TcpFlow) => void | Promise<void>) | undefined
  readonly #flows: TcpFlow[] = []
  readonly #accepters = new Line<TcpFlow>()
  #servers: Server[] = []
  #port: number
  #failure: TcpError | undefined
  #closed = false

  constructor(settings: ListenSettings, host: ListenerHost, onFlow?: (flow: TcpFlow) => void | Promise<void>) {
    this.#settings = settings
    this.#host = host
    this.#onFlow = onFlow
    this.#port = settings.port
    this.ready = this.#open().catch((error: unknown) => {
      this.#failure = tcpError(error, 'ERR_TCP_PORT_IN_USE')
      this.#accepters.disappoint(this.#failure)
      this.#host.unlisten(this)
      throw this.#failure
    })
    // Whoever accepts hears of it as well.
    this.ready.catch(() => {})
  }

  get local(): { readonly address: IpAddress | undefined; readonly port: number } {
    return { address: this.#settings.shown, port: this.#port }
  }

  get waiting(): number {
    return this.#flows.length
  }

  async accept({ signal }: FlowOptions = {}): Promise<TcpFlow> {
    signal?.throwIfAborted()
    const flow = this.#flows.shift()
    if (flow !== undefined) return flow
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closed) throw closedError()
    return this.#accepters.wait(signal)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TcpFlow, void> {
    while (!this.#closed) {
      let flow: TcpFlow
      try {
        flow = await this.accept()
      } catch (error) {
        if (this.#closed) return
        throw error
      }
      yield flow
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#host.unlisten(this)
    for (const server of this.#servers) server.close()
    for (const flow of this.#flows.splice(0)) flow.abort()
    this.#accepters.disappoint(closedError())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<void> {
    const [first, ...others] = this.#settings.addresses
    for (let tries = 1; ; tries++) {
      const server = await this.#serve(first, this.#settings.port)
      const { port } = server.address() as { port: number }
      try {
        for (const address of others) await this.#serve(address, port)
        this.#port = port
        return
      } catch (error) {
        for (const one of this.#servers.splice(0)) one.close()
        if (this.#settings.port !== 0 || tries === PORT_TRIES) throw error
      }
    }
  }

  async #serve(address: IpAddress | undefined, port: number): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accepted(socket))
    const { backlog } = this.#settings
    const where =
      address === undefined ? { port, backlog } : { port, backlog, host: formatIp(address), ipv6Only: !isIpv4(address) }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(where, () => {
        server.off('error', reject)
        resolve()
      })
    })
    // A connection that the host could not accept is one that never was.
    server.on('error', () => {})
    this.#servers.push(server)
    if (this.#closed) server.close()
    return server
  }

  #accepted(socket: Socket): void {
    const flow = this.#closed ? undefined : this.#host.adopt(socket, this.#settings.flowOptions)
    if (flow === undefined) {
      socket.on('error', () => {}).destroy()
      return
    }
    if (this.#onFlow !== undefined) void this.#hand(flow, this.#onFlow)
    else if (this.#accepters.length > 0) this.#accepters.serve(flow)
    else if (this.#flows.length >= this.#settings.backlog)
      this.#host.refuse(flow, new TcpError('ERR_TCP_LIMIT', 'nobody accepts connections'))
    else {
      this.#flows.push(flow)
      this.onReady?.()
    }
  }

  async #hand(flow: TcpFlow, onFlow: (flow: TcpFlow) => void | Promise<void>): Promise<void> {
    try {
      await onFlow(flow)
    } catch (error) {
      this.#host.refuse(flow, error)
    }
  }
}

function closedError(): TcpError {
  return new TcpError('ERR_TCP_CLOSED', 'the listener is closed')
}
