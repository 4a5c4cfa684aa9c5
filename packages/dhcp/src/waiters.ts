/** Promises of what comes once for all who wait. */
export class Waiters<T> {
  readonly #waiting = new Set<{ resolve(value: T): void; reject(reason: unknown): void }>()

  wait(signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter = {
        resolve(value: T): void {
          leave()
          resolve(value)
        },
        reject(reason: unknown): void {
          leave()
          reject(reason)
        },
      }
      const onAbort = (): void => waiter.reject(signal?.reason)
      this.#waiting.add(waiter)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  resolve(value: T): void {
    for (const waiter of [...this.#waiting]) waiter.resolve(value)
  }

  reject(reason: unknown): void {
    for (const waiter of [...this.#waiting]) waiter.reject(reason)
  }
}
