import type { IpAddress } from '@fata/addr'
import type { Readiness } from './waiting.ts'

/** A socket address: `address` undefined stands for any. */
export interface SocketAddress {
  readonly family: number
  readonly address: IpAddress | undefined
  readonly port: number
}

/** `struct linger` of SO_LINGER, in seconds. */
export interface Linger {
  readonly onoff: number
  readonly linger: number
}

/** What socket options can be. */
export type OptionValue = number | string | Linger | Readonly<Record<string, number>>

/** Control messages that recvmsg(2) brings. */
export interface ControlMessage {
  readonly level: number
  readonly type: number
  readonly data: number | Readonly<Record<string, number>>
}

export interface Received {
  readonly data: Uint8Array
  readonly from: SocketAddress | undefined
  readonly flags: number
  readonly control: readonly ControlMessage[]
}

/** What a descriptor of a socket stands for. Calls fail with PosixError. */
export interface SocketFile extends Readiness {
  readonly kind: 'socket'
  /** O_RDWR, O_NONBLOCK. */
  statusFlags: number
  bind(to: SocketAddress): void
  listen(backlog: number): void
  accept(): Promise<{ readonly file: SocketFile; readonly from: SocketAddress }>
  connect(to: SocketAddress): Promise<void>
  send(data: Uint8Array, flags: number, to?: SocketAddress): Promise<number>
  receive(count: number, flags: number): Promise<Received>
  shutdown(how: number): void
  close(): Promise<void>
  getOption(level: number, name: number): OptionValue
  setOption(level: number, name: number, value: OptionValue): void
  /** ioctl(2) that asks for a number. */
  query(request: number): number
  name(): SocketAddress
  peer(): SocketAddress
  /** Bits of `POLL...` that are up. */
  poll(): number
}
