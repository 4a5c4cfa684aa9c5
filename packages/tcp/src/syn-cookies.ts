import type { IpAddress } from '@fata/addr'
import type { Random } from '@fata/runtime'
import type { Segment } from './core/segment.ts'
import { createSipHash } from './siphash.ts'
import { putTuple, TUPLE_WORDS } from './tuple.ts'

/**
 * SYN cookies (RFC 4987 §3.6): where there is no room to remember a SYN, the SYN,ACK says everything that the ACK must bring back. The
 * initial sequence number holds the time, the MSS and a keyed hash; the time stamp, where there is one, the other options.
 */

/** A cookie is good for one to two of these. */
const PERIOD_MS = 64_000
const PERIODS = 32
/** What 3 bits can say; the greatest that is not above the peer's is taken. */
const SIZES = [48, 512, 536, 1220, 1300, 1440, 1460, 8960] as const
/** The time stamp's low bits: window scale, SACK, ECN. */
const STAMP_BITS = 6
const NO_SCALE = 15
const SACK_BIT = 16
const ECN_BIT = 32

/** Who speaks to whom. */
export interface CookieTuple {
  readonly local: IpAddress
  readonly localPort: number
  readonly remote: IpAddress
  readonly remotePort: number
}

export class SynCookies {
  readonly #words = new Int32Array(TUPLE_WORDS + 3)
  readonly #hash

  constructor(random: Random) {
    this.#hash = createSipHash(random)
  }

  /** The initial sequence number that answers the SYN whose own one is `irs`. */
  make(of: CookieTuple, irs: number, mss: number, now: number): number {
    let index = 0
    while (index + 1 < SIZES.length && SIZES[index + 1]! <= mss) index++
    return this.#cookie(of, irs, Math.floor(now / PERIOD_MS) % PERIODS, index)
  }

  /** The MSS that cookie `iss` tells; undefined where it is none, or too old. */
  read(of: CookieTuple, irs: number, iss: number, now: number): number | undefined {
    const data = (iss >>> 24) ^ this.#mask(of, irs)
    const period = data >>> 3
    const age = (Math.floor(now / PERIOD_MS) - period) & (PERIODS - 1)
    if (age > 1 || this.#cookie(of, irs, period, data & 7) !== iss) return undefined
    return SIZES[data & 7]
  }

  #cookie(of: CookieTuple, irs: number, period: number, index: number): number {
    const data = (period << 3) | index
    return ((data ^ this.#mask(of, irs)) << 24) | (this.#keyed(of, irs, data) & 0xffffff)
  }

  /** Hides the data from those who only see the number. */
  #mask(of: CookieTuple, irs: number): number {
    return this.#keyed(of, irs, -1) >>> 24
  }

  #keyed({ local, localPort, remote, remotePort }: CookieTuple, irs: number, data: number): number {
    const n = putTuple(this.#words, local, localPort, remote, remotePort)
    this.#words[n] = irs
    this.#words[n + 1] = data
    return this.#hash.hash(this.#words, n + 2)
  }
}

/** What is added to the time stamp `ts` so that it tells the options of a SYN: -64..63, and never a time to come. */
export function stampOptions(ts: number, scale: number, sack: boolean, ecn: boolean): number {
  const data = (scale < 0 ? NO_SCALE : scale) | (sack ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0)
  const change = data - (ts & ((1 << STAMP_BITS) - 1))
  return change > 0 ? change - (1 << STAMP_BITS) : change
}

/** Puts into `syn` the options that the echoed time stamp of `ack` tells. */
export function readStampedOptions(ack: Segment, syn: Segment): { readonly ecn: boolean } {
  const { options } = syn
  options.hasTimestamps = ack.options.hasTimestamps
  options.tsVal = ack.options.tsVal
  options.windowScale = -1
  options.sackPermitted = false
  if (!ack.options.hasTimestamps) return { ecn: false }
  const data = ack.options.tsEcr & ((1 << STAMP_BITS) - 1)
  if ((data & NO_SCALE) !== NO_SCALE) options.windowScale = data & NO_SCALE
  options.sackPermitted = (data & SACK_BIT) !== 0
  return { ecn: (data & ECN_BIT) !== 0 }
}
