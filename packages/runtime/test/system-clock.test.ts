import { systemClock } from '@fata/runtime'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const DAY_MS = 86_400_000

describe('systemClock', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('reads the monotonic clock and the wall clock', () => {
    vi.setSystemTime(1_700_000_000_000)
    const clock = systemClock()
    const start = clock.now()
    vi.advanceTimersByTime(250)
    expect(clock.now() - start).toBe(250)
    expect(clock.wallTime()).toBe(1_700_000_000_250)
  })

  it('calls once, at its time, never inside of schedule', () => {
    const clock = systemClock()
    const calls: number[] = []
    const start = clock.now()
    clock.schedule(start + 100, () => calls.push(clock.now() - start))
    clock.schedule(start - 5, () => calls.push(clock.now() - start))
    expect(calls).toEqual([])
    vi.advanceTimersByTime(99)
    expect(calls).toHaveLength(1)
    vi.advanceTimersByTime(10_000)
    expect(calls).toHaveLength(2)
    expect(calls[0]).toBeLessThanOrEqual(1)
    expect(calls[1]).toBe(100)
  })

  it('waits for times beyond the longest delay of the platform', () => {
    const clock = systemClock()
    let called = 0
    clock.schedule(clock.now() + 100 * DAY_MS, () => called++)
    vi.advanceTimersByTime(100 * DAY_MS - 1)
    expect(called).toBe(0)
    vi.advanceTimersByTime(1)
    expect(called).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('does not call early where the platform does', () => {
    const clock = systemClock()
    let now = 1000
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    let called = 0
    clock.schedule(1010.5, () => called++)
    now = 1010.4
    vi.advanceTimersByTime(11)
    expect(called).toBe(0)
    now = 1010.5
    vi.advanceTimersByTime(1)
    expect(called).toBe(1)
  })

  it('cancels before, between the parts of a long delay, and idly after', () => {
    const clock = systemClock()
    let called = 0
    const first = clock.schedule(clock.now() + 10, () => called++)
    const long = clock.schedule(clock.now() + 60 * DAY_MS, () => called++)
    const due = clock.schedule(clock.now() + 20, () => called++)
    first.cancel()
    first.cancel()
    vi.advanceTimersByTime(30 * DAY_MS)
    long.cancel()
    due.cancel()
    expect([called, vi.getTimerCount()]).toEqual([1, 0])
    vi.advanceTimersByTime(60 * DAY_MS)
    expect(called).toBe(1)
  })

  it('arms nothing for Infinity and refuses NaN', () => {
    const clock = systemClock()
    clock.schedule(Number.POSITIVE_INFINITY, () => {}).cancel()
    expect(vi.getTimerCount()).toBe(0)
    expect(() => clock.schedule(Number.NaN, () => {})).toThrow(RangeError)
  })

  it('defers in call order, after the running task and before later timers', () => {
    const clock = systemClock()
    const calls: string[] = []
    clock.schedule(clock.now() + 5, () => calls.push('timer'))
    clock.defer(() => {
      calls.push('a')
      clock.defer(() => calls.push('c'))
    })
    clock.defer(() => calls.push('b'))
    expect(calls).toEqual([])
    vi.advanceTimersByTime(10)
    expect(calls).toEqual(['a', 'b', 'c', 'timer'])
  })
})

describe('systemClock on a platform without setImmediate', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
  })

  it('defers by messages, in call order, one task each', async () => {
    vi.stubGlobal('setImmediate', undefined)
    const clock = systemClock()
    const calls: string[] = []
    await new Promise<void>((resolve) => {
      clock.defer(() => {
        calls.push('a')
        void Promise.resolve().then(() => calls.push('microtask of a'))
      })
      clock.defer(() => calls.push('b'))
      clock.defer(resolve)
      expect(calls).toEqual([])
    })
    expect(calls).toEqual(['a', 'microtask of a', 'b'])
  })
})
