import { describe, expect, it } from 'vitest'
import { defaults, settings } from '../src/options.ts'

describe('the options', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual(defaults)
    expect(settings({ maxSockets: 3 }).maxSockets).toBe(3)
  })

  it.each([
    ['firstEphemeralPort', 1023],
    ['lastEphemeralPort', 65536],
    ['maxSockets', 0],
    ['queueDatagrams', 1.5],
    ['queueBytes', Number.NaN],
    ['queueBytes', '1'],
  ])('refuse %s of %s and name it', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(new RegExp(`^${name} must be`))
    expect(() => settings({ [name]: value })).toThrow(RangeError)
  })

  it('refuse a range that ends before it begins', () => {
    expect(() => settings({ firstEphemeralPort: 50001, lastEphemeralPort: 50000 })).toThrow(RangeError)
  })
})
