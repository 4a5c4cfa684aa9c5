import type { Ipv4 } from '@fata/addr'

/** What ICMP redirects told about single destinations: RFC 1122 §3.3.1.2. */
export class Redirects {
  readonly #max: number
  readonly #lifetimeMs: number
  /** Oldest first. */
  readonly #entries = new Map<Ipv4, { readonly gateway: Ipv4; readonly until: number }>()

  constructor(limits: { readonly maxRedirects: number; readonly redirectLifetimeMs: number }) {
    this.#max = limits.maxRedirects
    this.#lifetimeMs = limits.redirectLifetimeMs
  }

  get size(): number {
    return this.#entries.size
  }

  learn(now: number, dst: Ipv4, gateway: Ipv4): void {
    this.#entries.delete(dst)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#max) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(dst, { gateway, until: now + this.#lifetimeMs })
  }

  gatewayFor(dst: Ipv4): Ipv4 | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(dst)?.gateway
  }

  /** Forgets what leads to `gateway`: it is dead. */
  forget(gateway: Ipv4): void {
    for (const [dst, entry] of this.#entries) if (entry.gateway === gateway) this.#entries.delete(dst)
  }

  /** Forgets everything: addresses or routes changed. */
  clear(): void {
    this.#entries.clear()
  }

  timeout(now: number): void {
    for (const [dst, entry] of this.#entries) {
      if (entry.until > now) return
      this.#entries.delete(dst)
    }
  }

  deadline(): number {
    for (const entry of this.#entries.values()) return entry.until
    return Number.POSITIVE_INFINITY
  }
}
