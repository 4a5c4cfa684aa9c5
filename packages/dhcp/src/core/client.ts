import type { Ipv4 } from '@fata/addr'
import { type Core, type Random, randomBelow } from '@fata/runtime'
import type { DhcpMessage } from '../wire/message.ts'
import { retransmissionDelay } from './backoff.ts'
import { type AnswerRefusal, type Asking, isAsking, readAck, whyNoNak } from './client-answers.ts'
import { type ClientIdentity, isFor } from './client-messages.ts'
import { type ClientState, dueAt, type KnownLease, leaseOf, type Unsent } from './client-state.ts'
import { type DhcpLease, type LeaseRefusal, readLease } from './lease.ts'
import { bestOffer } from './offers.ts'
import { Transmitter } from './transmitter.ts'

/** RFC 2131 §3.1.5: what a client waits at least after a DHCPDECLINE. */
const DECLINE_PAUSE_MS = 10_000
/** A probe takes up to 67 seconds (RFC 5227 §2.1.1). Whoever has not ended it then has lost it. */
const PROBE_LIMIT_MS = 120_000
/** T1 comes earlier by up to this share of the time until then, so that not all clients come at once (§4.4.5). */
const T1_FUZZ = 1 / 32

/** What the machine is told of its options. Times are milliseconds. */
export interface ClientCoreSettings {
  readonly startDelayMs: number
  readonly collectMs: number
  readonly maxOffers: number
  readonly requestTries: number
  readonly shortestLeaseS: number
  /** An address is to be probed before it is used. */
  readonly probes: boolean
}

/** Why a lease is over. `'refused'`: the server takes it back. */
export type LossReason = 'expired' | 'refused' | 'conflict' | 'released'

export type ClientOutput =
  | { readonly kind: 'send'; readonly message: DhcpMessage; readonly src: Ipv4; readonly to: Ipv4 }
  /** Find out whether somebody has the address, and call `probed`. */
  | { readonly kind: 'probe'; readonly address: Ipv4 }
  | { readonly kind: 'acquired' | 'renewed'; readonly lease: DhcpLease }
  | { readonly kind: 'lost'; readonly lease: DhcpLease; readonly reason: LossReason }
  /** The lease must not be asked for at the next start. */
  | { readonly kind: 'forget' }

/** Why a message changed nothing. */
export type Ignored = 'not-for-us' | 'unexpected' | 'wrong-xid' | OfferRefusal | AnswerRefusal
type OfferRefusal = LeaseRefusal | 'too-many-offers'

/**
 * The DHCP client: RFC 2131 §4.4, figure 5, with the check of the address (§4.4.1, RFC 5227 §2.1) as a state of its own.
 * Its states are those of `ClientState`.
 *
 * Differs from RFC 2131 in:
 * - The random wait before the first DHCPDISCOVER is 0 unless the options have one (§4.4.1).
 * - After a DHCPNAK to a fresh offer the client waits as for a retransmission, so that two servers in disagreement cause no storm.
 * - Without an answer in REBOOTING it begins anew instead of using what is left of the lease (§3.2 step 4 allows both).
 */
export class ClientCore implements Core<ClientOutput> {
  readonly #who: ClientIdentity
  readonly #settings: ClientCoreSettings
  readonly #random: Random
  readonly #transmitter: Transmitter
  readonly #out: ClientOutput[] = []
  #state: ClientState = { kind: 'stopped' }
  /** Address that it would like to have again. */
  #wish: Ipv4 | undefined
  /** Acquisitions in a row that came to nothing. */
  #failures = 0

  constructor(who: ClientIdentity, settings: ClientCoreSettings, random: Random) {
    this.#who = who
    this.#settings = settings
    this.#random = random
    this.#transmitter = new Transmitter(who, random, (message, src, to) =>
      this.#out.push({ kind: 'send', message, src, to }),
    )
  }

  get state(): ClientState {
    return this.#state
  }

  /** The lease in use. */
  get lease(): DhcpLease | undefined {
    return leaseOf(this.#state)
  }

  /** Begins, by INIT-REBOOT where an earlier lease is still good. Nothing where it has begun. */
  start(now: number, known?: KnownLease): void {
    if (this.#state.kind !== 'stopped') return
    const { startDelayMs } = this.#settings
    const at = now + (startDelayMs === 0 ? 0 : randomBelow(this.#random, startDelayMs + 1))
    this.#failures = 0
    this.#wish = known?.address
    this.#state =
      known !== undefined && known.expiresAt > at ? { kind: 'init-reboot', known, at } : { kind: 'init', at }
    this.timeout(now)
  }

  /** A message from a server. Returns why it changed nothing. */
  receive(now: number, m: DhcpMessage): Ignored | undefined {
    if (!isFor(m, this.#who)) return 'not-for-us'
    const s = this.#state
    if (s.kind === 'selecting') {
      if (m.type !== 'offer') return 'unexpected'
      return m.xid === s.xid ? this.#collect(now, s, m) : 'wrong-xid'
    }
    if (!isAsking(s) || (m.type !== 'ack' && m.type !== 'nak')) return 'unexpected'
    if (m.xid !== s.xid) return 'wrong-xid'
    return m.type === 'ack' ? this.#acknowledged(now, s, m) : this.#refused(now, s, m)
  }

  /** The probe of an address has ended. */
  probed(now: number, address: Ipv4, free: boolean): void {
    const s = this.#state
    if (s.kind !== 'checking' || s.lease.address !== address) return
    if (free) this.#bind(now, 'acquired', s.lease)
    else this.#decline(now, s.lease)
  }

  /** Asks for more time before T1. */
  renew(now: number): void {
    if (this.#state.kind === 'bound') this.#ask(now, 'renewing', this.#state.lease)
  }

  /** Somebody else uses the address (RFC 5227 §2.4): gives it up and begins anew. */
  conflict(now: number): void {
    const { lease } = this
    if (lease === undefined) return
    this.#out.push({ kind: 'lost', lease, reason: 'conflict' })
    this.#decline(now, lease)
  }

  /** Gives the lease back, if there is one, and stops. */
  release(): void {
    const { lease } = this
    if (lease !== undefined) {
      this.#transmitter.release(lease)
      this.#out.push({ kind: 'forget' }, { kind: 'lost', lease, reason: 'released' })
    }
    this.stop()
  }

  /** Does nothing more. The lease is neither lost nor given back. */
  stop(): void {
    this.#state = { kind: 'stopped' }
  }

  timeout(now: number): void {
    while (this.deadline() <= now) this.#expire(now, this.#state)
  }

  poll(): ClientOutput | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    return dueAt(this.#state)
  }

  /** The deadline of `s` has come; every case leaves another one. */
  #expire(now: number, s: ClientState): void {
    switch (s.kind) {
      case 'stopped':
        break
      case 'init':
      case 'backing-off':
        this.#transmitter.since = now
        this.#discover(now, this.#transmitter.begin(now))
        break
      case 'init-reboot':
        this.#transmitter.since = now
        this.#reboot(now, s.known, this.#transmitter.begin(now))
        break
      case 'selecting':
        if (s.offers.length > 0) this.#select(now, s.xid, bestOffer(s.offers, this.#wish, this.#who.parameters))
        else this.#discover(now, s)
        break
      case 'requesting':
        if (s.tries < this.#settings.requestTries) this.#request(now, s.offer, s)
        else this.#discover(now, this.#transmitter.begin(now))
        break
      case 'rebooting':
        if (s.tries < this.#settings.requestTries) this.#reboot(now, s.known, s)
        else this.#discover(now, this.#transmitter.begin(now))
        break
      case 'checking':
        this.#init(now)
        break
      case 'bound':
      case 'renewing':
      case 'rebinding':
        this.#extend(now, s.lease)
        break
      default:
        s satisfies never
    }
  }

  /** INIT -> SELECTING, or once more in it. Late offers are welcome, so the transaction stays the same. */
  #discover(now: number, unsent: Unsent): void {
    const exchange = this.#transmitter.discover(now, unsent, this.#wish)
    this.#state = { kind: 'selecting', offers: [], decideAt: Number.POSITIVE_INFINITY, ...exchange }
  }

  #collect(now: number, s: ClientState & { kind: 'selecting' }, m: DhcpMessage): OfferRefusal | undefined {
    const { collectMs, maxOffers, shortestLeaseS } = this.#settings
    const offer = readLease(m, now, shortestLeaseS)
    if (typeof offer === 'string') return offer
    if (s.offers.length >= maxOffers) return 'too-many-offers'
    const wished = offer.address === this.#wish || collectMs === 0
    if (wished) this.#select(now, s.xid, offer)
    else {
      const decideAt = s.offers.length === 0 ? now + collectMs : s.decideAt
      this.#state = { ...s, offers: [...s.offers, offer], decideAt }
    }
    return undefined
  }

  #select(now: number, xid: number, offer: DhcpLease): void {
    this.#request(now, offer, { xid, sentAt: now, tries: 0 })
  }

  /** SELECTING -> REQUESTING, or once more in it. */
  #request(now: number, offer: DhcpLease, unsent: Unsent): void {
    this.#state = { kind: 'requesting', offer, ...this.#transmitter.request(now, unsent, offer) }
  }

  /** INIT-REBOOT -> REBOOTING, or once more in it. */
  #reboot(now: number, known: KnownLease, unsent: Unsent): void {
    this.#state = { kind: 'rebooting', known, ...this.#transmitter.reboot(now, unsent, known.address) }
  }

  /** §4.4.5: a lease in use has come to T1, T2, a retransmission or its end. */
  #extend(now: number, lease: DhcpLease): void {
    if (now >= lease.expiresAt) {
      this.#out.push({ kind: 'lost', lease, reason: 'expired' })
      this.#init(now)
    } else this.#ask(now, now >= lease.rebindAt ? 'rebinding' : 'renewing', lease)
  }

  /** BOUND -> RENEWING -> REBINDING, or once more in them. */
  #ask(now: number, kind: 'renewing' | 'rebinding', lease: DhcpLease): void {
    if (this.#state.kind === 'bound') this.#transmitter.since = now
    this.#state = { kind, lease, ...this.#transmitter.extend(now, kind, lease) }
  }

  #acknowledged(now: number, s: Asking, m: DhcpMessage): AnswerRefusal | undefined {
    const lease = readAck(s, m, this.#settings.shortestLeaseS)
    if (typeof lease === 'string') return lease
    if (s.kind === 'renewing' || s.kind === 'rebinding') this.#bind(now, 'renewed', lease)
    else if (!this.#settings.probes) this.#bind(now, 'acquired', lease)
    else {
      this.#state = { kind: 'checking', lease, until: Math.min(lease.expiresAt, now + PROBE_LIMIT_MS) }
      this.#out.push({ kind: 'probe', address: lease.address })
    }
    return undefined
  }

  #bind(now: number, kind: 'acquired' | 'renewed', lease: DhcpLease): void {
    const fuzz = lease.renewAt === Number.POSITIVE_INFINITY ? 0 : (lease.renewAt - now) * T1_FUZZ
    const renewAt = lease.renewAt - (fuzz >= 1 ? randomBelow(this.#random, Math.floor(fuzz)) : 0)
    this.#failures = 0
    this.#wish = lease.address
    this.#state = { kind: 'bound', lease, renewAt }
    this.#out.push({ kind, lease })
  }

  /** A DHCPNAK. */
  #refused(now: number, s: Asking, m: DhcpMessage): AnswerRefusal | undefined {
    const refusal = whyNoNak(s, m)
    if (refusal !== undefined) return refusal
    this.#wish = undefined
    this.#out.push({ kind: 'forget' })
    if (s.kind === 'requesting') this.#backOff(now, 0)
    else {
      if (s.kind !== 'rebooting') this.#out.push({ kind: 'lost', lease: s.lease, reason: 'refused' })
      this.#init(now)
    }
    return undefined
  }

  #decline(now: number, lease: DhcpLease): void {
    this.#wish = undefined
    this.#out.push({ kind: 'forget' })
    this.#transmitter.decline(lease)
    this.#backOff(now, DECLINE_PAUSE_MS)
  }

  #backOff(now: number, leastMs: number): void {
    this.#failures++
    this.#state = {
      kind: 'backing-off',
      until: now + Math.max(leastMs, retransmissionDelay(this.#failures, this.#random)),
    }
  }

  #init(now: number): void {
    this.#state = { kind: 'init', at: now }
    this.timeout(now)
  }
}
