import { type Ipv6, type Ipv6Prefix, ipv6Equals, isIpv6LinkLocal, prefixContains, solicitedNode } from '@fata/addr'
import { hex } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import { type Dad, dadHeardProbe, dadTimeout, startDad } from './dad.ts'
import { Outbox } from './outbox.ts'

/**
 * The addresses of the interface, RFC 4862 §5.4, §5.5.4.
 *
 *   state       event                           action                         new state
 *   ----------  ------------------------------  -----------------------------  ----------
 *   -           add                             start DAD                      tentative
 *   tentative   DAD finds nobody                announce (RFC 9131)            preferred, or deprecated
 *   tentative   DAD finds somebody              leave group                    duplicate
 *   preferred   preferred lifetime ends         -                              deprecated
 *   deprecated  preferred lifetime renewed      -                              preferred
 *   any         valid lifetime ends, or remove  leave group                    -
 *
 * A duplicate stays in the list, unused, so that it is not tried again as long as it is advertised.
 */
export type AddressState =
  | { readonly kind: 'tentative'; readonly dad: Dad }
  | { readonly kind: 'preferred' }
  | { readonly kind: 'deprecated' }
  | { readonly kind: 'duplicate' }

/** Where an address comes from. */
export type AddressOrigin = 'link-local' | 'static' | 'autoconfigured'

/** What an address begins with. Times are absolute, Infinity for never. */
export interface NewAddress {
  readonly address: Ipv6
  readonly prefixLength: number
  readonly origin: AddressOrigin
  readonly preferredUntil: number
  readonly validUntil: number
  /** How often DAD has found the predecessors of this address taken: DAD_Counter of RFC 7217. */
  readonly dadCounter: number
  /** The router whose advertisement it is made of. */
  readonly router: Ipv6 | undefined
}

/** An address of the interface. */
export interface OwnAddress extends NewAddress {
  state: AddressState
  preferredUntil: number
  validUntil: number
  router: Ipv6 | undefined
  /** Unsolicited advertisements to come. */
  announcements: number
  announceAt: number
}

export interface AddressOptions {
  /** DupAddrDetectTransmits. */
  readonly transmits: number
  /** Probes after one has been looped back. */
  readonly probesAfterLoop: number
  readonly announcements: number
}

export type AddressOut =
  | { readonly kind: 'join'; readonly group: Ipv6 }
  | { readonly kind: 'leave'; readonly group: Ipv6 }
  | { readonly kind: 'probe'; readonly target: Ipv6; readonly nonce: Uint8Array }
  | { readonly kind: 'announce'; readonly target: Ipv6 }
  | { readonly kind: 'address'; readonly address: OwnAddress; readonly change: AddressChange }

/** What happened to an address: a state it entered, or its end. */
export type AddressChange = 'tentative' | 'preferred' | 'deprecated' | 'duplicate' | 'removed'

/** Length of the link-local prefix in an address, RFC 4291 §2.5.6. */
export const LINK_LOCAL_BITS = 64

const NEVER = Number.POSITIVE_INFINITY
const NONCE_LEN = 6

export class Addresses {
  readonly #options: AddressOptions
  readonly #random: Random
  readonly #out = new Outbox<AddressOut>()
  readonly #list: OwnAddress[] = []
  /** RetransTimer, as the neighbor cache has it. */
  retransTimerMs: number

  constructor(options: AddressOptions, random: Random, retransTimerMs: number) {
    this.#options = options
    this.#random = random
    this.retransTimerMs = retransTimerMs
  }

  get list(): readonly OwnAddress[] {
    return this.#list
  }

  /** The entry of `address`, whatever its state. */
  get(address: Ipv6): OwnAddress | undefined {
    for (const own of this.#list) if (ipv6Equals(own.address, address)) return own
    return undefined
  }

  /** The usable link-local address. */
  linkLocal(): OwnAddress | undefined {
    return this.#list.find((own) => isUsable(own) && isIpv6LinkLocal(own.address))
  }

  /** A solicited-node group of an address in the list, joined or about to be. */
  listensTo(group: Ipv6): boolean {
    return this.#list.some((own) => own.state.kind !== 'duplicate' && ipv6Equals(solicitedNode(own.address), group))
  }

  /** Adds an address that is not in the list; it is tried from `probeAt` on. */
  add(now: number, address: NewAddress, probeAt: number): OwnAddress {
    const state: AddressState = { kind: 'tentative', dad: startDad(probeAt) }
    const own: OwnAddress = { ...address, state, announcements: 0, announceAt: NEVER }
    this.#list.push(own)
    this.#out.push({ kind: 'address', address: own, change: 'tentative' })
    // Without DAD, or where it need not wait, nothing has to wait for a timer.
    if (probeAt <= now) this.#expire(now, own)
    return own
  }

  /** Adds an address that lasts for ever. Without Duplicate Address Detection it need not wait until `probeAt`. */
  addConfigured(now: number, prefix: Ipv6Prefix, origin: AddressOrigin, probeAt: number): void {
    const { address, length: prefixLength } = prefix
    const lifetimes = { preferredUntil: NEVER, validUntil: NEVER }
    const at = this.#options.transmits === 0 ? now : probeAt
    this.add(now, { address, prefixLength, origin, ...lifetimes, dadCounter: 0, router: undefined }, at)
  }

  remove(address: OwnAddress): void {
    const index = this.#list.indexOf(address)
    if (index < 0) return
    this.#list.splice(index, 1)
    this.#leave(address)
    this.#out.push({ kind: 'address', address, change: 'removed' })
  }

  /** Gives an address other lifetimes. */
  setLifetimes(now: number, own: OwnAddress, preferredUntil: number, validUntil: number): void {
    own.preferredUntil = preferredUntil
    own.validUntil = validUntil
    if (own.state.kind === 'deprecated' && preferredUntil > now) this.#enter(own, { kind: 'preferred' })
    this.#expire(now, own)
  }

  /** An NS(DAD) for `own` was heard: RFC 4862 §5.4.3. Says whether it was an own one, looped back. */
  heardProbe(own: OwnAddress, nonce: Uint8Array | undefined): 'own-probe' | 'duplicate' | 'not-tentative' {
    if (own.state.kind !== 'tentative') return 'not-tentative'
    const dad = dadHeardProbe(own.state.dad, nonce === undefined ? undefined : hex(nonce))
    if (dad === undefined) {
      this.#fail(own)
      return 'duplicate'
    }
    own.state = { kind: 'tentative', dad }
    return 'own-probe'
  }

  /** An NA for `own` was heard: RFC 4862 §5.4.4. Says whether it ended DAD. */
  heardAdvertisement(own: OwnAddress): boolean {
    if (own.state.kind !== 'tentative') return false
    this.#fail(own)
    return true
  }

  #fail(own: OwnAddress): void {
    const joined = own.state.kind === 'tentative' && own.state.dad.kind === 'probing'
    this.#enter(own, { kind: 'duplicate' })
    if (joined) this.#out.push({ kind: 'leave', group: solicitedNode(own.address) })
  }

  #leave(own: OwnAddress): void {
    const { state } = own
    const joined = state.kind !== 'duplicate' && !(state.kind === 'tentative' && state.dad.kind === 'waiting')
    if (joined) this.#out.push({ kind: 'leave', group: solicitedNode(own.address) })
  }

  #enter(own: OwnAddress, state: AddressState): void {
    own.state = state
    this.#out.push({ kind: 'address', address: own, change: state.kind })
  }

  deadline(): number {
    let at = NEVER
    for (const own of this.#list) at = Math.min(at, nextOf(own))
    return at
  }

  poll(): AddressOut | undefined {
    return this.#out.poll()
  }

  timeout(now: number): void {
    for (const own of [...this.#list]) if (nextOf(own) <= now) this.#expire(now, own)
  }

  /** Everything that is due for one address. */
  #expire(now: number, own: OwnAddress): void {
    if (own.validUntil <= now) {
      this.remove(own)
      return
    }
    if (own.state.kind === 'tentative' && own.state.dad.at <= now) this.#probe(now, own, own.state.dad)
    if (own.state.kind === 'preferred' && own.preferredUntil <= now) this.#enter(own, { kind: 'deprecated' })
    if (own.announceAt <= now && isUsable(own)) this.#announce(now, own)
  }

  #probe(now: number, own: OwnAddress, dad: Dad): void {
    const { transmits, probesAfterLoop } = this.#options
    const nonce = new Uint8Array(NONCE_LEN)
    this.#random.fill(nonce)
    if (dad.kind === 'waiting') this.#out.push({ kind: 'join', group: solicitedNode(own.address) })
    const step = dadTimeout(dad, now, hex(nonce), {
      transmits,
      again: probesAfterLoop,
      retransMs: this.retransTimerMs,
    })
    if (step.kind === 'probe') {
      own.state = { kind: 'tentative', dad: step.next }
      this.#out.push({ kind: 'probe', target: own.address, nonce })
      return
    }
    this.#enter(own, { kind: 'preferred' })
    if (isIpv6LinkLocal(own.address)) return
    own.announcements = this.#options.announcements
    this.#announce(now, own)
  }

  /** RFC 9131 §6.1.2: tells the routers about the new address, so that they need not ask when the first answer arrives. */
  #announce(now: number, own: OwnAddress): void {
    own.announceAt = NEVER
    if (own.announcements === 0) return
    own.announcements--
    this.#out.push({ kind: 'announce', target: own.address })
    if (own.announcements > 0) own.announceAt = now + this.retransTimerMs
  }
}

/** An address may be used as a source and is received at. */
export function isUsable(own: OwnAddress): boolean {
  return own.state.kind === 'preferred' || own.state.kind === 'deprecated'
}

function nextOf(own: OwnAddress): number {
  const { state } = own
  const probeAt = state.kind === 'tentative' ? state.dad.at : NEVER
  const deprecateAt = state.kind === 'preferred' ? own.preferredUntil : NEVER
  return Math.min(probeAt, deprecateAt, own.announceAt, own.validUntil)
}

/** The prefix that `own` lies in. */
export function prefixOf(own: OwnAddress): Ipv6Prefix {
  return { address: own.address, length: own.prefixLength }
}

/** Same length and same network. */
export function samePrefix(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return a.length === b.length && prefixContains(a, b.address)
}
