interface Waiter<T> {
  readonly wants: number
  resolve(value: T): void
  reject(reason: unknown): void
}

/** Those who wait for something, first come, first served, each with how much it wants. */
export class Line<T> {
  readonly #waiters = new Set<Waiter<T>>()

  get length(): number {
    return this.#waiters.size
  }

  /** What the first in line wants. */
  get wanted(): number {
    const [first] = this.#waiters
    return first?.wants ?? 0
  }

  /** Waits in line until it is served or the signal, which is not aborted yet, is. */
  wait(signal: AbortSignal | undefined, wants = 0): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => waiter.reject(signal?.reason)
      const waiter: Waiter<T> = {
        wants,
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

  serve(value: T): void {
    const [first] = this.#waiters
    first?.resolve(value)
  }

  serveAll(value: T): void {
    for (const waiter of this.#waiters) waiter.resolve(value)
  }

  disappoint(reason: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(reason)
  }
}
