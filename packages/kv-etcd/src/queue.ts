import { type Key, KvError } from '@fata/kv'

/** A set that waits for its turn. */
export interface QueuedSet {
  readonly key: Key
  readonly value: Uint8Array
}

interface Job {
  readonly set: QueuedSet | undefined
  readonly work: () => Promise<void>
  readonly signal: AbortSignal | undefined
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
  readonly abort: () => void
}

export interface QueueOptions {
  readonly maxQueued: number
  readonly maxTogether: number
  readonly maxBytesTogether: number
  /** Sets of distinct keys that do not lie below each other. False: one of them is not allowed, none has happened. */
  readonly setAll: (sets: readonly QueuedSet[]) => Promise<boolean>
}

/**
 * Runs writes one after the other, in the order of the calls. Sets that wait beside each other go together; of several of
 * one key only the last is sent, since nobody could have seen the others.
 */
export class WriteQueue {
  readonly #options: QueueOptions
  readonly #jobs = new Set<Job>()
  #running: Promise<void> | undefined

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /** `work` sets it alone. Rejects with KvError KV_TOO_LARGE, or with the reason of an abort before its turn. */
  set(set: QueuedSet, work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return this.#add(set, work, signal)
  }

  run(work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    return this.#add(undefined, work, signal)
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #add(set: QueuedSet | undefined, work: () => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const { maxQueued } = this.#options
    return new Promise((resolve, reject) => {
      if (this.#jobs.size >= maxQueued) {
        throw new KvError('KV_TOO_LARGE', { message: 'too many writes wait', limit: maxQueued })
      }
      const abort = () => {
        this.#jobs.delete(job)
        reject(signal?.reason)
      }
      const job: Job = { set, work, signal, resolve, reject, abort }
      this.#jobs.add(job)
      signal?.addEventListener('abort', abort, { once: true })
      this.#running ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    // What is called in one turn goes together.
    await Promise.resolve()
    for (;;) {
      const together = this.#take()
      if (together.length === 0) break
      if (together.length === 1) await settle(together[0]!)
      else await this.#setTogether(together)
    }
    this.#running = undefined
  }

  /** The job at the head, with the sets behind it that may go with it. */
  #take(): Job[] {
    const { maxTogether, maxBytesTogether } = this.#options
    const taken: Job[] = []
    let bytes = 0
    for (const job of this.#jobs) {
      const { set } = job
      bytes += set?.value.length ?? 0
      const joins = set && taken.every((other) => other.set && independent(set.key, other.set.key))
      const full = taken.length >= maxTogether || bytes > maxBytesTogether
      if (taken.length > 0 && (!joins || full)) break
      taken.push(job)
    }
    for (const job of taken) {
      this.#jobs.delete(job)
      job.signal?.removeEventListener('abort', job.abort)
    }
    return taken
  }

  async #setTogether(jobs: readonly Job[]): Promise<void> {
    const last = new Map(jobs.map((job) => [job.set!.key.toString(), job.set!]))
    try {
      if (!(await this.#options.setAll([...last.values()]))) {
        for (const job of jobs) await settle(job)
        return
      }
      for (const job of jobs) job.resolve()
    } catch (error) {
      for (const job of jobs) job.reject(error)
    }
  }
}

function settle({ work, resolve, reject }: Job): Promise<void> {
  return work().then(resolve, reject)
}

/** The same key, or neither below the other. */
function independent(a: Key, b: Key): boolean {
  return a.equals(b) || !(a.startsWith(b) || b.startsWith(a))
}
