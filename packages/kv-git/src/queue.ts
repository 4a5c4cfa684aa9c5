import { KvError } from '@fata/kv'

/** A write that waits for its turn. */
export interface Job<T> {
  readonly work: T
  readonly signal: AbortSignal | undefined
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

interface Waiting<T> extends Job<T> {
  readonly abort: () => void
}

/** So many writes go into the store below together. */
const TOGETHER = 256

/** Runs writes in the order of the calls, those that wait together. */
export class WriteQueue<T> {
  readonly #maxQueued: number
  readonly #run: (jobs: readonly Job<T>[]) => Promise<void>
  readonly #jobs = new Set<Waiting<T>>()
  #running: Promise<void> | undefined

  /** `run` settles every job, and never rejects. */
  constructor(maxQueued: number, run: (jobs: readonly Job<T>[]) => Promise<void>) {
    this.#maxQueued = maxQueued
    this.#run = run
  }

  /** Rejects with KvError KV_TOO_LARGE, or with the reason of an abort before its turn. */
  add(work: T, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#jobs.size >= this.#maxQueued) {
        throw new KvError('KV_TOO_LARGE', { message: 'too many writes wait', limit: this.#maxQueued })
      }
      const abort = () => {
        this.#jobs.delete(job)
        reject(signal?.reason)
      }
      const job: Waiting<T> = { work, signal, resolve, reject, abort }
      this.#jobs.add(job)
      signal?.addEventListener('abort', abort, { once: true })
      this.#running ??= this.#drain()
    })
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #drain(): Promise<void> {
    // What is called in one turn goes together.
    await Promise.resolve()
    while (this.#jobs.size > 0) {
      const jobs = [...this.#jobs].slice(0, TOGETHER)
      for (const job of jobs) {
        this.#jobs.delete(job)
        job.signal?.removeEventListener('abort', job.abort)
      }
      await this.#run(jobs)
    }
    this.#running = undefined
  }
}
