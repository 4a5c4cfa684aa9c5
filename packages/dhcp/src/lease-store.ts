import { formatIpv4, parseIpv4 } from '@fata/addr'
import type { Clock, Logger } from '@fata/runtime'
import type { KnownLease } from './core/client-state.ts'
import { type DhcpLease, isHost } from './core/lease.ts'
import { isOperational } from './errors.ts'
import type { DhcpStore } from './types.ts'

/** What is kept: times since 1970, null for never. */
interface Stored {
  readonly address: string
  readonly expires: number | null
}

/** The lease of a client in a store. A store that fails costs no lease: it is logged, and the next start begins anew. */
export class LeaseStore {
  readonly #store: DhcpStore
  readonly #key: string
  readonly #clock: Clock
  readonly #log: Logger
  #writes: Promise<void> = Promise.resolve()

  constructor(store: DhcpStore, key: string, clock: Clock, log: Logger) {
    this.#store = store
    this.#key = key
    this.#clock = clock
    this.#log = log
  }

  /** The lease of an earlier run; undefined where there is none that could be read. */
  async load(): Promise<KnownLease | undefined> {
    try {
      const bytes = await this.#store.get(this.#key)
      return bytes === undefined ? undefined : this.#parse(new TextDecoder().decode(bytes))
    } catch (error) {
      this.#failed(error)
      return undefined
    }
  }

  save({ address, expiresAt }: DhcpLease): void {
    const { wall, now } = this.#times()
    const expires = expiresAt === Number.POSITIVE_INFINITY ? null : Math.floor(wall + expiresAt - now)
    const stored: Stored = { address: formatIpv4(address), expires }
    const bytes = new TextEncoder().encode(JSON.stringify(stored))
    this.#after(this.#store.set(this.#key, bytes))
  }

  forget(): void {
    this.#after(this.#store.remove(this.#key))
  }

  /** Resolves when everything is written. */
  settled(): Promise<void> {
    return this.#writes
  }

  #parse(text: string): KnownLease | undefined {
    let stored: Partial<Stored> | null
    try {
      stored = JSON.parse(text) as Partial<Stored> | null
    } catch {
      stored = null
    }
    const address = parseIpv4(String(stored?.address))
    const expires = stored?.expires === null ? Number.POSITIVE_INFINITY : stored?.expires
    if (address === undefined || !isHost(address) || typeof expires !== 'number' || Number.isNaN(expires)) {
      this.#log.log('warn', 'dhcp', 'the stored lease cannot be read', { key: this.#key })
      return undefined
    }
    const { wall, now } = this.#times()
    return { address, expiresAt: now + expires - wall }
  }

  #times(): { wall: number; now: number } {
    return { wall: this.#clock.wallTime(), now: this.#clock.now() }
  }

  #after(write: Promise<void>): void {
    const done = write.catch((error: unknown) => this.#failed(error))
    this.#writes = this.#writes.then(() => done)
  }

  #failed(error: unknown): void {
    if (!isOperational(error)) throw error
    this.#log.log('warn', 'dhcp', 'the lease cannot be stored', { key: this.#key, error: String(error) })
  }
}
