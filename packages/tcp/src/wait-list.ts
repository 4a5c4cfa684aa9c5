interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (reason: unknown) => void
  readonly borrow: boolean
  readonly most: number
  readonly signal: AbortSignal | undefined
  onAbort: (() => void) | undefined
}

/** Promises of those who wait for the same thing, first come, first served. */
export class WaitList<T> {
  readonly #waiters: Waiter<T>[] = []

  get size(): number {
    return this.#waiters.length
  }

  /** What the first in line said. */
  get firstBorrows(): boolean {
    return this.#waiters[0]!.borrow
  }

  get firstMost(): number {
    return this.#waiters[0]!.most
  }

  /** Waits in line until it is served, or until `signal`, which is not aborted yet, is. */
  wait(signal: AbortSignal | undefined, borrow = false, most: number = Number.POSITIVE_INFINITY): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = { resolve, reject, borrow, most, signal, onAbort: undefined }
      this.#waiters.push(waiter)
      if (signal === undefined) return
      waiter.onAbort = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(signal.reason)
      }
      signal.addEventListener('abort', waiter.onAbort, { once: true })
    })
  }

  /** Serves the first in line. */
  resolveFirst(value: T): void {
    this.#leave().resolve(value)
  }

  resolveAll(value: T): void {
    while (this.#waiters.length > 0) this.#leave().resolve(value)
  }

  rejectAll(reason: unknown): void {
    while (this.#waiters.length > 0) this.#leave().reject(reason)
  }

  #leave(): Waiter<T> {
    const waiter = this.#waiters.shift()!
    if (waiter.onAbort !== undefined) waiter.signal?.removeEventListener('abort', waiter.onAbort)
    return waiter
  }
}
