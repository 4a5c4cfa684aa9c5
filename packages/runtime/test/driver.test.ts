import { type Core, createDriver, createVirtualClock, type Driver, type VirtualClock } from '@fata/runtime'
import { describe, expect, it } from 'vitest'

/** Says what happens to it; `wakeAt` is its deadline. */
class Spy implements Core<string> {
  readonly trace: string[] = []
  readonly outputs: string[] = []
  wakeAt = Number.POSITIVE_INFINITY
  onTimeout: (now: number) => void = () => {}

  timeout(now: number): void {
    this.trace.push(`timeout@${now}`)
    this.wakeAt = Number.POSITIVE_INFINITY
    this.onTimeout(now)
  }

  poll(): string | undefined {
    return this.outputs.shift()
  }

  deadline(): number {
    return this.wakeAt
  }

  input(name: string, ...outputs: string[]): void {
    this.trace.push(name)
    this.outputs.push(...outputs)
  }
}

interface Rig {
  readonly clock: VirtualClock
  readonly core: Spy
  readonly driver: Driver<Spy>
  sink: (out: string) => void
}

function rig(): Rig {
  const clock = createVirtualClock()
  const core = new Spy()
  const r: Rig = {
    clock,
    core,
    sink: () => {},
    driver: createDriver<string, Spy>(core, clock, (out) => {
      core.trace.push(`-> ${out}`)
      r.sink(out)
    }),
  }
  return r
}

describe('step', () => {
  it('mutates once at the present time, drains in order, gives the result', () => {
    const { clock, core, driver } = rig()
    clock.advance(7)
    const result = driver.step((c, now) => {
      c.input(`in@${now}`, 'a', 'b')
      return 'result'
    })
    expect(result).toBe('result')
    expect(core.trace).toEqual(['in@7', '-> a', '-> b'])
  })

  it('inside the sink mutates at once and appends its outputs', () => {
    const r = rig()
    r.sink = (out) => {
      if (out === 'a') r.driver.step((c) => c.input('nested', 'c'))
    }
    r.driver.step((c) => c.input('in', 'a', 'b'))
    expect(r.core.trace).toEqual(['in', '-> a', 'nested', '-> b', '-> c'])
  })

  it('arms the timer once for all that happened inside of it', () => {
    const r = rig()
    let scheduled = 0
    const schedule: VirtualClock['schedule'] = (at, fn) => {
      scheduled++
      return r.clock.schedule(at, fn)
    }
    const counting = { ...r.clock, schedule }
    const driver = createDriver<string, Spy>(r.core, counting, () => driver.step((c) => void (c.wakeAt = 5)))
    driver.step((c) => c.input('in', 'a', 'b', 'c'))
    expect(scheduled).toBe(1)
  })

  it('drains and arms where the mutation throws', () => {
    const { clock, core, driver } = rig()
    expect(() =>
      driver.step((c) => {
        c.input('in', 'a')
        c.wakeAt = 3
        throw new RangeError('port')
      }),
    ).toThrow(RangeError)
    clock.advance(5)
    expect(core.trace).toEqual(['in', '-> a', 'timeout@3'])
  })

  it('arms where the sink throws, and hands over the rest with the next step', () => {
    const r = rig()
    r.sink = (out) => {
      if (out === 'a') throw new Error('sink')
    }
    expect(() =>
      r.driver.step((c) => {
        c.wakeAt = 4
        c.input('in', 'a', 'b')
      }),
    ).toThrow('sink')
    expect(r.core.trace).toEqual(['in', '-> a'])
    r.clock.advance(4)
    expect(r.core.trace).toEqual(['in', '-> a', 'timeout@4', '-> b'])
  })
})

describe('the timer', () => {
  it('calls timeout at the deadline, drains, and follows the next one', () => {
    const { clock, core, driver } = rig()
    core.onTimeout = (now) => {
      core.outputs.push('retry')
      if (now < 30) core.wakeAt = now + 10
    }
    driver.step((c) => void (c.wakeAt = 10))
    clock.advance(100)
    expect(core.trace).toEqual(['timeout@10', '-> retry', 'timeout@20', '-> retry', 'timeout@30', '-> retry'])
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('comes earlier where the deadline moves in', () => {
    const { clock, core, driver } = rig()
    driver.step((c) => void (c.wakeAt = 50))
    driver.step((c) => void (c.wakeAt = 20))
    expect(clock.nextAt()).toBe(20)
    clock.advance(100)
    expect(core.trace).toEqual(['timeout@20'])
  })

  it('stays where the deadline moves out, and does not call the core early', () => {
    const { clock, core, driver } = rig()
    driver.step((c) => void (c.wakeAt = 10))
    driver.step((c) => void (c.wakeAt = 50))
    expect(clock.nextAt()).toBe(10)
    clock.advance(49)
    expect(core.trace).toEqual([])
    clock.advance(1)
    expect(core.trace).toEqual(['timeout@50'])
  })

  it('goes where the deadline does', () => {
    const { clock, core, driver } = rig()
    driver.step((c) => void (c.wakeAt = 10))
    driver.step((c) => void (c.wakeAt = Number.POSITIVE_INFINITY))
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    driver.step((c) => void (c.wakeAt = 30))
    clock.advance(30)
    expect(core.trace).toEqual(['timeout@30'])
  })

  it('passes the time that it is when the platform is late, and catches up on deadlines that have passed', () => {
    const { clock, core } = rig()
    let skew = 0
    const late = { ...clock, now: () => clock.now() + skew }
    const driver = createDriver<string, Spy>(core, late, () => {})
    core.onTimeout = (now) => {
      if (core.trace.length < 3) core.wakeAt = 10 + 10 * core.trace.length
      else core.trace.push(`rest@${now}`)
    }
    driver.step((c) => void (c.wakeAt = 10))
    skew = 100
    clock.advance(30)
    expect(core.trace).toEqual(['timeout@110', 'timeout@120', 'timeout@130', 'rest@130'])
  })

  it('does nothing but the steps of others after stop', () => {
    const { clock, core, driver } = rig()
    driver.step((c) => void (c.wakeAt = 10))
    driver.stop()
    driver.stop()
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    driver.step((c) => {
      c.wakeAt = 20
      c.input('in', 'a')
    })
    clock.advance(100)
    expect(core.trace).toEqual(['in', '-> a'])
  })

  it('may be stopped by the sink', () => {
    const r = rig()
    r.sink = () => r.driver.stop()
    r.driver.step((c) => {
      c.wakeAt = 10
      c.input('in', 'a', 'b')
    })
    r.clock.advance(100)
    expect(r.core.trace).toEqual(['in', '-> a', '-> b'])
  })
})
