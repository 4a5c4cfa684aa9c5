import type { Random } from '@fata/runtime'
import type { V6Message } from '../wire/v6-message.ts'
import type { V6Fields } from './v6-client-messages.ts'
import { again, begin, DECLINE, type Exchange, RELEASE } from './v6-exchange.ts'

type Leave = 'release' | 'decline'
type Send = (now: number, type: Leave, exchange: Exchange, fields: V6Fields) => void

/** A Release or Decline, RFC 8415 §18.2.7 and §18.2.8: said until it is answered or given up. A new one takes the place of the last. */
export class Leaving {
  readonly #random: Random
  readonly #send: Send
  #current: { readonly type: Leave; readonly fields: V6Fields; readonly exchange: Exchange } | undefined

  constructor(random: Random, send: Send) {
    this.#random = random
    this.#send = send
  }

  get isUnderWay(): boolean {
    return this.#current !== undefined
  }

  begin(now: number, type: Leave, fields: V6Fields): void {
    this.#say(now, type, fields, begin(now, retransmissionOf(type), this.#random))
  }

  /** Whether `m` is the answer, with which it is over. */
  receive(m: V6Message): boolean {
    if (m.type !== 'reply' || m.xid !== this.#current?.exchange.xid) return false
    this.#current = undefined
    return true
  }

  stop(): void {
    this.#current = undefined
  }

  deadline(): number {
    return this.#current?.exchange.retryAt ?? Number.POSITIVE_INFINITY
  }

  /** Says it again where that is due. True where it is given up instead. */
  timeout(now: number): boolean {
    if (this.#current === undefined || this.deadline() > now) return false
    const { type, fields, exchange } = this.#current
    const next = again(now, exchange, retransmissionOf(type), this.#random)
    if (next === undefined) {
      this.#current = undefined
      return true
    }
    this.#say(now, type, fields, next)
    return false
  }

  #say(now: number, type: Leave, fields: V6Fields, exchange: Exchange): void {
    this.#current = { type, fields, exchange }
    this.#send(now, type, exchange, fields)
  }
}

function retransmissionOf(type: Leave): typeof RELEASE {
  return type === 'release' ? RELEASE : DECLINE
}
