import type { Clock, Timer } from './clock.ts'

/** A clock that moves only when told to. Calls that fall due are made in order of time, then in order of scheduling. */
export interface VirtualClock extends Clock {
  /** Moves time by `ms`, making every call that falls due on the way. Promises do not settle in between: see `run`. */
  advance(ms: number): void
  /** Makes the next call, moving time to it. False when none is scheduled, or the next one lies beyond `limit` (a time of `now()`). */
  step(limit?: number): boolean
  /** Time of the next call; Infinity when none is scheduled. */
  nextAt(): number
  /**
   * Steps, letting promises settle after each call, until `done()` is true or nothing is left to do before `limit`.
   * Returns whether `done()` was reached. Default: until nothing is scheduled.
   */
  run(done?: () => boolean, limit?: number): Promise<boolean>
  /** Runs the clock until `promise` settles and returns its outcome. Throws when nothing is scheduled any more, or at `limit`, and it is still pending. */
  settle<T>(promise: Promise<T>, limit?: number): Promise<T>
}

interface Entry {
  at: number
  order: number
  fn: (() => void) | undefined
}

/** A binary heap by (at, order). */
class Heap {
  readonly #entries: Entry[] = []

  get first(): Entry | undefined {
    return this.#entries[0]
  }

  push(entry: Entry): void {
    const e = this.#entries
    let i = e.length
    for (let parent = (i - 1) >> 1; i > 0 && before(entry, e[parent]!); parent = (i - 1) >> 1) {
      e[i] = e[parent]!
      i = parent
    }
    e[i] = entry
  }

  pop(): void {
    const e = this.#entries
    const last = e.pop()
    if (last === undefined || e.length === 0) return
    let i = 0
    for (let child = 1; child < e.length; child = 2 * i + 1) {
      if (child + 1 < e.length && before(e[child + 1]!, e[child]!)) child++
      if (!before(e[child]!, last)) break
      e[i] = e[child]!
      i = child
    }
    e[i] = last
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** Lets every settled promise run its continuations, however many follow each other. */
let macrotask: ((fn: () => void) => void) | undefined
function settlePromises(): Promise<void> {
  macrotask ??= macrotaskQueue()
  return new Promise((resolve) => macrotask!(resolve))
}

declare const setImmediate: ((fn: () => void) => unknown) | undefined

function macrotaskQueue(): (fn: () => void) => void {
  if (typeof setImmediate === 'function') return setImmediate
  return (fn) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      fn()
    }
    port2.postMessage(0)
  }
}

/** `wallTime` at virtual time 0: 2020-01-01 UTC unless given. */
export function createVirtualClock(wallStart: number = Date.UTC(2020, 0, 1)): VirtualClock {
  const heap = new Heap()
  let now = 0
  let order = 0

  const schedule = (at: number, fn: () => void): Timer => {
    const entry: Entry = { at: Math.max(at, now), order: order++, fn }
    heap.push(entry)
    return {
      cancel() {
        entry.fn = undefined
      },
    }
  }
  const nextAt = (): number => {
    while (heap.first !== undefined && heap.first.fn === undefined) heap.pop()
    return heap.first?.at ?? Number.POSITIVE_INFINITY
  }
  const step = (limit = Number.POSITIVE_INFINITY): boolean => {
    const at = nextAt()
    if (at === Number.POSITIVE_INFINITY || at > limit) return false
    const { fn } = heap.first!
    heap.first!.fn = undefined
    heap.pop()
    now = at
    fn!()
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
    nextAt,
    step,
    advance(ms) {
      const end = now + ms
      while (step(end));
      now = end
    },
    run,
    async settle(promise, limit) {
      let settled = false
      promise.then(
        () => (settled = true),
        () => (settled = true),
      )
      if (!(await run(() => settled, limit)))
        throw new Error(`still pending at virtual time ${now} ms, nothing more is due`)
      return promise
    },
  }
}
