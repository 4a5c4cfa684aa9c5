import type { KvCapabilities } from './store.ts'

/** The digest by which a store with this capability knows the value. */
export function digestOf(algorithm: KvCapabilities['digest'], value: Uint8Array): Uint8Array {
  return algorithm === 'sha256' ? sha256(value) : gitBlobId(value)
}

/** The id of the value as a git blob: SHA-1 over `blob <length> NUL` and the bytes. */
function gitBlobId(value: Uint8Array): Uint8Array {
  const header = new TextEncoder().encode(`blob ${value.length}\0`)
  const blob = new Uint8Array(header.length + value.length)
  blob.set(header)
  blob.set(value, header.length)
  return sha1(blob)
}

const SHA256_INIT = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]
const SHA1_INIT = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]
const SHA256_K = sha256Constants()

/**
 * SHA-256, FIPS 180-4 §6.2. Own, since the platform's is asynchronous and missing in browsers outside secure contexts.
 */
export function sha256(data: Uint8Array): Uint8Array {
  return hash(data, SHA256_INIT, new Int32Array(64), sha256Block)
}

/** SHA-1, FIPS 180-4 §6.1: what git names its objects by. */
export function sha1(data: Uint8Array): Uint8Array {
  return hash(data, SHA1_INIT, new Int32Array(80), sha1Block)
}

type Block = (state: Int32Array, w: Int32Array, bytes: Uint8Array, at: number) => void

/** Padding and the walk over the blocks, FIPS 180-4 §5.1.1. */
function hash(data: Uint8Array, init: readonly number[], w: Int32Array, block: Block): Uint8Array {
  const state = Int32Array.from(init)
  const whole = data.length - (data.length % 64)
  for (let at = 0; at < whole; at += 64) block(state, w, data, at)
  const rest = data.length - whole
  const tail = new Uint8Array(rest < 56 ? 64 : 128)
  tail.set(data.subarray(whole))
  tail[rest] = 0x80
  const view = new DataView(tail.buffer)
  view.setUint32(tail.length - 8, Math.floor(data.length / 0x2000_0000))
  view.setUint32(tail.length - 4, (data.length << 3) >>> 0)
  for (let at = 0; at < tail.length; at += 64) block(state, w, tail, at)
  const digest = new Uint8Array(state.length * 4)
  const out = new DataView(digest.buffer)
  for (let i = 0; i < state.length; i++) out.setInt32(i * 4, state[i]!)
  return digest
}

function load(w: Int32Array, bytes: Uint8Array, at: number): void {
  for (let i = 0, o = at; i < 16; i++, o += 4) {
    w[i] = (bytes[o]! << 24) | (bytes[o + 1]! << 16) | (bytes[o + 2]! << 8) | bytes[o + 3]!
  }
}

function sha256Block(state: Int32Array, w: Int32Array, bytes: Uint8Array, at: number): void {
  load(w, bytes, at)
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!
    const y = w[i - 2]!
    const s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3)
    const s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >>> 10)
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
  }
  let a = state[0]!,
    b = state[1]!,
    c = state[2]!,
    d = state[3]!
  let e = state[4]!,
    f = state[5]!,
    g = state[6]!,
    h = state[7]!
  for (let i = 0; i < 64; i++) {
    const s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + SHA256_K[i]! + w[i]!) | 0
    const s0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

function sha1Block(state: Int32Array, w: Int32Array, bytes: Uint8Array, at: number): void {
  load(w, bytes, at)
  for (let i = 16; i < 80; i++) w[i] = rotr(w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!, 31)
  let a = state[0]!,
    b = state[1]!,
    c = state[2]!,
    d = state[3]!,
    e = state[4]!
  for (let i = 0; i < 80; i++) {
    const t = (rotr(a, 27) + sha1Round(i, b, c, d) + e + w[i]!) | 0
    e = d
    d = c
    c = rotr(b, 2)
    b = a
    a = t
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
}

function sha1Round(i: number, b: number, c: number, d: number): number {
  if (i < 20) return ((b & c) | (~b & d)) + 0x5a827999
  if (i < 40) return (b ^ c ^ d) + 0x6ed9eba1
  if (i < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
  return (b ^ c ^ d) + 0xca62c1d6
}

function rotr(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n))
}

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes, FIPS 180-4 §4.2.2. */
function sha256Constants(): Int32Array {
  const constants = new Int32Array(64)
  for (let n = 2, i = 0; i < 64; n++) {
    if (!isPrime(n)) continue
    const root = Math.cbrt(n)
    constants[i++] = Math.floor((root - Math.floor(root)) * 0x1_0000_0000)
  }
  return constants
}

function isPrime(n: number): boolean {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false
  return true
}
