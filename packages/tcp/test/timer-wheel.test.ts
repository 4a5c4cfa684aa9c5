import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TimerWheel } from '../src/timer-wheel.ts'

/** Moves to `now` in the steps that the wheel asks for, and returns who fired when. */
function run(wheel: TimerWheel, now: number): [id: number, at: number][] {
  const fired: [number, number][] = []
  for (let at = wheel.nextAt(); at <= now; at = wheel.nextAt()) {
    wheel.advance(at)
    for (const id of wheel.fired) fired.push([id, at])
  }
  wheel.advance(now)
  return fired
}

describe('timer wheel', () => {
  it.each([1, 2, 255, 256, 257, 1000, 65_535, 65_536, 65_537, 7_200_000, 16_000_000])(
    'fires after %i ms, not earlier',
    (ms) => {
      for (const start of [0, 0.25, 100, 65_000, 2 ** 31 - 500, 2 ** 32 + 3]) {
        const wheel = new TimerWheel(start)
        wheel.arm(3, start + ms)
        expect(run(wheel, start + ms - 1)).toEqual([])
        expect(run(wheel, start + ms)).toEqual([[3, start + ms]])
        expect(wheel.size).toBe(0)
        expect(wheel.nextAt()).toBe(Number.POSITIVE_INFINITY)
      }
    },
  )

  it('fires beyond its horizon too, with a look on the way', () => {
    const wheel = new TimerWheel(0)
    wheel.arm(1, 1e9)
    const fired = run(wheel, 1e9)
    expect(fired.length).toBe(1)
    expect(fired[0]![1]).toBeLessThan(1e9)
  })

  it('rounds up to whole ticks', () => {
    const wheel = new TimerWheel(0)
    wheel.arm(1, 10.2)
    expect(run(wheel, 10.9)).toEqual([])
    expect(run(wheel, 11)).toEqual([[1, 11]])
  })

  it('leaves an earlier entry where it is', () => {
    const wheel = new TimerWheel(0)
    wheel.arm(1, 10)
    wheel.arm(1, 500)
    expect(run(wheel, 10)).toEqual([[1, 10]])
    wheel.arm(1, 500)
    wheel.arm(1, 20)
    expect(run(wheel, 1000)).toEqual([[1, 20]])
  })

  it('forgets what is disarmed', () => {
    const wheel = new TimerWheel(0)
    for (let id = 0; id < 500; id++) wheel.arm(id, 50 + id)
    for (let id = 0; id < 500; id += 2) wheel.disarm(id)
    wheel.disarm(10_000)
    expect(run(wheel, 600).map(([id]) => id)).toEqual(Array.from({ length: 250 }, (_, i) => 2 * i + 1))
  })

  it('works in steps as large as you like', () => {
    const wheel = new TimerWheel(0)
    for (let id = 0; id < 100; id++) wheel.arm(id, 1 + id * 997)
    wheel.advance(1e6)
    expect([...wheel.fired].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  it('agrees with a list of deadlines', () => {
    const op = fc.oneof(
      fc.record({ kind: fc.constant('arm' as const), id: fc.nat(9), ms: fc.integer({ min: 0, max: 200_000 }) }),
      fc.record({ kind: fc.constant('disarm' as const), id: fc.nat(9), ms: fc.constant(0) }),
      fc.record({ kind: fc.constant('pass' as const), id: fc.constant(0), ms: fc.integer({ min: 0, max: 100_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(op, { maxLength: 60 }), (ops) => {
        const wheel = new TimerWheel(0)
        const model = new Map<number, number>()
        let now = 0
        for (const { kind, id, ms } of ops) {
          if (kind === 'arm') {
            const at = Math.max(now + 1, now + ms)
            wheel.arm(id, now + ms)
            model.set(id, Math.min(at, model.get(id) ?? Number.POSITIVE_INFINITY))
          } else if (kind === 'disarm') {
            wheel.disarm(id)
            model.delete(id)
          } else {
            now += ms
            const due = [...model].filter(([, at]) => at <= now)
            for (const [i] of due) model.delete(i)
            expect(run(wheel, now).sort((x, y) => x[0] - y[0])).toEqual(due.sort((x, y) => x[0] - y[0]))
          }
          expect(wheel.size).toBe(model.size)
        }
      }),
      { numRuns: 300 },
    )
  })
})
