/** Where time comes from. Times are milliseconds as numbers, with fractions. */
export interface Clock {
  /** Monotonic time since an arbitrary start. */
  now(): number
  /** Time since 1970-01-01 UTC; may step. */
  wallTime(): number
  /**
   * Calls `fn` once, not before `at` (a time of `now()`), and never inside this call. A time that has passed means soon, Infinity
   * never. Throws a RangeError on NaN.
   */
  schedule(at: number, fn: () => void): Timer
  /** Calls `fn` once, soon: after the running task, before any timer that is due later. In call order. */
  defer(fn: () => void): void
}

/** A call that is to come. */
export interface Timer {
  /** The call will not be made. Idempotent. */
  cancel(): void
}

/** A call that never comes. */
export const NEVER: Timer = { cancel: () => {} }

/** Refuses what is no time. */
export function checkTime(at: number): void {
  if (Number.isNaN(at)) throw new RangeError('a time must be a number, got NaN')
}
