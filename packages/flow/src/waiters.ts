interface Waiter<T> {
  resolve(value: T): void
  reject(reason: unknown): void
}

/** Those who wait for something, first come, first served. */
export class Waiters<T> {
  readonly #waiters = new Set<Waiter<T>>()

  get size(): number {
    return this.#waiters.size
  }

  /** Waits in line until it is served or the signal is aborted, which is not yet. */
  wait(signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => {
        leave()
        reject(signal?.reason)
      }
      const waiter: Waiter<T> = {
        resolve(value) {
          leave()
          resolve(value)
        },
        reject(reason) {
          leave()
          reject(reason)
        },
      }
      this.#waiters.add(waiter)
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** Serves the first in line. */
  resolveFirst(value: T): void {
    const [first] = this.#waiters
    first?.resolve(value)
  }

  resolveAll(value: T): void {
    for (const waiter of this.#waiters) waiter.resolve(value)
  }

  rejectAll(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(reason)
  }
}
