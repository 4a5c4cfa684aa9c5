import { assert } from '@fata/bytes'

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a pseudorandom function of a 128-bit key with 64 bits of output. Words of 64 bits are pairs
 * of 32, since BigInt would be several times as slow.
 */
export function sipHash(key: Uint8Array, data: Uint8Array): { high: number; low: number } {
  assert(key.length === 16, 'options check the length of the key')
  const k0l = littleEndian(key, 0)
  const k0h = littleEndian(key, 4)
  const k1l = littleEndian(key, 8)
  const k1h = littleEndian(key, 12)
  const v = new Int32Array([
    k0l ^ 0x70736575,
    k0h ^ 0x736f6d65,
    k1l ^ 0x6e646f6d,
    k1h ^ 0x646f7261,
    k0l ^ 0x6e657261,
    k0h ^ 0x6c796765,
    k1l ^ 0x79746573,
    k1h ^ 0x74656462,
  ])
  const whole = data.length & ~7
  for (let o = 0; o < whole; o += 8) absorb(v, littleEndian(data, o), littleEndian(data, o + 4))
  const last = new Uint8Array(8)
  last.set(data.subarray(whole))
  last[7] = data.length
  absorb(v, littleEndian(last, 0), littleEndian(last, 4))
  v[4]! ^= 0xff
  for (let i = 0; i < 4; i++) round(v)
  return {
    low: (v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0,
    high: (v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) >>> 0,
  }
}

function littleEndian(b: Uint8Array, o: number): number {
  return b[o]! | (b[o + 1]! << 8) | (b[o + 2]! << 16) | (b[o + 3]! << 24)
}

function absorb(v: Int32Array, low: number, high: number): void {
  v[6]! ^= low
  v[7]! ^= high
  round(v)
  round(v)
  v[0]! ^= low
  v[1]! ^= high
}

/** Word `i` of the state is `v[2i]` (low) and `v[2i + 1]` (high). */
function round(v: Int32Array): void {
  add(v, 0, 1)
  rotateXor(v, 1, 13, 0)
  swap(v, 0)
  add(v, 2, 3)
  rotateXor(v, 3, 16, 2)
  add(v, 0, 3)
  rotateXor(v, 3, 21, 0)
  add(v, 2, 1)
  rotateXor(v, 1, 17, 2)
  swap(v, 2)
}

function add(v: Int32Array, a: number, b: number): void {
  const low = (v[2 * a]! >>> 0) + (v[2 * b]! >>> 0)
  v[2 * a + 1] = v[2 * a + 1]! + v[2 * b + 1]! + (low > 0xffffffff ? 1 : 0)
  v[2 * a] = low
}

/** Word `a` rotated left by less than 32 bits, then XORed with word `b`. */
function rotateXor(v: Int32Array, a: number, bits: number, b: number): void {
  const low = v[2 * a]!
  const high = v[2 * a + 1]!
  v[2 * a] = ((low << bits) | (high >>> (32 - bits))) ^ v[2 * b]!
  v[2 * a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ v[2 * b + 1]!
}

/** Rotation by 32 bits. */
function swap(v: Int32Array, a: number): void {
  const low = v[2 * a]!
  v[2 * a] = v[2 * a + 1]!
  v[2 * a + 1] = low
}
