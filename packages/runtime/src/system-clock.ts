import { type Clock, checkTime, NEVER } from './clock.ts'
import { createMacrotasks } from './macrotask.ts'

/** setTimeout takes at most a signed 32-bit delay. */
const LONGEST_DELAY_MS = 0x7fffffff

declare const setImmediate: ((fn: () => void) => unknown) | undefined

/** The platform's clock and timers. A pending timer keeps a Node process alive. */
export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    wallTime: () => Date.now(),
    schedule(at, fn) {
      checkTime(at)
      if (at === Number.POSITIVE_INFINITY) return NEVER
      let handle: ReturnType<typeof setTimeout>
      // A platform's timer may fire a fraction of a millisecond early, and far times need more than one.
      const expire = (): void => {
        const wait = at - performance.now()
        if (wait > 0) arm(wait)
        else fn()
      }
      const arm = (wait: number): void => {
        handle = setTimeout(expire, Math.min(Math.ceil(wait), LONGEST_DELAY_MS))
      }
      arm(Math.max(0, at - performance.now()))
      return { cancel: () => clearTimeout(handle) }
    },
    // The wrapper looks the global up at each call, as schedule does, so that fake timers reach it.
    defer: typeof setImmediate === 'function' ? (fn) => void setImmediate!(fn) : createMacrotasks(),
  }
}
