import { describe, expect, it } from 'vitest'
import { defaults, settings } from '../src/options.ts'

describe('the options', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual(defaults)
    expect(settings({ attemptDelayMs: undefined, maxAttempts: 3 })).toEqual({ ...defaults, maxAttempts: 3 })
  })

  it.each([
    ['resolutionDelayMs', -1],
    ['attemptDelayMs', 9],
    ['minAttemptDelayMs', 9],
    ['firstFamilyCount', 0],
    ['maxAttempts', 1025],
    ['attemptTimeoutMs', 0.5],
    ['resolveTimeoutMs', '1'],
  ])('refuse %s of %s and name it', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(new RegExp(`^${name} must be`))
    expect(() => settings({ [name]: value })).toThrow(RangeError)
  })

  it('refuse a pause below the least pause', () => {
    expect(() => settings({ attemptDelayMs: 20, minAttemptDelayMs: 30 })).toThrow(RangeError)
  })
})
