import { KvError, type OwnedOp } from '@fata/kv'

/** A write that waits for its turn. */
export interface Write {
  readonly ops: readonly OwnedOp[]
  readonly signal: AbortSignal | undefined
  done(): void
  failed(error: unknown): void
}

interface Turn {
  readonly signal: AbortSignal | undefined
  failed(error: unknown): void
}

type Job = (Write & { readonly kind: 'write' }) | (Turn & { readonly kind: 'turn'; readonly run: () => Promise<void> })

export interface QueueOptions {
  readonly maxQueued: number
  /** Operations and bytes of values up to which writes that follow each other are joined. */
  readonly maxJoinedOps: number
  readonly maxJoinedBytes: number
  /** Runs writes in their order. Never rejects. */
  readonly runWrites: (writes: readonly Write[]) => Promise<void>
}

/** Runs writes one after the other, in the order of the calls; those that are waiting together run together. */
export class WriteQueue {
  readonly #options: QueueOptions
  readonly #jobs = new Set<Job>()
  #running: Promise<void> | undefined

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /** Rejects with the write's error, KvError KV_TOO_LARGE, or the reason of an abort before its turn. */
  write(ops: readonly OwnedOp[], signal: AbortSignal | undefined): Promise<void> {
    return new Promise((done, failed) => this.#add({ kind: 'write', ops, signal, done, failed }))
  }

  /** Runs `work` alone; likewise. */
  turn<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    return new Promise((done, failed) => {
      this.#add({ kind: 'turn', run: () => work().then(done, failed), signal, failed })
    })
  }

  /** Resolves when nothing waits or runs. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running
  }

  #add(job: Job): void {
    const { maxQueued } = this.#options
    if (this.#jobs.size >= maxQueued) {
      job.failed(new KvError('KV_TOO_LARGE', { message: 'too many writes wait', limit: maxQueued }))
      return
    }
    this.#jobs.add(job)
    this.#running ??= this.#drain()
  }

  async #drain(): Promise<void> {
    // What is called in one turn gets together.
    await Promise.resolve()
    while (this.#jobs.size > 0) {
      const [first, ...joined] = this.#next()
      if (first?.kind === 'turn') await first.run()
      else if (first) await this.#options.runWrites([first, ...(joined as Write[])])
    }
    this.#running = undefined
  }

  /** A turn, or the writes up to the next one that may be joined. Those that are aborted are told, and dropped. */
  #next(): Job[] {
    const next: Job[] = []
    let ops = 0
    let bytes = 0
    for (const job of this.#jobs) {
      if (job.signal?.aborted) {
        this.#jobs.delete(job)
        job.failed(job.signal.reason)
        continue
      }
      if (next.length > 0 && job.kind === 'turn') break
      if (job.kind === 'write') {
        ops += job.ops.length
        bytes += bytesOf(job.ops)
        if (next.length > 0 && (ops > this.#options.maxJoinedOps || bytes > this.#options.maxJoinedBytes)) break
      }
      next.push(job)
      this.#jobs.delete(job)
      if (job.kind === 'turn') break
    }
    return next
  }
}

function bytesOf(ops: readonly OwnedOp[]): number {
  let bytes = 0
  for (const op of ops) if (op.op === 'set') bytes += op.value.length
  return bytes
}
