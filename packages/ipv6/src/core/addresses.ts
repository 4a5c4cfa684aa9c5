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
 *   -           add, by RFC 4429                start DAD                      optimistic
 *   tentative   DAD finds nobody                announce (RFC 9131)            preferred, or deprecated
 *   tentative   DAD finds somebody              leave group                    duplicate
 *   optimistic  likewise                        likewise                       likewise
 *   preferred   REGEN_ADVANCE before its end    ask for a successor (RFC 8981) preferred
 *   preferred   preferred lifetime ends         -                              deprecated
 *   deprecated  preferred lifetime renewed      -                              preferred
 *   any         valid lifetime ends, or remove  leave group                    -
 *
 * A duplicate stays in the list, unused, so that it is not tried again as long as it is advertised.
 */
export type AddressState =
  | { readonly kind: 'tentative'; readonly dad: Dad }
  /** In use before DAD is through; as a source no better than a deprecated one. */
  | { readonly kind: 'optimistic'; readonly dad: Dad }
  | { readonly kind: 'preferred' }
  | { readonly kind: 'deprecated' }
  | { readonly kind: 'duplicate' }

/** Where an address comes from; `'temporary'`: autoconfigured with an identifier that changes, RFC 8981. */
export type AddressOrigin = 'link-local' | 'static' | 'autoconfigured' | 'temporary'

/** What an address begins with. Times are absolute, Infinity for never. */
export interface NewAddress {
  readonly address: Ipv6
  readonly prefixLength: number
  readonly origin: AddressOrigin
  readonly preferredUntil: number
  readonly validUntil: number
  /** What a temporary address's lifetimes may not go beyond, whatever routers advertise; undefined for others. */
  readonly limits?: { readonly preferredUntil: number; readonly validUntil: number } | undefined
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
  /** When a successor of a temporary address is due. */
  regenerateAt: number
}

export interface AddressOptions {
  /** DupAddrDetectTransmits. */
  readonly transmits: number
  /** Probes after one has been looped back. */
  readonly probesAfterLoop: number
  readonly announcements: number
}

export type AddressOut =
  /** The solicited-node group of an address. */
  | { readonly kind: 'join' | 'leave'; readonly address: OwnAddress }
  | { readonly kind: 'probe'; readonly target: Ipv6; readonly nonce: Uint8Array }
  | { readonly kind: 'announce'; readonly target: Ipv6 }
  | { readonly kind: 'regenerate'; readonly address: OwnAddress }
  | { readonly kind: 'address'; readonly address: OwnAddress; readonly change: AddressChange }

type Lifetimes = Pick<OwnAddress, 'preferredUntil' | 'validUntil'>

/** What happened to an address: a state it entered, or its end. */
export type AddressChange = AddressState['kind'] | 'removed'

/** Length of the link-local prefix in an address, RFC 4291 §2.5.6. */
export const LINK_LOCAL_BITS = 64

const NEVER = Number.POSITIVE_INFINITY
const FOR_EVER: Lifetimes = { preferredUntil: NEVER, validUntil: NEVER }
const NONCE_LEN = 6
/** TEMP_IDGEN_RETRIES of RFC 8981 §3.8. */
export const TEMP_IDGEN_RETRIES = 3

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

  /** REGEN_ADVANCE of RFC 8981 §3.8: what finding a temporary address may take at worst. */
  get regenAdvanceMs(): number {
    return 2000 + TEMP_IDGEN_RETRIES * this.#options.transmits * this.retransTimerMs
  }

  /** The link-local address, where it is surely this host's. */
  linkLocal(): OwnAddress | undefined {
    return this.#list.find((own) => isUsable(own) && !isOptimistic(own) && isIpv6LinkLocal(own.address))
  }

  /** A solicited-node group of an address in the list, joined or about to be. */
  listensTo(group: Ipv6): boolean {
    return this.#list.some((own) => own.state.kind !== 'duplicate' && ipv6Equals(solicitedNode(own.address), group))
  }

  /** Adds an address that is not in the list; it is tried from `probeAt` on, and used before that is over where `isOptimistic`. */
  add(now: number, address: NewAddress, probeAt: number, isOptimistic = false): void {
    const kind = isOptimistic && this.#options.transmits > 0 ? 'optimistic' : 'tentative'
    const state: AddressState = { kind, dad: startDad(probeAt) }
    const own: OwnAddress = { ...address, state, announcements: 0, announceAt: NEVER, regenerateAt: NEVER }
    if (own.limits !== undefined) own.regenerateAt = own.preferredUntil - this.regenAdvanceMs
    this.#list.push(own)
    this.#out.push({ kind: 'address', address: own, change: kind })
    // Without DAD, or where it need not wait, nothing has to wait for a timer.
    if (probeAt <= now) this.#expire(now, own)
  }

  /** Adds an address, by default one that lasts for ever. Without Duplicate Address Detection it need not wait until `probeAt`. */
  addConfigured(
    now: number,
    prefix: Ipv6Prefix,
    origin: AddressOrigin,
    probeAt: number,
    lifetimes: Lifetimes = FOR_EVER,
  ): void {
    const { address, length: prefixLength } = prefix
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
    if (own.limits !== undefined) own.regenerateAt = Math.max(now, preferredUntil - this.regenAdvanceMs)
    if (own.state.kind === 'deprecated' && preferredUntil > now) this.#enter(own, { kind: 'preferred' })
    this.#expire(now, own)
  }

  /** An NS(DAD) for `own` was heard: RFC 4862 §5.4.3. Says whether it was an own one, looped back. */
  heardProbe(own: OwnAddress, nonce: Uint8Array | undefined): 'own-probe' | 'duplicate' | 'not-tentative' {
    if (!isTried(own.state)) return 'not-tentative'
    const dad = dadHeardProbe(own.state.dad, nonce === undefined ? undefined : hex(nonce))
    if (dad === undefined) {
      this.#fail(own)
      return 'duplicate'
    }
    own.state = { kind: own.state.kind, dad }
    return 'own-probe'
  }

  /** An NA for `own` was heard: RFC 4862 §5.4.4. Says whether it ended DAD. */
  heardAdvertisement(own: OwnAddress): boolean {
    if (!isTried(own.state)) return false
    this.#fail(own)
    return true
  }

  #fail(own: OwnAddress): void {
    const joined = isTried(own.state) && own.state.dad.kind === 'probing'
    this.#enter(own, { kind: 'duplicate' })
    if (joined) this.#out.push({ kind: 'leave', address: own })
  }

  #leave(own: OwnAddress): void {
    const { state } = own
    const joined = state.kind !== 'duplicate' && !(isTried(state) && state.dad.kind === 'waiting')
    if (joined) this.#out.push({ kind: 'leave', address: own })
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
    if (isTried(own.state) && own.state.dad.at <= now) this.#probe(now, own, own.state)
    if (own.regenerateAt <= now) {
      own.regenerateAt = NEVER
      this.#out.push({ kind: 'regenerate', address: own })
    }
    if (own.state.kind === 'preferred' && own.preferredUntil <= now) this.#enter(own, { kind: 'deprecated' })
    if (own.announceAt <= now && isUsable(own)) this.#announce(now, own)
  }

  #probe(now: number, own: OwnAddress, { kind, dad }: TriedState): void {
    const { transmits, probesAfterLoop } = this.#options
    const nonce = new Uint8Array(NONCE_LEN)
    this.#random.fill(nonce)
    if (dad.kind === 'waiting') this.#out.push({ kind: 'join', address: own })
    const step = dadTimeout(dad, now, hex(nonce), {
      transmits,
      again: probesAfterLoop,
      retransMs: this.retransTimerMs,
    })
    if (step.kind === 'probe') {
      own.state = { kind, dad: step.next }
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

type TriedState = Extract<AddressState, { readonly dad: Dad }>

/** DAD is under way. */
function isTried(state: AddressState): state is TriedState {
  return state.kind === 'tentative' || state.kind === 'optimistic'
}

/** An address may be used as a source and is received at. */
export function isUsable({ state }: OwnAddress): boolean {
  return state.kind === 'preferred' || state.kind === 'deprecated' || state.kind === 'optimistic'
}

/** It is in use, and DAD may still find that it is another's. */
export function isOptimistic({ state }: OwnAddress): boolean {
  return state.kind === 'optimistic'
}

function nextOf(own: OwnAddress): number {
  const { state } = own
  const probeAt = isTried(state) ? state.dad.at : NEVER
  const deprecateAt = state.kind === 'preferred' ? own.preferredUntil : NEVER
  return Math.min(probeAt, deprecateAt, own.announceAt, own.regenerateAt, own.validUntil)
}

/** The prefix that `own` lies in. */
export function prefixOf(own: OwnAddress): Ipv6Prefix {
  return { address: own.address, length: own.prefixLength }
}

/** Same length and same network. */
export function samePrefix(a: Ipv6Prefix, b: Ipv6Prefix): boolean {
  return a.length === b.length && prefixContains(a, b.address)
}
