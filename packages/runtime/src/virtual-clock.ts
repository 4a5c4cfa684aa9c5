import { type Clock, checkTime, NEVER, type Timer } from './clock.ts'
import { createMacrotasks } from './macrotask.ts'
import { type Entry, TimerQueue } from './timer-queue.ts'

/** A clock that moves only when told to. Calls that fall due are made in order of time, then in order of scheduling. */
export interface VirtualClock extends Clock {
  /** Moves time by `ms`, making every call that falls due on the way. Promises do not settle in between: see `run`. */
  advance(ms: number): void
  /** Makes the next call, moving time to it. False when none is scheduled, or the next one lies beyond `limit` (a time of `now()`). */
  step(limit?: number): boolean
  /** Time of the next call; Infinity when none is scheduled. */
  nextAt(): number
  /**
   * Steps, letting promises settle after each call, until `done()` is true or nothing is left to do up to `limit`.
   * Returns whether `done()` was reached. Default: until nothing is scheduled.
   */
  run(done?: () => boolean, limit?: number): Promise<boolean>
  /**
   * Runs the clock until `promise` settles and returns its outcome. Throws when it is still pending and nothing is scheduled up to
   * `limit` (a time of `now()`; default: one day ahead).
   */
  settle<T>(promise: Promise<T>, limit?: number): Promise<T>
}

const DAY_MS = 86_400_000

// Found at import, before a test can replace the timers of the platform.
const macrotask = /* @__PURE__ */ createMacrotasks()

/** Lets every settled promise run its continuations, however many follow each other. */
function settlePromises(): Promise<void> {
  return new Promise((resolve) => macrotask(resolve))
}

/** `wallTime` at virtual time 0: 2020-01-01 UTC unless given. */
export function createVirtualClock(wallStart: number = Date.UTC(2020, 0, 1)): VirtualClock {
  const queue = new TimerQueue()
  let now = 0
  let order = 0

  const schedule = (at: number, fn: () => void): Timer => {
    checkTime(at)
    if (at === Number.POSITIVE_INFINITY) return NEVER
    const entry: Entry = { at: Math.max(at, now), order: order++, fn, index: -1 }
    queue.push(entry)
    return { cancel: () => queue.remove(entry) }
  }
  const step = (limit = Number.POSITIVE_INFINITY): boolean => {
    const entry = queue.first
    if (entry === undefined || entry.at > limit) return false
    queue.remove(entry)
    now = Math.max(now, entry.at)
    entry.fn()
    return true
  }
  const run = async (done: () => boolean = () => false, limit = Number.POSITIVE_INFINITY): Promise<boolean> => {
    await settlePromises()
    while (!done()) {
      if (!step(limit)) return false
      await settlePromises()
    }
    return true
  }
  return {
    now: () => now,
    wallTime: () => wallStart + now,
    schedule,
    defer: (fn) => void schedule(now, fn),
    nextAt: () => queue.first?.at ?? Number.POSITIVE_INFINITY,
    step,
    advance(ms) {
      if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw new RangeError(`time cannot advance by ${ms} ms`)
      const end = now + ms
      while (step(end));
      now = Math.max(now, end)
    },
    run,
    async settle(promise, limit = now + DAY_MS) {
      let settled = false
      const done = (): void => {
        settled = true
      }
      promise.then(done, done)
      if (await run(() => settled, limit)) return promise
      const next = queue.first === undefined ? 'nothing more is due' : `the next call is due at ${queue.first.at} ms`
      throw new Error(`still pending at virtual time ${now} ms, ${next}`)
    },
  }
}
