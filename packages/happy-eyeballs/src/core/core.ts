import type { IpAddress } from '@fata/addr'
import type { Core } from '@fata/runtime'
import type { HappyEyeballsSettings } from '../options.ts'
import { Candidates } from './candidates.ts'

export type Family = 4 | 6

/** What the core wants done. */
export type Output =
  | { readonly kind: 'resolve'; readonly family: Family }
  | { readonly kind: 'connect'; readonly attempt: number; readonly address: IpAddress }
  | { readonly kind: 'abort-resolve'; readonly family: Family }
  | { readonly kind: 'abort-connect'; readonly attempt: number }
  /** A wait has lasted too long; its abort follows. */
  | { readonly kind: 'resolve-timeout'; readonly family: Family }
  | { readonly kind: 'connect-timeout'; readonly attempt: number; readonly address: IpAddress }
  /** The race is over; whatever is under way still has been aborted before. */
  | { readonly kind: 'won'; readonly attempt: number }
  | { readonly kind: 'lost'; readonly attempts: number }

interface Attempt {
  readonly address: IpAddress
  readonly expiresAt: number
}

const NEVER = Number.POSITIVE_INFINITY

/**
 * Happy Eyeballs version 2, RFC 8305.
 *
 *     start -> resolve AAAA, resolve A
 *     AAAA answers, or fails while A is known -> attempts begin
 *     A answers first                         -> attempts begin when AAAA has answered or failed, or after the resolution delay
 *     attempt: the next one begins after the attempt delay, or when this one fails
 *     one connects -> won; nothing is left to wait for and to try -> lost
 *
 * Differs from the RFC in: no history of round-trip times (§4), no synthesis of NAT64 addresses (§7.1, §7.2).
 */
export class HappyEyeballsCore implements Core<Output> {
  readonly #settings: HappyEyeballsSettings
  readonly #candidates: Candidates
  readonly #out: Output[] = []
  /** Queries under way, with the time at which they are given up. */
  readonly #queries = new Map<Family, number>()
  readonly #attempts = new Map<number, Attempt>()
  #started = 0
  /** When the latest attempt began, and when the next one may. */
  #latestAt = Number.NEGATIVE_INFINITY
  #nextAt = NEVER
  #over = false

  constructor(settings: HappyEyeballsSettings, sort: (addresses: readonly IpAddress[]) => readonly IpAddress[]) {
    this.#settings = settings
    this.#candidates = new Candidates(sort, settings.firstFamilyCount)
  }

  /** Begins with a name: the addresses of these families are asked for, IPv6 first (RFC 8305 §3). */
  start(now: number, families: readonly Family[]): void {
    for (const family of [...families].sort((a, b) => b - a)) {
      this.#queries.set(family, now + this.#settings.resolveTimeoutMs)
      this.#out.push({ kind: 'resolve', family })
    }
    this.#proceed(now)
  }

  /** Begins with addresses. */
  startWith(now: number, addresses: readonly IpAddress[]): void {
    this.#candidates.add(addresses)
    this.#nextAt = now
    this.#proceed(now)
  }

  /** A query has its answer; no addresses are an answer, too. */
  resolved(now: number, family: Family, addresses: readonly IpAddress[]): void {
    if (!this.#queries.delete(family)) return
    this.#candidates.add(addresses)
    this.#openGate(now)
    this.#proceed(now)
  }

  connected(attempt: number): void {
    if (this.#over || !this.#attempts.delete(attempt)) return
    this.#end()
    this.#out.push({ kind: 'won', attempt })
  }

  connectFailed(now: number, attempt: number): void {
    if (!this.#attempts.delete(attempt)) return
    // The delay gives the latest attempt a chance; when that has failed there is nothing to wait for.
    if (attempt === this.#started - 1) this.#nextAt = Math.max(now, this.#latestAt + this.#settings.minAttemptDelayMs)
    this.#proceed(now)
  }

  /** Ends the race without a result. */
  cancel(): void {
    if (!this.#over) this.#end()
  }

  timeout(now: number): void {
    for (const [family, at] of this.#queries) {
      if (at > now) continue
      this.#out.push({ kind: 'resolve-timeout', family }, { kind: 'abort-resolve', family })
      this.resolved(now, family, [])
    }
    for (const [attempt, { address, expiresAt }] of this.#attempts) {
      if (expiresAt > now) continue
      this.#out.push({ kind: 'connect-timeout', attempt, address }, { kind: 'abort-connect', attempt })
      this.connectFailed(now, attempt)
    }
    this.#proceed(now)
  }

  poll(): Output | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    let at = this.#mayTryMore() ? this.#nextAt : NEVER
    for (const query of this.#queries.values()) at = Math.min(at, query)
    for (const { expiresAt } of this.#attempts.values()) at = Math.min(at, expiresAt)
    return at
  }

  /** RFC 8305 §3: IPv4 addresses that are there first wait for the others. */
  #openGate(now: number): void {
    if (this.#started > 0 || this.#candidates.size === 0) return
    const at = this.#queries.has(6) ? now + this.#settings.resolutionDelayMs : now
    this.#nextAt = Math.min(this.#nextAt, at)
  }

  #mayTryMore(): boolean {
    return !this.#over && this.#candidates.size > 0 && this.#started < this.#settings.maxAttempts
  }

  #proceed(now: number): void {
    if (this.#over) return
    while (this.#mayTryMore() && this.#nextAt <= now) this.#try(now)
    const more = this.#started < this.#settings.maxAttempts && (this.#candidates.size > 0 || this.#queries.size > 0)
    if (more || this.#attempts.size > 0) return
    this.#end()
    this.#out.push({ kind: 'lost', attempts: this.#started })
  }

  #try(now: number): void {
    const attempt = this.#started++
    const address = this.#candidates.next()
    this.#attempts.set(attempt, { address, expiresAt: now + this.#settings.attemptTimeoutMs })
    this.#latestAt = now
    this.#nextAt = now + this.#settings.attemptDelayMs
    this.#out.push({ kind: 'connect', attempt, address })
  }

  #end(): void {
    this.#over = true
    for (const family of this.#queries.keys()) this.#out.push({ kind: 'abort-resolve', family })
    for (const attempt of this.#attempts.keys()) this.#out.push({ kind: 'abort-connect', attempt })
    this.#queries.clear()
    this.#attempts.clear()
  }
}
