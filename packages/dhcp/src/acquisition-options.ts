/** Options that clients of both versions have. */
interface AcquisitionOptions {
  readonly maxOffers: number
  readonly shortestLeaseSeconds: number
}

export const acquisitionDefaults: AcquisitionOptions = Object.freeze({ maxOffers: 16, shortestLeaseSeconds: 10 })

/** Least and greatest value of what they have alike. */
export const ACQUISITION_LIMITS = {
  startDelayMs: [0, 3_600_000],
  maxOffers: [1, 64],
  shortestLeaseSeconds: [1, 86_400],
} as const
