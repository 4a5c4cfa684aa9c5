import type { ArpStats } from './types.ts'
import type { ArpPacket } from './wire.ts'

/** Counters at zero. */
export function createStats(): ArpStats {
  return {
    requestsReceived: 0,
    repliesReceived: 0,
    requestsSent: 0,
    repliesSent: 0,
    probesSent: 0,
    announcementsSent: 0,
    failures: 0,
    conflicts: 0,
    evictions: 0,
    dropped: {},
  }
}

/** Counts what has been sent by what it was. */
export function countSent(stats: ArpStats, { operation, spa, tpa }: ArpPacket): void {
  if (operation === 'reply') stats.repliesSent++
  else if (spa === 0) stats.probesSent++
  else if (spa === tpa) stats.announcementsSent++
  else stats.requestsSent++
}
