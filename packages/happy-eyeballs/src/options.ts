/** How the attempts follow each other. Times are milliseconds; the defaults are those that RFC 8305 §8 recommends. */
export interface HappyEyeballsOptions {
  /** How long IPv4 addresses wait for the IPv6 ones. Default 50. */
  readonly resolutionDelayMs?: number
  /** Pause between attempts that are under way. Default 250. */
  readonly attemptDelayMs?: number
  /** Pause between attempts even where the one before has failed, at least 10. Default 10. */
  readonly minAttemptDelayMs?: number
  /** Addresses of the preferred family that are tried before the first of the other. Default 1. */
  readonly firstFamilyCount?: number
  /** Attempts in all, 1..1024; further addresses are not tried. Default 32. */
  readonly maxAttempts?: number
  /** An attempt that takes longer has failed. Default 10 000. */
  readonly attemptTimeoutMs?: number
  /** A query for addresses that takes longer has failed. Default 30 000. */
  readonly resolveTimeoutMs?: number
}

/** Every option with its value. */
export type HappyEyeballsSettings = Required<HappyEyeballsOptions>

export const defaults: HappyEyeballsSettings = Object.freeze({
  resolutionDelayMs: 50,
  attemptDelayMs: 250,
  minAttemptDelayMs: 10,
  firstFamilyCount: 1,
  maxAttempts: 32,
  attemptTimeoutMs: 10_000,
  resolveTimeoutMs: 30_000,
})

const HOUR_MS = 3_600_000

const LIMITS: Readonly<Record<keyof HappyEyeballsSettings, readonly [number, number]>> = {
  resolutionDelayMs: [0, HOUR_MS],
  attemptDelayMs: [10, HOUR_MS],
  minAttemptDelayMs: [10, HOUR_MS],
  firstFamilyCount: [1, 1024],
  maxAttempts: [1, 1024],
  attemptTimeoutMs: [1, HOUR_MS],
  resolveTimeoutMs: [1, HOUR_MS],
}

/** Fills in the defaults, also for what is undefined. Throws a RangeError that names what is out of range. */
export function settings(
  options: { readonly [K in keyof HappyEyeballsOptions]?: number | undefined },
): HappyEyeballsSettings {
  const s: Record<keyof HappyEyeballsSettings, number> = { ...defaults }
  for (const [key, [least, most]] of Object.entries(LIMITS)) {
    const name = key as keyof HappyEyeballsSettings
    const value = options[name] ?? s[name]
    if (!(Number.isInteger(value) && value >= least && value <= most))
      throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${String(value)}`)
    s[name] = value
  }
  if (s.minAttemptDelayMs > s.attemptDelayMs)
    throw new RangeError(`minAttemptDelayMs ${s.minAttemptDelayMs} exceeds attemptDelayMs ${s.attemptDelayMs}`)
  return s
}
