import type { Clock, Random } from '@fata/runtime'
import type { Tcp, TcpFlow, TcpListener } from '@fata/tcp'
import type { PosixErrorCode } from './errno.ts'
import type { Personality } from './personality.ts'
import type { TcpSocketOptions } from './tcp-options.ts'
import type { Patience, Readiness } from './waiting.ts'

/** What sockets stand on. */
export interface SocketDeps {
  readonly tcp: Tcp
  readonly clock: Clock
  readonly random: Random
  readonly personality: Personality
  /** How many sockets bind(2) has given each local port. */
  readonly ports: Map<number, number>
  /** Hosts that have given a fast open cookie, formatted. */
  readonly cookies: Set<string>
}

/** What a stream socket is to those who read, write and ask in its name. */
export interface Stream extends Readiness {
  readonly deps: SocketDeps
  readonly family: number
  readonly options: TcpSocketOptions
  readonly flow: TcpFlow | undefined
  readonly listener: TcpListener | undefined
  readonly connecting: boolean
  readonly shutRead: boolean
  readonly shutWrite: boolean
  /** What SO_ERROR, or the next call, will tell; `takeError` tells it. */
  readonly error: PosixErrorCode | undefined
  takeError(): PosixErrorCode | undefined
  /** How long a call may wait. */
  patience(direction: 'read' | 'write', flags?: number): Patience
}
