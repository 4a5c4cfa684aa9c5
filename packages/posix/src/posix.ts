import type { Clock, Random } from '@fata/runtime'
import type { Tcp } from '@fata/tcp'
import type { Udp } from '@fata/udp'
import { CONSTANTS as C } from './constants.ts'
import { type EpollEvent, EpollFile } from './epoll.ts'
import { PosixError } from './errno.ts'
import type { OptionValue, Received, SocketAddress, SocketFile } from './file.ts'
import { linux, type Personality } from './personality.ts'
import type { SocketDeps } from './stream.ts'
import { TcpSocket } from './tcp-socket.ts'
import { UdpFile } from './udp-socket.ts'
import { waitFor } from './waiting.ts'

export interface PosixDeps {
  readonly tcp: Tcp
  readonly udp: Udp
  readonly clock: Clock
  readonly random: Random
  /** Default: `linux()`. */
  readonly personality?: Personality | undefined
}

/** One entry of poll(2). */
export interface PollEntry {
  readonly fd: number
  readonly events: number
}

const FIRST_FD = 3
const MOST_FDS = 1024

/**
 * The socket calls of POSIX and Linux over a stack. A call that would return -1 throws PosixError with its `errno`. Those that may wait
 * give a promise, which is settled before time moves on where the descriptor or MSG_DONTWAIT says not to wait.
 */
export class Posix {
  readonly personality: Personality
  readonly #deps: SocketDeps
  readonly #udp: Udp
  readonly #files = new Map<number, SocketFile | EpollFile>()

  constructor({ tcp, udp, clock, random, personality = linux() }: PosixDeps) {
    this.personality = personality
    this.#udp = udp
    this.#deps = { tcp, clock, random, personality, ports: new Map(), cookies: new Set() }
  }

  /** Descriptors in use. */
  get size(): number {
    return this.#files.size
  }

  socket(domain: number, type: number, protocol: number): number {
    if (domain !== C.AF_INET && domain !== C.AF_INET6) throw new PosixError('EAFNOSUPPORT')
    const kind = type & ~(C.SOCK_NONBLOCK | C.SOCK_CLOEXEC)
    const file = this.#create(domain, kind, protocol)
    if ((type & C.SOCK_NONBLOCK) !== 0) file.statusFlags |= C.O_NONBLOCK
    return this.#open(file)
  }

  bind(fd: number, to: SocketAddress): void {
    this.#socket(fd).bind(to)
  }

  listen(fd: number, backlog: number): void {
    this.#socket(fd).listen(backlog)
  }

  /** accept4(2) where flags are given. */
  async accept(fd: number, flags = 0): Promise<{ fd: number; from: SocketAddress }> {
    const { file, from } = await this.#socket(fd).accept()
    if ((flags & C.SOCK_NONBLOCK) !== 0) file.statusFlags |= C.O_NONBLOCK
    return { fd: this.#open(file), from }
  }

  connect(fd: number, to: SocketAddress): Promise<void> {
    return this.#socket(fd).connect(to)
  }

  /** write(2), send(2), sendto(2), sendmsg(2): how many bytes were taken. */
  send(fd: number, data: Uint8Array, flags = 0, to?: SocketAddress): Promise<number> {
    return this.#socket(fd).send(data, flags, to)
  }

  /** read(2), recv(2), recvfrom(2), recvmsg(2). */
  receive(fd: number, count: number, flags = 0): Promise<Received> {
    return this.#socket(fd).receive(count, flags)
  }

  shutdown(fd: number, how: number): void {
    this.#socket(fd).shutdown(how)
  }

  /** Waits where SO_LINGER says so. */
  async close(fd: number): Promise<void> {
    const file = this.#file(fd)
    this.#files.delete(fd)
    for (const other of this.#files.values()) if (other.kind === 'epoll') other.forget(fd)
    if (file.kind === 'socket') await file.close()
  }

  getsockopt(fd: number, level: number, name: number): OptionValue {
    return this.#socket(fd).getOption(level, name)
  }

  setsockopt(fd: number, level: number, name: number, value: OptionValue): void {
    this.#socket(fd).setOption(level, name, value)
  }

  /** F_GETFL, F_SETFL. */
  fcntl(fd: number, command: number, arg = 0): number {
    const file = this.#file(fd)
    if (command === C.F_GETFL) return file.statusFlags
    if (command !== C.F_SETFL) throw new PosixError('EINVAL')
    file.statusFlags = C.O_RDWR | (arg & C.O_NONBLOCK)
    return 0
  }

  /** Requests that ask for a number; FIONBIO sets one. */
  ioctl(fd: number, request: number, arg = 0): number {
    const file = this.#socket(fd)
    if (request !== C.FIONBIO) return file.query(request)
    file.statusFlags = C.O_RDWR | (arg === 0 ? 0 : C.O_NONBLOCK)
    return 0
  }

  getsockname(fd: number): SocketAddress {
    return this.#socket(fd).name()
  }

  getpeername(fd: number): SocketAddress {
    return this.#socket(fd).peer()
  }

  /** `revents` of each entry, in order. `timeoutMs` below 0: for ever. */
  async poll(entries: readonly PollEntry[], timeoutMs: number): Promise<number[]> {
    const always = C.POLLERR | C.POLLHUP | C.POLLNVAL
    const look = (): number[] =>
      entries.map(({ fd, events }) => {
        const file = this.#files.get(fd)
        if (fd < 0) return 0
        return file === undefined ? C.POLLNVAL : file.poll() & (events | always)
      })
    const files = entries.flatMap(({ fd }) => this.#files.get(fd) ?? [])
    await waitFor(this.#deps.clock, files, () => look().some((events) => events !== 0), patience(timeoutMs))
    return look()
  }

  epollCreate(): number {
    return this.#open(new EpollFile())
  }

  epollCtl(epfd: number, op: number, fd: number, event?: EpollEvent): void {
    this.#epoll(epfd).control(op, fd, this.#socket(fd), event)
  }

  async epollWait(epfd: number, most: number, timeoutMs: number): Promise<EpollEvent[]> {
    const epoll = this.#epoll(epfd)
    if (most < 1) throw new PosixError('EINVAL')
    await waitFor(this.#deps.clock, [epoll], () => epoll.isReady, patience(timeoutMs))
    return epoll.take(most)
  }

  #create(domain: number, kind: number, protocol: number): SocketFile {
    if (kind === C.SOCK_STREAM && (protocol === 0 || protocol === C.IPPROTO_TCP))
      return new TcpSocket(this.#deps, domain)
    if (kind === C.SOCK_DGRAM && (protocol === 0 || protocol === C.IPPROTO_UDP))
      return new UdpFile(this.#udp, this.#deps, domain)
    throw new PosixError('EPROTONOSUPPORT')
  }

  #open(file: SocketFile | EpollFile): number {
    for (let fd = FIRST_FD; fd < MOST_FDS; fd++) {
      if (this.#files.has(fd)) continue
      this.#files.set(fd, file)
      return fd
    }
    throw new PosixError('EMFILE')
  }

  #file(fd: number): SocketFile | EpollFile {
    const file = this.#files.get(fd)
    if (file === undefined) throw new PosixError('EBADF')
    return file
  }

  #socket(fd: number): SocketFile {
    const file = this.#file(fd)
    if (file.kind !== 'socket') throw new PosixError('ENOTSOCK')
    return file
  }

  #epoll(fd: number): EpollFile {
    const file = this.#file(fd)
    if (file.kind !== 'epoll') throw new PosixError('EINVAL')
    return file
  }
}

function patience(timeoutMs: number): number {
  return timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs
}
