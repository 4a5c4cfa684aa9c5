import type { Random } from '@fata/runtime'

/**
 * SipHash-2-4 (Aumasson, Bernstein 2012): a keyed function that nobody without the key can predict, for what RFC 6528 and RFC 6056
 * call F. A 64-bit word is two signed halves, low one first. Not for the packet path: see `tupleHash` for that.
 */
export class SipHash {
  readonly #key: Int32Array
  readonly #v = new Int32Array(8)

  constructor(key: Int32Array) {
    this.#key = key
  }

  /** The low 32 bits of the hash of `words[0..count)`, signed; the words are little-endian bytes of the message. */
  hash(words: Int32Array, count: number): number {
    const v = this.#v
    const k = this.#key
    const initial = [0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462]
    for (let i = 0; i < 8; i++) v[i] = initial[i]! ^ k[i & 3]!
    for (let i = 0; i <= count; i += 2) {
      const last = i + 1 >= count
      const low = i < count ? words[i]! : 0
      const high = last ? (count * 4) << 24 : words[i + 1]!
      this.#absorb(low, high, 2)
      if (last) break
    }
    v[4] = v[4]! ^ 0xff
    for (let i = 0; i < 4; i++) this.#round()
    return v[0]! ^ v[2]! ^ v[4]! ^ v[6]!
  }

  #absorb(low: number, high: number, rounds: number): void {
    const v = this.#v
    v[6] = v[6]! ^ low
    v[7] = v[7]! ^ high
    for (let i = 0; i < rounds; i++) this.#round()
    v[0] = v[0]! ^ low
    v[1] = v[1]! ^ high
  }

  #round(): void {
    this.#mix(0, 2, 13)
    this.#rotate(0, 32)
    this.#mix(4, 6, 16)
    this.#mix(0, 6, 21)
    this.#mix(4, 2, 17)
    this.#rotate(4, 32)
  }

  /** a += b; b = rotl(b, n) ^ a. */
  #mix(a: number, b: number, n: number): void {
    const v = this.#v
    const low = (v[a]! >>> 0) + (v[b]! >>> 0)
    v[a] = low
    v[a + 1] = v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0)
    this.#rotate(b, n)
    v[b] = v[b]! ^ v[a]!
    v[b + 1] = v[b + 1]! ^ v[a + 1]!
  }

  #rotate(i: number, n: number): void {
    const v = this.#v
    const low = v[i]!
    const high = v[i + 1]!
    if (n === 32) {
      v[i] = high
      v[i + 1] = low
    } else {
      v[i] = (low << n) | (high >>> (32 - n))
      v[i + 1] = (high << n) | (low >>> (32 - n))
    }
  }
}

/** A hash with a key of its own. */
export function createSipHash(random: Random): SipHash {
  return new SipHash(Int32Array.from({ length: 4 }, () => random.uint32() | 0))
}
