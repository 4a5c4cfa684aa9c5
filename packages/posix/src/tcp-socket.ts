import { formatIp, type Ipv6, isIpv4, isUnspecified, unmapIpv4 } from '@fata/addr'
import type { TcpConnectOptions, TcpFlow, TcpListener } from '@fata/tcp'
import { CONSTANTS as C } from './constants.ts'
import { PosixError, type PosixErrorCode } from './errno.ts'
import { asPosixError, connectFailure, flowFailure } from './failures.ts'
import type { ControlMessage, OptionValue, Received, SocketAddress, SocketFile } from './file.ts'
import { receiveFrom } from './receiving.ts'
import { Sender } from './sending.ts'
import type { SocketDeps, Stream } from './stream.ts'
import { readTcpOption } from './tcp-answers.ts'
import { TcpSocketOptions } from './tcp-options.ts'
import { type Patience, Readiness, waitOrAgain } from './waiting.ts'

const EPHEMERAL_FIRST = 32_768
const EPHEMERAL_COUNT = 28_232

/** A stream socket. It is one thing after the other: new, bound, listening; or connecting, connected. */
export class TcpSocket extends Readiness implements SocketFile, Stream {
  readonly kind = 'socket'
  readonly family: number
  readonly options: TcpSocketOptions
  statusFlags: number = C.O_RDWR
  flow: TcpFlow | undefined = undefined
  listener: TcpListener | undefined = undefined
  /** What SO_ERROR, or the next call, will tell. */
  error: PosixErrorCode | undefined = undefined
  shutRead = false
  shutWrite = false
  readonly deps: SocketDeps
  readonly #sender: Sender
  #bound: SocketAddress | undefined
  #connecting: { readonly abort: AbortController; readonly to: SocketAddress } | undefined
  /** connect(2) has not yet been told that it succeeded. */
  #unreported = false
  #failed = false

  constructor(deps: SocketDeps, family: number) {
    super()
    this.deps = deps
    this.family = family
    this.options = new TcpSocketOptions(deps.personality)
    this.#sender = new Sender(this)
  }

  get connecting(): boolean {
    return this.#connecting !== undefined
  }

  bind(to: SocketAddress): void {
    if (this.#bound !== undefined || this.flow !== undefined) throw new PosixError('EINVAL')
    const { ports } = this.deps
    const port = to.port === 0 ? this.#freePort() : to.port
    const reuse = this.options.number(C.SOL_SOCKET, C.SO_REUSEADDR) !== 0
    if ((ports.get(port) ?? 0) > 0 && !reuse) throw new PosixError('EADDRINUSE')
    ports.set(port, (ports.get(port) ?? 0) + 1)
    this.#bound = { ...to, port }
  }

  listen(backlog: number): void {
    if (this.flow !== undefined || this.#connecting !== undefined) throw new PosixError('EINVAL')
    if (this.listener !== undefined) return
    if (this.#bound === undefined) this.bind({ family: this.family, address: undefined, port: 0 })
    const { address, port } = this.#bound!
    try {
      this.listener = this.deps.tcp.listen({
        ...this.options.flowOptions(this.family === C.AF_INET),
        address: address === undefined || isUnspecified(address) ? undefined : address,
        port,
        // Linux keeps one more than it is told.
        backlog: Math.min(Math.max(0, backlog), this.deps.personality.backlogMax) + 1,
      })
    } catch (error) {
      throw asPosixError(error)
    }
    this.listener.onReady = () => this.wake(C.POLLIN | C.POLLRDNORM)
  }

  async accept(): Promise<{ file: TcpSocket; from: SocketAddress }> {
    const { listener } = this
    if (listener === undefined) throw new PosixError('EINVAL')
    await waitOrAgain(
      this.deps.clock,
      this,
      () => listener.waiting > 0 || this.listener === undefined,
      this.patience('read'),
    )
    if (this.listener === undefined) throw new PosixError('EINVAL')
    const socket = new TcpSocket(this.deps, this.family)
    socket.options.inherit(this.options)
    socket.adopt(await listener.accept())
    return { file: socket, from: socket.peer() }
  }

  /** Becomes the socket of `flow`. */
  adopt(flow: TcpFlow): void {
    this.flow = flow
    flow.onReady = () => this.#onReady(flow)
  }

  async connect(to: SocketAddress): Promise<void> {
    if (to.family === C.AF_UNSPEC) return this.#disconnect()
    if (this.listener !== undefined || (this.flow !== undefined && !this.#unreported)) throw new PosixError('EISCONN')
    if (this.flow !== undefined) {
      this.#unreported = false
      return
    }
    if (this.#connecting !== undefined) {
      if (this.patience('write').nonblocking) throw new PosixError('EALREADY')
    } else {
      this.#throwError()
      this.#begin(to)
      if (this.patience('write').nonblocking) throw new PosixError('EINPROGRESS')
    }
    await this.#connected()
  }

  /** Starts opening a connection. */
  #begin(to: SocketAddress, fast: Pick<TcpConnectOptions, 'fastOpen' | 'data'> = {}): void {
    const { tcp } = this.deps
    const address = unmapped(to)
    if (address === undefined) throw new PosixError('EAFNOSUPPORT')
    const abort = new AbortController()
    this.#connecting = { abort, to }
    this.#unreported = true
    const local = this.#bound?.address
    const target = {
      address,
      port: to.port,
      localPort: this.#bound?.port,
      localAddress: local === undefined || isUnspecified(local) ? undefined : unmapped(this.#bound!),
    }
    let opening: Promise<TcpFlow>
    try {
      opening = tcp.connect(target, {
        ...this.options.flowOptions(isIpv4(address)),
        ...fast,
        signal: abort.signal,
      })
    } catch (error) {
      this.#connecting = undefined
      if (error instanceof TypeError || error instanceof RangeError) throw new PosixError('EINVAL')
      throw asPosixError(error)
    }
    opening.then(
      (flow) => {
        this.#connecting = undefined
        if (flow.info().fastOpenCookie) this.deps.cookies.add(formatIp(address))
        this.adopt(flow)
        this.wake(C.POLLOUT | C.POLLWRNORM)
      },
      (error) => {
        this.#connecting = undefined
        if (abort.signal.aborted) return
        this.error = connectFailure(error)
        this.#failed = true
        this.wake(C.POLLIN | C.POLLOUT | C.POLLERR | C.POLLHUP)
      },
    )
  }

  /** Waits until opening has succeeded or failed. */
  async #connected(): Promise<void> {
    await waitOrAgain(this.deps.clock, this, () => this.#connecting === undefined, {
      nonblocking: false,
      timeoutMs: this.patience('write').timeoutMs,
    })
    this.#throwError()
    this.#unreported = false
  }

  async send(data: Uint8Array, flags: number, to?: SocketAddress): Promise<number> {
    if (to !== undefined && this.flow === undefined && (flags & C.MSG_FASTOPEN) !== 0 && !this.connecting) {
      return this.#fastOpen(to, data, flags)
    }
    if (this.connecting) {
      await waitOrAgain(this.deps.clock, this, () => !this.connecting, this.patience('write', flags))
      this.#unreported = false
    }
    this.#throwError()
    return this.#sender.send(data, flags)
  }

  /** MSG_FASTOPEN: with a cookie of the peer the data goes on the SYN; without, one is asked for. */
  async #fastOpen(to: SocketAddress, data: Uint8Array, flags: number): Promise<number> {
    const address = unmapped(to)
    const known = address !== undefined && this.deps.cookies.has(formatIp(address))
    this.#throwError()
    this.#begin(to, { fastOpen: true, data: known ? data.slice() : undefined })
    const { nonblocking } = this.patience('write', flags)
    if (nonblocking && !known) throw new PosixError('EINPROGRESS')
    if (nonblocking) return data.length
    await this.#connected()
    return known ? data.length : this.#sender.send(data, flags)
  }

  async receive(count: number, flags: number): Promise<Received> {
    if ((flags & C.MSG_ERRQUEUE) !== 0) {
      const control = this.#sender.takeCompletion()
      if (control === undefined) throw new PosixError('EAGAIN')
      return { data: new Uint8Array(0), from: undefined, flags: C.MSG_ERRQUEUE, control: [control] }
    }
    const data = await receiveFrom(this, count, flags)
    return { data, from: this.flow === undefined ? undefined : this.peer(), flags: 0, control: this.#controlMessages() }
  }

  #controlMessages(): ControlMessage[] {
    if (this.options.number(C.SOL_TCP, C.TCP_INQ) === 0) return []
    return [{ level: C.SOL_TCP, type: C.TCP_CM_INQ, data: this.#inQueue() }]
  }

  /** Bytes to be read; the end counts as one, since reading it would not wait. */
  #inQueue(): number {
    const info = this.flow?.info()
    if (info === undefined) return 0
    return info.unreadBytes + (info.endReceived && info.state !== 'CLOSED' ? 1 : 0)
  }

  shutdown(how: number): void {
    if (how < C.SHUT_RD || how > C.SHUT_RDWR) throw new PosixError('EINVAL')
    if (this.listener !== undefined && how !== C.SHUT_WR) {
      void this.listener.close()
      this.listener = undefined
      this.wake(C.POLLIN | C.POLLHUP)
      return
    }
    const state = this.flow?.info().state ?? 'CLOSED'
    if (this.flow === undefined || state === 'CLOSED') throw new PosixError('ENOTCONN')
    if (how !== C.SHUT_WR) this.shutRead = true
    if (how !== C.SHUT_RD) {
      this.shutWrite = true
      this.flow.shutdown().catch(() => {})
    }
    this.wake(C.POLLIN | C.POLLOUT | C.POLLHUP)
  }

  async close(): Promise<void> {
    this.#release()
    this.#connecting?.abort.abort()
    this.#connecting = undefined
    if (this.listener !== undefined) void this.listener.close()
    this.listener = undefined
    const { flow } = this
    if (flow === undefined) return
    const { onoff, linger } = this.options.linger
    if (onoff !== 0 && linger === 0) {
      flow.abort()
      return
    }
    const closed = flow.close().catch(() => {})
    if (onoff !== 0 && (this.statusFlags & C.O_NONBLOCK) === 0) await closed
  }

  #release(): void {
    const { ports } = this.deps
    if (this.#bound !== undefined) ports.set(this.#bound.port, Math.max(0, (ports.get(this.#bound.port) ?? 1) - 1))
    this.#bound = undefined
  }

  #disconnect(): void {
    this.#connecting?.abort.abort()
    this.#connecting = undefined
    this.flow?.abort()
    this.flow = undefined
    this.shutRead = this.shutWrite = this.#failed = false
    this.error = undefined
  }

  getOption(level: number, name: number): OptionValue {
    return readTcpOption(this, level, name)
  }

  setOption(level: number, name: number, value: OptionValue): void {
    if (level === C.SOL_TCP && name === C.TCP_MAXSEG && this.flow !== undefined) throw new PosixError('EINVAL')
    this.options.set(level, name, value)
    const { flow } = this
    if (flow === undefined || flow.info().state === 'CLOSED') return
    flow.configure(this.options.flowOptions(isIpv4(flow.remote.address)))
  }

  query(request: number): number {
    const info = this.flow?.info()
    switch (request) {
      case C.SIOCINQ:
        if (this.listener !== undefined) throw new PosixError('EINVAL')
        return this.#inQueue()
      case C.SIOCOUTQ:
        if (this.listener !== undefined) throw new PosixError('EINVAL')
        return info === undefined ? 0 : info.unsentBytes + info.unackedBytes
      case C.SIOCOUTQNSD:
        return info?.unsentBytes ?? 0
      default:
        throw new PosixError('ENOTTY')
    }
  }

  name(): SocketAddress {
    const local = this.flow?.local ?? this.#bound ?? { address: undefined, port: 0 }
    return { family: this.family, ...local }
  }

  peer(): SocketAddress {
    if (this.flow === undefined) throw new PosixError('ENOTCONN')
    return { family: this.family, ...this.flow.remote }
  }

  poll(): number {
    if (this.listener !== undefined) return this.listener.waiting > 0 ? C.POLLIN | C.POLLRDNORM : 0
    if (this.#connecting !== undefined) return 0
    const failed = this.#failed ? C.POLLIN | C.POLLRDNORM | C.POLLRDHUP : 0
    if (this.flow === undefined) return C.POLLOUT | C.POLLWRNORM | C.POLLHUP | failed | this.#errorBit()
    return this.#pollFlow(this.flow) | this.#errorBit()
  }

  #pollFlow(flow: TcpFlow): number {
    const info = flow.info()
    const gone = info.state === 'CLOSED'
    const ended = info.endReceived || this.shutRead || gone
    let events = info.unreadBytes > 0 || ended ? C.POLLIN | C.POLLRDNORM : 0
    if (ended) events |= C.POLLRDHUP
    if (gone || (ended && this.shutWrite)) events |= C.POLLHUP
    if (info.urgentBytes > 0) events |= C.POLLPRI
    if (this.shutWrite || gone || this.#sender.hasRoom(info)) events |= C.POLLOUT | C.POLLWRNORM
    else this.#sender.noSpace = true
    return events
  }

  #errorBit(): number {
    return this.error !== undefined || this.#sender.hasCompletion ? C.POLLERR : 0
  }

  /** How long a call may wait. */
  patience(direction: 'read' | 'write', flags = 0): Patience {
    const name = direction === 'read' ? C.SO_RCVTIMEO : C.SO_SNDTIMEO
    const seconds = this.options.number(C.SOL_SOCKET, name)
    return {
      nonblocking: (this.statusFlags & C.O_NONBLOCK) !== 0 || (flags & C.MSG_DONTWAIT) !== 0,
      timeoutMs: seconds > 0 ? 1000 * seconds : Number.POSITIVE_INFINITY,
    }
  }

  /** Tells a pending error, once. */
  #throwError(): void {
    const code = this.takeError()
    if (code !== undefined) throw new PosixError(code)
  }

  takeError(): PosixErrorCode | undefined {
    const code = this.error
    this.error = undefined
    return code
  }

  #onReady(flow: TcpFlow): void {
    const info = flow.info()
    let events = C.POLLIN | C.POLLRDNORM
    if (info.state === 'CLOSED' && !this.#failed) {
      this.#failed = true
      this.error ??= flowFailure(info)
      events |= C.POLLHUP | C.POLLERR | C.POLLOUT
    }
    this.wake(events | this.#sender.onReady(info))
  }

  #freePort(): number {
    for (;;) {
      const port = EPHEMERAL_FIRST + (this.deps.random.uint32() % EPHEMERAL_COUNT)
      if ((this.deps.ports.get(port) ?? 0) === 0) return port
    }
  }
}

/** An IPv4 address that is written as an IPv6 one is meant as the former. */
function unmapped(a: SocketAddress): SocketAddress['address'] {
  const { address } = a
  if (address === undefined || isIpv4(address)) return address
  return unmapIpv4(address as Ipv6) ?? address
}
