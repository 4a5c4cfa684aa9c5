import type { Clock, Timer } from '@fata/runtime'
import { PosixError } from './errno.ts'

/** Something that becomes ready: who waits for it is called when that may have happened. */
export class Readiness {
  readonly #watchers = new Set<(events: number) => void>()

  /** `events`: bits of `POLL...` that may have come up. */
  wake(events: number): void {
    for (const watcher of [...this.#watchers]) watcher(events)
  }

  /** Returns how to stop watching. */
  watch(watcher: (events: number) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }
}

/** How long a call may wait. */
export interface Patience {
  /** Not at all. */
  readonly nonblocking: boolean
  /** So long; Infinity for ever. */
  readonly timeoutMs: number
}

/** Waits until `done()`, asking again whenever one of `sources` may have become ready. False: it took longer than `timeoutMs`. */
export function waitFor(
  clock: Clock,
  sources: readonly Readiness[],
  done: () => boolean,
  timeoutMs: number,
): Promise<boolean> {
  if (done()) return Promise.resolve(true)
  if (timeoutMs <= 0) return Promise.resolve(false)
  return new Promise((resolve) => {
    let timer: Timer | undefined
    const finish = (result: boolean): void => {
      timer?.cancel()
      for (const stop of stops) stop()
      resolve(result)
    }
    const stops = sources.map((source) => source.watch(() => done() && finish(true)))
    if (timeoutMs < Number.POSITIVE_INFINITY) timer = clock.schedule(clock.now() + timeoutMs, () => finish(false))
  })
}

/** As `waitFor`, for a call that fails with EAGAIN where it may not wait, or no longer. */
export async function waitOrAgain(
  clock: Clock,
  source: Readiness,
  done: () => boolean,
  patience: Patience,
): Promise<void> {
  if (done()) return
  if (patience.nonblocking || !(await waitFor(clock, [source], done, patience.timeoutMs)))
    throw new PosixError('EAGAIN')
}
