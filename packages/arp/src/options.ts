/** How one ARP behaves. Times are milliseconds. */
export interface ArpOptions {
  /** Entries of the cache, static ones included, 1..65536. The least recently used gives way. Default 1024. */
  readonly cacheSize?: number
  /** How long an answer is believed. It is confirmed shortly before that, where it is in use. Default 1 200 000: 20 minutes. */
  readonly lifetimeMs?: number
  /** Pause between requests for one address. RFC 1122 §2.3.2.1 recommends no less than the default, 1000. */
  readonly retryMs?: number
  /** Requests before a query fails, 1..100. Default 5. */
  readonly tries?: number
  /** Unanswered unicast requests before an entry that was to be confirmed is given up, 1..100. Default 3. */
  readonly polls?: number
  /** How long an address that did not answer is not asked again. Default 1000. */
  readonly negativeMs?: number
  /** Callers that may wait for one address, 1..65536. Default 256; further ones are told at once that nobody answers. */
  readonly maxWaiters?: number
  /** Addresses that may be probed at a time, 1..65536. Default 16. */
  readonly maxProbes?: number
  /**
   * What to do where another station uses an address of this host, RFC 5227 §2.4: `'yield'` ceases to use it (a), `'defend-once'` announces
   * it and ceases with the next conflict within ten seconds (b), `'defend'` keeps it, announced every ten seconds at most, for addresses
   * that must not be given up (c). Default `'defend'`.
   */
  readonly conflictPolicy?: ConflictPolicy
}

export type ConflictPolicy = 'yield' | 'defend-once' | 'defend'

/** Every option with its value. */
export type ArpSettings = Required<ArpOptions>

export const defaults: ArpSettings = Object.freeze({
  cacheSize: 1024,
  lifetimeMs: 1_200_000,
  retryMs: 1000,
  tries: 5,
  polls: 3,
  negativeMs: 1000,
  maxWaiters: 256,
  maxProbes: 16,
  conflictPolicy: 'defend',
})

const DAY_MS = 86_400_000

const POLICIES: readonly ConflictPolicy[] = ['yield', 'defend-once', 'defend']

const LIMITS: Readonly<Record<Exclude<keyof ArpSettings, 'conflictPolicy'>, readonly [number, number]>> = {
  cacheSize: [1, 65536],
  lifetimeMs: [1, 365 * DAY_MS],
  retryMs: [1, DAY_MS],
  tries: [1, 100],
  polls: [1, 100],
  negativeMs: [0, DAY_MS],
  maxWaiters: [1, 65536],
  maxProbes: [1, 65536],
}

/** Fills in the defaults. Throws a RangeError that names what is out of range. */
export function settings(options: ArpOptions): ArpSettings {
  const s = { ...defaults, ...options }
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const value = s[name as keyof typeof LIMITS]
    if (!(Number.isInteger(value) && value >= least && value <= most))
      throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${String(value)}`)
  }
  if (!POLICIES.includes(s.conflictPolicy))
    throw new RangeError(`conflictPolicy must be one of ${POLICIES.join(', ')}, got ${s.conflictPolicy}`)
  if (s.polls * s.retryMs >= s.lifetimeMs)
    throw new RangeError(`lifetimeMs must exceed polls * retryMs (${s.polls * s.retryMs}), got ${s.lifetimeMs}`)
  return s
}
