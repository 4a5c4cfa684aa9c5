import type { Random } from './random.ts'

/** Deterministic and predictable: for tests and simulations only. xoshiro128** from the low 32 bits of `seed` by splitmix32. */
export function seededRandom(seed: number): Random {
  let z = seed >>> 0
  const split = (): number => {
    z = (z + 0x9e3779b9) | 0
    let t = z ^ (z >>> 16)
    t = Math.imul(t, 0x21f0aaad)
    t ^= t >>> 15
    t = Math.imul(t, 0x735a2d97)
    return (t ^ (t >>> 15)) | 0
  }
  let a = split()
  let b = split()
  let c = split()
  let d = split()
  const uint32 = (): number => {
    const m = Math.imul(b, 5)
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = (d << 11) | (d >>> 21)
    return result
  }
  return {
    uint32,
    fill(bytes) {
      for (let i = 0; i < bytes.length; i++) bytes[i] = uint32() >>> 24
    },
  }
}
