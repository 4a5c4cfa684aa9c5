import { ACQUISITION_LIMITS, acquisitionDefaults } from './acquisition-options.ts'
import { requireIntegers } from './check.ts'
import { DEFAULT_REQUEST } from './core/v6-client-messages.ts'
import { MAX_DELAY_MS } from './core/v6-exchange.ts'
import { OPTION_V6_CLIENT_ID } from './wire/v6-options.ts'

/** How one DHCPv6 client behaves. */
export interface Dhcpv6ClientOptions {
  /** Own DUID, 3 to 130 bytes. Default: DUID-LL from the MAC (RFC 8415 §11.4). */
  readonly duid?: Uint8Array
  /** Number of the interface among those with that DUID, 32 bits. Default: from the MAC. */
  readonly iaid?: number
  /** Codes of the options to ask for. Default: DNS servers and domain search list (RFC 3646). */
  readonly request?: readonly number[]
  /** Take an address by the exchange of two messages where the server offers that (RFC 8415 §18.2.1). Default true. */
  readonly rapidCommit?: boolean
  /** Longest of the random waits before the first Solicit. Default 1000: SOL_MAX_DELAY. */
  readonly startDelayMs?: number
  /** Servers to choose from, 1..64. Default 16. */
  readonly maxOffers?: number
  /** Leases shorter than this, in seconds, are not taken. Default 10. */
  readonly shortestLeaseSeconds?: number
}

type Derived = 'duid' | 'iaid'

/** Every option with its value, but for what comes from the MAC. */
export type Dhcpv6ClientSettings = Required<Omit<Dhcpv6ClientOptions, Derived>> & Pick<Dhcpv6ClientOptions, Derived>

export const v6ClientDefaults: Dhcpv6ClientSettings = Object.freeze({
  ...acquisitionDefaults,
  request: DEFAULT_REQUEST,
  rapidCommit: true,
  startDelayMs: MAX_DELAY_MS,
})

/** Fills in the defaults. Throws a RangeError that names what is out of range. */
export function v6ClientSettings(options: Dhcpv6ClientOptions): Dhcpv6ClientSettings {
  const s = { ...v6ClientDefaults, ...options }
  requireIntegers<Dhcpv6ClientSettings>(s, ACQUISITION_LIMITS)
  if (s.iaid !== undefined) requireIntegers({ iaid: s.iaid }, { iaid: [0, 0xffffffff] })
  if (s.duid !== undefined) OPTION_V6_CLIENT_ID.encode(s.duid)
  for (const code of s.request) requireIntegers({ request: code }, { request: [1, 65535] })
  if (s.request.length > 64) throw new RangeError(`request must be at most 64 codes, got ${s.request.length}`)
  return s
}
