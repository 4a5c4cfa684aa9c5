import type { Clock } from './clock.ts'

/** setTimeout takes at most a signed 32-bit delay. */
const LONGEST_DELAY_MS = 0x7fffffff

declare const setImmediate: ((fn: () => void) => unknown) | undefined

function createDefer(): (fn: () => void) => void {
  if (typeof setImmediate === 'function') return setImmediate
  const queue: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => queue.shift()?.()
  return (fn) => {
    queue.push(fn)
    port2.postMessage(0)
  }
}

/** The platform's clock and timers. A pending timer keeps a Node process alive. */
export function systemClock(): Clock {
  return {
    now: () => performance.now(),
    wallTime: () => Date.now(),
    schedule(at, fn) {
      let handle: ReturnType<typeof setTimeout>
      const arm = (): void => {
        const wait = at - performance.now()
        // A timer may fire a fraction of a millisecond early, and far deadlines need more than one.
        if (wait <= 0 && handle !== undefined) fn()
        else handle = setTimeout(arm, Math.min(Math.max(0, Math.ceil(wait)), LONGEST_DELAY_MS))
      }
      arm()
      return { cancel: () => clearTimeout(handle) }
    },
    defer: createDefer(),
  }
}
