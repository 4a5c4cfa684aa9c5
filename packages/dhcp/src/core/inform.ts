import { IPV4_BROADCAST, type Ipv4 } from '@fata/addr'
import type { Core, Random } from '@fata/runtime'
import type { DhcpMessage } from '../wire/message.ts'
import { retransmissionDelay } from './backoff.ts'
import { type ClientIdentity, clientMessage, isFor } from './client-messages.ts'
import { type DhcpConfiguration, readConfiguration } from './lease.ts'

export type InformOutput =
  | { readonly kind: 'send'; readonly message: DhcpMessage; readonly src: Ipv4; readonly to: Ipv4 }
  | { readonly kind: 'informed'; readonly configuration: DhcpConfiguration }
  /** Nobody answered. */
  | { readonly kind: 'unanswered' }

type InformState =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'asking'
      readonly address: Ipv4
      readonly xid: number
      readonly since: number
      readonly tries: number
      readonly retryAt: number
    }

/** A host that has an address asks for the rest: DHCPINFORM, RFC 2131 §4.4.3. Four tries take about 60 seconds. */
export class InformCore implements Core<InformOutput> {
  readonly #who: ClientIdentity
  readonly #maxTries: number
  readonly #random: Random
  readonly #out: InformOutput[] = []
  #state: InformState = { kind: 'idle' }

  constructor(who: ClientIdentity, maxTries: number, random: Random) {
    this.#who = who
    this.#maxTries = maxTries
    this.#random = random
  }

  ask(now: number, address: Ipv4): void {
    this.#send(now, address, this.#random.uint32(), now, 0)
  }

  /** Whether the message was the answer. */
  receive(m: DhcpMessage): boolean {
    const s = this.#state
    if (s.kind !== 'asking' || m.type !== 'ack' || m.xid !== s.xid || !isFor(m, this.#who)) return false
    const configuration = readConfiguration(m, s.address)
    if (typeof configuration === 'string') return false
    this.#state = { kind: 'idle' }
    this.#out.push({ kind: 'informed', configuration })
    return true
  }

  stop(): void {
    this.#state = { kind: 'idle' }
  }

  timeout(now: number): void {
    const s = this.#state
    if (s.kind === 'idle' || s.retryAt > now) return
    if (s.tries < this.#maxTries) this.#send(now, s.address, s.xid, s.since, s.tries)
    else {
      this.#state = { kind: 'idle' }
      this.#out.push({ kind: 'unanswered' })
    }
  }

  poll(): InformOutput | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    return this.#state.kind === 'idle' ? Number.POSITIVE_INFINITY : this.#state.retryAt
  }

  #send(now: number, address: Ipv4, xid: number, since: number, before: number): void {
    const tries = before + 1
    const message = clientMessage('inform', this.#who, { xid, secs: Math.floor((now - since) / 1000), ciaddr: address })
    this.#out.push({ kind: 'send', message, src: address, to: IPV4_BROADCAST })
    const retryAt = now + retransmissionDelay(tries, this.#random)
    this.#state = { kind: 'asking', address, xid, since, tries, retryAt }
  }
}
