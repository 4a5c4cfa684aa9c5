/** Where randomness comes from: unpredictable by default, seeded in tests. */
export interface Random {
  /** Uniform in 0..2^32-1. */
  uint32(): number
  /** Fills all of `bytes`. */
  fill(bytes: Uint8Array): void
}

/** Uniform in 0..n-1, `n` in 1..2^32. Rejection keeps it unbiased. Throws a RangeError on any other `n`. */
export function randomBelow(random: Random, n: number): number {
  if (!(Number.isInteger(n) && n >= 1 && n <= 0x1_0000_0000)) throw new RangeError(`n must be in 1..2^32, got ${n}`)
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % n)
  for (;;) {
    const v = random.uint32()
    if (v < limit) return v % n
  }
}
