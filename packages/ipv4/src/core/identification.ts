import type { Ipv4 } from '@fata/addr'
import type { Random } from '@fata/runtime'

const COUNTERS = 1024

/** Mixes all bits of `h ^ v` into all of the result (the finalizer of MurmurHash3). */
function mix(h: number, v: number): number {
  let x = h ^ v
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}

/**
 * Identifications of datagrams that may be fragmented: RFC 6864 §4.3 wants them unique per source, destination and protocol for as long
 * as one may be under way. Each such tuple counts up from a secret start of its own; tuples share the counters, so that memory is
 * fixed and a counter tells little of how much is sent to whom (RFC 7739 §5.3 does so for IPv6).
 */
export class Identifications {
  readonly #key: number
  readonly #key2: number
  readonly #counters = new Uint16Array(COUNTERS)

  constructor(random: Random) {
    this.#key = random.uint32()
    this.#key2 = random.uint32()
  }

  next(src: Ipv4, dst: Ipv4, protocol: number): number {
    const h = mix(mix(mix(this.#key, src), dst), protocol)
    const start = mix(h, this.#key2)
    const i = h & (COUNTERS - 1)
    return (start + this.#counters[i]!++) & 0xffff
  }
}
