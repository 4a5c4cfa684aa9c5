import { type Core, type Random, randomBelow } from '@fata/runtime'
import type { V6Message } from '../wire/v6-message.ts'
import { OPTION_V6_INF_MAX_RT } from '../wire/v6-options.ts'
import { isForClient, maxRt, type V6Identity, v6ClientMessage } from './v6-client-messages.ts'
import { again, begin, type Exchange, INFORMATION_REQUEST, MAX_DELAY_MS, type Retransmission } from './v6-exchange.ts'
import { type Dhcpv6Information, readInformation } from './v6-lease.ts'

export type V6InformOutput =
  | { readonly kind: 'send'; readonly message: V6Message }
  | { readonly kind: 'informed'; readonly information: Dhcpv6Information }

type InformState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waiting'; readonly at: number }
  | ({ readonly kind: 'asking' } & Exchange)

/** A host asks for configuration alone: Information-request, RFC 8415 §18.2.6. It asks until somebody answers. */
export class V6InformCore implements Core<V6InformOutput> {
  readonly #who: V6Identity
  readonly #random: Random
  readonly #out: V6InformOutput[] = []
  #state: InformState = { kind: 'idle' }
  #retransmission: Retransmission = INFORMATION_REQUEST

  constructor(who: V6Identity, random: Random) {
    this.#who = who
    this.#random = random
  }

  ask(now: number): void {
    this.#state = { kind: 'waiting', at: now + randomBelow(this.#random, MAX_DELAY_MS + 1) }
    this.timeout(now)
  }

  /** Whether the message was the answer. */
  receive(now: number, m: V6Message): boolean {
    const s = this.#state
    if (s.kind !== 'asking' || m.type !== 'reply' || m.xid !== s.xid || !isForClient(m, this.#who.duid)) return false
    const information = readInformation(now, m)
    if (typeof information === 'string') return false
    const mrt = maxRt(m, OPTION_V6_INF_MAX_RT)
    if (mrt !== undefined) this.#retransmission = { ...INFORMATION_REQUEST, mrt }
    this.#state = { kind: 'idle' }
    this.#out.push({ kind: 'informed', information })
    return true
  }

  stop(): void {
    this.#state = { kind: 'idle' }
  }

  timeout(now: number): void {
    const s = this.#state
    if (this.deadline() > now) return
    if (s.kind === 'waiting') this.#send(now, begin(now, this.#retransmission, this.#random))
    else if (s.kind === 'asking') this.#send(now, again(now, s, this.#retransmission, this.#random)!)
  }

  poll(): V6InformOutput | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    const s = this.#state
    return s.kind === 'idle' ? Number.POSITIVE_INFINITY : s.kind === 'waiting' ? s.at : s.retryAt
  }

  #send(now: number, exchange: Exchange): void {
    this.#state = { kind: 'asking', ...exchange }
    this.#out.push({ kind: 'send', message: v6ClientMessage(now, 'information-request', exchange, this.#who, {}) })
  }
}
