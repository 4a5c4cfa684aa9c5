import type { Clock, Timer } from './clock.ts'

/**
 * A sans-I/O protocol: its inputs and user calls are methods of its own that take `now`; what it wants done comes out here.
 * It never reads a clock, never waits, never calls out.
 */
export interface Core<Out> {
  /** Time has come to `now`. A call before the deadline changes nothing. */
  timeout(now: number): void
  /** The next thing to do, or undefined when there is none. */
  poll(): Out | undefined
  /** When `timeout` must be called next; Infinity for never. */
  deadline(): number
}

/** Runs one core: mutate once, drain, re-arm the single timer. */
export interface Driver<C> {
  /**
   * Applies `mutate` at the present time, hands every output to the sink, and arms the timer, even where `mutate` throws. Inside the
   * sink, `mutate` is applied at once and its outputs follow those that are there.
   */
  step<R>(mutate: (core: C, now: number) => R): R
  /** Cancels the timer; the core is not called again by it. Idempotent. */
  stop(): void
}

/** `sink` gets each output once, in order. */
export function createDriver<Out, C extends Core<Out>>(core: C, clock: Clock, sink: (out: Out) => void): Driver<C> {
  let timer: Timer | undefined
  let armedAt = Number.POSITIVE_INFINITY
  let draining = false
  let stopped = false

  const arm = (): void => {
    const at = stopped ? Number.POSITIVE_INFINITY : core.deadline()
    // A deadline that moves out leaves the timer where it is: deadlines move with every packet, timers are dear.
    if (at >= armedAt && at !== Number.POSITIVE_INFINITY) return
    timer?.cancel()
    armedAt = at
    timer = at === Number.POSITIVE_INFINITY ? undefined : clock.schedule(at, expire)
  }
  const settle = (): void => {
    // An output may lead the sink back into step(): the outer drain picks up what that adds.
    if (draining) return
    draining = true
    try {
      for (let out = core.poll(); out !== undefined; out = core.poll()) sink(out)
    } finally {
      draining = false
      arm()
    }
  }
  const expire = (): void => {
    armedAt = Number.POSITIVE_INFINITY
    const now = clock.now()
    if (core.deadline() <= now) core.timeout(now)
    settle()
  }
  return {
    step(mutate) {
      try {
        return mutate(core, clock.now())
      } finally {
        settle()
      }
    },
    stop() {
      stopped = true
      arm()
    },
  }
}
