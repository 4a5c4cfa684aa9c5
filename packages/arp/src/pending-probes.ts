import type { Ipv4 } from '@fata/addr'

interface Caller {
  readonly resolve: (free: boolean) => void
  readonly reject: (reason: unknown) => void
}

/** Who waits for which probe. Callers that probe for one address share its packets. */
export class PendingProbes {
  readonly #callers = new Map<Ipv4, Set<Caller>>()
  readonly #abandoned: (address: Ipv4) => void

  /** `abandoned` hears that nobody waits for an address any more. */
  constructor(abandoned: (address: Ipv4) => void) {
    this.#abandoned = abandoned
  }

  get size(): number {
    return this.#callers.size
  }

  has(address: Ipv4): boolean {
    return this.#callers.has(address)
  }

  /** Waits for the outcome, or for the signal, which must not have fired yet. */
  wait(address: Ipv4, signal: AbortSignal | undefined): Promise<boolean> {
    const callers = this.#callers.get(address) ?? new Set<Caller>()
    this.#callers.set(address, callers)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        callers.delete(caller)
        if (callers.size === 0) {
          this.#callers.delete(address)
          this.#abandoned(address)
        }
        reject(signal?.reason)
      }
      const caller: Caller = {
        resolve(free) {
          signal?.removeEventListener('abort', onAbort)
          resolve(free)
        },
        reject(reason) {
          signal?.removeEventListener('abort', onAbort)
          reject(reason)
        },
      }
      callers.add(caller)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  settle(address: Ipv4, free: boolean): void {
    const callers = this.#callers.get(address)
    if (callers === undefined) return
    this.#callers.delete(address)
    for (const caller of callers) caller.resolve(free)
  }

  rejectAll(reason: unknown): void {
    for (const callers of this.#callers.values()) for (const caller of callers) caller.reject(reason)
    this.#callers.clear()
  }
}
