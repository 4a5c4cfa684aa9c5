/** Drops by reason. A reason appears with its first drop. */
export type DropCounts = Record<string, number>

/** Counters of a device since it was opened, or since `resetNetStats`. Bytes count whole frames. */
export interface NetStats {
  rxFrames: number
  rxBytes: number
  txFrames: number
  txBytes: number
  /** Received, or addressed to this device, and not delivered: `no-listener`, `queue-full`, `too-long`, `too-short`, ... */
  readonly rxDropped: DropCounts
  /** Written and not sent: `queue-full`, `device-error`, ... */
  readonly txDropped: DropCounts
}

/** Counters at zero. */
export function createNetStats(): NetStats {
  return { rxFrames: 0, rxBytes: 0, txFrames: 0, txBytes: 0, rxDropped: {}, txDropped: {} }
}

/** Sets every counter back to zero. */
export function resetNetStats(stats: NetStats): void {
  stats.rxFrames = 0
  stats.rxBytes = 0
  stats.txFrames = 0
  stats.txBytes = 0
  for (const reason of Object.keys(stats.rxDropped)) delete stats.rxDropped[reason]
  for (const reason of Object.keys(stats.txDropped)) delete stats.txDropped[reason]
}

/** Counts one drop. */
export function countDrop(drops: DropCounts, reason: string): void {
  drops[reason] = (drops[reason] ?? 0) + 1
}
