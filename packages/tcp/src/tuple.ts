import { type IpAddress, isIpv4 } from '@fata/addr'

/** Words of the longest tuple: two IPv6 addresses and the ports. */
export const TUPLE_WORDS = 9

function putAddress(words: Int32Array, at: number, a: IpAddress): number {
  if (isIpv4(a)) {
    words[at] = a
    return at + 1
  }
  words[at] = a.w0
  words[at + 1] = a.w1
  words[at + 2] = a.w2
  words[at + 3] = a.w3
  return at + 4
}

/** Writes the four numbers that identify a connection to `words` and returns how many words they take. */
export function putTuple(
  words: Int32Array,
  local: IpAddress,
  localPort: number,
  remote: IpAddress,
  remotePort: number,
): number {
  const n = putAddress(words, putAddress(words, 0, local), remote)
  words[n] = (localPort << 16) | remotePort
  return n + 1
}

/**
 * HalfSipHash-1-3 of `words[0..count)`, signed: fast enough for every packet, and not to be steered by peers who choose their tuples
 * but do not know the key.
 */
export function tupleHash(words: Int32Array, count: number, key0: number, key1: number): number {
  let v0 = key0
  let v1 = key1
  let v2 = 0x6c796765 ^ key0
  let v3 = 0x74656462 ^ key1
  // One round for each word and for the length, three to finish.
  for (let i = 0; i < count + 4; i++) {
    const m = i < count ? words[i]! : i === count ? count << 26 : 0
    v3 ^= m
    if (i === count + 1) v2 ^= 0xff
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= m
  }
  return v1 ^ v3
}
