import { IPV4_ANY, IPV4_BROADCAST, type Ipv4 } from '@fata/addr'
import { type Core, type Random, randomBelow } from '@fata/runtime'
import type { DhcpMessage, DhcpMessageType } from '../wire/message.ts'
import { getOption } from '../wire/option.ts'
import { OPTION_SERVER_ID } from '../wire/options.ts'
import { retransmissionDelay } from './backoff.ts'
import { type ClientFields, type ClientIdentity, clientMessage, isFor } from './client-messages.ts'
import { type DhcpLease, type LeaseRefusal, readLease } from './lease.ts'
import { bestOffer } from './offers.ts'

/** RFC 2131 §3.1.5: what a client waits at least after a DHCPDECLINE. */
const DECLINE_PAUSE_MS = 10_000
/** RFC 2131 §4.4.5 */
const LEAST_RENEWAL_RETRY_MS = 60_000
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

/** A lease of an earlier run. */
export interface KnownLease {
  readonly address: Ipv4
  readonly expiresAt: number
}

/** A message that waits for its answer: sent `tries` times, first at `sentAt`, next at `retryAt`. */
interface Exchange {
  readonly xid: number
  readonly sentAt: number
  readonly tries: number
  readonly retryAt: number
}

export type ClientState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'init'; readonly at: number }
  | ({ readonly kind: 'selecting'; readonly offers: readonly DhcpLease[]; readonly decideAt: number } & Exchange)
  | ({ readonly kind: 'requesting'; readonly offer: DhcpLease } & Exchange)
  | { readonly kind: 'init-reboot'; readonly known: KnownLease; readonly at: number }
  | ({ readonly kind: 'rebooting'; readonly known: KnownLease } & Exchange)
  | { readonly kind: 'checking'; readonly lease: DhcpLease; readonly until: number }
  | { readonly kind: 'backing-off'; readonly until: number }
  | { readonly kind: 'bound'; readonly lease: DhcpLease; readonly renewAt: number }
  | ({ readonly kind: 'renewing' | 'rebinding'; readonly lease: DhcpLease } & Exchange)

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
export type Ignored = 'not-for-us' | 'unexpected' | 'wrong-xid' | 'wrong-server' | 'wrong-address' | OfferRefusal
type OfferRefusal = LeaseRefusal | 'too-many-offers'

/**
 * The DHCP client: RFC 2131 §4.4, figure 5, with the check of the address (§4.4.1, RFC 5227 §2.1) as a state of its own.
 *
 *      INIT-REBOOT                         INIT <-------------------------------+
 *           | DHCPREQUEST                   | DHCPDISCOVER                      |
 *           v           DHCPNAK, no answer  v            no answer              |
 *       REBOOTING -----------------------> SELECTING <------------+             |
 *           |                               | best offer,         |             |
 *           | DHCPACK                       v DHCPREQUEST         |             |
 *           |                            REQUESTING --------------+             |
 *           v            DHCPACK            |  | DHCPNAK                         |
 *       CHECKING <--------------------------+  +------> BACKING-OFF ------------+
 *           |   | in use: DHCPDECLINE                     ^   ^                 |
 *           |   +-----------------------------------------+   |                 |
 *           | free                       decline(): conflict  |                 |
 *           v                                                 |                 |
 *         BOUND ----------------------------------------------+                 |
 *          |  ^  T1: DHCPREQUEST to the server                                  |
 *          v  | DHCPACK                                                         |
 *       RENEWING ------------------------------------------------- DHCPNAK ---->|
 *          |       ^                                                            |
 *          | T2    | DHCPACK (to BOUND)                                         |
 *          v       |                                                            |
 *       REBINDING --------------------------------------- DHCPNAK, expired ----->+
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
  readonly #out: ClientOutput[] = []
  #state: ClientState = { kind: 'stopped' }
  /** Address that it would like to have again. */
  #wish: Ipv4 | undefined
  /** Acquisitions in a row that came to nothing. */
  #failures = 0
  /** When it began to acquire or renew. */
  #since = 0

  constructor(who: ClientIdentity, settings: ClientCoreSettings, random: Random) {
    this.#who = who
    this.#settings = settings
    this.#random = random
  }

  get state(): ClientState {
    return this.#state
  }

  /** The lease in use. */
  get lease(): DhcpLease | undefined {
    const s = this.#state
    return s.kind === 'bound' || s.kind === 'renewing' || s.kind === 'rebinding' ? s.lease : undefined
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
    switch (s.kind) {
      case 'selecting':
        if (m.type !== 'offer') return 'unexpected'
        return m.xid === s.xid ? this.#collect(now, s, m) : 'wrong-xid'
      case 'requesting':
      case 'rebooting':
      case 'renewing':
      case 'rebinding':
        if (m.type !== 'ack' && m.type !== 'nak') return 'unexpected'
        if (m.xid !== s.xid) return 'wrong-xid'
        return m.type === 'ack' ? this.#acknowledged(now, s, m) : this.#refused(now, s, m)
      case 'stopped':
      case 'init':
      case 'init-reboot':
      case 'checking':
      case 'backing-off':
      case 'bound':
        return 'unexpected'
      default:
        return s satisfies never
    }
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
      this.#send('release', { ciaddr: lease.address, server: lease.server }, lease.address, lease.server)
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
    const s = this.#state
    switch (s.kind) {
      case 'stopped':
        return Number.POSITIVE_INFINITY
      case 'init':
      case 'init-reboot':
        return s.at
      case 'selecting':
        return s.offers.length > 0 ? s.decideAt : s.retryAt
      case 'requesting':
      case 'rebooting':
        return s.retryAt
      case 'checking':
      case 'backing-off':
        return s.until
      case 'bound':
        return s.renewAt
      case 'renewing':
        return Math.min(s.retryAt, s.lease.rebindAt)
      case 'rebinding':
        return Math.min(s.retryAt, s.lease.expiresAt)
      default:
        return s satisfies never
    }
  }

  /** The deadline of `s` has come; every case leaves another one. */
  #expire(now: number, s: ClientState): void {
    switch (s.kind) {
      case 'stopped':
        break
      case 'init':
      case 'backing-off':
        this.#since = now
        this.#discover(now, this.#xid(), 0)
        break
      case 'init-reboot':
        this.#since = now
        this.#reboot(now, s.known, { xid: this.#xid(), sentAt: now, tries: 0 })
        break
      case 'selecting':
        if (s.offers.length > 0) this.#select(now, s.xid, bestOffer(s.offers, this.#wish, this.#who.parameters))
        else this.#discover(now, s.xid, s.tries)
        break
      case 'requesting':
        if (s.tries < this.#settings.requestTries) this.#request(now, s.offer, s)
        else this.#discover(now, this.#xid(), 0)
        break
      case 'rebooting':
        if (s.tries < this.#settings.requestTries) this.#reboot(now, s.known, s)
        else this.#discover(now, this.#xid(), 0)
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
  #discover(now: number, xid: number, tries: number): void {
    this.#send('discover', { xid, secs: this.#secs(now), requested: this.#wish })
    const exchange = this.#sent(now, { xid, sentAt: now, tries })
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
  #request(now: number, offer: DhcpLease, exchange: Omit<Exchange, 'retryAt'>): void {
    const { xid } = exchange
    this.#send('request', { xid, secs: this.#secs(now), requested: offer.address, server: offer.server })
    this.#state = { kind: 'requesting', offer, ...this.#sent(now, exchange) }
  }

  /** INIT-REBOOT -> REBOOTING, or once more in it. */
  #reboot(now: number, known: KnownLease, exchange: Omit<Exchange, 'retryAt'>): void {
    this.#send('request', { xid: exchange.xid, secs: this.#secs(now), requested: known.address })
    this.#state = { kind: 'rebooting', known, ...this.#sent(now, exchange) }
  }

  /** §4.4.5: a lease in use has come to T1, T2, a retransmission or its end. */
  #extend(now: number, lease: DhcpLease): void {
    if (now >= lease.expiresAt) {
      this.#out.push({ kind: 'lost', lease, reason: 'expired' })
      this.#init(now)
    } else this.#ask(now, now >= lease.rebindAt ? 'rebinding' : 'renewing', lease)
  }

  /**
   * BOUND -> RENEWING -> REBINDING, or once more in them. Each transmission is a transaction of its own: the lease is counted from the one that
   * was answered.
   */
  #ask(now: number, kind: 'renewing' | 'rebinding', lease: DhcpLease): void {
    if (this.#state.kind === 'bound') this.#since = now
    const xid = this.#xid()
    const to = kind === 'renewing' ? lease.server : IPV4_BROADCAST
    this.#send('request', { xid, secs: this.#secs(now), ciaddr: lease.address }, lease.address, to)
    const left = (kind === 'renewing' ? lease.rebindAt : lease.expiresAt) - now
    const wait = left === Number.POSITIVE_INFINITY ? 0 : left / 2
    const retryAt = now + Math.max(wait, LEAST_RENEWAL_RETRY_MS)
    this.#state = { kind, lease, xid, sentAt: now, tries: 1, retryAt }
  }

  #acknowledged(
    now: number,
    s: ClientState & { kind: 'requesting' | 'rebooting' | 'renewing' | 'rebinding' },
    m: DhcpMessage,
  ): Ignored | undefined {
    const lease = readLease(m, s.sentAt, this.#settings.shortestLeaseS)
    if (typeof lease === 'string') return lease
    const asked = s.kind === 'requesting' ? s.offer : s.kind === 'rebooting' ? s.known : s.lease
    if (lease.address !== asked.address) return 'wrong-address'
    if (s.kind === 'requesting' && lease.server !== s.offer.server) return 'wrong-server'
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
  #refused(
    now: number,
    s: ClientState & { kind: 'requesting' | 'rebooting' | 'renewing' | 'rebinding' },
    m: DhcpMessage,
  ): Ignored | undefined {
    const server = getOption(m.options, OPTION_SERVER_ID)
    if (server === undefined) return 'no-server-id'
    if (s.kind === 'requesting' && server !== s.offer.server) return 'wrong-server'
    this.#wish = undefined
    this.#out.push({ kind: 'forget' })
    if (s.kind === 'requesting') this.#backOff(now, 0)
    else {
      if (s.kind !== 'rebooting') this.#out.push({ kind: 'lost', lease: s.lease, reason: 'refused' })
      this.#init(now)
    }
    return undefined
  }

  #decline(now: number, { address, server }: DhcpLease): void {
    this.#wish = undefined
    this.#out.push({ kind: 'forget' })
    this.#send('decline', { requested: address, server, message: 'address is in use' })
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

  #sent(now: number, { xid, sentAt, tries }: Omit<Exchange, 'retryAt'>): Exchange {
    return { xid, sentAt, tries: tries + 1, retryAt: now + retransmissionDelay(tries + 1, this.#random) }
  }

  #send(
    type: DhcpMessageType,
    fields: Omit<ClientFields, 'xid'> & { readonly xid?: number },
    src: Ipv4 = IPV4_ANY,
    to: Ipv4 = IPV4_BROADCAST,
  ): void {
    const message = clientMessage(type, this.#who, { ...fields, xid: fields.xid ?? this.#xid() })
    this.#out.push({ kind: 'send', message, src, to })
  }

  #xid(): number {
    return this.#random.uint32()
  }

  #secs(now: number): number {
    return Math.floor((now - this.#since) / 1000)
  }
}
