import { describe, expect, it } from 'vitest'
import { defaults, settings } from '../src/options.ts'

describe('the options', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual(defaults)
    expect(settings({ tries: 3 }).tries).toBe(3)
  })

  it.each([
    ['cacheSize', 0],
    ['cacheSize', 1.5],
    ['lifetimeMs', Number.NaN],
    ['lifetimeMs', Number.POSITIVE_INFINITY],
    ['retryMs', 0],
    ['tries', 0],
    ['polls', 101],
    ['negativeMs', -1],
    ['maxWaiters', 0],
    ['maxProbes', '4'],
    ['conflictPolicy', 'fight'],
  ])('refuse %s of %s and name it', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(new RegExp(`^${name} must be`))
    expect(() => settings({ [name]: value })).toThrow(RangeError)
  })

  it('leave time to confirm an entry before it ends', () => {
    expect(() => settings({ lifetimeMs: 3000 })).toThrow(RangeError)
    expect(settings({ lifetimeMs: 3001 }).lifetimeMs).toBe(3001)
  })
})
