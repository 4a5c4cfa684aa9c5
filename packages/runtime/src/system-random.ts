import type { Random } from './random.ts'

/** getRandomValues refuses more than this in one call. */
const QUOTA = 65536
const POOL_WORDS = 256

/** The platform's cryptographic generator (Web Crypto). `uint32` draws from a pool, since a call costs about 1 us. */
export function systemRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS)
  let left = 0
  return {
    uint32() {
      if (left === 0) {
        crypto.getRandomValues(pool)
        left = POOL_WORDS
      }
      left--
      const v = pool[left]!
      pool[left] = 0
      return v
    },
    fill(bytes) {
      for (let off = 0; off < bytes.length; off += QUOTA) crypto.getRandomValues(bytes.subarray(off, off + QUOTA))
    },
  }
}
