import type { UdpStats } from './types.ts'

/** Counters at zero. */
export function createStats(): UdpStats {
  return { rxDatagrams: 0, rxBytes: 0, txDatagrams: 0, txBytes: 0, dropped: {} }
}

/** One datagram with `bytes` of data was delivered. */
export function countReceived(stats: UdpStats, bytes: number): void {
  stats.rxDatagrams++
  stats.rxBytes += bytes
}

/** One datagram with `bytes` of data was sent. */
export function countSent(stats: UdpStats, bytes: number): void {
  stats.txDatagrams++
  stats.txBytes += bytes
}
