import { SipHash } from '@fata/bytes'
import type { Random } from '@fata/runtime'

/** A hash with a key of its own, for what RFC 6528 and RFC 6056 call F. Not for the packet path: see `tupleHash` for that. */
export function createSipHash(random: Random): SipHash {
  return new SipHash(Int32Array.from({ length: 4 }, () => random.uint32() | 0))
}
