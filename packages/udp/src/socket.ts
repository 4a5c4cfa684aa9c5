import { type Endpoint, formatEndpoint, formatIp, type IpAddress, isIpv4 } from '@fata/addr'
import { copyBytes } from '@fata/bytes'
import type { GroupMembership, SourceFilter } from '@fata/ip'
import { countDrop, type Fill } from '@fata/net'
import { EVERY_PORT, type Family } from './core/port-table.ts'
import { UdpError } from './errors.ts'
import { Memberships } from './memberships.ts'
import { requireInteger } from './options.ts'
import { ReceiveQueue } from './receive-queue.ts'
import type { SendingSocket } from './sender.ts'
import { countReceived, countSent, createStats } from './stats.ts'
import type {
  Datagram,
  UdpInfo,
  UdpMessageHandler,
  UdpReceiveOptions,
  UdpSendOptions,
  UdpSocket,
  UdpStats,
} from './types.ts'

const READY: Promise<void> = Promise.resolve()
const NO_DATA = new Uint8Array(0)

/** What a socket needs of the UDP that made it. */
export interface SocketHost {
  send(socket: Socket, dst: Endpoint, size: number, fill: Fill, options: UdpSendOptions | undefined): number
  maxPayload(dst: Endpoint): number
  /** False, and nothing changed, where somebody is bound like this already. */
  reconnect(socket: Socket, remote: Endpoint | undefined): boolean
  join(group: IpAddress, filter: SourceFilter | undefined): GroupMembership
  release(socket: Socket): void
}

/** What `bind` has found out about a socket to be. */
export interface SocketSetup {
  readonly address: IpAddress | undefined
  readonly local: IpAddress | undefined
  readonly family: Family
  readonly source: IpAddress | undefined
  readonly localPort: number
  readonly shared: boolean
  readonly mayBroadcast: boolean
  readonly queueDatagrams: number
  readonly queueBytes: number
  readonly onMessage: UdpMessageHandler | undefined
  readonly onError: ((error: UdpError) => void) | undefined
}

export class Socket implements UdpSocket, SendingSocket {
  readonly ready: Promise<void> = READY
  readonly stats: UdpStats = createStats()
  readonly address: IpAddress | undefined
  readonly local: IpAddress | undefined
  readonly family: Family
  readonly source: IpAddress | undefined
  readonly localPort: number
  readonly shared: boolean
  readonly mayBroadcast: boolean
  /** Set by the host alone, which files sockets under it. */
  remote: Endpoint | undefined
  onMessage: UdpMessageHandler | undefined
  onError: ((error: UdpError) => void) | undefined
  readonly #host: SocketHost
  readonly #queue: ReceiveQueue
  readonly #memberships = new Memberships()
  #outgoing: Uint8Array = NO_DATA
  #letGo: () => void = () => {}
  #closed = false

  constructor(host: SocketHost, setup: SocketSetup) {
    this.#host = host
    this.#queue = new ReceiveQueue(setup.queueDatagrams, setup.queueBytes)
    this.address = setup.address
    this.local = setup.local
    this.family = setup.family
    this.source = setup.source
    this.localPort = setup.localPort
    this.shared = setup.shared
    this.mayBroadcast = setup.mayBroadcast
    this.onMessage = setup.onMessage
    this.onError = setup.onError
  }

  get port(): number | 'any' {
    return this.localPort === EVERY_PORT ? 'any' : this.localPort
  }

  connect(remote: Endpoint | undefined): void {
    this.#requireOpen()
    if (remote !== undefined) requireConnectable(this, remote)
    if (!this.#host.reconnect(this, remote && { address: remote.address, port: remote.port }))
      throw new UdpError(
        'ERR_UDP_PORT_IN_USE',
        `port ${this.localPort} is in use${remote ? ` towards ${formatEndpoint(remote)}` : ''}`,
      )
  }

  send(data: Uint8Array, dst?: Endpoint, options?: UdpSendOptions): void {
    this.#outgoing = data
    try {
      this.write(dst, data.length, this.#fillData, options)
    } finally {
      this.#outgoing = NO_DATA
    }
  }

  write(dst: Endpoint | undefined, size: number, fill: Fill, options?: UdpSendOptions): void {
    this.#requireOpen()
    countSent(this.stats, this.#host.send(this, this.#destination(dst), size, fill, options))
  }

  maxPayload(dst?: Endpoint): number {
    this.#requireOpen()
    return this.#host.maxPayload(this.#destination(dst))
  }

  join(group: IpAddress, filter?: SourceFilter): GroupMembership {
    this.#requireOpen()
    if (this.family !== 'both' && isIpv4(group) !== (this.family === 'ipv4'))
      throw new UdpError('ERR_UDP_FAMILY', `a socket of ${this.family} cannot join ${formatIp(group)}`)
    return this.#memberships.add(group, this.#host.join(group, filter), filter)
  }

  /** Whether its memberships let it hear `source` in `group`. */
  hears(group: IpAddress, source: IpAddress): boolean {
    return this.#memberships.pass(group, source)
  }

  receive(options: UdpReceiveOptions = {}): Promise<Datagram> {
    return this.#queue.take(options)
  }

  [Symbol.asyncIterator](): AsyncIterator<Datagram, void> {
    return {
      next: async () => {
        try {
          return { done: false, value: await this.receive() }
        } catch (error) {
          if (!this.#closed) throw error
          return { done: true, value: undefined }
        }
      },
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#letGo()
    this.#host.release(this)
    this.#memberships.leaveAll()
    this.#queue.close(closedError())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Closes the socket when `signal`, which has not fired yet, does. */
  closeOn(signal: AbortSignal): void {
    const onAbort = (): void => void this.close()
    signal.addEventListener('abort', onAbort, { once: true })
    this.#letGo = () => signal.removeEventListener('abort', onAbort)
  }

  /** A datagram for this socket; `buf` and `info` are valid during the call. Returns why it had to be dropped. */
  deliver(buf: Uint8Array, off: number, end: number, info: UdpInfo): 'closed' | 'queue-full' | undefined {
    // One handler may close the sockets of others that are to hear the same datagram.
    if (this.#closed) return 'closed'
    const bytes = end - off
    if (this.onMessage !== undefined) {
      countReceived(this.stats, bytes)
      this.onMessage(buf, off, end, info)
      return undefined
    }
    if (!this.#queue.hasRoom(bytes)) {
      countDrop(this.stats.dropped, 'queue-full')
      return 'queue-full'
    }
    countReceived(this.stats, bytes)
    const data = buf.slice(off, end)
    this.#queue.put({ ...info, data, size: data.length, src: { ...info.src }, dst: { ...info.dst } })
    return undefined
  }

  /** The network reports an error about a datagram of this socket. False where that one, or the one before, will not be heard. */
  report(error: UdpError): boolean {
    if (this.onError !== undefined) {
      this.onError(error)
      return true
    }
    const receives = this.remote !== undefined && this.onMessage === undefined
    if (receives && this.#queue.fail(error)) return true
    countDrop(this.stats.dropped, 'unreported-error')
    return false
  }

  readonly #fillData: Fill = (buf, off) => copyBytes(buf, off, this.#outgoing)

  #destination(dst: Endpoint | undefined): Endpoint {
    const destination = dst ?? this.remote
    if (destination === undefined) throw new TypeError('a destination is needed: the socket is not connected')
    return destination
  }

  #requireOpen(): void {
    if (this.#closed) throw closedError()
  }
}

/** Throws where a socket of this kind cannot have `remote` as its peer. */
export function requireConnectable(socket: { family: Family; localPort: number }, remote: Endpoint): void {
  requireInteger('port', remote.port, 1, 65535)
  if (socket.localPort === EVERY_PORT) throw new TypeError("a socket of port 'any' cannot be connected")
  if (socket.family !== 'both' && isIpv4(remote.address) !== (socket.family === 'ipv4'))
    throw new UdpError(
      'ERR_UDP_FAMILY',
      `a socket of ${socket.family} cannot be connected to ${formatEndpoint(remote)}`,
    )
}

function closedError(): UdpError {
  return new UdpError('ERR_UDP_CLOSED', 'the socket is closed')
}
