import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isLinearizable, type Operation } from './linearizable.ts'

const write = (value: string, start: number, end: number): Operation => ({ kind: 'write', value, start, end })
const read = (value: string | undefined, start: number, end: number): Operation => ({ kind: 'read', value, start, end })
const NEVER = Number.POSITIVE_INFINITY

describe('the checker', () => {
  it.each<[string, boolean, Operation[]]>([
    ['nothing', true, []],
    ['a read of the beginning', true, [read(undefined, 0, 1)]],
    ['one after the other', true, [write('a', 0, 1), read('a', 2, 3), write('b', 4, 5), read('b', 6, 7)]],
    ['a stale read', false, [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)]],
    ['a lost write', false, [write('a', 0, 1), read(undefined, 2, 3)]],
    ['a read of what nobody wrote', false, [write('a', 0, 1), read('x', 2, 3)]],
    ['a read beside the write, before', true, [write('a', 0, 9), read(undefined, 1, 2)]],
    ['a read beside the write, after', true, [write('a', 0, 9), read('a', 1, 2)]],
    ['new, then old again', false, [write('a', 0, 9), read('a', 1, 2), read(undefined, 3, 4)]],
    [
      'two writes, seen in both orders',
      false,
      [...[write('a', 0, 9), write('b', 0, 9)], ...[read('a', 10, 11), read('b', 12, 13)]],
    ],
    ['two writes, either order', true, [write('a', 0, 9), write('b', 0, 9), read('a', 10, 11)]],
    ['an unknown write that never happened', true, [write('a', 0, NEVER), read(undefined, 5, 6)]],
    [
      'an unknown write that happened late',
      true,
      [...[write('a', 0, NEVER), read(undefined, 5, 6)], ...[write('b', 7, 8), read('a', 9, 10)]],
    ],
    [
      'an unknown write that happened twice',
      false,
      [...[write('a', 0, NEVER), read('a', 1, 2), write('b', 3, 4)], ...[read('b', 5, 6), read('a', 7, 8)]],
    ],
  ])('%s', (_, expected, history) => {
    expect(isLinearizable(history)).toBe(expected)
  })

  it('accepts what a register did, and finds what it could not have done', () => {
    // Every operation takes effect at its number; it may begin before and end after.
    const operation = fc.record({ write: fc.boolean(), early: fc.nat(5), late: fc.nat(5) })
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 60 }), (steps) => {
        let value: string | undefined
        const history = steps.map((step, at): Operation => {
          if (step.write) value = `${at}`
          return {
            kind: step.write ? 'write' : 'read',
            value,
            start: at - step.early - 0.25,
            end: at + step.late + 0.25,
          }
        })
        expect(isLinearizable(history)).toBe(true)
        expect(isLinearizable([...history, read('never', 100, 101)])).toBe(false)
        const end = [write('last', 100, 101), read(value, 102, 103)]
        expect(isLinearizable([...history, ...end])).toBe(false)
      }),
    )
  })
})
