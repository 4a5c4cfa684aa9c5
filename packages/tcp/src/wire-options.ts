import { copyBytes, putU16, putU32, u16, u32 } from '@fata/bytes'

/**
 * TCP options: RFC 9293 §3.2 (end, no-operation, maximum segment size), RFC 7323 (window scale, timestamps), RFC 2018 (SACK), RFC 7413
 * (fast open).
 * Each but the first two is kind, length (of all of it), value, at any alignment.
 */
const END = 0
const NOP = 1
const MSS = 2
const WINDOW_SCALE = 3
const SACK_PERMITTED = 4
const SACK = 5
const TIMESTAMPS = 8
const FAST_OPEN = 34

/** RFC 7323 §2.3: a larger shift count is taken for this one. */
const MAX_WINDOW_SCALE = 14
/** RFC 7413 §4.1.1. */
const MIN_COOKIE = 4
const MAX_COOKIE = 16
/** As many SACK blocks as 40 bytes of options can hold. */
export const MAX_SACK_BLOCKS = 4
/** Timestamps with two no-operations before them, so that the numbers are aligned. */
export const TIMESTAMPS_LEN = 12

/** What the options of a segment say. */
export interface TcpOptionValues {
  /** 0: absent. */
  mss: number
  /** Shift count 0..14; -1: absent. */
  windowScale: number
  sackPermitted: boolean
  hasTimestamps: boolean
  /** Signed 32-bit, as sequence numbers are. */
  tsVal: number
  tsEcr: number
  /** Blocks in use: left edges at the even, right edges at the odd positions of `sackEdges`. */
  sackCount: number
  readonly sackEdges: Int32Array
  /** Length of the fast open cookie (RFC 7413), 0 where it is asked for, -1: absent. */
  fastOpen: number
  /** The cookie is `fastOpenCookie[0..fastOpen)`. */
  readonly fastOpenCookie: Uint8Array
}

/** A record that says nothing. */
export function createOptionValues(): TcpOptionValues {
  return {
    mss: 0,
    windowScale: -1,
    sackPermitted: false,
    hasTimestamps: false,
    tsVal: 0,
    tsEcr: 0,
    sackCount: 0,
    sackEdges: new Int32Array(2 * MAX_SACK_BLOCKS),
    fastOpen: -1,
    fastOpenCookie: new Uint8Array(MAX_COOKIE),
  }
}

function reset(v: TcpOptionValues): void {
  v.mss = 0
  v.windowScale = -1
  v.sackPermitted = false
  v.hasTimestamps = false
  v.sackCount = 0
  v.fastOpen = -1
}

/** The layout in which nearly every segment of a connection with timestamps carries them: RFC 7323 appendix A. */
function isAlignedTimestamps(b: Uint8Array, o: number, end: number): boolean {
  return end - o === TIMESTAMPS_LEN && b[o] === NOP && b[o + 1] === NOP && b[o + 2] === TIMESTAMPS && b[o + 3] === 10
}

function parseSack(b: Uint8Array, o: number, length: number, v: TcpOptionValues): void {
  const blocks = Math.min((length - 2) >>> 3, MAX_SACK_BLOCKS)
  for (let i = 0; i < 2 * blocks; i++) v.sackEdges[i] = u32(b, o + 2 + 4 * i)
  v.sackCount = blocks
}

function parseFastOpen(b: Uint8Array, o: number, length: number, v: TcpOptionValues): void {
  v.fastOpen = length - 2
  for (let i = 0; i < v.fastOpen; i++) v.fastOpenCookie[i] = b[o + 2 + i]!
}

/** One option at `b[o..o+length)`; an option whose length does not fit its kind is ignored like an unknown one (MUST-6). */
function parseOption(b: Uint8Array, o: number, length: number, v: TcpOptionValues): void {
  switch (b[o]) {
    case MSS:
      if (length === 4) v.mss = u16(b, o + 2)
      break
    case WINDOW_SCALE:
      if (length === 3) v.windowScale = Math.min(b[o + 2]!, MAX_WINDOW_SCALE)
      break
    case SACK_PERMITTED:
      if (length === 2) v.sackPermitted = true
      break
    case SACK:
      if (length >= 10 && (length - 2) % 8 === 0) parseSack(b, o, length, v)
      break
    case TIMESTAMPS:
      if (length !== 10) break
      v.hasTimestamps = true
      v.tsVal = u32(b, o + 2) | 0
      v.tsEcr = u32(b, o + 6) | 0
      break
    case FAST_OPEN:
      if (length === 2 || (length >= 2 + MIN_COOKIE && length <= 2 + MAX_COOKIE && length % 2 === 0))
        parseFastOpen(b, o, length, v)
      break
    default:
  }
}

/**
 * Reads the options at `b[o..end)` into `v`. Never throws. Returns false where a length is illegal (MUST-7): what stands before it
 * counts, what follows is not read.
 */
export function parseOptions(b: Uint8Array, o: number, end: number, v: TcpOptionValues): boolean {
  reset(v)
  if (isAlignedTimestamps(b, o, end)) {
    v.hasTimestamps = true
    v.tsVal = u32(b, o + 4) | 0
    v.tsEcr = u32(b, o + 8) | 0
    return true
  }
  for (let i = o; i < end; ) {
    const kind = b[i]!
    if (kind === END) return true
    if (kind === NOP) {
      i++
      continue
    }
    const length = i + 1 < end ? b[i + 1]! : 0
    if (length < 2 || i + length > end) return false
    parseOption(b, i, length, v)
    i += length
  }
  return true
}

/** What goes into the options of a SYN. */
export interface SynOptions {
  readonly mss: number
  /** -1: not offered. */
  readonly windowScale: number
  readonly sackPermitted: boolean
  readonly timestamps: boolean
  readonly tsVal: number
  readonly tsEcr: number
  /** Undefined: no fast open option. */
  readonly fastOpen?: Uint8Array | undefined
  /** The order of FreeBSD instead of that of Linux. */
  readonly bsdOrder?: boolean | undefined
}

/** Writes the options of a SYN at `b[o..)`, in the order and with the padding of Linux, and returns their length, a multiple of 4. */
export function putSynOptions(b: Uint8Array, o: number, v: SynOptions): number {
  if (v.bsdOrder === true) return putBsdOptions(b, o, v)
  b[o] = MSS
  b[o + 1] = 4
  putU16(b, o + 2, v.mss)
  let i = o + 4
  if (v.sackPermitted || v.timestamps) {
    const sack = v.timestamps ? i : i + 2
    putU16(b, i, (NOP << 8) | NOP)
    if (!v.timestamps) putU16(b, i + 2, (NOP << 8) | NOP)
    if (v.sackPermitted) putU16(b, sack, (SACK_PERMITTED << 8) | 2)
    if (v.timestamps) putTimestamps(b, i + 2, v.tsVal, v.tsEcr)
    i += v.timestamps ? 12 : 4
  }
  if (v.windowScale >= 0) {
    b[i] = NOP
    b[i + 1] = WINDOW_SCALE
    b[i + 2] = 3
    b[i + 3] = v.windowScale
    i += 4
  }
  if (v.fastOpen !== undefined) i += putFastOpen(b, i, v.fastOpen)
  return i - o
}

/** The option, padded to words; returns its length. */
/** Scale, SACK, timestamps, each where its numbers are aligned; what is left of the last word is filled with ends. */
function putBsdOptions(b: Uint8Array, o: number, v: SynOptions): number {
  b[o] = MSS
  b[o + 1] = 4
  putU16(b, o + 2, v.mss)
  let i = o + 4
  if (v.windowScale >= 0) {
    putU32(b, i, (NOP << 24) | (WINDOW_SCALE << 16) | (3 << 8) | v.windowScale)
    i += 4
  }
  if (v.sackPermitted) {
    putU16(b, i, (SACK_PERMITTED << 8) | 2)
    i += 2
  }
  if (v.timestamps) {
    while ((i - o) % 4 !== 2) b[i++] = NOP
    putTimestamps(b, i, v.tsVal, v.tsEcr)
    i += 10
  }
  if (v.fastOpen !== undefined) {
    b[i] = FAST_OPEN
    b[i + 1] = 2 + v.fastOpen.length
    copyBytes(b, i + 2, v.fastOpen)
    i += 2 + v.fastOpen.length
  }
  while ((i - o) % 4 !== 0) b[i++] = END
  return i - o
}

function putFastOpen(b: Uint8Array, o: number, cookie: Uint8Array): number {
  b[o] = FAST_OPEN
  b[o + 1] = 2 + cookie.length
  copyBytes(b, o + 2, cookie)
  let i = 2 + cookie.length
  while (i % 4 !== 0) b[o + i++] = NOP
  return i
}

function putTimestamps(b: Uint8Array, o: number, tsVal: number, tsEcr: number): void {
  b[o] = TIMESTAMPS
  b[o + 1] = 10
  putU32(b, o + 2, tsVal)
  putU32(b, o + 6, tsEcr)
}

/** Writes `TIMESTAMPS_LEN` bytes at `b[o..)` and returns that. */
export function putAlignedTimestamps(b: Uint8Array, o: number, tsVal: number, tsEcr: number): number {
  b[o] = NOP
  b[o + 1] = NOP
  putTimestamps(b, o + 2, tsVal, tsEcr)
  return TIMESTAMPS_LEN
}

/** Writes `count` blocks of `edges` at `b[o..)`, aligned by two no-operations, and returns the length. */
export function putSack(b: Uint8Array, o: number, edges: Int32Array, count: number): number {
  b[o] = NOP
  b[o + 1] = NOP
  b[o + 2] = SACK
  b[o + 3] = 2 + 8 * count
  for (let i = 0; i < 2 * count; i++) putU32(b, o + 4 + 4 * i, edges[i]!)
  return 4 + 8 * count
}
