/** What clients of both versions have alike when they acquire a lease. */
export const acquisitionDefaults = Object.freeze({ maxOffers: 16, shortestLeaseSeconds: 10 })

export const ACQUISITION_LIMITS = {
  startDelayMs: [0, 3_600_000],
  maxOffers: [1, 64],
  shortestLeaseSeconds: [1, 86_400],
} as const
