import { IPV4_ANY, IPV4_BROADCAST, type Ipv4 } from '@fata/addr'
import type { Random } from '@fata/runtime'
import type { DhcpMessage } from '../wire/message.ts'
import { retransmissionDelay } from './backoff.ts'
import { type ClientIdentity, clientMessage } from './client-messages.ts'
import type { Exchange, Unsent } from './client-state.ts'
import type { DhcpLease } from './lease.ts'

/** RFC 2131 §4.4.5 */
const LEAST_RENEWAL_RETRY_MS = 60_000

type Send = (message: DhcpMessage, src: Ipv4, to: Ipv4) => void

/** Sends what each state of the client has to say, and tells when that is due again. */
export class Transmitter {
  /** When the client began to acquire or renew, which `secs` counts from. */
  since = 0
  readonly #who: ClientIdentity
  readonly #random: Random
  readonly #send: Send

  constructor(who: ClientIdentity, random: Random, send: Send) {
    this.#who = who
    this.#random = random
    this.#send = send
  }

  /** A new exchange. */
  begin(now: number): Unsent {
    return { xid: this.#random.uint32(), sentAt: now, tries: 0 }
  }

  /** To every server. Each is as good as the first: the exchange counts from it. */
  discover(now: number, { xid, tries }: Unsent, wish: Ipv4 | undefined): Exchange {
    this.#broadcast(clientMessage('discover', this.#who, { xid, secs: this.#secs(now), requested: wish }))
    return this.#sent(now, { xid, sentAt: now, tries })
  }

  /** For what a server has offered. */
  request(now: number, unsent: Unsent, { address, server }: DhcpLease): Exchange {
    const fields = { xid: unsent.xid, secs: this.#secs(now), requested: address, server }
    this.#broadcast(clientMessage('request', this.#who, fields))
    return this.#sent(now, unsent)
  }

  /** For an address of an earlier run. */
  reboot(now: number, unsent: Unsent, address: Ipv4): Exchange {
    this.#broadcast(clientMessage('request', this.#who, { xid: unsent.xid, secs: this.#secs(now), requested: address }))
    return this.#sent(now, unsent)
  }

  /** For more time. Each transmission is an exchange of its own: the lease is counted from the one that was answered. */
  extend(now: number, kind: 'renewing' | 'rebinding', { address, server, rebindAt, expiresAt }: DhcpLease): Exchange {
    const xid = this.#random.uint32()
    const message = clientMessage('request', this.#who, { xid, secs: this.#secs(now), ciaddr: address })
    this.#send(message, address, kind === 'renewing' ? server : IPV4_BROADCAST)
    const left = (kind === 'renewing' ? rebindAt : expiresAt) - now
    const wait = left === Number.POSITIVE_INFINITY ? 0 : left / 2
    return { xid, sentAt: now, tries: 1, retryAt: now + Math.max(wait, LEAST_RENEWAL_RETRY_MS) }
  }

  decline({ address, server }: DhcpLease): void {
    const xid = this.#random.uint32()
    const fields = { xid, requested: address, server, message: 'address is in use' }
    this.#broadcast(clientMessage('decline', this.#who, fields))
  }

  release({ address, server }: DhcpLease): void {
    const xid = this.#random.uint32()
    this.#send(clientMessage('release', this.#who, { xid, ciaddr: address, server }), address, server)
  }

  /** From a client that has no address. */
  #broadcast(message: DhcpMessage): void {
    this.#send(message, IPV4_ANY, IPV4_BROADCAST)
  }

  #sent(now: number, { xid, sentAt, tries }: Unsent): Exchange {
    return { xid, sentAt, tries: tries + 1, retryAt: now + retransmissionDelay(tries + 1, this.#random) }
  }

  #secs(now: number): number {
    return Math.floor((now - this.since) / 1000)
  }
}
