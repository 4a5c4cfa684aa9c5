import type { IpAddress } from '@fata/addr'
import type { Random } from '@fata/runtime'
import { createSipHash } from './siphash.ts'
import { putTuple, TUPLE_WORDS } from './tuple.ts'

/** One step of the clock M in RFC 9293 §3.4.1 takes 4 us. */
const STEPS_PER_MS = 250

/** Numbers that differ from connection to connection and that nobody outside can predict. */
export interface SequenceNumbers {
  /** RFC 6528 §3: ISN = M + F(local, remote, secret), which grows with time for each pair of endpoints. */
  initial(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number, now: number): number
  /** RFC 7323 §5.4: what timestamps begin with; constant for each pair of endpoints, so that they grow too (RFC 6191). */
  timestampOffset(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number
}

export function createSequenceNumbers(random: Random): SequenceNumbers {
  const forInitial = createSipHash(random)
  const forTimestamps = createSipHash(random)
  const words = new Int32Array(TUPLE_WORDS)
  return {
    initial(local, localPort, remote, remotePort, now) {
      const n = putTuple(words, local, localPort, remote, remotePort)
      return (Math.floor(now * STEPS_PER_MS) + forInitial.hash(words, n)) | 0
    },
    timestampOffset(local, localPort, remote, remotePort) {
      return forTimestamps.hash(words, putTuple(words, local, localPort, remote, remotePort))
    },
  }
}
