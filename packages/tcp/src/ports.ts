import type { IpAddress } from '@fata/addr'
import type { Random } from '@fata/runtime'
import { createSipHash } from './siphash.ts'
import { putTuple, TUPLE_WORDS } from './tuple.ts'

/** TABLE_LENGTH of RFC 6056 §3.3.4. */
const COUNTERS = 64

/**
 * Chooses local ports: the double-hash algorithm of RFC 6056 §3.3.4, in which each peer sees ports of an order of its own that he
 * cannot predict, and none comes again before the others were used.
 */
export class EphemeralPorts {
  readonly #first: number
  readonly #count: number
  readonly #offset
  readonly #index
  readonly #counters = new Uint16Array(COUNTERS)
  readonly #words = new Int32Array(TUPLE_WORDS)

  constructor(random: Random, range: readonly [number, number]) {
    this.#first = range[0]
    this.#count = range[1] - range[0] + 1
    this.#offset = createSipHash(random)
    this.#index = createSipHash(random)
    for (let i = 0; i < COUNTERS; i++) this.#counters[i] = random.uint32()
  }

  /** A port for which `isFree` holds, asked at most once for each; undefined where there is none. */
  choose(
    local: IpAddress,
    remote: IpAddress,
    remotePort: number,
    isFree: (port: number) => boolean,
  ): number | undefined {
    const n = putTuple(this.#words, local, 0, remote, remotePort)
    const offset = this.#offset.hash(this.#words, n) >>> 0
    const index = (this.#index.hash(this.#words, n) >>> 0) % COUNTERS
    for (let tries = 0; tries < this.#count; tries++) {
      const port = this.#first + ((offset + this.#counters[index]!) % this.#count)
      this.#counters[index] = this.#counters[index]! + 1
      if (isFree(port)) return port
    }
    return undefined
  }
}
