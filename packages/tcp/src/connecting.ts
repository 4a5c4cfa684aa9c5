import { abort } from './core/close.ts'
import type { Connection } from './core/connection.ts'
import { EVENT_CLOSED, EVENT_ESTABLISHED } from './core/signals.ts'
import { failureOf } from './failures.ts'
import { ConnectionFlow } from './flow.ts'
import type { TcpFlow } from './interface.ts'
import type { Host, Owner } from './owner.ts'

/** A call of `connect` that is under way. */
export class Connecting implements Owner {
  readonly promise: Promise<TcpFlow>
  readonly #host: Host
  readonly #signal: AbortSignal | undefined
  readonly #c: Connection
  #resolve!: (flow: TcpFlow) => void
  #reject!: (reason: unknown) => void

  constructor(c: Connection, host: Host, signal: AbortSignal | undefined) {
    this.#c = c
    this.#host = host
    this.#signal = signal
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    signal?.addEventListener('abort', this.#onAbort)
  }

  onEvents(c: Connection, events: number): void {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    if ((events & EVENT_ESTABLISHED) !== 0) {
      const flow = new ConnectionFlow(c, this.#host)
      c.owner = flow
      this.#resolve(flow)
      flow.onEvents(c, events)
    } else if ((events & EVENT_CLOSED) !== 0) {
      this.#reject(failureOf(c, c.failure ?? 'ERR_TCP_ABORTED'))
    }
  }

  readonly #onAbort = (): void => {
    this.#reject(this.#signal?.reason)
    abort(this.#c, 'ERR_TCP_ABORTED')
    this.#host.touch(this.#c)
  }
}
