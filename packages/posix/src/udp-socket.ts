import { type Ipv6, isIpv4, isUnspecified, unmapIpv4 } from '@fata/addr'
import type { Datagram, Udp, UdpSocket } from '@fata/udp'
import { CONSTANTS as C } from './constants.ts'
import { ERRNO, PosixError, type PosixErrorCode } from './errno.ts'
import type { OptionValue, Received, SocketAddress, SocketFile } from './file.ts'
import type { SocketDeps } from './stream.ts'
import { Readiness, waitOrAgain } from './waiting.ts'

/** Datagrams that wait to be received; further ones are dropped. */
const MOST_WAITING = 256

/** A datagram socket. */
export class UdpFile extends Readiness implements SocketFile {
  readonly kind = 'socket'
  statusFlags: number = C.O_RDWR
  readonly #udp: Udp
  readonly #deps: SocketDeps
  readonly #family: number
  readonly #options = new Map<string, OptionValue>()
  readonly #waiting: Datagram[] = []
  #socket: UdpSocket | undefined
  #remote: SocketAddress | undefined
  #error: PosixErrorCode | undefined

  constructor(udp: Udp, deps: SocketDeps, family: number) {
    super()
    this.#udp = udp
    this.#deps = deps
    this.#family = family
  }

  bind(to: SocketAddress): void {
    if (this.#socket !== undefined) throw new PosixError('EINVAL')
    const address = plain(to)
    const any = address === undefined || isUnspecified(address)
    try {
      this.#socket = this.#udp.bind({ address: any ? undefined : address, port: to.port })
    } catch (error) {
      if ((error as { code?: unknown }).code === 'ERR_UDP_PORT_IN_USE') throw new PosixError('EADDRINUSE')
      throw new PosixError('EADDRNOTAVAIL')
    }
    this.#socket.onMessage = (buf, off, end, info) => {
      if (this.#waiting.length < MOST_WAITING)
        this.#waiting.push({ ...info, data: buf.slice(off, end), size: end - off })
      this.wake(C.POLLIN | C.POLLRDNORM)
    }
    this.#socket.onError = (error) => {
      this.#error = error.code === 'ERR_UDP_REFUSED' ? 'ECONNREFUSED' : 'EHOSTUNREACH'
      this.wake(C.POLLERR)
    }
  }

  listen(): void {
    throw new PosixError('EOPNOTSUPP')
  }

  accept(): Promise<never> {
    return Promise.reject(new PosixError('EOPNOTSUPP'))
  }

  async connect(to: SocketAddress): Promise<void> {
    const socket = this.#bound()
    const address = plain(to)
    this.#remote = to.family === C.AF_UNSPEC || address === undefined ? undefined : to
    socket.connect(this.#remote === undefined ? undefined : { address: address!, port: to.port })
  }

  async send(data: Uint8Array, _flags: number, to?: SocketAddress): Promise<number> {
    this.#throwError()
    const target = to ?? this.#remote
    const address = target === undefined ? undefined : plain(target)
    if (target === undefined || address === undefined) throw new PosixError('EDESTADDRREQ')
    try {
      this.#bound().send(data, { address, port: target.port })
    } catch (error) {
      const tooLong = (error as { code?: unknown }).code === 'ERR_UDP_TOO_LONG'
      throw new PosixError(tooLong ? 'EMSGSIZE' : 'ENETUNREACH')
    }
    return data.length
  }

  async receive(count: number, flags: number): Promise<Received> {
    this.#bound()
    const nonblocking = (this.statusFlags & C.O_NONBLOCK) !== 0 || (flags & C.MSG_DONTWAIT) !== 0
    const patience = { nonblocking, timeoutMs: Number.POSITIVE_INFINITY }
    await waitOrAgain(this.#deps.clock, this, () => this.#waiting.length > 0 || this.#error !== undefined, patience)
    this.#throwError()
    const [datagram] = (flags & C.MSG_PEEK) !== 0 ? this.#waiting : [this.#waiting.shift()!]
    const { data, src } = datagram!
    const truncated = data.length > count ? C.MSG_TRUNC : 0
    return { data: data.subarray(0, count), from: { family: this.#family, ...src }, flags: truncated, control: [] }
  }

  shutdown(): void {
    if (this.#remote === undefined) throw new PosixError('ENOTCONN')
  }

  async close(): Promise<void> {
    await this.#socket?.close()
  }

  getOption(level: number, name: number): OptionValue {
    if (level === C.SOL_SOCKET && name === C.SO_ERROR) {
      const code = this.#error
      this.#error = undefined
      return code === undefined ? 0 : ERRNO[code]
    }
    if (level === C.SOL_SOCKET && name === C.SO_TYPE) return C.SOCK_DGRAM
    return this.#options.get(`${level}:${name}`) ?? 0
  }

  setOption(level: number, name: number, value: OptionValue): void {
    if (level === C.SOL_TCP) throw new PosixError('ENOPROTOOPT')
    this.#options.set(`${level}:${name}`, value)
  }

  query(request: number): number {
    if (request === C.SIOCINQ) return this.#waiting[0]?.data.length ?? 0
    if (request === C.SIOCOUTQ) return 0
    throw new PosixError('ENOTTY')
  }

  name(): SocketAddress {
    const port = this.#socket?.port
    return { family: this.#family, address: this.#socket?.address, port: typeof port === 'number' ? port : 0 }
  }

  peer(): SocketAddress {
    if (this.#remote === undefined) throw new PosixError('ENOTCONN')
    return this.#remote
  }

  poll(): number {
    const readable = this.#waiting.length > 0 ? C.POLLIN | C.POLLRDNORM : 0
    return readable | C.POLLOUT | C.POLLWRNORM | (this.#error === undefined ? 0 : C.POLLERR)
  }

  #bound(): UdpSocket {
    if (this.#socket === undefined) this.bind({ family: this.#family, address: undefined, port: 0 })
    return this.#socket!
  }

  #throwError(): void {
    const code = this.#error
    this.#error = undefined
    if (code !== undefined) throw new PosixError(code)
  }
}

function plain(a: SocketAddress): SocketAddress['address'] {
  const { address } = a
  if (address === undefined || isIpv4(address)) return address
  return unmapIpv4(address as Ipv6) ?? address
}
