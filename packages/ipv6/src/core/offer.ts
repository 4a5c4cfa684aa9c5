import type { Ipv6, Ipv6Prefix } from '@fata/addr'
import { type NewAddress, type OwnAddress, prefixOf, samePrefix } from './addresses.ts'
import type { Host } from './host.ts'

const TWO_HOURS_MS = 2 * 3600_000

/** What a router offers to make addresses of. */
export interface Offer {
  /** Without host bits. */
  readonly prefix: Ipv6Prefix
  readonly preferredUntil: number
  readonly validUntil: number
  readonly router: Ipv6 | undefined
  /** Of the first probe, at most. */
  readonly delay: number
}

/** RFC 4862 §5.5.3 (e): a router that nobody vouches for cannot cut a valid lifetime below two hours. */
export function renewedValidUntil(now: number, until: number, advertisedUntil: number): number {
  if (advertisedUntil - now > TWO_HOURS_MS || advertisedUntil > until) return advertisedUntil
  return Math.min(until, now + TWO_HOURS_MS)
}

/** The autoconfigured address in `prefix` that stays. */
export function stableIn(host: Host, prefix: Ipv6Prefix): OwnAddress | undefined {
  return host.addresses.list.find((a) => a.origin === 'autoconfigured' && samePrefix(prefixOf(a), prefix))
}

/** Has an address tried, after a random delay or at once: RFC 4429 §3.3 wants the router's link-layer address to be known for that. */
export function tryAddress(host: Host, now: number, { delay, router }: Offer, address: NewAddress): void {
  const isOptimistic =
    host.settings.optimisticDad && router !== undefined && host.neighbors.get(router)?.mac !== undefined
  const random = isOptimistic ? 0 : (delay * host.random.uint32()) / 0x1_0000_0000
  host.addresses.add(now, address, now + random, isOptimistic)
}
