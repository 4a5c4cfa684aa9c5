import type { Random } from '@fata/runtime'

/**
 * When routers are solicited: RFC 4861 §6.3.7 with the back-off of RFC 7559.
 *
 *   state      event                                     action      new state
 *   ---------  ----------------------------------------  ----------  ---------
 *   idle       the link-local address became usable      send RS     soliciting
 *   soliciting RT passed                                 send RS     soliciting, RT doubled up to MRT
 *   soliciting RA with a router lifetime                 -           idle
 */
export type SolicitationState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'soliciting'; readonly at: number; readonly rt: number }

export interface SolicitationOptions {
  /** IRT of RFC 7559 §2. */
  readonly initialMs: number
  /** MRT of RFC 7559 §2. */
  readonly maxMs: number
}

export class RouterSolicitation {
  readonly #options: SolicitationOptions
  readonly #random: Random
  #state: SolicitationState = { kind: 'idle' }
  #due = 0

  constructor(options: SolicitationOptions, random: Random) {
    this.#options = options
    this.#random = random
  }

  get state(): SolicitationState {
    return this.#state
  }

  /** Begins at once: DAD has just waited at random, RFC 4861 §6.3.7. */
  start(now: number): void {
    const rt = this.#options.initialMs * (1 + this.#rand())
    this.#state = { kind: 'soliciting', at: now + rt, rt }
    this.#due++
  }

  /** A default router was found. */
  found(): void {
    this.#state = { kind: 'idle' }
    this.#due = 0
  }

  deadline(): number {
    return this.#state.kind === 'idle' ? Number.POSITIVE_INFINITY : this.#state.at
  }

  timeout(now: number): void {
    const state = this.#state
    if (state.kind === 'idle' || state.at > now) return
    const { maxMs } = this.#options
    const doubled = 2 * state.rt + this.#rand() * state.rt
    const rt = doubled > maxMs ? maxMs * (1 + this.#rand()) : doubled
    this.#state = { kind: 'soliciting', at: now + rt, rt }
    this.#due++
  }

  /** A solicitation is to be sent. */
  poll(): 'solicit' | undefined {
    if (this.#due === 0) return undefined
    this.#due--
    return 'solicit'
  }

  /** RAND of RFC 3315 §14: uniform in -0.1..0.1. */
  #rand(): number {
    return (this.#random.uint32() / 0x1_0000_0000 - 0.5) / 5
  }
}
