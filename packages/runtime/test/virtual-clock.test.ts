import { createVirtualClock, createVirtualRuntime, silentLogger, type Timer } from '@fata/runtime'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'

describe('time', () => {
  it('starts at 0 and stands still', () => {
    const clock = createVirtualClock()
    expect([clock.now(), clock.wallTime(), clock.nextAt()]).toEqual([0, Date.UTC(2020, 0, 1), Number.POSITIVE_INFINITY])
  })

  it('moves the wall clock with it', () => {
    const clock = createVirtualClock(5000)
    clock.advance(1.5)
    expect([clock.now(), clock.wallTime()]).toEqual([1.5, 5001.5])
  })

  it('refuses to go backwards, nowhere, or to the end', () => {
    const clock = createVirtualClock()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => clock.advance(ms)).toThrow(RangeError)
  })
})

describe('calls', () => {
  it('come in order of time, then of scheduling, at their times', () => {
    const clock = createVirtualClock()
    const calls: string[] = []
    const note = (name: string) => () => calls.push(`${name}@${clock.now()}`)
    clock.schedule(20, note('c'))
    clock.schedule(10, note('a'))
    clock.schedule(20, note('d'))
    clock.schedule(10, note('b'))
    clock.schedule(20.5, note('e'))
    expect(clock.nextAt()).toBe(10)
    clock.advance(20)
    expect(calls).toEqual(['a@10', 'b@10', 'c@20', 'd@20'])
    expect([clock.now(), clock.nextAt()]).toEqual([20, 20.5])
  })

  it('are never made inside of schedule, and soon for a time that has passed', () => {
    const clock = createVirtualClock()
    clock.advance(100)
    let at = -1
    clock.schedule(5, () => {
      at = clock.now()
    })
    expect(at).toBe(-1)
    clock.advance(0)
    expect(at).toBe(100)
  })

  it('deferred come after what is due already and before what is due later', () => {
    const clock = createVirtualClock()
    const calls: string[] = []
    clock.schedule(0, () => calls.push('due'))
    clock.schedule(0.001, () => calls.push('later'))
    clock.defer(() => {
      calls.push('a')
      clock.defer(() => calls.push('c'))
    })
    clock.defer(() => calls.push('b'))
    clock.advance(1)
    expect(calls).toEqual(['due', 'a', 'b', 'c', 'later'])
  })

  it('may schedule, cancel and advance', () => {
    const clock = createVirtualClock()
    const calls: string[] = []
    const note = (name: string) => () => calls.push(`${name}@${clock.now()}`)
    clock.schedule(5, () => {
      calls.push('outer')
      victim.cancel()
      clock.schedule(6, note('scheduled'))
      clock.advance(20)
      calls.push(`back@${clock.now()}`)
    })
    const victim = clock.schedule(7, note('victim'))
    clock.schedule(8, note('passed'))
    clock.schedule(30, note('beyond'))
    clock.advance(10)
    expect(calls).toEqual(['outer', 'scheduled@6', 'passed@8', 'back@25'])
    expect(clock.now()).toBe(25)
  })

  it('that throw leave the others in place', () => {
    const clock = createVirtualClock()
    let called = 0
    clock.schedule(1, () => {
      throw new Error('first')
    })
    clock.schedule(1, () => called++)
    expect(() => clock.advance(5)).toThrow('first')
    expect(clock.now()).toBe(1)
    clock.advance(4)
    expect([called, clock.now()]).toEqual([1, 5])
  })

  it('at Infinity never come, at NaN are refused', () => {
    const clock = createVirtualClock()
    clock.schedule(Number.POSITIVE_INFINITY, () => {}).cancel()
    expect([clock.step(), clock.nextAt()]).toEqual([false, Number.POSITIVE_INFINITY])
    expect(() => clock.schedule(Number.NaN, () => {})).toThrow(RangeError)
  })

  it('can be cancelled any number of times, before and after', () => {
    const clock = createVirtualClock()
    let called = 0
    const timer = clock.schedule(1, () => called++)
    const other = clock.schedule(1, () => called++)
    timer.cancel()
    timer.cancel()
    clock.advance(1)
    other.cancel()
    timer.cancel()
    expect([called, clock.nextAt()]).toEqual([1, Number.POSITIVE_INFINITY])
  })

  it('agree with a sorted list under random schedules and cancels', () => {
    const action = fc.record({ at: fc.nat(30), cancel: fc.option(fc.nat(40)) })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        const clock = createVirtualClock()
        const got: number[] = []
        const timers: Timer[] = []
        const model: { at: number; id: number }[] = []
        actions.forEach(({ at, cancel }, id) => {
          timers.push(clock.schedule(at, () => got.push(id)))
          model.push({ at, id })
          if (cancel === null) return
          timers[cancel]?.cancel()
          const i = model.findIndex((entry) => entry.id === cancel)
          if (i >= 0) model.splice(i, 1)
        })
        expect(clock.nextAt()).toBe(Math.min(...model.map(({ at }) => at)))
        while (clock.step());
        expect(got).toEqual(model.sort((a, b) => a.at - b.at || a.id - b.id).map(({ id }) => id))
      }),
      { numRuns: 300 },
    )
  })
})

describe('step', () => {
  it('makes one call and moves time to it, up to a limit', () => {
    const clock = createVirtualClock()
    clock.schedule(10, () => {})
    clock.schedule(30, () => {})
    expect([clock.step(), clock.now()]).toEqual([true, 10])
    expect([clock.step(29), clock.now()]).toEqual([false, 10])
    expect([clock.step(30), clock.now()]).toEqual([true, 30])
    expect([clock.step(), clock.now()]).toEqual([false, 30])
  })
})

describe('run', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('needs no timer of the platform', async () => {
    vi.useFakeTimers()
    const clock = createVirtualClock()
    clock.schedule(1000, () => {})
    expect(await clock.run()).toBe(false)
    expect(clock.now()).toBe(1000)
  })

  it('lets promises settle between calls', async () => {
    const clock = createVirtualClock()
    const sleep = (ms: number): Promise<void> =>
      new Promise((resolve) => void clock.schedule(clock.now() + ms, resolve))
    const times: number[] = []
    const program = (async () => {
      for (let i = 0; i < 3; i++) {
        await sleep(1000)
        await Promise.resolve()
        times.push(clock.now())
      }
    })()
    expect(await clock.run()).toBe(false)
    await program
    expect(times).toEqual([1000, 2000, 3000])
  })

  it('stops as soon as it is done, before the next call', async () => {
    const clock = createVirtualClock()
    let calls = 0
    const tick = (): void => {
      calls++
      clock.schedule(clock.now() + 10, tick)
    }
    tick()
    expect(await clock.run(() => calls === 4)).toBe(true)
    expect([calls, clock.now()]).toEqual([4, 30])
    expect(await clock.run(() => calls === 4)).toBe(true)
    expect(calls).toBe(4)
  })

  it('stops at the limit', async () => {
    const clock = createVirtualClock()
    const tick = (): void => void clock.schedule(clock.now() + 10, tick)
    tick()
    expect(await clock.run(() => false, 35)).toBe(false)
    expect(clock.now()).toBe(30)
  })
})

describe('settle', () => {
  const later = <T>(clock: ReturnType<typeof createVirtualClock>, ms: number, value: T): Promise<T> =>
    new Promise((resolve) => void clock.schedule(clock.now() + ms, () => resolve(value)))

  it('gives the outcome of a promise that virtual time settles', async () => {
    const clock = createVirtualClock()
    expect(await clock.settle(later(clock, 3_600_000, 'done'))).toBe('done')
    expect(clock.now()).toBe(3_600_000)
    await expect(clock.settle(later(clock, 5, 0).then(() => Promise.reject(new Error('refused'))))).rejects.toThrow(
      'refused',
    )
    expect(await clock.settle(Promise.resolve(7))).toBe(7)
  })

  it('does not go further than the promise needs', async () => {
    const clock = createVirtualClock()
    clock.schedule(50, () => {})
    await clock.settle(later(clock, 10, 0))
    expect(clock.now()).toBe(10)
  })

  it('says that nothing is due', async () => {
    const clock = createVirtualClock()
    clock.schedule(10, () => {})
    await expect(clock.settle(new Promise(() => {}))).rejects.toThrow(
      'still pending at virtual time 10 ms, nothing more is due',
    )
  })

  it('ends at its limit, which is a day ahead by default', async () => {
    const clock = createVirtualClock()
    const tick = (): void => void clock.schedule(clock.now() + 3_600_000, tick)
    tick()
    await expect(clock.settle(new Promise(() => {}))).rejects.toThrow(
      'still pending at virtual time 86400000 ms, the next call is due at 90000000 ms',
    )
    await expect(clock.settle(later(clock, 7_200_000, 0), clock.now() + 5_000_000)).rejects.toThrow('still pending')
  })
})

describe('createVirtualRuntime', () => {
  it('is a clock at 0 and the randomness of its seed', () => {
    const [a, b, c] = [createVirtualRuntime(5), createVirtualRuntime(5), createVirtualRuntime()]
    const draws = [a, b, c].map(({ random }) => random.uint32())
    expect(draws[0]).toBe(draws[1])
    expect(draws[0]).not.toBe(draws[2])
    expect([a.clock.now(), a.seed, c.seed, a.log]).toEqual([0, 5, 1, silentLogger])
  })
})
