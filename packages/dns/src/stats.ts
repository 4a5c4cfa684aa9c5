import type { ResolverStats } from './types.ts'

export function createStats(): ResolverStats {
  return { udpQueries: 0, tcpQueries: 0, answers: 0, cacheHits: 0, evictions: 0, timeouts: 0, dropped: {} }
}

export function countDrop(stats: ResolverStats, reason: string): void {
  stats.dropped[reason] = (stats.dropped[reason] ?? 0) + 1
}
