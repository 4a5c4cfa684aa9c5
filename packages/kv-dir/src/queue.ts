import { type Key, KvError } from '@fata/kv'
import { folded } from './names.ts'

/** A write that waits for its turn. */
interface Waiting {
  readonly signal: AbortSignal | undefined
  readonly abort: () => void
}

/** Sets beside each other share one round of syncs. */
export interface SetJob<T> extends Waiting {
  readonly kind: 'set'
  readonly key: Key
  readonly request: T
}

interface OtherJob extends Waiting {
  readonly kind: 'other'
  readonly run: () => Promise<void>
}

export interface QueueOptions<T> {
  readonly maxQueued: number
  readonly maxTogether: number
  /** Runs sets whose keys do not lie at, above or below each other. Never rejects. */
  readonly runSets: (requests: readonly T[]) => Promise<void>
}

/** Runs writes one after the other, in the order of the calls; sets that follow each other run together. */
export class WriteQueue<T> {
  readonly #options: QueueOptions<T>
  readonly #jobs = new Set<SetJob<T> | OtherJob>()
  #running: Promise<void> | undefined

  constructor(options: QueueOptions<T>) {
    this.#options = options
  }

  /** `onAbort` is called, and the request dropped, when the signal aborts before its turn. Throws KvError KV_TOO_LARGE. */
  addSet(key: Key, request: T, signal: AbortSignal | undefined, onAbort: () => void): void {
    this.#add({ kind: 'set', key, request, signal, abort: onAbort })
  }

  /** Runs `work` alone. Rejects with KvError KV_TOO_LARGE, or with the reason of an abort before its turn. */
  async run<R>(work: () => Promise<R>, signal: AbortSignal | undefined): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const run = () => work().then(resolve, reject)
      this.#add({ kind: 'other', run, signal, abort: () => reject(signal?.reason) })
    })
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #add(job: (Omit<SetJob<T>, 'abort'> & Waiting) | (Omit<OtherJob, 'abort'> & Waiting)): void {
    const { maxQueued } = this.#options
    if (this.#jobs.size >= maxQueued) {
      throw new KvError('KV_TOO_LARGE', { message: 'too many writes wait', limit: maxQueued })
    }
    const abort = () => {
      if (this.#jobs.delete(waiting)) job.abort()
    }
    const waiting: SetJob<T> | OtherJob = { ...job, abort }
    this.#jobs.add(waiting)
    job.signal?.addEventListener('abort', abort, { once: true })
    this.#running ??= this.#drain()
  }

  async #drain(): Promise<void> {
    // What is called in one turn gets together.
    await Promise.resolve()
    for (const job of this.#jobs) {
      if (job.kind === 'set') await this.#options.runSets(this.#takeSets())
      else {
        this.#take(job)
        await job.run()
      }
    }
    this.#running = undefined
  }

  #take(job: SetJob<T> | OtherJob): void {
    this.#jobs.delete(job)
    job.signal?.removeEventListener('abort', job.abort)
  }

  /** The sets at the head of the queue, up to the first that is not independent of those before it. */
  #takeSets(): T[] {
    const taken: T[] = []
    const ends = new Set<string>()
    const throughs = new Set<string>()
    for (const job of this.#jobs) {
      if (job.kind !== 'set' || taken.length >= this.#options.maxTogether) break
      const paths = pathsTo(job.key)
      const end = paths.pop() as string
      if (ends.has(end) || throughs.has(end) || paths.some((path) => ends.has(path))) break
      ends.add(end)
      for (const path of paths) throughs.add(path)
      this.#take(job)
      taken.push(job.request)
    }
    return taken
  }
}

/** The key and those above it, topmost first, as a folding file system may see them. */
function pathsTo(key: Key): string[] {
  const paths: string[] = []
  for (let at = key; at.segments.length > 0; at = at.parent) paths.unshift(folded(at.toString()))
  return paths
}
