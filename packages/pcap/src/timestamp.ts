import type { Clock } from '@fata/runtime'
import { putLe32 } from './wire.ts'

const TWO_16 = 0x1_0000

/** Time stamps in nanoseconds since 1970, as pcapng has them: the higher 32 bits, then the lower. */
export interface Timestamps {
  /** Writes the present time at `b[o..o+8)`, each half little-endian. */
  putNow(b: Uint8Array, o: number): void
}

/**
 * Wall time as it was at first, and monotonic time from there: `wallTime` may step, and a number of milliseconds since 1970 is too coarse
 * for fractions. Nanoseconds since 1970 need 61 bits, which are computed in two halves, exactly, and without allocating a BigInt.
 */
export function createTimestamps(clock: Clock): Timestamps {
  const wallStart = clock.wallTime()
  const start = clock.now()
  const startMs = Math.floor(wallStart)
  const startNs = Math.round((wallStart - startMs) * 1e6)
  return {
    putNow(b, o) {
      const elapsed = Math.max(0, clock.now() - start)
      const elapsedMs = Math.floor(elapsed)
      // At most 2^48 ms and 2e6 ns.
      const ms = startMs + elapsedMs
      const ns = startNs + Math.round((elapsed - elapsedMs) * 1e6)
      // ms * 10^6 + ns = high * 2^16 + low with both below 2^53.
      const msHigh = Math.floor(ms / TWO_16)
      const low = (ms - msHigh * TWO_16) * 1e6 + ns
      const high = msHigh * 1e6 + Math.floor(low / TWO_16)
      putLe32(b, o, high / TWO_16)
      putLe32(b, o + 4, (high % TWO_16) * TWO_16 + (low % TWO_16))
    },
  }
}
