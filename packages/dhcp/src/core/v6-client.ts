import { type Ipv6, ipv6Equals } from '@fata/addr'
import { equalBytes } from '@fata/bytes'
import { type Core, type Random, randomBelow } from '@fata/runtime'
import type { V6Message, V6MessageType } from '../wire/v6-message.ts'
import { getV6Option } from '../wire/v6-option-list.ts'
import {
  OPTION_V6_PREFERENCE,
  OPTION_V6_RAPID_COMMIT,
  OPTION_V6_SERVER_ID,
  OPTION_V6_SOL_MAX_RT,
  OPTION_V6_STATUS,
} from '../wire/v6-options.ts'
import type { LossReason } from './client.ts'
import { isForClient, maxRt, type V6Fields, type V6Identity, v6ClientMessage } from './v6-client-messages.ts'
import { bestAdvert, dueAt, type V6State } from './v6-client-state.ts'
import {
  again,
  begin,
  type Exchange,
  MAX_DELAY_MS,
  REBIND,
  RENEW,
  REQUEST,
  type Retransmission,
  SOLICIT,
} from './v6-exchange.ts'
import { type Dhcpv6Lease, isWithdrawn, readV6Lease, type V6Refusal } from './v6-lease.ts'
import { Leaving } from './v6-leaving.ts'

/** After a conflict or a refusal, so that nobody can drive a client to a storm (RFC 8415 §14.1). */
const BACK_OFF_MS = 10_000
const MOST_PREFERRED = 255
const UNSPEC_FAIL = 1

/** What the machine is told of its options. */
export interface V6CoreSettings {
  readonly shortestLeaseS: number
  readonly maxOffers: number
  readonly startDelayMs: number
}

export type V6Output =
  | { readonly kind: 'send'; readonly message: V6Message }
  | { readonly kind: 'acquired' | 'renewed'; readonly lease: Dhcpv6Lease }
  | { readonly kind: 'lost'; readonly lease: Dhcpv6Lease; readonly reason: LossReason }
  /** A Release or Decline has been answered, or given up. */
  | { readonly kind: 'left' }

/** Why a message changed nothing. */
export type V6Ignored = 'not-for-us' | 'unexpected' | 'wrong-xid' | 'wrong-server' | 'unspec-fail' | AdvertRefusal
type AdvertRefusal = V6Refusal | 'too-many-offers'

/**
 * The DHCPv6 client for one identity association of addresses: RFC 8415 §18.2.
 * Its states are those of `V6State`.
 *
 * Differs from RFC 8415 in:
 * - No Confirm: leases are not kept over a restart. No Reconfigure, temporary addresses, delegated prefixes, nor Server Unicast.
 * - Addresses of one lease end one by one, which their lifetimes say; the lease is lost with the last.
 * - SOL_MAX_RT is that of the last server that said something (§18.2.9 has the default where several disagree).
 */
export class V6ClientCore implements Core<V6Output> {
  readonly #who: V6Identity
  readonly #settings: V6CoreSettings
  readonly #random: Random
  readonly #out: V6Output[] = []
  /** Goes on beside everything else. */
  readonly #leaving: Leaving
  #state: V6State = { kind: 'stopped' }
  #solicit: Retransmission = SOLICIT

  constructor(who: V6Identity, settings: V6CoreSettings, random: Random) {
    this.#who = who
    this.#settings = settings
    this.#random = random
    this.#leaving = new Leaving(random, (now, type, exchange, fields) => this.#send(now, type, exchange, fields))
  }

  get state(): V6State {
    return this.#state
  }

  get lease(): Dhcpv6Lease | undefined {
    return 'lease' in this.#state ? this.#state.lease : undefined
  }

  get leaving(): boolean {
    return this.#leaving.isUnderWay
  }

  start(now: number): void {
    if (this.#state.kind !== 'stopped') return
    this.#state = { kind: 'waiting', at: now + randomBelow(this.#random, this.#settings.startDelayMs + 1) }
    this.timeout(now)
  }

  /** A message from a server. Returns why it changed nothing. */
  receive(now: number, m: V6Message): V6Ignored | undefined {
    if (m.type !== 'advertise' && m.type !== 'reply') return 'unexpected'
    if (!isForClient(m, this.#who.duid)) return 'not-for-us'
    if (this.#leaving.receive(m)) return this.#left()
    const s = this.#state
    if (s.kind === 'stopped' || s.kind === 'waiting' || s.kind === 'bound') return 'unexpected'
    if (m.xid !== s.xid) return 'wrong-xid'
    const solicit = maxRt(m, OPTION_V6_SOL_MAX_RT)
    if (solicit !== undefined) this.#solicit = { ...SOLICIT, mrt: solicit }
    if (s.kind === 'soliciting') return m.type === 'advertise' ? this.#collect(now, s, m) : this.#committed(now, m)
    return m.type === 'reply' ? this.#replied(now, s, m) : 'unexpected'
  }

  renew(now: number): void {
    if (this.#state.kind === 'bound') this.#extend(now, 'renewing', this.#state.lease)
  }

  /** Somebody else has the address (RFC 8415 §18.2.8). Addresses beside it stay. */
  conflict(now: number, address: Ipv6): void {
    const { lease } = this
    const declined = lease?.addresses.filter((a) => ipv6Equals(a.address, address)) ?? []
    if (lease === undefined || declined.length === 0) return
    const addresses = lease.addresses.filter((a) => !declined.includes(a))
    if (addresses.length > 0) {
      const rest = { ...lease, addresses, expiresAt: Math.max(...addresses.map((a) => a.validUntil)) }
      this.#state = { kind: 'bound', lease: rest }
      this.#out.push({ kind: 'renewed', lease: rest })
    } else this.#lose(now, lease, 'conflict', BACK_OFF_MS)
    this.#leaving.begin(now, 'decline', { server: lease.server, addresses: declined })
  }

  /** Gives the lease back, if there is one, and stops. */
  release(now: number): void {
    const { lease } = this
    this.#state = { kind: 'stopped' }
    if (lease === undefined) return
    this.#out.push({ kind: 'lost', lease, reason: 'released' })
    this.#leaving.begin(now, 'release', { server: lease.server, addresses: lease.addresses })
  }

  /** Does nothing more. The lease is neither lost nor given back. */
  stop(): void {
    this.#state = { kind: 'stopped' }
    this.#leaving.stop()
  }

  timeout(now: number): void {
    const { lease } = this
    if (this.#leaving.timeout(now)) this.#left()
    if (lease !== undefined && lease.expiresAt <= now) this.#lose(now, lease, 'expired', 0)
    if (dueAt(this.#state) <= now) this.#expire(now, this.#state)
  }

  poll(): V6Output | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    return Math.min(dueAt(this.#state), this.#leaving.deadline(), this.lease?.expiresAt ?? Number.POSITIVE_INFINITY)
  }

  /** What `dueAt` says has come. */
  #expire(now: number, s: V6State): void {
    switch (s.kind) {
      case 'stopped':
        break
      case 'waiting':
        this.#sendSolicit(now, begin(now, this.#solicit, this.#random, true))
        break
      case 'soliciting':
        if (s.adverts.length > 0) this.#request(now, bestAdvert(s.adverts).lease, undefined)
        else this.#sendSolicit(now, again(now, s, this.#solicit, this.#random)!)
        break
      case 'requesting':
        this.#requestAgain(now, s)
        break
      case 'bound':
        this.#extend(now, s.lease.rebindAt <= now ? 'rebinding' : 'renewing', s.lease)
        break
      case 'renewing':
        if (s.lease.rebindAt <= now) this.#extend(now, 'rebinding', s.lease)
        else this.#sendExtension(now, s.kind, s.lease, again(now, s, RENEW, this.#random)!)
        break
      case 'rebinding':
        this.#sendExtension(now, s.kind, s.lease, again(now, s, REBIND, this.#random)!)
        break
      default:
        s satisfies never
    }
  }

  #sendSolicit(now: number, exchange: Exchange): void {
    this.#state = { kind: 'soliciting', adverts: [], ...exchange }
    this.#send(now, 'solicit', exchange, { addresses: [] })
  }

  /** §18.2.1: collects for the first RT, then takes what comes; at once what is preferred most. */
  #collect(now: number, s: V6State & { kind: 'soliciting' }, m: V6Message): AdvertRefusal | undefined {
    const { shortestLeaseS, maxOffers } = this.#settings
    const lease = readV6Lease(now, m, this.#who.iaid, shortestLeaseS)
    if (typeof lease === 'string') return lease
    if (s.adverts.length >= maxOffers) return 'too-many-offers'
    const preference = getV6Option(m.options, OPTION_V6_PREFERENCE) ?? 0
    if (preference === MOST_PREFERRED || s.tries > 1) this.#request(now, lease, undefined)
    else this.#state = { ...s, adverts: [...s.adverts, { preference, lease }] }
    return undefined
  }

  /** A Reply to a Solicit. */
  #committed(now: number, m: V6Message): V6Ignored | undefined {
    if (!this.#who.rapidCommit || !getV6Option(m.options, OPTION_V6_RAPID_COMMIT)) return 'unexpected'
    const lease = readV6Lease(now, m, this.#who.iaid, this.#settings.shortestLeaseS)
    if (typeof lease === 'string') return lease
    this.#bind('acquired', lease)
    return undefined
  }

  #request(now: number, wanted: Dhcpv6Lease, lease: Dhcpv6Lease | undefined): void {
    this.#sendRequest(now, wanted, lease, begin(now, REQUEST, this.#random))
  }

  #requestAgain(now: number, s: V6State & { kind: 'requesting' }): void {
    const exchange = again(now, s, REQUEST, this.#random)
    if (exchange !== undefined) this.#sendRequest(now, s.wanted, s.lease, exchange)
    else if (s.lease !== undefined) this.#lose(now, s.lease, 'refused', 0)
    else this.#wait(now, 0)
  }

  #sendRequest(now: number, wanted: Dhcpv6Lease, lease: Dhcpv6Lease | undefined, exchange: Exchange): void {
    this.#state = { kind: 'requesting', wanted, lease, ...exchange }
    this.#send(now, 'request', exchange, wanted)
  }

  #extend(now: number, kind: 'renewing' | 'rebinding', lease: Dhcpv6Lease): void {
    this.#sendExtension(now, kind, lease, begin(now, kind === 'renewing' ? RENEW : REBIND, this.#random))
  }

  #sendExtension(now: number, kind: 'renewing' | 'rebinding', lease: Dhcpv6Lease, exchange: Exchange): void {
    this.#state = { kind, lease, ...exchange }
    const addresses = lease.addresses.filter(({ validUntil }) => validUntil > now)
    const fields = kind === 'renewing' ? { server: lease.server, addresses } : { addresses }
    this.#send(now, kind === 'renewing' ? 'renew' : 'rebind', exchange, fields)
  }

  /** A Reply to a Request, Renew or Rebind, §18.2.10. */
  #replied(
    now: number,
    s: V6State & { kind: 'requesting' | 'renewing' | 'rebinding' },
    m: V6Message,
  ): V6Ignored | undefined {
    const server = getV6Option(m.options, OPTION_V6_SERVER_ID)
    if (server === undefined) return 'no-server-id'
    const asked = s.kind === 'requesting' ? s.wanted.server : s.lease.server
    if (s.kind !== 'rebinding' && !equalBytes(server, asked)) return 'wrong-server'
    const status = getV6Option(m.options, OPTION_V6_STATUS)?.code ?? 0
    if (status === UNSPEC_FAIL) return 'unspec-fail'
    const lease = readV6Lease(now, m, this.#who.iaid, this.#settings.shortestLeaseS, s.lease?.addresses)
    if (typeof lease !== 'string') {
      this.#bind(s.lease === undefined ? 'acquired' : 'renewed', lease)
      return undefined
    }
    if (s.kind === 'requesting') {
      if (s.lease !== undefined) this.#lose(now, s.lease, 'refused', BACK_OFF_MS)
      else this.#wait(now, BACK_OFF_MS)
    } else if (lease === 'no-binding') this.#request(now, { ...s.lease, server }, s.lease)
    else if (isWithdrawn(m, this.#who.iaid, s.lease)) this.#lose(now, s.lease, 'refused', 0)
    else return lease
    return undefined
  }

  #bind(kind: 'acquired' | 'renewed', lease: Dhcpv6Lease): void {
    this.#state = { kind: 'bound', lease }
    this.#out.push({ kind, lease })
  }

  #lose(now: number, lease: Dhcpv6Lease, reason: LossReason, pauseMs: number): void {
    this.#out.push({ kind: 'lost', lease, reason })
    this.#wait(now, pauseMs)
  }

  #wait(now: number, pauseMs: number): void {
    this.#state = { kind: 'waiting', at: now + pauseMs + randomBelow(this.#random, MAX_DELAY_MS + 1) }
  }

  #left(): undefined {
    this.#out.push({ kind: 'left' })
  }

  #send(now: number, type: V6MessageType, exchange: Exchange, { server, addresses }: V6Fields): void {
    this.#out.push({ kind: 'send', message: v6ClientMessage(now, type, exchange, this.#who, { server, addresses }) })
  }
}
