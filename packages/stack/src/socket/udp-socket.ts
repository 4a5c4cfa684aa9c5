import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import {
  type Endpoint,
  formatIp,
  IPV4_ANY,
  IPV4_BROADCAST,
  IPV6_ANY,
  type IpAddress,
  ipEquals,
  ipv4Mapped,
  isIpv4,
  isMulticast,
  isUnspecified,
  parseIp,
  unmapIpv4,
} from '@fata/addr'
import { EVERY_SOURCE, type GroupMembership, type SourceFilter } from '@fata/ip'
import { countDrop, type Fill } from '@fata/net'
import {
  type Datagram,
  ReceiveQueue,
  type UdpBindOptions,
  UdpError,
  type UdpInfo,
  type UdpMessageHandler,
  type UdpReceiveOptions,
  type UdpSendOptions,
  type UdpSocket,
  type UdpStats,
} from '@fata/udp'
import { StackError } from '../errors.ts'
import { udpError } from './errors.ts'
import { answerAtOnce } from './places.ts'

const LONGEST_IPV4 = 65507
const LONGEST_IPV6 = 65527
/** What every path of IPv6 carries in one packet, and nearly every one of IPv4. */
const SURE_PAYLOAD = 1232
const DEFAULT_TTL = 64

/** Where a socket is bound. */
export interface Binding {
  readonly address: IpAddress | undefined
  readonly family: 4 | 6 | 'both'
}

/** What comes from the UDP that makes it. */
export interface SocketSettings {
  readonly queueDatagrams: number
  readonly queueBytes: number
  readonly closed: () => void
}

/** A UDP socket of the host. Node binds, connects and sends within the call, as it has nothing to look up. */
export class HostUdpSocket implements UdpSocket {
  readonly ready: Promise<void> = Promise.resolve()
  readonly stats: UdpStats = { rxDatagrams: 0, rxBytes: 0, txDatagrams: 0, txBytes: 0, dropped: {} }
  readonly address: IpAddress | undefined
  readonly port: number
  onMessage: UdpMessageHandler | undefined
  onError: ((error: UdpError) => void) | undefined
  #remote: Endpoint | undefined
  readonly #binding: Binding
  readonly #all: UdpStats
  readonly #settings: SocketSettings
  readonly #queue: ReceiveQueue
  readonly #mayBroadcast: boolean
  #socket: Socket
  #closed = false

  /** Throws UdpError as `Udp.bind`. */
  constructor(
    binding: Binding,
    options: UdpBindOptions & { readonly port: number },
    all: UdpStats,
    settings: SocketSettings,
  ) {
    const { shared = false, broadcast = false } = options
    this.#binding = binding
    this.#all = all
    this.#settings = settings
    this.#queue = new ReceiveQueue(settings.queueDatagrams, settings.queueBytes)
    this.#mayBroadcast = broadcast
    this.address = binding.address
    this.onMessage = options.onMessage
    this.onError = options.onError
    this.#socket = open(binding, options.port, shared)
    this.port = this.#socket.address().port
    if (broadcast) this.#socket.setBroadcast(true)
    this.#socket.on('message', (data, from) => this.#receive(data, from))
    this.#socket.on('error', (error) => this.#report(udpError(error)))
    if (options.remote !== undefined) this.connect(options.remote)
  }

  get remote(): Endpoint | undefined {
    return this.#remote
  }

  connect(remote: Endpoint | undefined): void {
    this.#requireOpen()
    if (this.#remote !== undefined) this.#socket.disconnect()
    this.#remote = undefined
    if (remote === undefined) return
    this.#requireFamily(remote.address)
    requirePort(remote.port)
    let failure: Error | undefined
    // Node tells of a failure within the call; of success, which is all that is left, after it.
    this.#socket.connect(remote.port, this.#text(remote.address), ((error?: Error) => {
      failure = error
    }) as () => void)
    if (failure !== undefined) throw udpError(failure)
    this.#remote = { address: remote.address, port: remote.port }
  }

  send(data: Uint8Array, dst?: Endpoint, options: UdpSendOptions = {}): void {
    this.#requireOpen()
    const to = dst ?? this.#remote
    if (to === undefined) throw new TypeError('a destination is needed: the socket is not connected')
    this.#check(to, data.length, options)
    if (options.ttl !== undefined) this.#setTtl(to, options.ttl)
    const done = (error: Error | null): void => {
      if (error !== null) this.#report(udpError(error))
    }
    // The host sends within the call, but may also keep the datagram for later.
    const copy = data.slice()
    if (this.#remote === undefined) this.#socket.send(copy, to.port, this.#text(to.address), done)
    else this.#socket.send(copy, done)
    if (options.ttl !== undefined) this.#setTtl(to, DEFAULT_TTL)
    for (const stats of [this.stats, this.#all]) {
      stats.txDatagrams++
      stats.txBytes += data.length
    }
  }

  write(dst: Endpoint | undefined, size: number, fill: Fill, options?: UdpSendOptions): void {
    const buf = new Uint8Array(size)
    this.send(buf.subarray(0, fill(buf, 0)), dst, options)
  }

  maxPayload(): number {
    this.#requireOpen()
    return SURE_PAYLOAD
  }

  join(group: IpAddress, filter: SourceFilter = EVERY_SOURCE): GroupMembership {
    this.#requireOpen()
    if (!isMulticast(group)) throw new RangeError(`not a group: ${formatIp(group)}`)
    this.#requireFamily(group)
    const change = (now: SourceFilter, add: boolean): void => this.#changeMembership(group, now, add)
    change(filter, true)
    let current: SourceFilter | undefined = filter
    return {
      change(next) {
        if (current === undefined) return
        change(current, false)
        change(next, true)
        current = next
      },
      leave: () => {
        if (current === undefined || this.#closed) return
        change(current, false)
        current = undefined
      },
    }
  }

  receive(options: UdpReceiveOptions = {}): Promise<Datagram> {
    return this.#queue.take(options)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Datagram, void> {
    while (!this.#closed) {
      let datagram: Datagram
      try {
        datagram = await this.receive()
      } catch (error) {
        if (this.#closed) return
        throw error
      }
      yield datagram
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#settings.closed()
    this.#socket.close()
    this.#queue.close(closedError())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Throws for what would not leave, or would leave as something else. */
  #check(to: Endpoint, length: number, { src, srcPort, trafficClass, fragment }: UdpSendOptions): void {
    this.#requireFamily(to.address)
    requirePort(to.port)
    const longest = isIpv4(to.address) ? LONGEST_IPV4 : LONGEST_IPV6
    if (length > longest)
      throw new UdpError('ERR_UDP_TOO_LONG', `a datagram has at most ${longest} bytes, not ${length}`)
    if (to.address === IPV4_BROADCAST && !this.#mayBroadcast)
      throw new UdpError('ERR_UDP_BROADCAST', 'the socket was not made to broadcast')
    const isOwn = src === undefined || isUnspecified(src) || (this.address !== undefined && ipEquals(src, this.address))
    if (!isOwn) throw new UdpError('ERR_UDP_NO_ADDRESS', `the socket is not bound to ${formatIp(src)}`)
    for (const [name, value] of Object.entries({
      srcPort,
      trafficClass,
      fragment: fragment === false ? false : undefined,
    }))
      if (value !== undefined && value !== 0)
        throw new StackError('ERR_STACK_UNSUPPORTED', `${name}: not to be had over the host's sockets`)
  }

  #setTtl(to: Endpoint, ttl: number): void {
    if (isMulticast(to.address)) this.#socket.setMulticastTTL(ttl)
    else this.#socket.setTTL(ttl)
  }

  #changeMembership(group: IpAddress, { mode, sources }: SourceFilter, add: boolean): void {
    const text = formatIp(group)
    try {
      if (mode === 'include')
        for (const source of sources)
          if (add) this.#socket.addSourceSpecificMembership(formatIp(source), text)
          else this.#socket.dropSourceSpecificMembership(formatIp(source), text)
      else if (sources.length > 0)
        throw new StackError(
          'ERR_STACK_UNSUPPORTED',
          "a filter that excludes sources: not to be had over the host's sockets",
        )
      else if (add) this.#socket.addMembership(text)
      else this.#socket.dropMembership(text)
    } catch (error) {
      throw error instanceof StackError ? error : udpError(error)
    }
  }

  #receive(data: Uint8Array, from: RemoteInfo): void {
    const address = parseIp(from.address)
    if (this.#closed || address === undefined) return
    const info: UdpInfo = {
      src: { address: plain(address), port: from.port },
      // The host does not say more.
      dst: { address: this.address ?? (isIpv4(plain(address)) ? IPV4_ANY : IPV6_ANY), port: this.port },
      ttl: 0,
      trafficClass: 0,
      multicast: false,
    }
    if (this.onMessage === undefined && !this.#queue.hasRoom(data.length)) {
      for (const stats of [this.stats, this.#all]) countDrop(stats.dropped, 'queue-full')
      return
    }
    for (const stats of [this.stats, this.#all]) {
      stats.rxDatagrams++
      stats.rxBytes += data.length
    }
    if (this.onMessage === undefined)
      this.#queue.put({ ...info, data: new Uint8Array(data.buffer, data.byteOffset, data.length), size: data.length })
    else this.onMessage(data, 0, data.length, info)
  }

  #report(error: UdpError): void {
    if (this.#closed) return
    if (this.onError !== undefined) this.onError(error)
    else if (this.#remote === undefined || this.onMessage !== undefined || !this.#queue.fail(error))
      countDrop(this.stats.dropped, 'unreported-error')
  }

  #requireOpen(): void {
    if (this.#closed) throw closedError()
  }

  #requireFamily(address: IpAddress): void {
    const { family } = this.#binding
    if (family !== 'both' && family !== (isIpv4(address) ? 4 : 6))
      throw new UdpError('ERR_UDP_FAMILY', `a socket of IPv${family} does not reach ${formatIp(address)}`)
  }

  /** A socket of both families knows IPv4 addresses as IPv6 ones. */
  #text(address: IpAddress): string {
    return formatIp(this.#binding.family === 'both' && isIpv4(address) ? ipv4Mapped(address) : address)
  }
}

/** A bound socket. */
function open({ address, family }: Binding, port: number, shared: boolean): Socket {
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    ipv6Only: family === 6,
    reuseAddr: shared,
    lookup: answerAtOnce,
  })
  let failure: Error | undefined
  const onError = (error: Error): void => {
    failure = error
  }
  socket.on('error', onError)
  socket.bind({ port, exclusive: true, ...(address === undefined ? {} : { address: formatIp(address) }) })
  if (failure !== undefined) throw udpError(failure)
  socket.off('error', onError)
  return socket
}

function plain(address: IpAddress): IpAddress {
  return (isIpv4(address) ? undefined : unmapIpv4(address)) ?? address
}

function requirePort(port: number): void {
  if (!(Number.isInteger(port) && port >= 1 && port <= 65535))
    throw new RangeError(`port must be an integer in 1..65535, got ${port}`)
}

function closedError(): UdpError {
  return new UdpError('ERR_UDP_CLOSED', 'the socket is closed')
}
