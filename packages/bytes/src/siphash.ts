/**
 * SipHash-2-4 (Aumasson, Bernstein 2012): a function that nobody without the key can predict or steer, for secrets, sequence numbers
 * and tables whose keys strangers choose. Words of 64 bits are pairs of 32, low half first, since BigInt would be several times as slow.
 */
export class SipHash {
  readonly #key: Int32Array
  readonly #v = new Int32Array(8)

  /** `key` is 128 bits: 16 bytes, or four words. */
  constructor(key: Uint8Array | Int32Array) {
    if (key.byteLength !== 16) throw new RangeError(`the key must be 16 bytes, got ${key.byteLength}`)
    this.#key = key instanceof Uint8Array ? littleEndianWords(key) : Int32Array.from(key)
  }

  /** The low half, signed, of the hash of the message `words[0..count)`, each the little-endian value of four bytes. Allocates nothing. */
  hash(words: Int32Array, count: number): number {
    this.#digest(words, count * 4)
    return this.#half(0)
  }

  /** Both halves of the hash of `bytes`. */
  hashBytes(bytes: Uint8Array): { readonly high: number; readonly low: number } {
    this.#digest(littleEndianWords(bytes), bytes.length)
    return { high: this.#half(1) >>> 0, low: this.#half(0) >>> 0 }
  }

  /** `words` holds `length` bytes; what is left of its last word is 0. */
  #digest(words: Int32Array, length: number): void {
    const v = this.#v
    const k = this.#key
    for (let i = 0; i < 8; i++) v[i] = INITIAL[i]! ^ k[i & 3]!
    const whole = (length >>> 3) * 2
    for (let i = 0; i < whole; i += 2) this.#absorb(words[i]!, words[i + 1]!)
    const low = whole * 4 < length ? words[whole]! : 0
    const high = (whole + 1) * 4 < length ? words[whole + 1]! : 0
    this.#absorb(low, high | (length << 24))
    v[4]! ^= 0xff
    for (let i = 0; i < 4; i++) this.#round()
  }

  #half(i: 0 | 1): number {
    const v = this.#v
    return v[i]! ^ v[i + 2]! ^ v[i + 4]! ^ v[i + 6]!
  }

  #absorb(low: number, high: number): void {
    const v = this.#v
    v[6]! ^= low
    v[7]! ^= high
    this.#round()
    this.#round()
    v[0]! ^= low
    v[1]! ^= high
  }

  #round(): void {
    this.#mix(0, 2, 13)
    this.#swap(0)
    this.#mix(4, 6, 16)
    this.#mix(0, 6, 21)
    this.#mix(4, 2, 17)
    this.#swap(4)
  }

  /** a += b; b = rotl(b, n) ^ a. */
  #mix(a: number, b: number, n: number): void {
    const v = this.#v
    const sum = (v[a]! >>> 0) + (v[b]! >>> 0)
    v[a] = sum
    v[a + 1] = v[a + 1]! + v[b + 1]! + (sum > 0xffffffff ? 1 : 0)
    const low = v[b]!
    const high = v[b + 1]!
    v[b] = ((low << n) | (high >>> (32 - n))) ^ v[a]!
    v[b + 1] = ((high << n) | (low >>> (32 - n))) ^ v[a + 1]!
  }

  /** Rotation by 32 bits. */
  #swap(i: number): void {
    const v = this.#v
    const low = v[i]!
    v[i] = v[i + 1]!
    v[i + 1] = low
  }
}

const INITIAL: readonly number[] = [
  0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462,
]

function littleEndianWords(bytes: Uint8Array): Int32Array {
  const words = new Int32Array((bytes.length + 3) >>> 2)
  for (let i = 0; i < bytes.length; i++) words[i >>> 2]! |= bytes[i]! << ((i & 3) * 8)
  return words
}
