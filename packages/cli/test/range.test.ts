import { describe, expect, it } from 'vitest'
import { choosePart, rangeApplies } from '../src/site/range.ts'

describe('Range, RFC 9110 §14.2', () => {
  it.each([
    [undefined, { kind: 'whole', start: 0, end: 100 }],
    ['bytes=0-9', { kind: 'partial', start: 0, end: 10 }],
    ['bytes=90-', { kind: 'partial', start: 90, end: 100 }],
    ['bytes=-10', { kind: 'partial', start: 90, end: 100 }],
    ['bytes=50-1000', { kind: 'partial', start: 50, end: 100 }],
    ['bytes=0-9,20-29', { kind: 'whole', start: 0, end: 100 }],
    ['bytes=0-9,10-29', { kind: 'partial', start: 0, end: 30 }],
    ['bytes=100-', { kind: 'unsatisfiable' }],
    ['bytes=x', { kind: 'whole', start: 0, end: 100 }],
    ['lines=0-9', { kind: 'whole', start: 0, end: 100 }],
    ['nonsense', { kind: 'whole', start: 0, end: 100 }],
  ])('%s', (range, part) => {
    expect(choosePart(100, range)).toEqual(part)
  })

  it('serves an empty value whole', () => {
    expect(choosePart(0, undefined)).toEqual({ kind: 'whole', start: 0, end: 0 })
  })
})

it('If-Range wants one of the validators', () => {
  expect(rangeApplies(undefined, '"a"', 'date')).toBe(true)
  expect(rangeApplies('"a"', '"a"', 'date')).toBe(true)
  expect(rangeApplies('date', '"a"', 'date')).toBe(true)
  expect(rangeApplies('"b"', '"a"', 'date')).toBe(false)
})
