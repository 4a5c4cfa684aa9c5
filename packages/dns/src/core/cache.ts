import type { Outcome } from './answer.ts'

interface Entry {
  readonly outcome: Outcome
  readonly storedAt: number
  readonly expiresAt: number
}

export interface CacheLimits {
  readonly cacheEntries: number
  readonly maxTtlMs: number
  readonly maxNegativeTtlMs: number
}

/** Answers by question, the least recently used first. */
export class Cache {
  readonly #limits: CacheLimits
  readonly #entries = new Map<string, Entry>()

  constructor(limits: CacheLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#entries.size
  }

  /** The answer as it is by now: the TTL of its records is what is left. */
  get(key: string, now: number): Outcome | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (entry.expiresAt <= now) return undefined
    this.#entries.set(key, entry)
    const age = Math.floor((now - entry.storedAt) / 1000)
    const { outcome } = entry
    if (outcome.kind !== 'records' || age === 0) return outcome
    return { ...outcome, records: outcome.records.map((r) => ({ ...r, ttl: Math.max(0, r.ttl - age) })) }
  }

  /** Keeps an answer for its TTL; returns whether another had to give way. */
  set(key: string, outcome: Outcome, now: number): boolean {
    const { cacheEntries, maxTtlMs, maxNegativeTtlMs } = this.#limits
    const isNegative = outcome.kind === 'no-data' || outcome.kind === 'not-found'
    const lifetime = Math.min(outcome.ttl * 1000, isNegative ? maxNegativeTtlMs : maxTtlMs)
    if (!(lifetime > 0) || cacheEntries === 0) return false
    this.#entries.delete(key)
    const [oldest] = this.#entries.keys()
    const full = this.#entries.size >= cacheEntries
    if (full) this.#entries.delete(oldest!)
    this.#entries.set(key, { outcome, storedAt: now, expiresAt: now + lifetime })
    return full
  }

  clear(): void {
    this.#entries.clear()
  }
}
