/** What one direction of a link does to frames. All of it can be changed at any time, for the frames written from then on. */
export interface Impairments {
  /** False: every frame is dropped (`link-down`). Frames that are on their way still arrive. Default true. */
  readonly up?: boolean
  /** Largest IP packet in bytes; longer ones are dropped (`too-long`) and nobody is told. Default Infinity. */
  readonly mtu?: number
  /** Probability 0..1 that a frame is lost (`loss`). Default 0. */
  readonly loss?: number
  /** Probability 0..1 that a frame is sent twice. Default 0. */
  readonly duplicate?: number
  /** Probability 0..1 that one bit of a frame is flipped, anywhere in it. Default 0. */
  readonly corrupt?: number
  /** Probability 0..1 that a frame is held back by `reorderMs`, so that later ones overtake it. Default 0. */
  readonly reorder?: number
  /** In milliseconds. Default 1. */
  readonly reorderMs?: number
  /** From the last bit sent to arrival, in milliseconds. Default 0. */
  readonly latencyMs?: number
  /** The latency varies uniformly by up to as much either way; the order of frames is kept. At most `latencyMs`. Default 0. */
  readonly jitterMs?: number
  /** Frames are sent one after the other at this rate; only their own bytes count. Default Infinity. */
  readonly bitsPerSecond?: number
  /** Frames that may wait until the line is free; the next one is dropped (`queue-full`). Default 1000. */
  readonly queueFrames?: number
  /** Bytes of frames that may wait. Default Infinity. */
  readonly queueBytes?: number
  /** Frames that may be on their way at once, waiting ones included; the next one is dropped (`flight-full`). Default 65536. */
  readonly flightFrames?: number
  /** Each frame is followed by 1 to so many bytes of junk, as by a careless device; at most 255. Default 0. */
  readonly trailingBytes?: number
}

/** A perfect link: the defaults, and what heals one again. */
export const NO_IMPAIRMENTS: Required<Impairments> = Object.freeze({
  up: true,
  mtu: Number.POSITIVE_INFINITY,
  loss: 0,
  duplicate: 0,
  corrupt: 0,
  reorder: 0,
  reorderMs: 1,
  latencyMs: 0,
  jitterMs: 0,
  bitsPerSecond: Number.POSITIVE_INFINITY,
  queueFrames: 1000,
  queueBytes: Number.POSITIVE_INFINITY,
  flightFrames: 65536,
  trailingBytes: 0,
})

/** Do they leave every frame as it is? */
export function isPerfect(i: Required<Impairments>): boolean {
  const untouched = i.loss === 0 && i.duplicate === 0 && i.corrupt === 0 && i.reorder === 0 && i.trailingBytes === 0
  const unhindered = i.mtu === Number.POSITIVE_INFINITY && i.bitsPerSecond === Number.POSITIVE_INFINITY
  return i.up && untouched && unhindered && i.latencyMs === 0
}

const isProbability = (v: number): boolean => v >= 0 && v <= 1
const isTime = (v: number): boolean => v >= 0 && v < Number.POSITIVE_INFINITY
const isBound = (v: number): boolean => v === Number.POSITIVE_INFINITY || (Number.isInteger(v) && v >= 0)

const CHECKS: readonly (readonly [Exclude<keyof Impairments, 'up'>, (v: number) => boolean, string])[] = [
  ['mtu', (v) => isBound(v) && v >= 68, 'an integer of 68 or more, or Infinity'],
  ['loss', isProbability, 'in 0..1'],
  ['duplicate', isProbability, 'in 0..1'],
  ['corrupt', isProbability, 'in 0..1'],
  ['reorder', isProbability, 'in 0..1'],
  ['reorderMs', isTime, 'finite and not negative'],
  ['latencyMs', isTime, 'finite and not negative'],
  ['jitterMs', isTime, 'finite and not negative'],
  ['bitsPerSecond', (v) => v > 0, 'positive'],
  ['queueFrames', isBound, 'an integer of 0 or more, or Infinity'],
  ['queueBytes', isBound, 'an integer of 0 or more, or Infinity'],
  ['flightFrames', (v) => Number.isInteger(v) && v >= 0 && v <= 1 << 20, 'in 0..1048576'],
  ['trailingBytes', (v) => Number.isInteger(v) && v >= 0 && v <= 255, 'in 0..255'],
]

/** `current` with `changes`. Throws a RangeError on values without sense and a TypeError on names that are none. */
export function changeImpairments(current: Required<Impairments>, changes: Impairments): Required<Impairments> {
  for (const name of Object.keys(changes))
    if (!(name in NO_IMPAIRMENTS)) throw new TypeError(`no impairment is named '${name}'`)
  const next = { ...current, ...changes }
  if (typeof next.up !== 'boolean') throw new TypeError(`up must be true or false, got ${next.up}`)
  for (const [name, isValid, must] of CHECKS) {
    if (typeof next[name] !== 'number' || !isValid(next[name]))
      throw new RangeError(`${name} must be ${must}, got ${next[name]}`)
  }
  if (next.jitterMs > next.latencyMs)
    throw new RangeError(`jitterMs ${next.jitterMs} must not exceed latencyMs ${next.latencyMs}`)
  return next
}
