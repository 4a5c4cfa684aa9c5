import { TokenBucket } from '@fata/ip'
import { describe, expect, it } from 'vitest'

describe('the token bucket', () => {
  it('gives the burst, then the rate', () => {
    const bucket = new TokenBucket(10, 5)
    const taken = (now: number): number => {
      let n = 0
      while (bucket.take(now)) n++
      return n
    }
    expect(taken(0)).toBe(5)
    expect(taken(99)).toBe(0)
    expect(taken(100)).toBe(1)
    expect(taken(400)).toBe(3)
    expect(taken(100_000)).toBe(5)
  })

  it('does not give on credit, or when time stands still or runs backwards', () => {
    const bucket = new TokenBucket(10, 1)
    expect(bucket.take(0, 2)).toBe(false)
    expect(bucket.take(0, 1)).toBe(true)
    expect(bucket.take(-1_000, 1)).toBe(false)
    expect(new TokenBucket(0, 5).take(1e9, 1)).toBe(false)
  })
})
