import { KvError } from '@fata/kv'

interface Job<T> {
  readonly plan: (together: T) => void | Promise<void>
  readonly signal: AbortSignal | undefined
  readonly abort: () => void
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

export interface WriteQueueOptions<T> {
  readonly maxQueued: number
  /** Begins what writes are planned into. */
  readonly begin: () => T
  /** Whether no more writes should be planned into it. */
  readonly isFull: (together: T, writes: number) => boolean
  readonly commit: (together: T) => Promise<void>
}

/** Plans writes in the order of the calls, as many together as there are, and commits those at once that could be planned. */
export class WriteQueue<T> {
  readonly #options: WriteQueueOptions<T>
  readonly #jobs = new Set<Job<T>>()
  #running: Promise<void> | undefined

  constructor(options: WriteQueueOptions<T>) {
    this.#options = options
  }

  /** Rejects with KvError KV_TOO_LARGE, with the reason of an abort before its turn, with what planning or the commit throws. */
  run(plan: (together: T) => void | Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((done, failed) => {
      const { maxQueued } = this.#options
      if (this.#jobs.size >= maxQueued) {
        throw new KvError('KV_TOO_LARGE', { message: 'too many writes wait', limit: maxQueued })
      }
      const abort = () => {
        if (this.#jobs.delete(job)) failed(signal?.reason)
      }
      const job: Job<T> = { plan, signal, abort, done, failed }
      this.#jobs.add(job)
      signal?.addEventListener('abort', abort, { once: true })
      this.#running ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    // What is called in one turn gets together.
    await Promise.resolve()
    while (this.#jobs.size > 0) {
      const together = this.#options.begin()
      const { planned, refused } = await this.#plan(together)
      const failure = planned.length > 0 ? await outcome(() => this.#options.commit(together)) : undefined
      for (const job of planned) failure ? job.failed(failure.reason) : job.done()
      // Whoever was refused for what others are about to write must find it there.
      for (const { job, reason } of refused) job.failed(reason)
    }
    this.#running = undefined
  }

  async #plan(together: T): Promise<{ planned: Job<T>[]; refused: Array<{ job: Job<T>; reason: unknown }> }> {
    const planned: Job<T>[] = []
    const refused: Array<{ job: Job<T>; reason: unknown }> = []
    for (const job of this.#jobs) {
      if (this.#options.isFull(together, planned.length)) break
      this.#jobs.delete(job)
      job.signal?.removeEventListener('abort', job.abort)
      const failure = await outcome(async () => job.plan(together))
      if (failure) refused.push({ job, reason: failure.reason })
      else planned.push(job)
    }
    return { planned, refused }
  }
}

/** What the work rejected with, if it did. */
async function outcome(work: () => Promise<void>): Promise<{ reason: unknown } | undefined> {
  try {
    await work()
    return undefined
  } catch (reason) {
    return { reason }
  }
}
